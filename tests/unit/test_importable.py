# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as Ansible loads it: all its Python can be imported by its full name, and its plugins are found.

The check `units` runs this with ansible-test as well, whose import of the collection is its own.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import ROOT

PACKAGE = "ansible_collections.temporal_lab.benchmarking"


def names(kind: str) -> list[str]:
    """The modules of a folder of plugins, with dots."""
    found = sorted((ROOT / "plugins" / kind).rglob("*.py"))
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in found if path.name != "__init__.py"]


def test_everything_is_imported_by_its_full_name() -> None:
    kinds = [path.name for path in (ROOT / "plugins").iterdir() if path.is_dir()]
    everything = [name for kind in kinds for name in names(kind)]
    assert len(everything) > 100
    for name in everything:
        module = importlib.import_module(f"{PACKAGE}.{name}")
        assert Path(str(module.__file__)).resolve() == (ROOT / name.replace(".", "/")).with_suffix(".py").resolve()


def test_each_action_has_the_module_that_documents_it() -> None:
    assert names("action")
    for name in names("action"):
        assert hasattr(importlib.import_module(f"{PACKAGE}.{name}"), "ActionModule")
        documented = importlib.import_module(f"{PACKAGE}.{name.replace('.action.', '.modules.')}")
        assert documented.DOCUMENTATION
