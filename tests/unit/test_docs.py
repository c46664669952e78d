# SPDX-License-Identifier: GPL-3.0-or-later
"""What README, CONTRIBUTING and docs/ name exists: files, links, headings, make targets, tags and variables."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.tests.unit.test_house import FLOORS

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "MAINTAINERS.md",
    "SECURITY.md",
    *sorted(f"docs/{path.name}" for path in ROOT.glob("docs/*.md")),
)
#: Pages in other folders: their links are checked.
OTHERS = tuple(
    str(path.relative_to(ROOT))
    for pattern in ("files/*/README.md", "files/*/*/README.md", "roles/*/README.md", "tests/*/*/README.md")
    for path in sorted(ROOT.glob(pattern))
)
#: The changelog may name what is gone.
PRESENT = tuple(page for page in PAGES if page != "CHANGELOG.md")
FOLDERS = (
    "changelogs",
    "docs",
    "files",
    "inventory",
    "playbooks",
    "plugins",
    "requirements",
    "roles",
    "tests",
    "tools",
)
#: A path that begins with a folder of the project, or with a room's folder in module_utils.
PATH = re.compile(rf"(?<![\w./<>-])((?:{'|'.join(FOLDERS)}|module_utils)/[\w./*<>{{}},-]*)")
#: A file by its name alone, in a code span.
FILE = re.compile(r"`([\w-]+\.(?:py|sh|yml|json|toml|cfg|css|js|html|md))`")
#: Files that the lab writes, or a reader's own.
WRITTEN = {
    "class.html",
    "class.json",
    "class.md",
    "comparison.html",
    "comparison.json",
    "comparison.md",
    "report.html",
    "report.json",
    "report.md",
    "my-profile.yml",
}
LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")
MAKE = re.compile(r"\bmake ((?:[A-Z]+=\S+ )*)([a-z]+(?:-[a-z]+)*)((?: [A-Z]+=[^\s`]*)*)")
TAGS = re.compile(r"--tags ([a-z_,]+)")


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def code(text: str) -> str:
    """What stands in code spans and code blocks, each on lines of its own."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    indented = re.findall(r"^    .*", rest, re.MULTILINE)
    spans = re.findall(r"(`+)(.+?)\1", rest, re.DOTALL)
    return "\n".join([*blocks, *indented, *(span for _ticks, span in spans)])


@cache
def names() -> frozenset[str]:
    """Files and folders of the project by their path; neither caches nor links to other places."""
    found = set()
    for top in (*FOLDERS, "extensions", "meta", ".ci"):
        found |= {str(path.relative_to(ROOT)) for path in (ROOT / top).rglob("*") if "__pycache__" not in path.parts}
        found.add(top)
    return frozenset(found | {path.name for path in ROOT.iterdir() if path.is_file()})


def alternatives(path: str) -> list[str]:
    """``a/{b,c}`` as ``a/b`` and ``a/c``."""
    found = re.match(r"(.*?)\{([^{}]*)\}(.*)", path)
    if not found:
        return [path]
    return [one for part in found[2].split(",") for one in alternatives(found[1] + part + found[3])]


def is_there(path: str) -> bool:
    """Whether the project has a file or folder; ``<name>``, ``NAME`` and ``*`` stand for any."""
    if path.startswith("module_utils/"):
        path = f"plugins/{path}"
    pattern = re.sub(r"<[^>]*>|NAME", "*", path).rstrip("/")
    return any(fnmatch(name, pattern) for name in names())


def missing_paths(text: str) -> list[str]:
    """Paths of the project, and names of files in code spans, that do not exist."""
    # A link's target is relative to its page, and checked with the links.
    text = LINK.sub("", text)
    paths = [one for path in PATH.findall(text) for one in alternatives(path.rstrip(".,:"))]
    wrong = [path for path in paths if not path.startswith("tests/output/") and not is_there(path)]
    files = {name.rpartition("/")[2] for name in names()}
    return wrong + [name for name in FILE.findall(text) if name not in files | WRITTEN]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    fenced = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    for heading in re.findall(r"^#+ (.+)$", fenced, re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 0
        while (f"{anchor}-{number}" if number else anchor) in found:
            number += 1
        found.add(f"{anchor}-{number}" if number else anchor)
    return found


def broken_links(page: str, text: str) -> Iterator[str]:
    """Links of a page to a file or a heading that does not exist."""
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _hash, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        there = file.exists()
        if there and anchor:
            there = anchor in anchors(file.read_text(encoding="utf-8") if path else text)
        if not there:
            yield target


def wrong_make(text: str, makefile: str) -> list[str]:
    """Targets and options of make that the Makefile does not have."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    options = set(re.findall(r"\$[({](?:\w+ )?([A-Z]+)\b", makefile)) | set(
        re.findall(r"^([A-Z]+) :?=", makefile, re.M)
    )
    wrong = []
    for before, target, after in MAKE.findall(code(text)):
        given = re.findall(r"([A-Z]+)=", before + after)
        wrong += [f"make {target}"] * (target not in targets) + [name for name in given if name not in options]
    return wrong


def tags() -> set[str]:
    """The tags of the lab's playbook."""
    found = re.findall(r"tags: \[([^\]]*)\]", text_of("playbooks/lab.yml"))
    return {tag.strip() for line in found for tag in line.split(",")} - {"never", "always"}


def table(text: str, heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, without its head; cells as they are written."""
    body = text.partition(f"\n{heading}\n")[2]
    lines = re.search(r"(?:^\|.*\n)+", body, re.MULTILINE)
    assert lines, f"no table below {heading}"
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[0].splitlines()[2:]]


@cache
def said() -> str:
    """What the collection can say: the texts of its programs, and its roles."""
    found = [" ".join(text_of("tools/setup.sh").split())]
    found += [" ".join(path.read_text(encoding="utf-8").split()) for path in sorted(ROOT.glob("roles/**/*.yml"))]
    for path in sorted(ROOT.glob("plugins/**/*.py")):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        found += [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return "\n".join(found)


def unsaid(message: str) -> bool:
    """Whether nothing says a message that a page quotes; ``…`` and numbers in it stand for what varies."""
    parts = [part.strip() for part in re.split(r"…|[0-9]+", message)]
    return not any(len(part) >= 6 and part in said() for part in parts)


@cache
def defaults() -> dict[str, object]:
    """The roles' variables with their defaults."""
    found: dict[str, object] = {}
    for path in sorted(ROOT.glob("roles/*/defaults/main.yml")):
        found |= yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return found


@pytest.mark.parametrize("page", PRESENT)
def test_files_that_a_page_names_exist(page: str) -> None:
    assert missing_paths(text_of(page)) == []


@pytest.mark.parametrize("page", PAGES + OTHERS)
def test_links_lead_to_files_and_headings(page: str) -> None:
    assert list(broken_links(page, text_of(page))) == []


@pytest.mark.parametrize("page", PRESENT)
def test_make_has_what_a_page_names(page: str) -> None:
    assert wrong_make(text_of(page), text_of("Makefile")) == []


@pytest.mark.parametrize("page", PRESENT)
def test_tags_that_a_page_names_are_the_playbooks(page: str) -> None:
    named = {tag for group in TAGS.findall(text_of(page)) for tag in group.split(",") if tag}
    assert named - tags() == set()


def test_the_constants_to_change_are_in_the_files_named_beside_them() -> None:
    checked = 0
    for row in re.findall(r"^\| `.*", text_of("CONTRIBUTING.md"), re.MULTILINE):
        files, what = row.split("|")[1:3]
        sources = [ROOT / path for path in PATH.findall(files) if "NAME" not in path]
        for constant in re.findall(r"`([A-Z_]{3,})`", what) if sources else ():
            checked += 1
            assert any(constant in source.read_text(encoding="utf-8") for source in sources), row
    assert checked


def test_the_readme_lists_every_tag() -> None:
    listed = [row[0].strip("`") for row in table(text_of("README.md"), "## Use cases") if row[0].startswith("`")]
    assert sorted(listed) == sorted(tags())


def test_variables_in_docs_have_the_defaults_of_their_roles() -> None:
    rows = table(text_of("docs/settings.md"), "## Variables")
    assert len(rows) > 15
    for cell, default, _meaning in rows:
        variables = re.findall(r"`(\w+)`", cell)
        assert variables
        for name in variables:
            assert name in defaults()
            written = re.fullmatch(r"`([^`]*)`", default)
            value = defaults()[name]
            if written and "{{" not in str(value):
                assert yaml.safe_load(written[1]) == value, name


def test_messages_in_troubleshooting_are_ones_that_are_said() -> None:
    quoted = re.findall(r"`([^`]+)`", "\n".join(re.findall(r"^\| (.*?) \|", text_of("docs/troubleshooting.md"), re.M)))
    assert len(quoted) > 10
    assert [message for message in quoted if unsaid(message)] == []
    assert unsaid("… went away for 5 s")


def test_the_picture_of_the_house_is_the_one_that_imports_are_held_to() -> None:
    text = text_of("docs/architecture.md")
    picture = text.partition("\n## The house\n")[2].partition("    plugins/modules")
    drawn = [
        line.split("  the rest")[0].split() for line in (picture[1] + picture[2]).partition("\n\n")[0].splitlines()
    ]
    rooms = [set(line) for line in drawn if line and line[0] not in "|v"]
    assert rooms == [set(floor) for floor in FLOORS]
    headings = " ".join(re.findall(r"^### (.+)$", text, re.MULTILINE))
    for room in (room for floor in FLOORS for room in floor):
        assert re.search(rf"(?<![\w/]){room}(?![\w/])", headings), f"no paragraph about {room}"


def test_the_readme_is_short_and_its_picture_small() -> None:
    assert len(text_of("README.md").splitlines()) <= 150
    assert (ROOT / "docs" / "images" / "report.png").stat().st_size < 200_000


def test_what_does_not_exist_is_found() -> None:
    text = (
        "See `plugins/module_utils/gone.py`, `roles/<role>/tasks/`, `gone.yml` and `plugins/modules/{lab_run,gone}.py`."
    )
    assert missing_paths(text) == ["plugins/module_utils/gone.py", "plugins/modules/gone.py", "gone.yml"]
    links = "[a](docs/gone.md) [b](docs/results.md#gone) [c](docs/results.md#stage-file) [d](https://x.org) [e](#gone)"
    assert list(broken_links("README.md", links)) == ["docs/gone.md", "docs/results.md#gone", "#gone"]
    assert wrong_make("`make gone`, `make lab GONE=1 WINDOW=5s`, make peace\n", text_of("Makefile")) == [
        "make gone",
        "GONE",
    ]
