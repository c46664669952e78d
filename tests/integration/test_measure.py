# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of a real lab in which things go wrong in the middle of a window; run by the molecule scenario `measure`.

Temporal and its load are there in the scenario's namespace when this begins. In each experiment the load
runs for a while inside one window, and something happens to the cluster meanwhile. What the figures say is compared
with two witnesses that have nothing to do with Prometheus: the state transitions that the server's database holds for
each of the load's workflows, and what the load generator counted itself and says in its log when it ends.
"""

from __future__ import annotations

import calendar
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import (
    kept_samples,
    prometheus_sample,
    samples_file,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages.rebalancing import rebalancing
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.tests.integration.scenario import (
    BIN,
    FOLDER,
    KUBECONFIG,
    NAMESPACE,
    TEMPORAL,
    kubectl,
)

#: Seconds of load before and after what happens.
HALF = 20
#: Seconds between two scrapes.
INTERVAL = 5
#: Seconds until all targets were scraped once more.
SCRAPED = INTERVAL + 1
WORKFLOWS = f"{TEMPORAL}/namespaces/default/workflows"


def until(what: str, found: Callable[[], Any], patience: float = 120) -> Any:
    """What a question gives as soon as it is something."""
    end = time.monotonic() + patience
    while not (answer := found()):
        assert time.monotonic() < end, f"{what} did not come about in {patience:.0f} s"
        time.sleep(0.5)
    return answer


def scale(deployment: str, replicas: int) -> None:
    kubectl("scale", f"deployment/{deployment}", f"--replicas={replicas}")
    kubectl("rollout", "status", f"deployment/{deployment}", "--timeout=120s")


def pods(component: str) -> list[dict[str, Any]]:
    """Pods of a role of the server that are not told to end, the oldest first."""
    found = json.loads(kubectl("get", "pods", "-l", f"app.kubernetes.io/component={component}", "-o", "json"))["items"]
    living = [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]
    return sorted(living, key=lambda pod: pod["metadata"]["creationTimestamp"])


def ready(component: str, count: int = 1) -> bool:
    states = [
        condition["status"] == "True"
        for pod in pods(component)
        for condition in pod["status"].get("conditions", ())
        if condition["type"] == "Ready"
    ]
    return states == [True] * count


def workflows(query: str) -> list[dict[str, Any]]:
    """Workflows of the load that the database holds."""
    found: list[dict[str, Any]] = []
    token = ""
    while True:
        path = f"{WORKFLOWS}?pageSize=1000&query={quote(query)}&nextPageToken={quote(token)}"
        answer = json.loads(kubectl("get", "--raw", path))
        found += answer.get("executions", [])
        token = answer.get("nextPageToken", "")
        if not token:
            return found


def process_of(pod: dict[str, Any]) -> int:
    """Number of the first process of a pod's first container, as this machine counts."""
    container = pod["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2]
    for group in Path("/proc").glob("[0-9]*/cgroup"):
        try:
            if container in group.read_text():
                return int(group.parent.name)
        except OSError:
            continue
    raise AssertionError(f"no process of {pod['metadata']['name']}")


@dataclass(frozen=True)
class Experiment:
    """What one window of load showed, and what the witnesses say of it."""

    figures: dict[str, dict[str, Any]]
    transitions: int
    completed: int
    counted: dict[str, int]
    length: float

    def total(self, figure: str) -> float:
        """A rate's growth over the window."""
        return self.figures[figure]["value"] * self.length

    def off(self) -> float:
        """How far the state transitions are from those in the database, as a share of them."""
        return self.total("state_transitions") / self.transitions - 1


def experiment(name: str, happens: Callable[[], None]) -> Experiment:
    """Run load in a window, let something happen in its middle, and read the window's figures."""
    until("the end of earlier workflows", lambda: not workflows("ExecutionStatus='Running'"))
    # A scrape of the load at rest on both sides of both edges: what is counted across an edge of the window is divided
    # in proportion to time, which is right for a load that goes on, and not for one that begins or ends there.
    time.sleep(SCRAPED)
    start = time.time()
    time.sleep(SCRAPED)
    log = FOLDER / f"{name}.log"
    scale("benchmark-soak-test", 1)
    with log.open("w") as output:
        command = [BIN / "kubectl", f"--kubeconfig={KUBECONFIG}", "logs", "-f", "deployment/benchmark-soak-test"]
        follower = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        time.sleep(HALF)
        happens()
        time.sleep(HALF)
        kubectl("scale", "deployment/benchmark-soak-test", "--replicas=0")
        follower.wait(timeout=60)
    finally:
        kubectl("scale", "deployment/benchmark-soak-test", "--replicas=0")
        follower.kill()
        follower.wait()
    until("the end of all workflows", lambda: not workflows("ExecutionStatus='Running'"))
    time.sleep(SCRAPED)
    length = round(time.time() - start, 3)
    found = workflows(f"StartTime >= '{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(start))}'")
    said = re.search(r"workflows in all: (\d+) started, (\d+) completed, (\d+) failed", log.read_text())
    assert said, log.read_text()
    given = {option: spec.get("default") for option, spec in prometheus_sample.SPEC.items()}
    window = {"name": name, "title": None, "start": start, "duration": length}
    given.update(kubeconfig=str(KUBECONFIG), namespace=NAMESPACE, server_version="1.31.2", windows=[window])
    given.update(raw_path=str(FOLDER / f"{name}.samples.json.gz"))
    result = prometheus_sample.run(given, Context())
    (FOLDER / f"{name}.json").write_text(json.dumps(result, indent=1))
    return Experiment(
        figures={figure["id"]: figure for figure in result["windows"][0]["figures"]},
        transitions=sum(int(one["stateTransitionCount"]) for one in found),
        completed=sum(one["status"] == "WORKFLOW_EXECUTION_STATUS_COMPLETED" for one in found),
        counted=dict(zip(("started", "completed", "failed"), map(int, said.groups()))),
        length=length,
    )


# ------------------------------------------------------------------ what happens


def nothing() -> None:
    """The control: a window in which the load starts and stops."""


def a_history_pod_is_deleted() -> None:
    kubectl("delete", "pod", pods("history")[0]["metadata"]["name"], "--wait=false")


def history_is_scaled_out() -> None:
    kubectl("scale", "deployment/my-temporal-history", "--replicas=2")


def history_dies() -> None:
    os.kill(process_of(pods("history")[0]), signal.SIGKILL)


def prometheus_is_restarted() -> None:
    """Its container ends and is started again: what it had stored is kept."""
    os.kill(process_of(pods("server")[0]), signal.SIGTERM)


def prometheus_is_replaced() -> None:
    """Its pod is deleted, and with it all that it had stored."""
    kubectl("delete", "pod", pods("server")[0]["metadata"]["name"], "--wait=false")


@pytest.fixture(autouse=True)
def _one_history_pod_and_no_load() -> None:
    kubectl("scale", "deployment/benchmark-soak-test", "--replicas=0")
    scale("my-temporal-history", 1)
    until("one ready history pod", lambda: ready("history"))
    until("a ready Prometheus", lambda: ready("server"))


# ------------------------------------------------------------------ what the figures say


def agrees(seen: Experiment) -> None:
    """The server's figures and the generator's own are what the witnesses say, within one in a hundred."""
    assert seen.transitions > 1000, "too little load to tell anything"
    assert seen.counted == {"started": seen.completed, "completed": seen.completed, "failed": 0}
    assert seen.total("state_transitions") == pytest.approx(seen.transitions, rel=0.01)
    assert seen.total("workflow_successes") == pytest.approx(seen.completed, rel=0.01)
    assert seen.total("load_completed") == pytest.approx(seen.completed, rel=0.01)
    assert seen.figures["load_failed"]["value"] == 0
    for name in ("state_transitions", "workflow_successes", "load_completed"):
        assert (seen.figures[name]["state"], seen.figures[name]["reason"]) == ("pass", "")


def test_a_load_that_starts_and_stops() -> None:
    seen = experiment("load", nothing)
    agrees(seen)
    transitions = seen.figures["state_transitions"]
    # Scrapes of the load at rest stand at both edges: nothing had to be divided, and so nothing is uncertain.
    assert transitions["interval"] == pytest.approx([transitions["value"]] * 2)
    assert (transitions["resets"], transitions["gone_series"], transitions["unknown_series"]) == (0, 0, 0)
    assert transitions["coverage"] > 0.9
    assert seen.figures["transitions_per_success"]["value"] == pytest.approx(seen.transitions / seen.completed)
    assert seen.figures["signal_requests"]["value"] * seen.length == pytest.approx(seen.completed, rel=0.01)


def test_a_history_pod_that_is_deleted_loses_nothing() -> None:
    seen = experiment("deleted", a_history_pod_is_deleted)
    agrees(seen)
    transitions = seen.figures["state_transitions"]
    assert transitions["new_series"] >= 1
    assert transitions["gone_series"] >= 1
    # It may have counted after its last scrape: nobody can tell the upper end.
    assert transitions["interval"][1] is None
    assert seen.figures["shards_acquired"]["value"] == pytest.approx(512)
    assert list(seen.figures["shards_per_pod"]["by"].values()) == [512]


def test_a_history_pod_that_is_added_counts_from_its_first_value() -> None:
    seen = experiment("added", history_is_scaled_out)
    agrees(seen)
    assert seen.figures["state_transitions"]["new_series"] >= 1
    shards = seen.figures["shards_per_pod"]["by"]
    assert sum(shards.values()) == 512
    (new,) = {pod["metadata"]["name"] for pod in pods("history")[1:]}
    # What PromQL's increase() cannot see: these counters begin with the scale-out itself.
    assert seen.figures["shards_acquired"]["value"] == pytest.approx(shards[new])
    assert seen.figures["shards_closed"]["value"] == pytest.approx(shards[new])
    assert seen.figures["membership_changes"]["value"] >= 1


def test_a_restart_of_prometheus_loses_nothing_but_the_course() -> None:
    """Counters go on while nobody scrapes: their growth across the gap is known."""
    seen = experiment("restarted", prometheus_is_restarted)
    agrees(seen)
    assert seen.figures["state_transitions"]["largest_gap"] > INTERVAL
    assert seen.figures["state_transitions"]["unknown_series"] == 0


def test_a_prometheus_that_lost_its_samples_does_not_know() -> None:
    seen = experiment("replaced", prometheus_is_replaced)
    for name in ("state_transitions", "workflow_successes", "persistence_latency_p95", "load_completed"):
        figure = seen.figures[name]
        assert figure["state"] == "inconclusive", figure
        assert "scraped" in figure["reason"] or "not known" in figure["reason"]
    # What it does know is not more than there was.
    assert seen.figures["state_transitions"]["interval"][0] * seen.length <= seen.transitions


def test_a_history_process_that_dies_loses_one_scrape_at_most_and_says_so() -> None:
    seen = experiment("dies", history_dies)
    transitions = seen.figures["state_transitions"]
    assert transitions["resets"] >= 1
    (lost,) = (re.search(r"in up to (\d+) s since", note) for note in transitions["notes"] if "at zero" in note)
    assert int(lost[1]) <= 2 * INTERVAL
    doubtful = int(lost[1]) > 0.1 * seen.length
    assert transitions["state"] == ("inconclusive" if doubtful else "pass")
    assert transitions["interval"][1] is None
    # The load was at its height until then.
    missing = seen.transitions - seen.total("state_transitions")
    assert -0.01 * seen.transitions <= missing <= int(lost[1]) * 1.5 * seen.transitions / (2 * HALF)


# ------------------------------------------------------------------ what a rebalancing costs

#: Seconds of load before and after the pod is killed: eight scrapes and more tell what is usual.
STEADY = 45
COMPLETED = re.compile(r"(?P<date>\S+ \S+),(?P<part>\d{3}) DEBUG workflow \S+ completed in (?P<took>\S+) s")


def record_of_the_load() -> list[tuple[float, float]]:
    """The load's own record of each workflow: when it was known to be complete, and how long it took."""
    lines = map(COMPLETED.match, kubectl("logs", "deployment/benchmark-soak-test").splitlines())
    return [
        (
            calendar.timegm(time.strptime(line["date"], "%Y-%m-%d %H:%M:%S")) + int(line["part"]) / 1000,
            float(line["took"]),
        )
        for line in lines
        if line
    ]


def test_the_ledger_of_a_killed_pod_agrees_with_the_loads_own_record() -> None:
    kubectl("set", "env", "deployment/benchmark-soak-test", "LOG_LEVEL=DEBUG")
    scale("benchmark-soak-test", 1)
    until("a load that runs", lambda: len(record_of_the_load()) > 10)
    time.sleep(SCRAPED)
    start = time.time()
    time.sleep(STEADY)
    (old,) = pods("history")
    killed = time.time()
    kubectl("delete", "pod", old["metadata"]["name"], "--grace-period=0", "--force")
    until("another history pod", lambda: ready("history"))
    (new,) = pods("history")
    time.sleep(STEADY)
    length = round(time.time() - start, 3)
    time.sleep(SCRAPED)
    record = record_of_the_load()
    given = {option: spec.get("default") for option, spec in prometheus_sample.SPEC.items()}
    raw = FOLDER / "killed.samples.json.gz"
    window = {"name": "killed", "title": None, "start": start, "duration": length}
    given.update(kubeconfig=str(KUBECONFIG), namespace=NAMESPACE, server_version="1.31.2", windows=[window])
    prometheus_sample.run({**given, "raw_path": str(raw)}, Context())
    kept = samples_file.load(raw)
    ledger = rebalancing(kept, kept_samples.figures(kept), [])
    assert ledger is not None
    (FOLDER / "killed.ledger.json").write_text(json.dumps({"ledger": ledger, "killed": killed, "record": record}))

    # -- the pods and the seconds
    names = {pod["pod"]: pod for pod in ledger["pods"]}
    assert set(names) == {old["metadata"]["name"], new["metadata"]["name"]}
    gone, came = names[old["metadata"]["name"]]["went"], names[new["metadata"]["name"]]["came"]
    assert gone is not None
    assert came is not None
    assert killed - SCRAPED <= gone <= killed + 1
    assert names[new["metadata"]["name"]]["shards"][-1][1] == 512
    assert killed - SCRAPED <= ledger["start"] <= killed + SCRAPED
    assert came <= ledger["end"] + SCRAPED
    counts = {(entry["what"], entry["pod"]): entry["count"] for entry in ledger["entries"]}
    assert counts["shards_acquired", new["metadata"]["name"]] == 512

    # -- the sum: by the same words, of the load's own record of each workflow
    lost = ledger["lost"]
    assert lost["workflow_seconds"] is not None
    begin, end, in_flight = ledger["start"], ledger["end"], lost["in_flight"]
    first = ledger["completed"][0][0] - ledger["step"]
    rate = sum(first < time <= begin for time, _took in record) / (begin - first)
    completed = sum(begin < time <= end for time, _took in record)
    assert completed == pytest.approx(lost["completed"], abs=1)
    assert lost["workflow_seconds"] == pytest.approx(in_flight * (end - begin - completed / rate), rel=0.1)

    # -- and by others: what those that ended in it took longer than was usual. The workflows in flight at its two ends
    # make a difference of some of them at most.
    longer = sum(took - in_flight / rate for time, took in record if begin < time <= end)
    assert lost["workflow_seconds"] == pytest.approx(longer, rel=0.1, abs=2 * in_flight / rate)
