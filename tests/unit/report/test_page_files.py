# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that pages are made from: each opens by itself, and a page has them whole and needs nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import page_files
from ansible_collections.temporal_lab.benchmarking.tests.unit.report.test_run_page import Page
from jinja2 import Environment

PAGES = ("report.html", "class.html", "comparison.html")
FILES = sorted(path.name for path in page_files.FOLDER.iterdir())
TEMPLATES = [name for name in FILES if name.endswith(".html")]
LINKED = [name for name in FILES if name.endswith((".css", ".js"))]
#: What Jinja2 takes out of a template.
JINJA = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of a test's own in the place of files/report."""
    monkeypatch.setattr(page_files, "FOLDER", tmp_path)
    page_files.environment.cache_clear()
    yield tmp_path
    page_files.environment.cache_clear()


def source(name: str) -> str:
    return (page_files.FOLDER / name).read_text(encoding="utf-8")


def test_each_file_is_of_a_known_kind() -> None:
    assert sorted([*TEMPLATES, *LINKED]) == FILES
    assert set(PAGES) <= set(TEMPLATES)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_html_that_jinja_can_parse(name: str) -> None:
    Environment(autoescape=True).parse(source(name))
    assert Page(JINJA.sub("", source(name))).faults == []


@pytest.mark.parametrize("name", LINKED)
def test_braces_are_balanced(name: str) -> None:
    text = source(name)
    assert text.count("{") == text.count("}")
    assert text.count("/*") == text.count("*/")


@pytest.mark.parametrize("name", FILES)
def test_nothing_points_to_a_network(name: str) -> None:
    assert not re.search(r"//[\w.-]+/|://|@import|url\((?!#)|\b(?:fetch|XMLHttpRequest|WebSocket)\b", source(name))


def test_every_file_is_used() -> None:
    used = set(PAGES)
    for name in TEMPLATES:
        used.update(re.findall(r'(?:href|src)="([\w-]+\.\w+)"', source(name)))
        used.update(re.findall(r'{%-? from "([\w-]+\.html)"', source(name)))
    assert sorted(used) == FILES


@pytest.mark.parametrize("name", PAGES)
def test_linked_files_stand_whole_in_the_template_that_is_rendered(name: str) -> None:
    links = re.findall(r'(?:href|src)="([\w-]+\.(?:css|js))"', source(name))
    assert links
    text = page_files.template_text(name)
    assert re.findall(r'text_of\("([\w-]+\.\w+)"\)', text) == links
    assert "<link" not in text
    assert "src=" not in text


def test_a_page_has_linked_files_whole(folder: Path) -> None:
    style, script = "a { b: c } /* {{ {% */\n", "const a = {{b: 1}}; // {# {% <&>\n"
    (folder / "look.css").write_text(f"/* SPDX-License-Identifier: GPL-3.0-or-later */\n{style}")
    (folder / "do.js").write_text(f"/* SPDX-License-Identifier: GPL-3.0-or-later */\n{script}")
    (folder / "a.html").write_text(
        "<!-- SPDX-License-Identifier: GPL-3.0-or-later -->\n<!DOCTYPE html>\n"
        '<link rel="stylesheet" href="look.css">\n<script src="do.js"></script>\n<p>{{ text }}</p>\n'
    )
    assert page_files.render_page("a.html", text='<script src="do.js"></script>') == (
        f"<!DOCTYPE html>\n<style>\n{style}</style>\n<script>\n{script}</script>\n"
        "<p>&lt;script src=&#34;do.js&#34;&gt;&lt;/script&gt;</p>\n"
    )


def test_no_file_ends_the_element_that_it_stands_in() -> None:
    for name in LINKED:
        assert not re.search(r"</(?:style|script)|<!--", source(name), re.IGNORECASE)


def test_a_file_that_is_missing_is_named(folder: Path) -> None:
    (folder / "a.html").write_text('<link rel="stylesheet" href="gone.css">')
    for name, missing in (("a.html", "gone.css"), ("b.html", "b.html")):
        with pytest.raises(LabError, match=re.escape(str(folder / missing))):
            page_files.render_page(name)
