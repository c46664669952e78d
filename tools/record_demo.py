# SPDX-License-Identifier: GPL-3.0-or-later
"""Record the runs of the demo anew: five runs of the lab on the embedded node, into a folder of results.

tools/record_demo.py DEST [NAME...]   all runs, or those named; the node of this checkout has to be up (make node-up)

Run it in a clone whose path may be public: results name the profile's path. It takes about half an hour, on a machine
that does nothing else. Copy what it wrote over files/demo/, and run the golden tests.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from project import ROOT

KUBECONFIG = ROOT / ".node" / "kubeconfig"
#: The student under whose name the cluster is made ready between runs; not a part of the recording.
HELPER = "made-ready"
#: In the middle of a window of 60 s.
MIDDLE = re.compile(r"in flight: 0:3\d left")
#: Many more workflows in flight than two cores get done.
TOO_MANY = 60


def kubectl(*arguments: str) -> str:
    """What kubectl prints."""
    command = ["kubectl", f"--kubeconfig={KUBECONFIG}", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def lab(dest: Path, student: str, *arguments: str, middle: Callable[[], None] | None = None) -> int:
    """Run stages for a student, do something in the middle of a window, and return the exit code."""
    settings = {"lab_student": student, "lab_results_dir": str(dest)}
    command = ["ansible-playbook", "lab.yml", "-e", json.dumps(settings), *arguments]
    print(">", *command, flush=True)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as playbook:
        for line in playbook.stdout or ():
            print(line, end="", flush=True)
            if middle is not None and MIDDLE.search(line):
                middle()
                middle = None
    return playbook.returncode


def stages(dest: Path, student: str, tags: str, *arguments: str, middle: Callable[[], None] | None = None) -> None:
    """Run stages that have to end well."""
    if lab(dest, student, "--tags", tags, *arguments, middle=middle):
        sys.exit(f"{student}: --tags {tags} failed")


def solved(dest: Path, stage: str) -> None:
    """Bring the cluster to the end of a stage."""
    stages(dest, HELPER, "solve", "-e", f"lab_stage={stage}")


def container_of(selector: str) -> str:
    """The id of the container of the one pod that a selector finds."""
    selector = f"app.kubernetes.io/{selector}"
    (found,) = json.loads(kubectl("get", "pods", "-o", "json", "-l", selector))["items"]
    return str(found["status"]["containerStatuses"][0]["containerID"]).rpartition("/")[2]


def processes(container: str) -> list[int]:
    """The processes of a container, as this machine counts."""
    found = []
    for group in Path("/proc").glob("[0-9]*/cgroup"):
        with suppress(OSError):
            if container in group.read_text():
                found.append(int(group.parent.name))
    return found


SHORT = ("-e", "lab_window=60s")


def normal(dest: Path, name: str) -> None:
    """The lab as it is written, with its windows of two minutes."""
    solved(dest, "cleanup")
    stages(dest, name, "preflight,install,baseline,benchmark,concurrency,scale", "-e", "lab_window=120s")


def killed_pod(dest: Path, name: str) -> None:
    """The one history pod is killed in the middle of the window of concurrency."""
    solved(dest, "install")
    stages(dest, name, "benchmark", *SHORT)

    def kill() -> None:
        for process in processes(container_of("component=history")):
            os.kill(process, signal.SIGKILL)

    stages(dest, name, "concurrency", *SHORT, middle=kill)


def saturated(dest: Path, name: str) -> None:
    """Many more workflows in flight than the machine has processors for."""
    solved(dest, "install")
    stages(dest, name, "benchmark", *SHORT)
    stages(dest, name, "concurrency", *SHORT, "-e", f"lab_raised_concurrent_workflows={TOO_MANY}")


def stopped_load(dest: Path, name: str) -> None:
    """The soak test stops in the middle of the window of benchmark, and nobody says so to the cluster."""
    solved(dest, "install")
    stopped: list[int] = []

    def stop() -> None:
        stopped.extend(processes(container_of("name=benchmark-soak-test")))
        for process in stopped:
            os.kill(process, signal.SIGSTOP)

    try:
        stages(dest, name, "benchmark", *SHORT, middle=stop)
    finally:
        for process in stopped:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


def not_scaled(dest: Path, name: str) -> None:
    """A quota refuses the second history pod, so that the stage scale fails."""
    solved(dest, "install")
    stages(dest, name, "benchmark,concurrency", *SHORT)
    # A quota does not count pods that are over.
    there = len(kubectl("get", "pods", "--field-selector=status.phase=Running", "-o", "name").split())
    kubectl("create", "quota", "no-more", f"--hard=pods={there}")
    try:
        if lab(dest, name, "--tags", "scale", *SHORT) == 0:
            sys.exit(f"{name}: the quota did not refuse the second history pod")
    finally:
        kubectl("delete", "quota", "no-more")


RUNS = {
    "normal": normal,
    "killed-pod": killed_pod,
    "saturated": saturated,
    "stopped-load": stopped_load,
    "not-scaled": not_scaled,
}


def main(dest: Path, names: list[str]) -> None:
    """Record the runs, and leave stage files and samples alone."""
    for name in names or RUNS:
        RUNS[name](dest, name)
    shutil.rmtree(dest / HELPER, ignore_errors=True)
    for path in dest.glob("*/*/report.*"):
        path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), sys.argv[2:])
