# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that source files name their licence, and no file names this machine or a registry's host."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from project import ROOT, files

LICENCE = "SPDX-License-Identifier: GPL-3.0-or-later"
SOURCES = {".cfg", ".css", ".go", ".html", ".in", ".j2", ".js", ".mod", ".py", ".sh", ".toml", ".tpl", ".yaml", ".yml"}
SOURCE_NAMES = {"Makefile", "run", ".ansible-lint"}
#: Made by the project or for its tests: data, not source.
DATA = Path("tests/fixtures")
#: Registries are chosen by the machine's own settings of pip, Go and apt.
REGISTRY = re.compile(
    r"https?://[\w.-]*\b(pypi|pythonhosted|goproxy|proxy\.golang|npmjs|crates|maven|artifactory|nexus|mirrors?"
    r"|registry|deb\.debian)\b[\w.-]*",
    re.IGNORECASE,
)


def problems(name: Path, text: str, machine: re.Pattern[str]) -> Iterator[str]:
    """Yield a line for each thing that is wrong with a file."""
    is_source = (name.suffix in SOURCES or name.name in SOURCE_NAMES) and DATA not in name.parents
    if is_source and not any(LICENCE in line for line in text.splitlines()[:5]):
        yield f"{name}: none of the first five lines has {LICENCE}"
    for number, line in enumerate(text.splitlines(), start=1):
        for found in (machine.search(line), REGISTRY.search(line)):
            if found:
                yield f"{name}:{number}: names {found[0]}"


def main() -> int:
    # /root and the like are fine as words; a path below them is this machine's
    places = [place for place in (str(ROOT), str(Path.home())) if place != "/"]
    machine = re.compile("|".join(f"(?<![\\w.]){re.escape(place)}/[\\w.]" for place in places))
    found: list[str] = []
    checked = 0
    for name in files():
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        checked += 1
        found += problems(name, text, machine)
    print(*found, sep="\n")
    print(f"{checked} files, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
