# SPDX-License-Identifier: GPL-3.0-or-later
"""The arrows of the house: code imports from lower floors, never from higher ones.

docs/architecture.md describes the rooms. A room on the same floor is another room, and not imported from either.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = "ansible_collections.temporal_lab.benchmarking"
GROUND = "ground"
#: Rooms from the top floor down. A room of plugins/module_utils is named by its folder, others by their path; files
#: that stand in plugins/module_utils itself are the ground.
FLOORS = (
    ("plugins/action", "plugins/modules", "plugins/callback", "plugins/filter", "plugins/inventory", "plugins/lookup"),
    ("plugins/plugin_utils",),
    ("stages",),
    ("grafana", "students", "report"),
    ("answers",),
    ("prometheus",),
    ("results",),
    ("noise",),
    ("cluster", "node"),
    ("http",),
    (GROUND,),
)
FLOOR = {room: len(FLOORS) - number for number, rooms in enumerate(FLOORS) for room in rooms}
UTILS = "plugins/module_utils/"


def room(path: str) -> str | None:
    """The room that a file is in by its path from the root, None for one outside the house."""
    if not path.startswith("plugins/"):
        return None
    folder = path.removeprefix(UTILS).rpartition("/")[0] if path.startswith(UTILS) else path.rpartition("/")[0]
    return folder.partition("/")[0] if path.startswith(UTILS) and folder else folder or GROUND


def file_of(dotted: str, files: Mapping[str, str]) -> str | None:
    """The file of a module or of a name in it."""
    for name in (dotted, dotted.rpartition(".")[0]):
        path = name.replace(".", "/") + ".py"
        if path in files:
            return path
    return None


def imported(path: str, files: Mapping[str, str]) -> Iterator[str]:
    """The files of the collection that a file imports, also inside its functions."""
    package = path.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(ast.parse(files[path])):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            found = file_of(name.removeprefix(f"{COLLECTION}."), files)
            if found:
                yield found


def arrows_up(files: Mapping[str, str]) -> list[str]:
    """Imports that do not go down, as ``importer -> imported``. files: source texts by path from the root."""
    wrong = []
    for path in files:
        here = room(path)
        if here is None:
            continue
        for target in imported(path, files):
            there = room(target)
            if there is not None and there != here and FLOOR[there] >= FLOOR[here]:
                wrong.append(f"{path} -> {target}")
    return sorted(set(wrong))


def sources() -> dict[str, str]:
    return {str(path.relative_to(ROOT)): path.read_text() for path in sorted((ROOT / "plugins").rglob("*.py"))}


def test_arrows_go_down() -> None:
    files = sources()
    assert len(files) > 100
    assert {room(path) for path in files} <= {*FLOOR, "plugins/doc_fragments"}
    assert arrows_up(files) == []


def test_an_arrow_up_is_named_with_both_files() -> None:
    files = sources() | {
        f"{UTILS}results/planted.py": "from ..prometheus.growth import growth\n",
        f"{UTILS}report/planted.py": "def late():\n    from ..grafana import client\n",
        f"{UTILS}planted.py": f"import {COLLECTION}.plugins.module_utils.cluster.cluster\n",
    }
    planted = [arrow for arrow in arrows_up(files) if "planted" in arrow]
    assert planted == [
        f"{UTILS}planted.py -> {UTILS}cluster/cluster.py",
        f"{UTILS}report/planted.py -> {UTILS}grafana/client.py",
        f"{UTILS}results/planted.py -> {UTILS}prometheus/growth.py",
    ]
