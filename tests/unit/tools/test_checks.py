# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks' runner: a check that fails, or checks nothing, never looks like a pass."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

import check
import check_sources

GOOD = check.Check("good", [["echo", "7 files"]], check.said(r"(\d+ files)"))
BAD = check.Check("bad", [["sh", "-c", "echo 3 files; echo why it failed; exit 4"]], check.said(r"(\d+ files)"))
SILENT = check.Check("silent", [["true", "7 files"]], check.said(r"(\d+ files)"))
LATE_FAILURE = check.Check("late", [["false"], ["echo", "7 files"]], check.said(r"(\d+ files)"))


@pytest.fixture
def run_checks(tmp_path, monkeypatch, capsys):
    """Give a function that runs checks in place of the project's: its result is the exit code and what was shown."""
    monkeypatch.setattr(check, "ROOT", tmp_path)
    monkeypatch.setattr(check, "OUTPUT", tmp_path / "output")
    monkeypatch.setenv(check.CHART, str(tmp_path))

    def run(*checks: check.Check, names: tuple[str, ...] = ()) -> tuple[int, str]:
        monkeypatch.setattr(check, "all_checks", lambda: list(checks))
        code = check.main(names)
        return code, capsys.readouterr().out

    return run


def test_all_passed(run_checks):
    code, shown = run_checks(GOOD)
    assert code == 0
    assert re.search(r"^good +passed +7 files", shown, re.MULTILINE)
    assert shown.endswith("\n1 passed, 0 failed\n")


@pytest.mark.parametrize(
    ("failing", "reason"),
    [
        (BAD, "why it failed"),
        (SILENT, "did not say that it checked anything"),
        (LATE_FAILURE, "7 files"),
    ],
)
def test_one_failed(run_checks, failing, reason):
    code, shown = run_checks(failing, GOOD)
    assert code == 1
    assert reason in shown
    assert re.search(rf"^{failing.name} +FAILED", shown, re.MULTILINE)
    assert re.search(r"^good +passed", shown, re.MULTILINE)
    assert shown.endswith("\n1 passed, 1 failed\n")


def test_why_checks_failed_is_said_right_above_the_table(run_checks):
    _code, shown = run_checks(BAD, GOOD, LATE_FAILURE)
    end = shown[shown.index("\nbad failed:") :].splitlines()
    table = next(index for index, line in enumerate(end) if line.startswith("check "))
    assert end[1:table] == [
        "bad failed:",
        "$ sh -c echo 3 files; echo why it failed; exit 4",
        "3 files",
        "why it failed",
        "(all of it: output/bad.log)",
        "",
        "late failed:",
        "$ false",
        "$ echo 7 files",
        "7 files",
        "(all of it: output/late.log)",
        "",
    ]
    assert "failed:" not in run_checks(GOOD)[1]


def test_a_check_that_takes_too_long_is_stopped(run_checks, monkeypatch):
    monkeypatch.setattr(check, "PATIENCE", 0.1)
    endless = check.Check("endless", [["sh", "-c", "echo 1 files; sleep 3000"]], check.said(r"(\d+ files)"), limit=0)
    code, shown = run_checks(endless)
    assert code == 1
    assert "more than its limit of 0 s" in shown


def test_the_time_of_the_last_pass_is_shown(run_checks):
    run_checks(GOOD)
    _code, shown = run_checks(GOOD)
    assert re.search(r"^good +passed +7 files +\d+ +\d+ +\d+$", shown, re.MULTILINE)


def test_names_choose_checks_and_groups_of_them(run_checks):
    scenario = check.Check("molecule:lab", GOOD.commands, GOOD.count)
    assert run_checks(GOOD, BAD, scenario, names=("good", "molecule"))[1].endswith("\n2 passed, 0 failed\n")
    with pytest.raises(SystemExit, match="no check gud; there are good, bad"):
        run_checks(GOOD, BAD, names=("gud",))


def test_what_cannot_be_run_is_no_pass(run_checks, monkeypatch):
    monkeypatch.delenv(check.CHART)
    scenario = check.Check("molecule:lab", GOOD.commands, GOOD.count)
    code, shown = run_checks(scenario, names=("molecule",))
    assert code == 0
    assert re.search(
        r"^molecule:upstream +not run +no chart at hand \(TEMPORAL_LAB_CHART\) +- +- +-$", shown, re.MULTILINE
    )
    assert shown.endswith("\n1 passed, 0 failed, 1 not run\n")
    # Another group has nothing to do with it, and of it alone nothing was checked.
    assert run_checks(GOOD, names=("good",))[1].endswith("\n1 passed, 0 failed\n")
    assert run_checks(GOOD, names=("molecule:upstream",))[0] == 1


def test_the_scenario_of_the_upstream_chart_runs_with_a_chart(monkeypatch, tmp_path):
    monkeypatch.setenv(check.CHART, str(tmp_path))
    assert "upstream" in check.scenarios()
    monkeypatch.setenv(check.CHART, str(tmp_path / "nothing"))
    assert "upstream" not in check.scenarios()
    assert check.not_run() == {"molecule:upstream": f"no chart at {tmp_path}/nothing (TEMPORAL_LAB_CHART)"}


def waits_for(folder: Path, mine: str, other: str) -> list[str]:
    """A command that leaves a file and waits for that of another."""
    script = f"touch {mine}; while [ ! -e {other} ]; do sleep 0.01; done; echo 1 files"
    return ["sh", "-c", f"cd {folder}; {script}"]


def test_lanes_run_side_by_side_and_the_table_says_so(run_checks, tmp_path):
    """Each of two checks ends only when the other has begun."""
    one = check.Check("one", [waits_for(tmp_path, "a", "b")], GOOD.count, lane="first")
    two = check.Check("two", [waits_for(tmp_path, "b", "a")], GOOD.count, lane="second")
    three = check.Check("three", GOOD.commands, GOOD.count, lane="second")
    code, shown = run_checks(one, two, three)
    assert code == 0
    assert re.search(r"^all of it took \d+ s: \d+ s of checks side by side, -?\d+ s saved$", shown, re.MULTILINE)
    assert re.search(r"^  first +\d+ s  one$", shown, re.MULTILINE)
    assert re.search(r"^  second +\d+ s  two, three$", shown, re.MULTILINE)


def test_a_check_waits_for_those_before_it_also_when_they_fail(run_checks, tmp_path):
    last = check.Check("last", [["ls", str(tmp_path)]], check.lines("^made$", "files"), after=("first", "elsewhere"))
    make = ["sh", "-c", f"sleep 0.3; touch {tmp_path}/made; exit 1"]
    code, shown = run_checks(last, check.Check("first", [make], GOOD.count, lane="other"))
    assert code == 1
    assert re.search(r"^last +passed +1 files", shown, re.MULTILINE)


def test_scenarios_of_the_shared_node_have_it_up_before_and_down_after(run_checks, monkeypatch, tmp_path):
    def step(name: str, **given: object) -> check.Check:
        return check.Check(name, [["sh", "-c", f"echo {name} >> {tmp_path}/order; echo 1 files"]], GOOD.count, **given)

    def shared_node(checks):
        after = [one.name for one in checks if one.shared]
        return step(check.UP, lane="node"), step(check.DOWN, lane="node", after=after)

    monkeypatch.setattr(check, "shared_node", shared_node)
    scenario = step("molecule:a", shared=True, lane="other", after=(check.UP,))
    code, _shown = run_checks(scenario, step("alone"), names=("molecule",))
    assert code == 0
    assert (tmp_path / "order").read_text().split("\n")[:-1] == [check.UP, "molecule:a", check.DOWN]
    run_checks(scenario, step("alone"), names=("alone",))
    assert (tmp_path / "order").read_text().count(check.UP) == 1


def test_an_interrupt_ends_what_runs_and_takes_the_node_down(run_checks, monkeypatch, request):
    down = check.Check(check.DOWN, [["sh", "-c", "echo 1 files"]], GOOD.count, lane="node", after=("endless",))
    monkeypatch.setattr(check, "shared_node", lambda checks: (GOOD, down))
    # A shell lets what it starts in the background ignore it.
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, ignored))
    interrupt = ["sh", "-c", f"kill -INT {os.getpid()}; sleep 3000"]
    endless = check.Check("endless", [interrupt], GOOD.count, shared=True, lane="other")
    code, shown = run_checks(endless)
    assert code == 1
    assert "interrupted; these were done:" in shown
    assert f"passed   {check.DOWN}" in shown
    assert not re.search(r"^endless +passed", shown, re.MULTILINE)


def test_an_interrupt_while_lanes_are_started_leaves_none_running(run_checks, monkeypatch):
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        if thread.name == "second":
            raise KeyboardInterrupt
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    endless = check.Check("endless", [["sleep", "3000"]], GOOD.count, lane="first")
    code, shown = run_checks(endless, check.Check("good", GOOD.commands, GOOD.count, lane="second"))
    assert code == 1
    assert "interrupted; these were done:" in shown
    assert not [thread for thread in threading.enumerate() if thread.name == "first"]


def test_what_a_check_computed_is_told(run_checks):
    busy = check.Check("busy", [[sys.executable, "-c", "sum(range(10**7)); print('1 files')"]], GOOD.count)
    check.OUTPUT.mkdir()
    ended = check.run(busy.commands[0], check.ROOT, check.OUTPUT / "log", busy, threading.Event())
    assert ended.well
    assert ended.cpu > 0


def test_checks_that_compute_give_way_to_those_that_measure(run_checks):
    """The niceness of a command's shell is that of its lane; nice itself prints it."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    code, _shown = run_checks(
        check.Check("computes", [["sh", "-c", "sleep 1; nice"]], check.said(rf"^({max(own, check.GIVE_WAY)})$")),
        check.Check("measures", [["nice"]], check.said(rf"^({own})$"), lane=check.MEASURE),
    )
    assert code == 0


def test_every_scenario_has_a_lane():
    found = {path.parent.name for path in (check.ROOT / "extensions" / "molecule").glob("*/molecule.yml")}
    assert found == set(check.LANES)


def test_each_scenario_has_its_node_up_and_down_once():
    up, down = check.shared_node([one for one in check.all_checks() if one.name in ("molecule:lab", "molecule:class")])
    nodes = [str(check.node_folder(name)) for name in ("lab", "class")]
    for step, play in ((up, "playbooks/node_up.yml"), (down, "playbooks/node_down.yml")):
        folders = [command[-1].removeprefix("node_folder=") for command in step.commands if play in command]
        assert sorted(folders) == sorted(nodes)
    assert set(down.after) == {"molecule:lab", "molecule:class"}


def test_the_real_checks_are_well_formed():
    checks = check.all_checks()
    names = [one.name for one in checks]
    assert len(set(names)) == len(names)
    assert {"ruff", "mypy", "pytest", "units", "molecule:lab"} <= set(names)
    assert {"ruff", "mypy", "pytest"} <= check.quick() <= set(names)
    assert not [one.name for one in checks if one.name in check.quick() and (one.setup or one.shared)]
    for path in check.ANSIBLE_TEST_UNITS:
        assert (check.ROOT / path).exists()


def test_tasks_of_playbooks_are_counted():
    recap = "student-01 : ok=3 changed=1 unreachable=0\nstudent-02 : ok=4 changed=0 unreachable=0\n"
    assert check.tasks(recap) == "7 tasks"
    assert check.tasks("no recap") == ""


LICENCE = "# SPDX-License-Identifier: GPL-3.0-or-later\n"
#: In parts, so that this file passes the check itself.
REGISTRY = "https://" + "pypi.example.org"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.py", LICENCE, []),
        ("a.py", "import os\n", ["a.py: none of the first five lines has SPDX-License-Identifier: GPL-3.0-or-later"]),
        ("tests/fixtures/a.yml", "a: 1\n", []),
        ("README.md", "see https://docs.example.org\n", []),
        ("README.md", f"from {REGISTRY}/simple\n", [f"README.md:1: names {REGISTRY}"]),
        ("README.md", "first\n/home/someone/lab\n", ["README.md:2: names /home/someone/l"]),
    ],
)
def test_sources(name, text, expected):
    machine = re.compile(r"/home/someone/\w")
    assert list(check_sources.problems(Path(name), text, machine)) == expected


def test_no_scenario_has_its_own_folder_where_a_shared_node_is() -> None:
    """The scenario `node` takes the node of its folder away and brings it up again."""
    names = [path.parent.name for path in (check.ROOT / "extensions" / "molecule").glob("*/molecule.yml")]
    assert len(names) > 5
    assert not {check.cache() / name for name in names} & {check.node_folder(name) for name in names}
