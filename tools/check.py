# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the project's checks one after another, and end with a table of them.

tools/check.py [NAME...]   all checks, or those named; `molecule` stands for all scenarios

What a check prints is kept in tests/output/<check>.log, and shown when it fails. A check
that does not say how much it checked has failed: nothing checked is not a pass.
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
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from project import ROOT, cache, files

OUTPUT = ROOT / "tests" / "output"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
#: Lines of a failed check's output to show.
SHOWN = 200
#: Seconds between two signs of life of a long check.
PATIENCE = 60


Count = Callable[[str], str]


@dataclass(frozen=True)
class Check:
    """One line of the table.

    commands: run in order, all of them also when one fails.
    count: from the output, what was checked and how much of it; empty when nothing was.
    limit: seconds for each command.
    place: gives the folder to run in.
    node: needs what `tools/setup.sh node` sets up.
    """

    name: str
    commands: Sequence[Sequence[str]]
    count: Count
    limit: int = 300
    place: Callable[[], Path] = lambda: ROOT
    node: bool = False


@dataclass(frozen=True)
class Outcome:
    name: str
    passed: bool
    count: str
    seconds: float


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
    # The name ansible-core 2.19 gives the script it would download.
    bootstrap = Path.home() / ".ansible" / "test" / "cache" / "get_pip_24_2.py"
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
    """The molecule scenarios that can be run, the node first: it builds what the others run on."""
    found = sorted(path.parent.name for path in (ROOT / "extensions" / "molecule").glob("*/molecule.yml"))
    return sorted((name for name in found if f"molecule:{name}" not in not_run()), key=lambda name: name != "node")


def all_checks() -> list[Check]:
    """All checks in their order, the quick ones first."""
    pytests = said(r"^=* ?(\d+ passed.*?) in [\d.]+s")
    gofmt = 'found=$(gofmt -d files/node); [ -z "$found" ] || { echo "$found"; exit 1; }'
    # the flags of the node's build, so that vet finds the packages compiled
    vet = ["env", "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false"]
    vet += ["go", "-C", "files/node", "vet", "-trimpath", "-gcflags=all=-dwarf=false", "./..."]
    quick = [
        Check(
            "ruff",
            [["ruff", "format", "--check", "."], ["ruff", "check", "."]],
            said(r"(\d+ files?) already formatted"),
        ),
        Check(
            "yamllint",
            [["yamllint", "--list-files", "."], ["yamllint", "--strict", "."]],
            lines(r"\.(?:yml|yaml|yamllint|ansible-lint)$", "files"),
        ),
        Check("sources", [["python", "tools/check_sources.py"]], said(r"(\d+ files), 0 problems")),
        Check("helm", [["helm", "lint", "--strict", "files/charts/temporal-lab"]], said(r"(\d+ chart)\(s\) linted")),
        # A file's tests share servers, so they stay in one process.
        Check(
            "pytest",
            [["python", "-m", "pytest", "--quiet", "--durations=5", "--numprocesses=2", "--dist=loadfile"]],
            pytests,
            limit=900,
        ),
        Check("ansible-lint", [["ansible-lint", "--offline"]], said(r" in (\d+ files) processed"), limit=600),
        Check("galaxy", [["python", "tools/check_galaxy.py"]], said(r"^(\d+ files) in ")),
        Check(
            "sanity",
            [["ansible-test", "sanity", "--python", PYTHON, "--color", "no"]],
            lines(r'^Running sanity test "', "tests"),
            limit=900,
            place=ansible_test_place,
        ),
        Check(
            "units",
            [["ansible-test", "units", "--python", PYTHON, "--color", "no"]],
            pytests,
            limit=900,
            place=ansible_test_place,
        ),
    ]
    molecule = [
        Check(
            f"molecule:{name}",
            # molecule's own choice is the same for two checkouts of one name
            [["env", f"MOLECULE_EPHEMERAL_DIRECTORY={cache() / name}", "molecule", "test", "--scenario-name", name]],
            tasks,
            limit=2700 if name == "node" else 1500,  # the first builds all
            node=True,
        )
        for name in scenarios()
    ]
    go = Check(
        "go",
        [["sh", "-c", gofmt], ["go", "-C", "files/node", "list", "./..."], vet],
        lines(r"^temporal-lab\S+/", "packages"),
        limit=1500,
        node=True,
    )
    # What was built for the node, on its own: the oracle with the newer Prometheus, and the profile with the server.
    oracle = (
        "TEMPORAL_LAB_PROMETHEUS=$(python tools/built.py prometheus)/prometheus "
        "TEMPORAL_SERVER=$(python tools/built.py temporal)/server "
        "python -m pytest --quiet -k 'not packaged' --numprocesses=2 --dist=loadfile "
        "tests/unit/prometheus/test_prometheus_oracle.py tests/unit/prometheus/test_prometheus_sample.py "
        "tests/integration/test_frameworks.py"
    )
    built = Check("built", [["sh", "-euc", oracle]], pytests, node=True)
    return [*quick, *molecule[:1], built, go, *molecule[1:]]


def is_chosen(check: str, names: Sequence[str]) -> bool:
    """Whether a check is one of these names, or of a group of them; without names all are."""
    return not names or bool({check, check.partition(":")[0]} & set(names))


def chosen(names: Sequence[str]) -> list[Check]:
    """The checks of these names; all of them without names."""
    checks = all_checks()
    known = [check.name for check in checks] + list(not_run())
    unknown = sorted(set(names) - set(known) - {name.partition(":")[0] for name in known})
    if unknown:
        sys.exit(f"There is no check {', '.join(unknown)}; there are {', '.join(check.name for check in checks)}.")
    return [check for check in checks if is_chosen(check.name, names)]


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


def run(command: Sequence[str], place: Path, log: Path, limit: int, name: str) -> bool:
    """Run one command with its output at the end of the log; say whether it ended well."""
    began = time.monotonic()
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
        try:
            while True:
                try:
                    return process.wait(timeout=PATIENCE) == 0
                except subprocess.TimeoutExpired:
                    passed = time.monotonic() - began
                if passed > limit:
                    output.write(f"stopped after {passed:.0f} s: more than its limit of {limit} s\n".encode())
                    return False
                print(f"         {name} {passed:.0f} s: {last_line(log)}", flush=True)
        finally:
            if process.poll() is None:
                stop(process)


def carry_out(check: Check, before: float | None) -> Outcome:
    """Run a check, and show what it printed when it failed."""
    expected = "" if before is None else f" (last time {before:.0f} s)"
    print(f"running  {check.name}{expected}", flush=True)
    log = OUTPUT / f"{check.name.replace(':', '-')}.log"
    log.unlink(missing_ok=True)
    began = time.monotonic()
    ready = not check.node or run([str(ROOT / "tools" / "setup.sh"), "node"], ROOT, log, 1200, check.name)
    place = check.place() if ready else ROOT
    results = [run(command, place, log, check.limit, check.name) for command in check.commands] if ready else []
    seconds = time.monotonic() - began
    printed = log.read_text(errors="replace")
    # without the lines that say which commands were run
    count = check.count(re.sub(r"^\$ .*\n", "", printed, flags=re.MULTILINE))
    ended_well = ready and all(results)
    if ended_well and not count:
        printed += "It ended well but did not say that it checked anything.\n"
    outcome = Outcome(check.name, ended_well and bool(count), count, seconds)
    if not outcome.passed:
        print(*printed.splitlines()[-SHOWN:], f"(all of it: {log.relative_to(ROOT)})", sep="\n")
    print(f"{'passed' if outcome.passed else 'FAILED':8} {check.name} in {seconds:.0f} s", flush=True)
    return outcome


def table(outcomes: Sequence[Outcome], before: dict[str, float], left_out: dict[str, str]) -> str:
    """The table of all checks, as text. left_out: those that were not run, and why."""
    rows = [("check", "result", "checked", "seconds", "last time")]
    for outcome in outcomes:
        last = f"{before[outcome.name]:.0f}" if outcome.name in before else "-"
        result = "passed" if outcome.passed else "FAILED"
        rows.append((outcome.name, result, outcome.count or "-", f"{outcome.seconds:.0f}", last))
    rows += [(name, "not run", reason, "-", "-") for name, reason in left_out.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    aligned = [
        "  ".join(cell.rjust(width) if column > 2 else cell.ljust(width) for column, (cell, width) in enumerate(pairs))
        for pairs in (zip(row, widths) for row in rows)
    ]
    return "\n".join([aligned[0], "-" * len(aligned[0]), *aligned[1:]])


def interrupted(*_signal: object) -> None:
    """Leave as for Ctrl-C, so that what runs is stopped."""
    raise KeyboardInterrupt


def main(names: Sequence[str]) -> int:
    """Run the checks of these names, or all; 0 when there were any and all of those that could be run passed."""
    checks = chosen(names)
    signal.signal(signal.SIGTERM, interrupted)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    times = OUTPUT / "times.json"
    before: dict[str, float] = json.loads(times.read_text()) if times.exists() else {}
    outcomes: list[Outcome] = []
    began = time.monotonic()
    with (OUTPUT / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"Another run of the checks is at work in {ROOT}: wait for it.")
        try:
            for check in checks:
                outcomes.append(carry_out(check, before.get(check.name)))
        except KeyboardInterrupt:
            print("\ninterrupted; these were done:")
        passed = {outcome.name: outcome.seconds for outcome in outcomes if outcome.passed}
        times.write_text(json.dumps(before | passed))
    failed = len(checks) - len(passed)
    left_out = {name: reason for name, reason in not_run().items() if is_chosen(name, names)}
    print(f"\n{table(outcomes, before, left_out)}\n\nall of it took {time.monotonic() - began:.0f} s")
    print(f"{len(passed)} passed, {failed} failed" + (f", {len(left_out)} not run" if left_out else ""))
    return 1 if failed or not checks else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
