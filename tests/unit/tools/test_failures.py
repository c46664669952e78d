# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a check that failed when only a run's end can be seen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

import failures

TESTS = """
import pytest


def helper(value):
    assert value == {"x": 1}, "why it was"


def test_helped():
    helper({"x": 2})


@pytest.mark.parametrize("value", ["a b", "c - d"])
def test_with_values(value):
    assert value == "z"


class TestGroup:
    @pytest.fixture
    def broken(self):
        raise ValueError("no fixture")

    def test_in_a_group(self, broken):
        pass


def test_that_passes():
    pass
"""
REASONS = [
    "FAILED test_it.py::test_helped",
    "  test_it.py:6: AssertionError",
    """  >       assert value == {"x": 1}, "why it was\"""",
    "  E       AssertionError: why it was",
    "  E       assert {'x': 2} == {'x': 1}",
]
#: What Ansible prints around the output of a command that failed.
AROUND = """
TASK [Run the scenario's tests] ****
[ERROR]: Task failed: Module failed: non-zero return code
fatal: [localhost]: FAILED! =>
    rc: 1
    stdout: |-
{}
    stdout_lines: <omitted>

PLAY RECAP ****
localhost : ok=0 failed=1
"""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest prints of tests that fail."""
    folder = tmp_path_factory.mktemp("tests")
    (folder / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", "/dev/null", "test_it.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def test_each_test_is_named_with_its_assertion(output: str) -> None:
    found = failures.reasons(output)
    assert found[:5] == REASONS
    named = [line for line in found if not line.startswith(" ")]
    assert named == [
        "FAILED test_it.py::test_helped",
        "FAILED test_it.py::test_with_values[a b]",
        "FAILED test_it.py::test_with_values[c - d]",
        "FAILED test_it.py::TestGroup::test_in_a_group",
    ]
    assert "  E       AssertionError: assert 'c - d' == 'z'" in found
    assert found[-1] == "  E       ValueError: no fixture"
    assert "test_that_passes" not in "".join(found)


def test_so_it_is_where_ansible_quotes_it(output: str) -> None:
    quoted = AROUND.format("\n".join(f"        {line}".rstrip() for line in output.splitlines()))
    assert failures.reasons(quoted) == failures.reasons(output)


def test_many_share_the_lines() -> None:
    some = "\n".join(f"FAILED a/test_a.py::test_{number} - assert {number} == 0" for number in range(8))
    found = failures.reasons(some)
    assert found[:2] == ["FAILED a/test_a.py::test_0", "  assert 0 == 0"]
    assert len(found) == 16
    many = "\n".join(f"FAILED a/test_a.py::test_{number}" for number in range(100))
    found = failures.reasons(many)
    assert (len(found), found[-2:]) == (40, ["FAILED a/test_a.py::test_38", "and 61 more"])


def test_of_a_playbook_it_is_the_task() -> None:
    told = """
TASK [Try] ****
fatal: [localhost]: FAILED! =>
    msg: first
...ignoring

TASK [Install the release] ****
fatal: [student-01]: FAILED! =>
    changed: false

    msg: helm is not there

TASK [Clean up] ****
changed: [student-01]
PLAY RECAP ****
"""
    assert failures.reasons(told) == [
        "TASK [Install the release] ****",
        "fatal: [student-01]: FAILED! =>",
        "    changed: false",
        "    msg: helm is not there",
    ]


def test_of_anything_else_it_is_the_end() -> None:
    found = failures.reasons("".join(f"{number}\n\n" for number in range(100)) + "x" * 1000)
    assert found == [*map(str, range(86, 100)), "x" * 200]
    assert failures.reasons("") == []
