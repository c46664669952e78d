# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the folder of a part that was built for the embedded node: tools/built.py NAME"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from project import ROOT

sys.path.insert(0, str(ROOT / "tests"))
importlib.import_module("conftest")  # makes the collection importable
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node import builds
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node.go import find_go
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node.layout import cache_home
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node.parts import parts


def folder(name: str) -> Path:
    """Where the part is; ends the program when it was not built."""
    workshop = builds.Workshop(cache_home(), ROOT / "files", *find_go())
    folders = builds.part_folders(parts(), workshop)
    if name not in folders:
        sys.exit(f"there is no part {name}; there are {', '.join(folders)}")
    if not folders[name].is_dir():
        sys.exit(f"{name} was not built yet: run make node-up")
    return folders[name]


if __name__ == "__main__":
    print(folder(sys.argv[1]))
