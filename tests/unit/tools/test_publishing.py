# SPDX-License-Identifier: GPL-3.0-or-later
"""What Galaxy's importer says is judged: a warning, and a step that was left out, are complaints."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

import check_importer

#: What it says of a collection that it takes.
CLEAN = """\
Importing with galaxy-importer 0.4.44
Getting doc strings via ansible-doc
Loading role node
Linting collection via ansible-lint 26.10.1...
...ansible-lint run complete
WARNING: Ignore files skip ansible-test sanity tests, found ignore-2.19.txt with 11 statement(s)
Importer processing completed successfully
"""


def test_a_clean_import_has_no_complaints() -> None:
    assert check_importer.complaints(CLEAN) == []


@pytest.mark.parametrize(
    "said",
    [
        "WARNING: roles/node/tasks/main.yml:10: name[missing][/]: All tasks should be named.",
        "ERROR: Timeout on call to ansible-lint",
        "WARNING: ansible-lint not found, skipping lint of collection",
        "CRITICAL:root:Unsupported configuration file extension for /dev/null:",
    ],
)
def test_what_it_warns_of_is_a_complaint(said: str) -> None:
    assert check_importer.complaints(f"{said}\n{CLEAN}") == [said]


@pytest.mark.parametrize("step", check_importer.DONE)
def test_a_step_that_was_left_out_is_a_complaint(step: str) -> None:
    kept = "\n".join(line for line in CLEAN.splitlines() if step not in line)
    assert check_importer.complaints(kept) == [f"the importer did not say: {step}"]
