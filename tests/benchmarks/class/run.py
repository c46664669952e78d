# SPDX-License-Identifier: GPL-3.0-or-later
"""What a class costs the control node: the stage scale, ours and a plain playbook, against a simulated class.

.venv/bin/python tests/benchmarks/class/run.py [--students 1,10,100,300] [--playbook ours,plain] [--keep]

Ours is lab.yml --tags scale as it is: the class is an inventory, each student's history service is scaled
from one pod to two through the API server, and the windows are read from Prometheus through the API server's
proxy. The only thing that is set is which label its Prometheus' series carry, because one Prometheus with the
series of one student stands for all (see simulation.py). plain.yml is what it is compared with.

CPU-seconds are those of ansible-playbook and of all its children. Memory is the proportional set size of all
these processes together, looked at twice a second. Waiting is the time in which they used less than a
twentieth of a core: for pods, and for the windows to pass. A window here has as many scrapes as the lab's
(two minutes, every five seconds), five times as fast. What the class itself takes of the machine
meanwhile (API server, KWOK, Prometheus, and whatever else runs) is told as `others`: it slows the wall time down.

The benchmark fails when a student fails, or has a figure without a value in either window.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from simulation import ROOT, SERIES_OF, Class, running, student_names

# simulation makes the collection importable.
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import profile_file  # isort: skip

HERE = Path(__file__).resolve().parent
TICK = os.sysconf("SC_CLK_TCK")
#: Seconds between two looks at the processes, and what share of a core counts as waiting.
LOOK = 0.5
IDLE = 0.05
#: Scrapes in a window of the lab: two minutes, every five seconds.
SCRAPES = 24


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


@dataclass(frozen=True)
class Cost:
    """What a run took: seconds, and bytes for the memory."""

    students: int
    cpu: float
    wall: float
    waiting: float
    peak: int
    others: float

    @property
    def each(self) -> float:
        return self.cpu / self.students


def processes(root: int) -> dict[int, float]:
    """A process and those below it, with the CPU-seconds of each and of its children that have ended."""
    parents: dict[int, int] = {}
    used: dict[int, float] = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            fields = Path(entry.path, "stat").read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        parents[int(entry.name)] = int(fields[1])
        used[int(entry.name)] = sum(map(int, fields[11:15])) / TICK
    found = {root} & set(used)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return {pid: used[pid] for pid in found}


def memory(pids: Sequence[int]) -> int:
    """Bytes of memory of processes, what they share counted once."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
    return total


def machine() -> float:
    """CPU-seconds that all of this machine has used."""
    fields = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]))
    # user, nice, system, idle, iowait, irq, softirq: guests are in user.
    return (sum(fields[:3]) + sum(fields[5:7])) / TICK


class Watcher(threading.Thread):
    """Looks at a process and those below it until it is told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.peak = 0
        self.waiting = 0.0
        self.over = threading.Event()

    def run(self) -> None:
        before, last = 0.0, time.monotonic()
        while not self.over.wait(LOOK):
            found = processes(self.pid)
            used, now = sum(found.values()), time.monotonic()
            if used - before < IDLE * (now - last):
                self.waiting += now - last
            before, last = used, now
            self.peak = max(self.peak, memory(list(found)))


def measure(command: Sequence[str], students: int, log: Path) -> Cost:
    """Run a playbook. Raises SystemExit when it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment["ANSIBLE_CONFIG"] = str(ROOT / "ansible.cfg")
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    everything, begun = machine(), time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        watcher = Watcher(process.pid)
        watcher.start()
        _pid, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    watcher.over.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{log.read_text()[-4000:]}")
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(students, cpu, wall, watcher.waiting, watcher.peak, machine() - everything - cpu)


# -- the two playbooks ----------------------------------------------------------


def inventory(room: Class, names: Sequence[str], folder: Path, settings: dict[str, Any]) -> Path:
    path = folder / "inventory.yml"
    hosts = {name: {"lab_namespace": name} for name in names}
    common = {
        "ansible_connection": "local",
        # With the load's own figures.
        "lab_distribution": "embedded",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "lab_kubeconfig": str(room.kubeconfig),
        **settings,
    }
    path.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": common}}))
    return path


def profile(folder: Path) -> Path:
    """The collection's profile for series that carry the label of one student, whoever asks."""
    text = (ROOT / "files/profiles/temporal.yml").read_text()
    of_student = '- $kubernetes_namespace_label="$namespace"'
    if text.count(of_student) != 1:
        raise SystemExit(f"the profile has no filter {of_student}: adapt the benchmark to what it has")
    path = folder / "profile.yml"
    path.write_text(text.replace(of_student, f'- $kubernetes_namespace_label="{SERIES_OF}"'))
    return path


def ours(room: Class, names: Sequence[str], window: float, forks: int, folder: Path) -> Cost:
    results = folder / "results"
    settings = {
        "lab_window": window,
        "lab_results_dir": str(results),
        "measure_profile": str(profile(folder)),
    }
    hosts = inventory(room, names, folder, settings)
    command = ["ansible-playbook", "lab.yml", "--tags", "scale", "-i", str(hosts), "--forks", str(forks)]
    cost = measure(command, len(names), folder / "output.log")
    say(f"  {check_ours(results, names)} figures of {len(names)} students in two windows, each with a value")
    return cost


def check_ours(results: Path, names: Sequence[str]) -> int:
    """Number of figures with values in all students' results. Raises SystemExit when anything of them is missing."""
    # Nobody permits a student of one cluster to ask the kubelet.
    wanted = {one.id for one in profile_file.load(profile_file.default_path()).figures if not one.observer}
    number = 0
    for name in names:
        paths = list(results.glob(f"{name}/*/scale-1.json"))
        if len(paths) != 1:
            raise SystemExit(f"{name} has {len(paths)} results in {results} instead of one")
        stage = json.loads(paths[0].read_text())
        if stage["state"] != "done" or [one["name"] for one in stage["windows"]] != ["first", "after"]:
            raise SystemExit(f"{paths[0]} is not a stage with both windows: {stage['state']} {stage['message']}")
        if sorted(stage["facts"]["shards"]["after"].values()) != [256, 256]:
            raise SystemExit(f"{paths[0]}: history was not scaled, {stage['facts']['shards']}")
        for one in stage["windows"]:
            known = {figure["id"] for figure in one["figures"] if figure["value"] is not None}
            if known != wanted:
                raise SystemExit(
                    f"{paths[0]}: window {one['name']} has no value of {', '.join(sorted(wanted - known))}; what is "
                    f"new in the profile needs series in pods.py"
                )
            number += len(known)
    return number


def plain(room: Class, names: Sequence[str], window: float, forks: int, folder: Path) -> Cost:
    results = folder / "results"
    results.mkdir()
    settings = {
        "lab_window": window,
        "plain_prometheus": room.prometheus,
        "plain_series_of": SERIES_OF,
        "plain_results": str(results),
    }
    hosts = inventory(room, names, folder, settings)
    command = ["ansible-playbook", str(HERE / "plain.yml"), "-i", str(hosts), "--forks", str(forks)]
    cost = measure(command, len(names), folder / "output.log")
    check_plain(results, names)
    return cost


def check_plain(results: Path, names: Sequence[str]) -> None:
    """Raise SystemExit when a student has not all answers."""
    for name in names:
        figures = json.loads((results / f"{name}.json").read_text())
        values = [figure["value"] for figure in figures]
        if len(values) != 12 or None in values or "NaN" in values:
            raise SystemExit(f"{name} has not twelve values: {figures}")


PLAYBOOKS = {"ours": ours, "plain": plain}


def table(costs: dict[str, dict[int, Cost]]) -> list[str]:
    """Lines that show what was measured."""
    head = f"{'students':>8}  {'playbook':<8}  {'CPU-s':>8}  {'a student':>9}  {'wall s':>7}  {'of that waiting':>15}"
    lines = [f"{head}  {'peak MiB':>8}  {'others CPU-s':>12}"]
    for students in sorted({number for of in costs.values() for number in of}):
        for name, of in costs.items():
            if students in of:
                cost = of[students]
                lines.append(
                    f"{students:>8}  {name:<8}  {cost.cpu:>8.1f}  {cost.each:>9.3f}  {cost.wall:>7.1f}"
                    f"  {cost.waiting:>15.1f}  {cost.peak / 2**20:>8.0f}  {cost.others:>12.1f}"
                )
        both = [costs[name][students] for name in PLAYBOOKS if students in costs.get(name, {})]
        if len(both) == 2:
            lines.append(f"{students:>8}  plain costs {both[1].each / both[0].each:.1f} times as much as ours")
    return lines


def numbers(text: str) -> list[int]:
    found = [int(part) for part in text.split(",")]
    if not found or min(found) < 1:
        raise ValueError(text)
    return found


def playbooks(text: str) -> list[str]:
    found = text.split(",")
    if not set(found) <= set(PLAYBOOKS):
        raise ValueError(text)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=numbers, default=[1, 10, 100, 300], help="sizes of the class")
    parser.add_argument("--playbook", type=playbooks, default=list(PLAYBOOKS), help="ours, plain or both")
    parser.add_argument("--forks", type=int, default=10, help="hosts that Ansible works for at a time")
    parser.add_argument("--scrape-interval", type=float, default=1.0, help="seconds; 5 is the lab's own")
    parser.add_argument("--keep", action="store_true", help="leave the node with the class for the next run")
    parser.add_argument("--output", type=Path, help="a folder for what the playbooks print and write; kept")
    arguments = parser.parse_args()
    window = SCRAPES * arguments.scrape_interval

    costs: dict[str, dict[int, Cost]] = {name: {} for name in arguments.playbook}
    with tempfile.TemporaryDirectory(prefix="temporal-lab-class-") as scratch:
        output = (arguments.output or Path(scratch) / "output").resolve()
        with running(Path(scratch), arguments.scrape_interval, arguments.keep, say) as room:
            for students in sorted(arguments.students):
                names = student_names(students)
                for name in arguments.playbook:
                    room.have(names)
                    room.check()
                    say(f"{name} for {students} students, {arguments.forks} forks, two windows of {window:g} s")
                    folder = output / f"{name}-{students}"
                    shutil.rmtree(folder, ignore_errors=True)
                    folder.mkdir(parents=True)
                    costs[name][students] = PLAYBOOKS[name](room, names, window, arguments.forks, folder)
                    say("\n".join(table({name: {students: costs[name][students]}})))
    say(f"\n{arguments.forks} forks, {os.cpu_count()} cores, windows of {window:g} s with {SCRAPES} scrapes each")
    say("\n".join(table(costs)))


if __name__ == "__main__":
    main()
