# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of a real lab in which things go wrong in the middle of a window; run by the molecule scenario `measure`.

Temporal and its load are there in the scenario's namespace when this begins. In each experiment the load
runs for a while inside one window, and something happens to the cluster meanwhile. What the figures say is compared
with witnesses that have nothing to do with Prometheus: the state transitions that the server's database holds for
each of the load's workflows, what the load generator counted itself and says in its log when it ends, and what history
pods count of their shards.

On a busy machine scrapes come late or not at all, and pods take long to come and go. Each step waits for what it needs,
and where a scrape that did not take place hides something, the samples show how much at most.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import (
    prometheus_sample,
    samples_file,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.reading import Reading
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.series import Series
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.tests.integration.scenario import (
    BIN,
    FOLDER,
    KUBECONFIG,
    NAMESPACE,
    PROMETHEUS,
    TEMPORAL,
    kubectl,
)

#: Seconds of load, and workflows that complete, before and after what happens: at least.
HALF = 20
FEWEST = 40
#: Seconds between two scrapes.
INTERVAL = 5
#: Seconds for what a busy machine takes long for.
PATIENCE = 300
WORKFLOWS = f"{TEMPORAL}/namespaces/default/workflows"
#: Shards of the scenario.
SHARDS = 512
#: The counters of the load's workflows and of the server's state transitions.
COMPLETED = "benchmark_workflows_completed_total"
IN_FLIGHT = "benchmark_workflows_in_flight"
TRANSITIONS = "state_transition_count_count"


def until(what: str, found: Callable[[], Any]) -> Any:
    """What a question gives as soon as it is something."""
    end = time.monotonic() + PATIENCE
    while not (answer := found()):
        assert time.monotonic() < end, f"{what} did not come about in {PATIENCE} s"
        time.sleep(0.5)
    return answer


def scale(deployment: str, replicas: int) -> None:
    kubectl("scale", f"deployment/{deployment}", f"--replicas={replicas}")
    until(
        f"{replicas} of {deployment}",
        lambda: (
            json.loads(kubectl("get", f"deployment/{deployment}", "-o", "json"))["status"].get("readyReplicas", 0)
            == replicas
        ),
    )


def listed(selector: str) -> list[dict[str, Any]]:
    """Pods with these labels."""
    found: list[dict[str, Any]] = json.loads(kubectl("get", "pods", "-l", selector, "-o", "json"))["items"]
    return found


def living(selector: str) -> list[dict[str, Any]]:
    """Pods with these labels that are not told to end and have not ended, the oldest first."""
    found = [
        pod
        for pod in listed(selector)
        if "deletionTimestamp" not in pod["metadata"] and pod["status"].get("phase") != "Succeeded"
    ]
    return sorted(found, key=lambda pod: pod["metadata"]["creationTimestamp"])


def pods(component: str) -> list[dict[str, Any]]:
    """Those of a role of the server."""
    return living(f"app.kubernetes.io/component={component}")


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


def scraped(since: float) -> bool:
    """Whether Prometheus has scraped each pod of the server after a time."""
    wanted = {pod["metadata"]["name"] for pod in living("app.kubernetes.io/name=temporal")}
    up = f'up{{job="kubernetes-pods",kubernetes_namespace="{NAMESPACE}"}}'
    query = f"timestamp({up}) > {since:.3f} and {up} == 1"
    try:
        rows = json.loads(kubectl("get", "--raw", f"{PROMETHEUS}/query?query={quote(query)}"))["data"]["result"]
    except AssertionError:
        # Prometheus is what something happened to.
        return False
    return wanted <= {row["metric"]["pod"] for row in rows}


def wait_for_scrape() -> None:
    since = time.time()
    until("a scrape of all pods", lambda: scraped(since))


def own_count(pod: str, metric: str) -> int | None:
    """What a history pod serves of a metric, its label sets together; None when it does not answer."""
    try:
        text = kubectl("get", "--raw", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}:9090/proxy/metrics")
    except AssertionError:
        return None
    samples = re.findall(rf"^{metric}(?:{{(.*)}})? (\S+)$", text, re.MULTILINE)
    return sum(int(float(value)) for labels, value in samples if 'namespace="temporal' not in labels)


def own_counts(metric: str) -> Counter[str]:
    """The same of all history pods."""
    names = [pod["metadata"]["name"] for pod in pods("history")]
    return Counter({name: own_count(name, metric) or 0 for name in names})


def all_shards_held() -> bool:
    return ready("history", len(pods("history"))) and own_counts("numshards_gauge").total() == SHARDS


@dataclass(frozen=True)
class Happened:
    """What happened to the cluster. over: when it was.

    told: times at which a pod that went was asked for its state transitions, with its answers.
    """

    over: float
    told: Sequence[tuple[float, int]] = ()


@dataclass(frozen=True)
class Experiment:
    """What one window of load showed, and what the witnesses say of it.

    ended: how many workflows ended in which way, by the database. counted: what the load counted of them.
    held, acquired: shards that each history pod has at the end, and that all have acquired in the window, as they count
    themselves.
    """

    figures: dict[str, dict[str, Any]]
    reading: Reading
    transitions: int
    ended: Counter[str]
    counted: dict[str, int]
    held: Counter[str]
    acquired: int
    start: float
    length: float
    happened: Happened

    @property
    def end(self) -> float:
        return self.start + self.length

    @property
    def completed(self) -> int:
        return self.ended["COMPLETED"]

    def total(self, figure: str) -> float:
        """A rate's growth over the window."""
        return float(self.figures[figure]["value"] * self.length)

    def steps(self, metric: str, pod: str = "") -> Iterator[tuple[float, float, float]]:
        """Each step of a pod's counter from one scrape to the next: its two times, and by how much it grew."""
        for series in self.series(metric):
            if self.is_of(series, pod):
                for (before, low), (after, high) in pairwise(zip(series.times, series.values)):
                    yield before, after, high - low

    @staticmethod
    def is_of(series: Series, pod: str) -> bool:
        """Whether a series is of that pod, or of any, and not of Temporal's own workflows."""
        return pod in ("", series.labels["pod"]) and not series.labels.get("namespace", "").startswith("temporal")

    def series(self, metric: str) -> list[Series]:
        return self.reading.metrics[metric].series

    def fastest(self) -> float:
        """State transitions a second, at most: half as many again as in the step with most of them."""
        return 1.5 * max(grown / (after - before) for before, after, grown in self.steps(TRANSITIONS))

    def scrapes(self, component: str) -> dict[str, list[float]]:
        """Times at which the pods of a component answered."""
        return {
            one.labels["pod"]: [at for at, value in zip(one.times, one.values) if value == 1]
            for one in self.reading.up.series
            if one.labels.get("pod", "").startswith(f"my-temporal-{component}-")
        }

    def unseen(self) -> float:
        """State transitions, at most, that a history pod made after its last scrape before it went."""
        if not self.happened.told:
            return 0.0
        (gone,) = (pod for pod in self.scrapes("history") if pod not in self.held)
        scraped = sum(one.values[-1] for one in self.series(TRANSITIONS) if self.is_of(one, gone))
        (_at, before), (asked, last) = self.happened.told[-2:]
        # One that counted to the end may have counted on.
        return max(0.0, last - scraped) + (self.fastest() * (self.happened.over - asked) if last > before else 0.0)


def load(seconds: float) -> None:
    """Let the load go on for so long, and until enough of its workflows have completed."""
    before = len(workflows("ExecutionStatus='Completed'"))
    time.sleep(seconds)
    until("workflows that complete", lambda: len(workflows("ExecutionStatus='Completed'")) >= before + FEWEST)


def experiment(name: str, happens: Callable[[], Happened]) -> Experiment:
    """Run load in a window, let something happen in its middle, and read the window's figures."""
    until("the end of earlier workflows", lambda: not workflows("ExecutionStatus='Running'"))
    until("history pods with all shards", all_shards_held)
    # A scrape of the load at rest on both sides of both edges: what is counted across an edge of the window is divided
    # in proportion to time, which is right for a load that goes on, and not for one that begins or ends there.
    wait_for_scrape()
    start = time.time()
    acquired = own_counts("sharditem_created_count")
    wait_for_scrape()
    log = FOLDER / f"{name}.log"
    scale("benchmark-soak-test", 1)
    with log.open("w") as output:
        command = [BIN / "kubectl", f"--kubeconfig={KUBECONFIG}", "logs", "-f", "deployment/benchmark-soak-test"]
        follower = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        load(HALF)
        happening = time.time()
        happened = happens()
        wait_for_scrape()
        # As long as it took, so that the window has scrapes enough.
        load(max(HALF, time.time() - happening))
        kubectl("scale", "deployment/benchmark-soak-test", "--replicas=0")
        follower.wait(timeout=PATIENCE)
    finally:
        kubectl("scale", "deployment/benchmark-soak-test", "--replicas=0")
        follower.kill()
        follower.wait()
    until("the end of all workflows", lambda: not workflows("ExecutionStatus='Running'"))
    until("history pods with all shards", all_shards_held)
    wait_for_scrape()
    length = round(time.time() - start, 3)
    held = own_counts("numshards_gauge")
    acquired = own_counts("sharditem_created_count") - acquired
    wait_for_scrape()
    found = workflows(f"StartTime >= '{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(start))}'")
    said = re.search(r"workflows in all: (\d+) started, (\d+) completed, (\d+) failed", log.read_text())
    assert said, log.read_text()
    given = {option: spec.get("default") for option, spec in prometheus_sample.SPEC.items()}
    window = {"name": name, "title": None, "start": start, "duration": length}
    kept = FOLDER / f"{name}.samples.json.gz"
    given.update(kubeconfig=str(KUBECONFIG), namespace=NAMESPACE, server_version="1.31.2", windows=[window])
    given.update(raw_path=str(kept))
    result = prometheus_sample.run(given, Context())
    (FOLDER / f"{name}.json").write_text(json.dumps(result, indent=1))
    (reading,) = samples_file.load(kept).readings
    return Experiment(
        figures={figure["id"]: figure for figure in result["windows"][0]["figures"]},
        reading=reading,
        transitions=sum(int(one["stateTransitionCount"]) for one in found),
        ended=Counter(one["status"].removeprefix("WORKFLOW_EXECUTION_STATUS_") for one in found),
        counted=dict(zip(("started", "completed", "failed"), map(int, said.groups()))),
        held=held,
        acquired=acquired.total(),
        start=start,
        length=length,
        happened=happened,
    )


# ------------------------------------------------------------------ what happens


def nothing() -> Happened:
    """The control: a window in which the load starts and stops."""
    return Happened(time.time())


def a_history_pod_is_deleted() -> Happened:
    """It is asked until it is gone."""
    name = pods("history")[0]["metadata"]["name"]
    # Once before, so that there are two answers.
    told = [(time.time(), -1), (time.time(), own_count(name, TRANSITIONS) or 0)]
    kubectl("delete", "pod", name, "--wait=false")

    def gone() -> bool:
        asked = time.time()
        count = own_count(name, TRANSITIONS)
        if count is not None:
            told.append((asked, count))
        return not kubectl("get", "pod", name, "--ignore-not-found")

    until("the end of the history pod", gone)
    return Happened(time.time(), told)


def history_is_scaled_out() -> Happened:
    scale("my-temporal-history", 2)
    until("history pods with all shards", all_shards_held)
    return Happened(time.time())


def history_dies() -> Happened:
    return kill(pods("history")[0], signal.SIGKILL)


def prometheus_is_restarted() -> Happened:
    """Its container ends and is started again: what it had stored is kept."""
    return kill(pods("server")[0], signal.SIGTERM)


def prometheus_is_replaced() -> Happened:
    """Its pod is deleted, and with it all that it had stored."""
    kubectl("delete", "pod", pods("server")[0]["metadata"]["name"], "--wait=false")
    return Happened(time.time())


def kill(pod: dict[str, Any], how: signal.Signals) -> Happened:
    process = process_of(pod)
    died = time.time()
    os.kill(process, how)
    return Happened(died)


@pytest.fixture(autouse=True)
def _one_history_pod_and_no_load() -> None:
    kubectl("scale", "deployment/benchmark-soak-test", "--replicas=0")
    scale("my-temporal-history", 1)
    until("one history pod", lambda: ready("history") and len(listed("app.kubernetes.io/component=history")) == 1)
    until("a ready Prometheus", lambda: ready("server"))


# ------------------------------------------------------------------ what the figures say


def agrees(seen: Experiment) -> None:
    """The server's figures and the generator's own are what the witnesses say, within one in a hundred.

    All that they may lack is what a pod may have counted after its last scrape.
    """
    assert seen.transitions > 1000, "too little load to tell anything"
    # What did not finish in the grace period was terminated, and what took too long timed out.
    failed = seen.ended["FAILED"] + seen.ended["TIMED_OUT"]
    assert (seen.counted["completed"], seen.counted["failed"]) == (seen.completed, failed)
    assert seen.counted["started"] == seen.completed + failed + seen.ended["TERMINATED"]
    unseen = seen.unseen()
    for figure, truth in (("state_transitions", seen.transitions), ("workflow_successes", seen.completed)):
        most_lost = unseen * truth / seen.transitions
        assert 0.99 * truth - most_lost <= seen.total(figure) <= 1.01 * truth, (truth, most_lost)
        assert (seen.figures[figure]["state"], seen.figures[figure]["reason"]) == ("pass", "")
    load_agrees(seen)


def load_agrees(seen: Experiment) -> None:
    """What the load's figures say is what it served, and what it counted in all if it was scraped at its end."""
    # The pod of the load before may still be among the samples, with what it counted before this window.
    pods = {one.labels["pod"] for one in seen.series(COMPLETED) if one.times[-1] > seen.start}
    served = sum(one.values[-1] for one in seen.series(COMPLETED) if one.labels["pod"] in pods)
    completed = seen.figures["load_completed"]
    assert seen.total("load_completed") == pytest.approx(served)
    assert seen.figures["load_failed"]["value"] == seen.counted["failed"]
    assert (completed["state"], completed["reason"]) == ("pass", "")
    if all(one.values[-1] == 0 for one in seen.series(IN_FLIGHT) if one.labels["pod"] in pods):
        assert served == seen.counted["completed"]
    else:
        assert served <= seen.counted["completed"]
        assert completed["interval"][1] is None


def test_a_load_that_starts_and_stops() -> None:
    seen = experiment("load", nothing)
    agrees(seen)
    transitions = seen.figures["state_transitions"]
    # Scrapes of the load at rest stand at both edges: nothing had to be divided, and so nothing is uncertain.
    assert transitions["interval"] == pytest.approx([transitions["value"]] * 2)
    assert (transitions["resets"], transitions["gone_series"], transitions["unknown_series"]) == (0, 0, 0)
    (scrapes,) = seen.scrapes("history").values()
    inside = [at for at in scrapes if seen.start < at <= seen.end]
    # Those that came late make less than a round each.
    late = sum(abs(after - before - INTERVAL) > INTERVAL / 4 for before, after in pairwise(scrapes))
    assert transitions["coverage"] > min(0.9, (len(inside) - late) * INTERVAL / seen.length)
    assert transitions["samples"] >= len(inside)
    per_success = seen.figures["transitions_per_success"]["value"]
    assert per_success == pytest.approx(seen.total("state_transitions") / seen.total("workflow_successes"))
    # A request that was not answered was made again, and may have arrived all the same.
    again = seen.figures["load_request_errors"]["value"]
    signals = seen.figures["signal_requests"]["value"] * seen.length
    assert 0.99 * seen.ended.total() <= signals <= 1.01 * (seen.ended.total() + again)


def test_a_history_pod_that_is_deleted_loses_nothing() -> None:
    seen = experiment("deleted", a_history_pod_is_deleted)
    agrees(seen)
    transitions = seen.figures["state_transitions"]
    assert transitions["new_series"] >= 1
    assert transitions["gone_series"] >= 1
    # It may have counted after its last scrape: nobody can tell the upper end.
    assert transitions["interval"][1] is None
    # The new pod counts its own; the one that is gone may have got some back before it went.
    (got_back,) = (
        sum(grown for before, _after, grown in seen.steps("sharditem_created_count", pod) if before >= seen.start)
        for pod in seen.scrapes("history")
        if pod not in seen.held
    )
    assert seen.acquired >= SHARDS
    assert seen.figures["shards_acquired"]["value"] == pytest.approx(seen.acquired + got_back)
    assert seen.figures["shards_per_pod"]["by"] == dict(seen.held)
    assert list(seen.held.values()) == [SHARDS]


def test_a_history_pod_that_is_added_counts_from_its_first_value() -> None:
    seen = experiment("added", history_is_scaled_out)
    agrees(seen)
    assert seen.figures["state_transitions"]["new_series"] >= 1
    shards = seen.figures["shards_per_pod"]["by"]
    assert shards == dict(seen.held)
    (new,) = {pod["metadata"]["name"] for pod in pods("history")[1:]}
    # What PromQL's increase() cannot see: these counters begin with the scale-out itself.
    assert seen.figures["shards_acquired"]["value"] == pytest.approx(seen.acquired)
    assert seen.acquired >= shards[new]
    # Who got a shard took it from somebody.
    assert seen.figures["shards_closed"]["value"] == pytest.approx(seen.acquired)
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
        assert "scrape" in figure["reason"] or "not known" in figure["reason"]
    # What it does know is not more than there was.
    assert seen.figures["state_transitions"]["interval"][0] * seen.length <= seen.transitions


def test_a_history_process_that_dies_loses_what_came_since_its_last_scrape_and_says_so() -> None:
    seen = experiment("dies", history_dies)
    transitions = seen.figures["state_transitions"]
    assert transitions["resets"] >= 1
    (scrapes,) = seen.scrapes("history").values()
    died = seen.happened.over
    last, back = max(at for at in scrapes if at <= died), min(at for at in scrapes if at > died)
    (lost,) = (re.search(r"in up to (\d+) s since", note) for note in transitions["notes"] if "at zero" in note)
    # From its last scrape to the first of the process in its place.
    assert int(lost[1]) == pytest.approx(back - last, abs=0.51)
    doubtful = back - last > 0.1 * seen.length
    assert transitions["state"] == ("inconclusive" if doubtful else "pass")
    assert transitions["interval"][1] is None
    # It counted until it died, and the new one from its beginning.
    missing = seen.transitions - seen.total("state_transitions")
    assert -0.01 * seen.transitions <= missing <= 0.01 * seen.transitions + (died - last + 1) * seen.fastest()
