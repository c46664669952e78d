# SPDX-License-Identifier: GPL-3.0-or-later
"""The changelog that Galaxy reads (changelogs/changelog.yaml), made of the one that people read (CHANGELOG.md).

tools/changelog.py    check that CHANGELOG.md can be released as it is, and that released versions are the same in both

Developers write into the topmost section of CHANGELOG.md and nowhere else. tools/release.py makes an entry of it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from project import ROOT, publishing_environment

PAGE = ROOT / "CHANGELOG.md"
DATA = ROOT / "changelogs" / "changelog.yaml"
#: The headings below a version, and what antsibull-changelog calls such a section.
SECTIONS = {
    "Added": "minor_changes",
    "Changed": "minor_changes",
    "Deprecated": "deprecated_features",
    "Fixed": "bugfixes",
    "Removed": "removed_features",
    "Renamed": "breaking_changes",
    "Security": "security_fixes",
}
#: How the section of the next release is called until then.
UNRELEASED = "Unreleased"
RELEASED = re.compile(r"^(\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)$")
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`]+)`")


class Wrong(Exception):
    """What is wrong with CHANGELOG.md, with the line."""


@dataclass
class Version:
    """A version's part of CHANGELOG.md. changes: entries in Markdown, by section of antsibull-changelog."""

    heading: str
    changes: dict[str, list[str]]

    @property
    def released(self) -> tuple[str, str] | None:
        """Number and day of a version that was released."""
        found = RELEASED.match(self.heading)
        return (found[1], found[2]) if found else None


def read(text: str) -> list[Version]:
    """The versions of a changelog in Markdown, in its order. Raises Wrong."""
    versions: list[Version] = []
    entries: list[str] | None = None
    # head of a table, its rule, its rows
    rows = 0
    for number, line in enumerate(text.splitlines(), start=1):
        rows = rows + 1 if line.startswith("|") else 0
        if line.startswith("## "):
            versions.append(Version(line.removeprefix("## "), {}))
            entries = None
        elif line.startswith("### "):
            section = SECTIONS.get(line.removeprefix("### "))
            if section is None or not versions:
                raise Wrong(f"CHANGELOG.md:{number}: {line!r} is none of the sections {', '.join(SECTIONS)}")
            entries = versions[-1].changes.setdefault(section, [])
        elif entries is not None and line.startswith("- "):
            entries.append(line.removeprefix("- "))
        elif entries and line.startswith("  "):
            entries[-1] += " " + line.strip()
        elif entries is not None and rows:
            if rows > 2:
                before, now = (cell.strip() for cell in line.strip("|").split("|"))
                entries.append(f"{before} is now {now}.")
        elif line and versions:
            raise Wrong(f"CHANGELOG.md:{number}: {line!r} is neither an entry (- …) nor part of one")
    return versions


def plain(text: str) -> str:
    """Text without markup, for reStructuredText."""
    return re.sub(r"([\\*|`])|(?<=\w)(_)(?!\w)", lambda found: f"\\{found[0]}", text)


def restructured(markdown: str, repository: str) -> str:
    """An entry in reStructuredText, as antsibull-changelog wants it. Links lead to the repository."""

    def parts() -> Iterator[str]:
        rest = 0
        for found in re.finditer(f"{LINK.pattern}|{CODE.pattern}", markdown):
            yield plain(markdown[rest : found.start()])
            rest = found.end()
            label, target, code = found.groups()
            if code is not None:
                yield f"``{code}``"
            else:
                url = target if re.match(r"[a-z]+:", target) else f"{repository}/blob/main/{target}"
                yield f"`{label.replace('`', '')} <{url}>`__"
        yield plain(markdown[rest:])

    return "".join(parts())


def changes(version: Version) -> dict[str, list[str]]:
    """A version's changes as in changelog.yaml."""
    repository = yaml.safe_load((ROOT / "galaxy.yml").read_text())["repository"]
    return {
        section: [restructured(entry, repository) for entry in entries]
        for section, entries in sorted(version.changes.items())
        if entries
    }


def release(versions: list[Version], data: dict[str, Any]) -> dict[str, Any]:
    """The data of changelog.yaml with an entry for each released version."""
    releases = {
        released[0]: {"changes": changes(version), "release_date": released[1]}
        for version in versions
        if (released := version.released)
    }
    return {**data, "releases": dict(sorted(releases.items()))}


def written(data: dict[str, Any]) -> str:
    """The text of changelog.yaml."""
    text = yaml.safe_dump(data, allow_unicode=True, width=110, sort_keys=True)
    return f"# SPDX-License-Identifier: GPL-3.0-or-later\n---\n{text}"


def lint(pending: Version, data: str) -> int:
    """Let antsibull-changelog judge the next release's entries and the file; its exit code."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        fragments = place / "changelogs" / "fragments"
        fragments.mkdir(parents=True)
        for name in ("galaxy.yml", "changelogs/config.yaml"):
            (place / name).write_text((ROOT / name).read_text())
        (place / "changelogs" / "changelog.yaml").write_text(data)
        (fragments / "next.yml").write_text(yaml.safe_dump(changes(pending), allow_unicode=True))
        codes = [
            subprocess.run(
                ["antsibull-changelog", *command], cwd=place, env=publishing_environment(), check=False
            ).returncode
            for command in (["lint"], ["lint-changelog-yaml", "changelogs/changelog.yaml"])
        ]
    return max(codes)


def main() -> int:
    try:
        versions = read(PAGE.read_text(encoding="utf-8"))
    except Wrong as wrong:
        print(wrong)
        return 1
    data = DATA.read_text(encoding="utf-8")
    if written(release(versions, yaml.safe_load(data))) != data:
        print("changelogs/changelog.yaml does not have the released versions of CHANGELOG.md: run tools/release.py.")
        return 1
    if lint(versions[0], data):
        return 1
    entries = sum(len(found) for version in versions for found in version.changes.values())
    print(f"{entries} entries in {len(versions)} versions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
