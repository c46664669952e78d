# SPDX-License-Identifier: GPL-3.0-or-later
"""How often the lab calls a difference one where nothing changed, and finds one that was planted, on a real cluster.

python tests/benchmarks/noise.py --kubeconfig FILE [--namespace NAME] [--window SECONDS] [--same N] [--planted N]

The lab must be installed, and its load must run (--tags install,benchmark). Two windows side by side of the same load
are a pair in which nothing changed. For a planted pair the load is measured, given an activity more for each workflow
(which costs a part of the rate at which workflows succeed), and measured again. What is printed is a table in Markdown:
for each key figure how many pairs had which verdict, and between what the bare differences lay. Pairs in which the
machines had other work are counted apart, with the reason of each.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
importlib.import_module("conftest")  # makes the collection importable
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import prometheus_sample  # noqa: E402
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report.change_words import ratio_text  # noqa: E402
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.merged_figures import (  # noqa: E402
    merge_figures,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.other_work import (  # noqa: E402
    other_work_fault,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context  # noqa: E402

SOAK_TEST = "deployment/benchmark-soak-test"
#: Seconds after a change of the load until its figures are those of the changed one.
SETTLES = 15.0


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


@dataclass
class Lab:
    """A lab whose load runs."""

    kubeconfig: str
    namespace: str
    window: float
    kept: Path | None

    def kubectl(self, *arguments: str) -> str:
        command = [str(Path(sys.executable).parent / "kubectl"), f"--kubeconfig={self.kubeconfig}"]
        return subprocess.run(
            [*command, f"--namespace={self.namespace}", *arguments], check=True, capture_output=True, text=True
        ).stdout

    def measure(self, *names: str) -> list[Any]:
        """Windows side by side from now on."""
        begin = round(time.time() + 1.0, 3)
        params = {name: option.get("default") for name, option in prometheus_sample.SPEC.items()}
        params.update(kubeconfig=self.kubeconfig, namespace=self.namespace)
        params["windows"] = [
            {"name": name, "title": name, "start": begin + place * self.window, "duration": self.window}
            for place, name in enumerate(names)
        ]
        if self.kept is not None:
            params["raw_path"] = str(self.kept / f"{begin:.0f}.samples.json.gz")
        windows: list[Any] = prometheus_sample.run(params, Context())["windows"]
        return windows

    def activities(self) -> int:
        """How many activities a workflow of the load has."""
        container = json.loads(self.kubectl("get", SOAK_TEST, "-o", "json"))["spec"]["template"]["spec"]["containers"][
            0
        ]
        found = {one["name"]: one.get("value") for one in container.get("env", [])}
        return int(found.get("ACTIVITIES_PER_WORKFLOW") or 3)

    def set_activities(self, number: int) -> None:
        self.kubectl("set", "env", SOAK_TEST, f"ACTIVITIES_PER_WORKFLOW={number}")
        self.kubectl("rollout", "status", SOAK_TEST, "--timeout=120s")
        time.sleep(SETTLES)


@dataclass
class Tally:
    """What was said of a figure over pairs of windows."""

    verdicts: Counter[str] = field(default_factory=Counter)
    ratios: list[float] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def row(self) -> str:
        counts = " | ".join(str(self.verdicts[name]) for name in ("higher", "lower", "none", "unknown"))
        between = f"{ratio_text(min(self.ratios))} to {ratio_text(max(self.ratios))}" if self.ratios else ""
        return f"{counts} | {between}"


@dataclass
class Pairs:
    """What was said of pairs of windows. void: why those with other work on the machines say nothing."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    void: list[str] = field(default_factory=list)
    count: int = 0


def compare(windows: list[Any], pairs: Pairs) -> None:
    """Add what is said of a pair of windows."""
    pairs.count += 1
    fault = other_work_fault(windows[0].get("resources"), windows[1].get("resources"))
    if fault:
        pairs.void.append(f"pair {pairs.count}: {fault}")
        return
    for row in merge_figures(windows):
        reading = row["readings"][-1]
        change = reading["change"] if reading else None
        if row["key"] and change is not None:
            tally = pairs.tallies.setdefault(row["title"], Tally())
            tally.verdicts[change["verdict"]] += 1
            tally.ratios += [change["ratio"]] if change["ratio"] is not None else []
            if change["verdict"] == "unknown":
                tally.reasons[change["reason"]] += 1


def show(title: str, pairs: Pairs) -> None:
    tallies = pairs.tallies
    say(f"\n{title}; {len(pairs.void)} left out for other work on the machines\n")
    say("| figure | higher | lower | no difference | not known | bare differences |")
    say("|---|---|---|---|---|---|")
    for name, tally in tallies.items():
        say(f"| {name} | {tally.row()} |")
    for name, tally in tallies.items():
        for reason, count in tally.reasons.most_common(3):
            say(f"- {name}: {count} not known, since {reason}")
    for void in pairs.void:
        say(f"- left out, {void}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubeconfig", required=True, help="of the cluster whose load runs")
    parser.add_argument("--namespace", default="default", help="the Kubernetes namespace of that lab")
    parser.add_argument("--window", type=float, default=60.0, help="seconds")
    parser.add_argument("--same", type=int, default=10, help="pairs in which nothing changed")
    parser.add_argument("--planted", type=int, default=5, help="pairs with an activity more")
    parser.add_argument("--kept", type=Path, help="a folder to keep the samples in")
    arguments = parser.parse_args()
    lab = Lab(arguments.kubeconfig, arguments.namespace, arguments.window, arguments.kept)

    same, planted = Pairs(), Pairs()
    before: list[Any] = []
    for number in range(arguments.same):
        windows = lab.measure("one", "other")
        # Each window is in one pair only, so that the pairs say what they say independently.
        compare(windows, same)
        say(f"pair {number + 1} of {arguments.same}, {time.strftime('%H:%M:%S')}")
    activities = lab.activities()
    for number in range(arguments.planted):
        # There and back: every second pair has the planted load first.
        before = lab.measure("before") if number % 2 == 0 else before
        lab.set_activities(activities + 1 - number % 2)
        after = lab.measure("after")
        compare([*before, *after] if number % 2 == 0 else [*after, *before], planted)
        before = after
        say(f"planted pair {number + 1} of {arguments.planted}, {time.strftime('%H:%M:%S')}")
    show(f"{arguments.same} pairs of {arguments.window:g} s in which nothing changed", same)
    show(f"{arguments.planted} pairs with an activity more for each workflow in the second window", planted)


if __name__ == "__main__":
    main()
