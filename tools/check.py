# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the project's checks, and end with a table of them.

tools/check.py [NAME...]   all checks, or those named; `molecule` stands for all scenarios,
                           `quick` for what needs neither root nor a node

Checks are in lanes: those of one lane run one after another, and lanes run side by side. What a check
prints is kept in tests/output/<check>.log. When it fails its end is shown at once, and above the table the
reason, which is the tests or the task that failed. A check that does not say how much it checked has failed:
nothing checked is not a pass.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from failures import reasons
from project import ROOT, cache, files

OUTPUT = ROOT / "tests" / "output"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
#: Lines of a failed check's output to show.
SHOWN = 200
#: Seconds after which a command of a long check hangs, and is not just slow: beside a load of 25 on two cores the unit
#: tests took 3,100.
LONG = 5400
#: Seconds between two signs of life of a long check.
PATIENCE = 60
#: Seconds between two looks at what runs.
LOOK = 0.1


Count = Callable[[str], str]


#: Lanes of checks. The first two compute, and give way to the others: scenarios, which measure and mostly wait.
TESTS, LINTERS, MEASURE, LAB, CLASS = "tests", "linters", "measure", "lab", "class"
#: How much the first two give way (nice).
GIVE_WAY = 10


@dataclass(frozen=True)
class Check:
    """One line of the table.

    commands: run in order, all of them also when one fails.
    count: from the output, what was checked and how much of it; empty when nothing was.
    limit: seconds for each command.
    place: gives the folder to run in.
    setup: needs what `tools/setup.sh` sets up under this name.
    shared: works on the node that scenarios share.
    lane: where it runs; checks of a lane run one after another.
    after: checks that have to be over before this one begins, where they are run at all.
    """

    name: str
    commands: Sequence[Sequence[str]]
    count: Count
    limit: int = 300
    place: Callable[[], Path] = lambda: ROOT
    setup: str = ""
    shared: bool = False
    lane: str = TESTS
    after: Sequence[str] = ()


@dataclass(frozen=True)
class Outcome:
    """How a check ended.

    cpu: seconds of its own processes; those of the node are not among them. why: lines with the reason of a failure.
    """

    name: str
    passed: bool
    count: str
    seconds: float
    cpu: float = 0.0
    why: Sequence[str] = ()


#: A folder or a packed chart of Temporal's own project, which no package registry has: given by the environment.
CHART = "TEMPORAL_LAB_CHART"


def said(pattern: str) -> Count:
    """Count by what the output says: the first group of all that fits."""
    return lambda output: ", ".join(re.findall(pattern, output, re.MULTILINE))


def lines(pattern: str, what: str) -> Count:
    """Count the lines that fit."""

    def count(output: str) -> str:
        found = len(re.findall(pattern, output, re.MULTILINE))
        return f"{found} {what}" if found else ""

    return count


def tasks(output: str) -> str:
    """Count the tasks that playbooks carried out."""
    done = sum(map(int, re.findall(r" ok=(\d+) ", output)))
    return f"{done} tasks" if done else ""


def ansible_test_place() -> Path:
    """Copy the project to where ansible-test takes it for a collection, and return that folder.

    ansible-test resolves links, so the link in collections/ does not do.
    """
    place = cache() / "ansible_collections" / "temporal_lab" / "benchmarking"
    shutil.rmtree(place, ignore_errors=True)
    for name in files():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, place / name)
    # The names that ansible-core 2.19, and 2.20 and 2.21, give the script they would download.
    for version in ("24_2", "25_2"):
        bootstrap = Path.home() / ".ansible" / "test" / "cache" / f"get_pip_{version}.py"
        if not bootstrap.exists():
            bootstrap.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / "tools" / "get_pip.py", bootstrap)
    return place


def not_run() -> dict[str, str]:
    """Checks for which something is missing that this machine cannot make, and why."""
    chart = os.environ.get(CHART, "")
    if not chart:
        return {"molecule:upstream": f"no chart at hand ({CHART})"}
    if not Path(chart).exists():
        return {"molecule:upstream": f"no chart at {chart} ({CHART})"}
    return {}


def scenarios() -> list[str]:
    """The molecule scenarios that can be run."""
    found = sorted(path.parent.name for path in (ROOT / "extensions" / "molecule").glob("*/molecule.yml"))
    return [name for name in found if f"molecule:{name}" not in not_run()]


#: Where the collection is found by its full name, and which of its plugins have types.
COLLECTION = "collections/ansible_collections/temporal_lab/benchmarking"
TYPED = ("module_utils", "action", "plugin_utils")
#: Unit tests that ansible-test runs once more; plain pytest runs all of them. They show that it finds and imports the
#: collection as a user of Galaxy has it.
ANSIBLE_TEST_UNITS = (
    "tests/unit/test_importable.py",
    "tests/unit/filter/test_seconds.py",
    "tests/unit/students/test_inventory.py",
)
#: The scenarios in their order, with their lanes.
LANES = {
    "node": MEASURE,
    "install": MEASURE,
    "students": MEASURE,
    "lab": LAB,
    "measure": MEASURE,
    "class": CLASS,
    "upstream": LAB,
}
#: Scenarios with load of their own. They wait for `lab`, whose counts by two witnesses are compared within one in
#: twenty: load beside it that comes and goes would be seen there.
LOADED = ("measure", "class", "upstream")
#: How checks that bring the shared node up and down are called.
UP, DOWN = "node up", "node down"


#: Folders of the nodes, by the scenario: by its pods' requests a node of two cores has room for two labs, and a class
#: is two by itself.
NODES = {"class": "node-class"}


def node_folder(scenario: str) -> Path:
    """The folder of the node that a scenario works on."""
    return cache() / NODES.get(scenario, "node-shared")


def linters() -> list[Check]:
    """Checks that run nothing of the collection."""
    return [
        Check(
            "ruff",
            [["ruff", "format", "--check", "."], ["ruff", "check", "."]],
            said(r"(\d+ files?) already formatted"),
            lane=LINTERS,
        ),
        Check(
            "yamllint",
            [["yamllint", "--list-files", "."], ["yamllint", "--strict", "."]],
            lines(r"\.(?:yml|yaml|yamllint|ansible-lint)$", "files"),
            lane=LINTERS,
        ),
        Check("sources", [["python", "tools/check_sources.py"]], said(r"(\d+ files), 0 problems"), lane=LINTERS),
        Check(
            "helm",
            [["helm", "lint", "--strict", "files/charts/temporal-lab"]],
            said(r"(\d+ chart)\(s\) linted"),
            lane=LINTERS,
        ),
        Check(
            "mypy",
            # three programs, as pyproject.toml says
            [
                ["mypy", "--cache-dir", str(cache() / "mypy"), *places]
                for places in ([f"{COLLECTION}/plugins/{room}" for room in TYPED], ["tools"], ["files/benchmark"])
            ],
            said(r"no issues found in (\d+ source files)"),
            limit=900,
            lane=LINTERS,
        ),
        Check(
            "ansible-lint",
            [["ansible-lint", "--offline"]],
            said(r" in (\d+ files) processed"),
            limit=900,
            lane=LINTERS,
        ),
        Check("galaxy", [["python", "tools/check_galaxy.py"]], said(r"^(\d+ files) in "), lane=LINTERS),
    ]


def publishing() -> list[Check]:
    """What Galaxy and Ansible's documentation site check of the collection."""
    return [
        Check(
            "importer",
            [["python", "tools/check_importer.py"]],
            said(r"^(\d+ contents) imported"),
            limit=1800,
            setup="publish",
            lane=LINTERS,
        ),
        Check(
            "reference",
            [["python", "tools/check_reference.py"]],
            said(r"^(\d+ plugins and \d+ roles) documented"),
            limit=900,
            setup="publish",
            lane=LINTERS,
        ),
        Check(
            "changelog",
            [["python", "tools/changelog.py"]],
            said(r"^(\d+ entries) in "),
            setup="publish",
            lane=LINTERS,
        ),
    ]


#: From the output of pytest, how many tests passed.
PYTESTS = said(r"^=* ?(\d+ passed.*?) in [\d.]+s")


def unit_tests() -> Check:
    """All unit tests. A file's tests share servers, so they stay in one process."""
    command = ["python", "-m", "pytest", "--quiet", "--durations=10", "--numprocesses=2", "--dist=loadfile"]
    return Check("pytest", [command], PYTESTS, limit=LONG, after=(UP,))


def ansible_tests() -> list[Check]:
    """What ansible-test checks of the collection, in the folder that it wants."""
    command = ["--python", PYTHON, "--color", "no"]
    sanity = ["ansible-test", "sanity", *command]
    units = ["ansible-test", "units", *command, *ANSIBLE_TEST_UNITS]
    return [
        Check(
            "sanity",
            [sanity],
            lines(r'^Running sanity test "', "tests"),
            limit=LONG,
            place=ansible_test_place,
            after=(UP,),
        ),
        Check("units", [units], PYTESTS, limit=900, place=ansible_test_place),
    ]


def molecule() -> list[Check]:
    """The scenarios, the node that they share, and what is built for it."""
    checks = []
    for name in sorted(scenarios(), key=list(LANES).index):
        # molecule's own choice of a folder is the same for two checkouts of one name
        folders = [f"MOLECULE_EPHEMERAL_DIRECTORY={cache() / name}", f"LAB_NODE={node_folder(name)}"]
        command = ["env", *folders, "molecule", "test", "--scenario-name", name]
        checks.append(
            Check(
                f"molecule:{name}",
                [command],
                tasks,
                limit=LONG,
                setup="node",
                shared=name != "node",
                lane=LANES[name],
                after=(UP, "molecule:lab") if name in LOADED else (UP,),
            )
        )
    return checks


def shared_node(checks: Sequence[Check]) -> tuple[Check, Check]:
    """The checks that bring the nodes up that others work on, from nothing, and down again after them."""
    shared = [check.name for check in checks if check.shared]
    folders = sorted({node_folder(name.partition(":")[2]) for name in shared})
    ups, downs = [], []
    for folder in folders:
        given = ["-e", f"node_folder={folder}"]
        downs.append(["ansible-playbook", "playbooks/node_down.yml", "-e", "node_down_state=absent", *given])
        ups.append(["ansible-playbook", "playbooks/node_up.yml", *given])
    made = [["mkdir", "-p", *map(str, folders)]]
    # The first builds all.
    up = Check(UP, [*made, *downs, *ups], tasks, limit=2700, setup="node", lane=MEASURE)
    return up, Check(DOWN, downs, tasks, setup="node", lane=MEASURE, after=shared)


def built() -> list[Check]:
    """Checks of what is built for the node, on its own: the oracle with the newer Prometheus, and the profile."""
    gofmt = 'found=$(gofmt -d files/node); [ -z "$found" ] || { echo "$found"; exit 1; }'
    # the flags of the node's build, so that vet finds the packages compiled
    vet = ["env", "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false"]
    vet += ["go", "-C", "files/node", "vet", "-trimpath", "-gcflags=all=-dwarf=false", "./..."]
    oracle = (
        "TEMPORAL_LAB_PROMETHEUS=$(python tools/built.py prometheus)/prometheus "
        "TEMPORAL_SERVER=$(python tools/built.py temporal)/server "
        "python -m pytest --quiet -k 'not packaged' --numprocesses=2 --dist=loadfile "
        "tests/unit/prometheus/test_prometheus_oracle.py tests/unit/prometheus/test_prometheus_sample.py "
        "tests/integration/test_frameworks.py"
    )
    return [
        Check("built", [["sh", "-euc", oracle]], PYTESTS, limit=900, setup="node", after=(UP,)),
        Check(
            "go",
            [["sh", "-c", gofmt], ["go", "-C", "files/node", "list", "./..."], vet],
            lines(r"^temporal-lab\S+/", "packages"),
            limit=1500,
            setup="node",
            after=(UP,),
        ),
    ]


def all_checks() -> list[Check]:
    """All checks but those of the shared node, the quick ones first."""
    return [*linters(), *publishing(), unit_tests(), *ansible_tests(), *built(), *molecule()]


def quick() -> set[str]:
    """Names of the checks that need neither root nor a node, nor a copy for ansible-test."""
    return {check.name for check in [*linters(), unit_tests()]}


def is_chosen(check: str, names: Sequence[str]) -> bool:
    """Whether a check is one of these names, or of a group of them; without names all are."""
    groups = {check, check.partition(":")[0], *(["quick"] if check in quick() else [])}
    return not names or bool(groups & set(names))


def chosen(names: Sequence[str]) -> list[Check]:
    """The checks of these names; all of them without names. The shared node is added for those that need it."""
    checks = all_checks()
    known = [check.name for check in checks] + list(not_run())
    unknown = sorted(set(names) - set(known) - {name.partition(":")[0] for name in known} - {"quick"})
    if unknown:
        sys.exit(f"There is no check {', '.join(unknown)}; there are {', '.join(check.name for check in checks)}.")
    wanted = [check for check in checks if is_chosen(check.name, names)]
    if not any(check.shared for check in wanted):
        return wanted
    up, down = shared_node(wanted)
    return [up, *wanted, down]


def environment() -> dict[str, str]:
    """The environment of a check: the project's tools first, and no cluster of the user's."""
    own = {name: value for name, value in os.environ.items() if name not in ("KUBECONFIG", "MAKEFLAGS", "MAKELEVEL")}
    own["PATH"] = os.pathsep.join([str(ROOT / ".venv" / "bin"), os.environ["PATH"]])
    own["ANSIBLE_CONFIG"] = str(ROOT / "ansible.cfg")
    own["NO_COLOR"] = "1"
    if own.get(CHART):
        # checks have folders of their own
        own[CHART] = str(Path(own[CHART]).resolve())
    return own


def give_way(process: int) -> None:
    """Let a process and what it starts have the machine only where others leave it.

    Where Linux groups processes by session, it is the niceness of the group that counts between sessions.
    """
    try:
        os.setpriority(os.PRIO_PROCESS, process, GIVE_WAY)
        Path(f"/proc/{process}/autogroup").write_text(str(GIVE_WAY))
    except OSError:
        # not there, or over already
        return


def last_line(log: Path) -> str:
    """The last line of a log that is not blank."""
    written = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return written[-1][:120] if written else ""


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a command and all it started, gently first: molecule takes its node down."""
    for order in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, order)
            process.wait(timeout=20)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


@dataclass
class Running:
    """Checks on their way.

    over: for each check, whether it is over.
    stopping: set when everything has to end.
    outcomes: in the order in which checks ended.
    """

    checks: Sequence[Check]
    before: dict[str, float]
    over: dict[str, threading.Event] = field(init=False)
    stopping: threading.Event = field(default_factory=threading.Event)
    outcomes: list[Outcome] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.over = {check.name: threading.Event() for check in self.checks}

    def lane(self, name: str) -> None:
        """Run the checks of a lane one after another, each when those before it are over."""
        for check in self.checks:
            if check.lane != name:
                continue
            for earlier in check.after:
                while earlier in self.over and not self.over[earlier].wait(LOOK) and not self.stopping.is_set():
                    pass
            if self.stopping.is_set():
                return
            try:
                self.outcomes.append(carry_out(check, self.before.get(check.name), self.stopping))
            finally:
                self.over[check.name].set()

    def all(self) -> None:
        """Run all lanes side by side; on Ctrl-C end what runs, and raise it again when all has ended."""
        lanes = [
            threading.Thread(target=self.lane, args=[name], name=name)
            for name in dict.fromkeys(check.lane for check in self.checks)
        ]
        try:
            for lane in lanes:
                lane.start()
            while any(lane.is_alive() for lane in lanes):
                time.sleep(LOOK)
        finally:
            # One that Ctrl-C kept from starting is not alive, or ends at once.
            self.stopping.set()
            while any(lane.is_alive() for lane in lanes):
                time.sleep(LOOK)


@dataclass(frozen=True)
class Ended:
    """How a command ended. cpu: seconds of it and of those of its children that it waited for."""

    well: bool
    cpu: float = 0.0


def run(command: Sequence[str], place: Path, log: Path, check: Check, stopping: threading.Event) -> Ended:
    """Run one command of a check with its output at the end of the log."""
    began = told = time.monotonic()
    with log.open("ab") as output:
        output.write(f"$ {' '.join(command)}\n".encode())
        output.flush()
        process = subprocess.Popen(
            command,
            cwd=place,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        if check.lane in (TESTS, LINTERS):
            give_way(process.pid)
        try:
            while True:
                pid, status, used = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    process.returncode = os.waitstatus_to_exitcode(status)
                    return Ended(process.returncode == 0, used.ru_utime + used.ru_stime)
                if stopping.wait(LOOK):
                    return Ended(False)
                now = time.monotonic()
                if now - began > check.limit:
                    output.write(
                        f"stopped after {now - began:.0f} s: more than its limit of {check.limit} s\n".encode()
                    )
                    return Ended(False)
                if now - told > PATIENCE:
                    told = now
                    print(f"         {check.name} {now - began:.0f} s: {last_line(log)}", flush=True)
        finally:
            if process.returncode is None:
                stop(process)


def carry_out(check: Check, before: float | None, stopping: threading.Event) -> Outcome:
    """Run a check, and show what it printed when it failed."""
    expected = "" if before is None else f" (last time {before:.0f} s)"
    print(f"running  {check.name}{expected}", flush=True)
    log = OUTPUT / f"{check.name.replace(':', '-').replace(' ', '-')}.log"
    log.unlink(missing_ok=True)
    began = time.monotonic()
    setup = [str(ROOT / "tools" / "setup.sh"), check.setup]
    results = [run(setup, ROOT, log, check, stopping)] if check.setup else []
    if all(ended.well for ended in results):
        place = check.place()
        results += [run(command, place, log, check, stopping) for command in check.commands]
    seconds = time.monotonic() - began
    printed = log.read_text(errors="replace")
    # without the lines that say which commands were run
    count = check.count(re.sub(r"^\$ .*\n", "", printed, flags=re.MULTILINE))
    ended_well = all(ended.well for ended in results)
    if ended_well and not count:
        printed += "It ended well but did not say that it checked anything.\n"
    passed = ended_well and bool(count)
    why = [] if passed else [*reasons(printed), f"(all of it: {log.relative_to(ROOT)})"]
    outcome = Outcome(check.name, passed, count, seconds, sum(ended.cpu for ended in results), why)
    text = f"{'passed' if outcome.passed else 'FAILED':8} {check.name} in {seconds:.0f} s"
    if not outcome.passed:
        text = "\n".join([*printed.splitlines()[-SHOWN:], text])
    # In one piece, whatever other lanes print.
    print(text, flush=True)
    return outcome


def table(outcomes: Sequence[Outcome], before: dict[str, float], left_out: dict[str, str]) -> str:
    """The table of all checks, as text. left_out: those that were not run, and why."""
    rows = [("check", "result", "checked", "seconds", "last time", "cpu")]
    for outcome in outcomes:
        last = f"{before[outcome.name]:.0f}" if outcome.name in before else "-"
        result = "passed" if outcome.passed else "FAILED"
        rows.append((outcome.name, result, outcome.count or "-", f"{outcome.seconds:.0f}", last, f"{outcome.cpu:.0f}"))
    rows += [(name, "not run", reason, "-", "-", "-") for name, reason in left_out.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    aligned = [
        "  ".join(cell.rjust(width) if column > 2 else cell.ljust(width) for column, (cell, width) in enumerate(pairs))
        for pairs in (zip(row, widths) for row in rows)
    ]
    return "\n".join([aligned[0], "-" * len(aligned[0]), *aligned[1:]])


def failures(outcomes: Sequence[Outcome]) -> str:
    """Why checks failed, as text for the end of all: often a part of the output is all that can be seen."""
    return "".join("\n".join([f"\n{one.name} failed:", *one.why, ""]) for one in outcomes if not one.passed)


def saved(checks: Sequence[Check], outcomes: Sequence[Outcome], passed: float) -> str:
    """What running lanes side by side saved, as text, and which checks ran beside which. passed: seconds in all."""
    took = {outcome.name: outcome.seconds for outcome in outcomes}
    lanes: dict[str, list[str]] = {}
    for check in checks:
        if check.name in took:
            lanes.setdefault(check.lane, []).append(check.name)
    work = sum(took.values())
    summary = f"all of it took {passed:.0f} s"
    if len(lanes) < 2:
        return summary
    width = max(map(len, lanes))
    described = [
        f"  {lane:{width}}  {sum(took[name] for name in names):4.0f} s  {', '.join(names)}"
        for lane, names in lanes.items()
    ]
    side_by_side = f"{summary}: {work:.0f} s of checks side by side, {work - passed:.0f} s saved"
    return "\n".join([side_by_side, *described])


def interrupted(*_signal: object) -> None:
    """Leave as for Ctrl-C, so that what runs is stopped."""
    raise KeyboardInterrupt


def main(names: Sequence[str]) -> int:
    """Run the checks of these names, or all; 0 when there were any and all of those that could be run passed."""
    checks = chosen(names)
    # Whatever the user's is: what others can write to is run here.
    os.umask(os.umask(0o022) | 0o022)
    signal.signal(signal.SIGTERM, interrupted)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    times = OUTPUT / "times.json"
    before: dict[str, float] = json.loads(times.read_text()) if times.exists() else {}
    running = Running(checks, before)
    began = time.monotonic()
    with (OUTPUT / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"Another run of the checks is at work in {ROOT}: wait for it.")
        try:
            running.all()
        except KeyboardInterrupt:
            print("\ninterrupted; these were done:")
            for check in checks:
                # The node does not outlive the checks that share it.
                if check.name == DOWN and not running.over[DOWN].is_set():
                    carry_out(check, None, threading.Event())
        order = [check.name for check in checks]
        outcomes = sorted(running.outcomes, key=lambda outcome: order.index(outcome.name))
        passed = {outcome.name: outcome.seconds for outcome in outcomes if outcome.passed}
        times.write_text(json.dumps(before | passed))
    took = time.monotonic() - began
    failed = len(checks) - len(passed)
    left_out = {name: reason for name, reason in not_run().items() if is_chosen(name, names)}
    print(failures(outcomes), end="")
    print(f"\n{table(outcomes, before, left_out)}\n\n{saved(checks, outcomes, took)}")
    print(f"{len(passed)} passed, {failed} failed" + (f", {len(left_out)} not run" if left_out else ""))
    return 1 if failed or not checks else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
