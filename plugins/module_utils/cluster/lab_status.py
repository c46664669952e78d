# SPDX-License-Identifier: GPL-3.0-or-later
"""Task lab_status: what there is in a student's cluster, and whether a stage was done right.

Judged by the cluster, not by results: a student may have done a stage by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..digits import whole_number
from ..http.errors import Refused, RequestFailed, UnexpectedAnswer
from ..task import Context, Params, Result, Task
from .balance import read_balance
from .cluster import Cluster
from .connect import CLUSTER
from .predicates import Json, deployment_state, matches, replicas_wanted
from .temporal_api import TemporalApi

SPEC: dict[str, Any] = {
    **CLUSTER,
    "temporal_namespace": {"type": "str", "default": "default"},
    "concurrent_workflows": {"type": "int", "default": 3},
    "raised_concurrent_workflows": {"type": "int", "default": 6},
    "history_replicas": {"type": "int", "default": 2},
}

ROLES = ("frontend", "history", "matching", "worker")
WORKERS = "benchmark-workers"
SOAK_TEST = "benchmark-soak-test"


@dataclass(frozen=True)
class LabInCluster:
    """What there is; None where it cannot be known.

    deployments: name to its state in words, empty words for one that is rolled out.
    concurrent_workflows: what the load generator is set to keep in flight; None without one, or if it is not set.
    history_replicas: history pods wanted. shards: by history pod. history_shards: effective number.
    temporal_namespaces: Temporal's own namespaces.
    doubts: why something cannot be known, one sentence each.
    """

    release: str
    deployments: dict[str, str] = field(default_factory=dict)
    concurrent_workflows: int | None = None
    history_replicas: int | None = None
    shards: dict[str, int | None] | None = None
    history_shards: int | None = None
    temporal_namespaces: list[str] | None = None
    doubts: list[str] = field(default_factory=list)

    def lacking(self, names: tuple[str, ...]) -> list[str]:
        """What is wrong with some Deployments, in words."""
        return [
            f"{name} is missing" if name not in self.deployments else f"{name} has {self.deployments[name]}"
            for name in names
            if self.deployments.get(name, "missing")
        ]

    @property
    def owned_shards(self) -> int | None:
        """Shards of all history pods; None as long as one of them, or Temporal, does not say."""
        if self.history_shards is None or not self.shards:
            return None
        counts = [count for count in self.shards.values() if count is not None]
        return sum(counts) if len(counts) == len(self.shards) else None

    @property
    def doubt_about_shards(self) -> str:
        return "; ".join(self.doubts) or "a history pod does not say how many shards it owns"


@dataclass(frozen=True)
class StageVerdict:
    """Whether the result of a stage exists in the cluster.

    done: None when it cannot be known. why: what speaks against it. hint: what to do.
    """

    stage: str
    done: bool | None
    why: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Wanted:
    """What the stages are to leave."""

    temporal_namespace: str
    concurrent_workflows: int
    raised_concurrent_workflows: int
    history_replicas: int


def judge_install(found: LabInCluster, wanted: Wanted, stage: str = "install") -> StageVerdict:
    lacking = found.lacking(tuple(f"{found.release}-{role}" for role in ROLES))
    if lacking:
        return StageVerdict(
            stage, False, "; ".join(lacking), f"run --tags {stage}, or check its pods with kubectl get pods"
        )
    if found.temporal_namespaces is None:
        return StageVerdict(stage, None, "; ".join(found.doubts), "try again in a moment")
    if wanted.temporal_namespace not in found.temporal_namespaces:
        why = f"there is no Temporal namespace {wanted.temporal_namespace}"
        return StageVerdict(stage, False, why, f"run --tags {stage}; helm alone does not make one")
    owned, shards = found.owned_shards, found.shards
    if owned is None or shards is None:
        return StageVerdict(stage, None, found.doubt_about_shards, "try again in a moment")
    if owned != found.history_shards:
        why = f"history owns {owned} of {found.history_shards} shards"
        return StageVerdict(stage, False, why, "wait a minute, and check the history pods' logs if this persists")
    return StageVerdict(stage, True)


def judge_load(found: LabInCluster, wanted: Wanted) -> StageVerdict:
    lacking = found.lacking((WORKERS, SOAK_TEST))
    if lacking:
        return StageVerdict("benchmark", False, "; ".join(lacking), "run --tags benchmark")
    if found.concurrent_workflows is None:
        why = f"{SOAK_TEST} does not say in CONCURRENT_WORKFLOWS how many workflows it keeps in flight"
        return StageVerdict("benchmark", None, why, "run --tags benchmark, which sets it")
    if found.concurrent_workflows == 0:
        why = f"{SOAK_TEST} is set to keep 0 workflows in flight"
        hint = f"set CONCURRENT_WORKFLOWS={wanted.concurrent_workflows} on it, or run --tags benchmark"
        return StageVerdict("benchmark", False, why, hint)
    return StageVerdict("benchmark", True)


def judge_concurrency(found: LabInCluster, wanted: Wanted) -> StageVerdict:
    load = judge_load(found, wanted)
    if not load.done:
        return StageVerdict("concurrency", load.done, load.why, load.hint)
    if found.concurrent_workflows != wanted.raised_concurrent_workflows:
        why = f"{SOAK_TEST} keeps {found.concurrent_workflows} workflows in flight, not the raised number"
        hint = (
            f"kubectl set env deployment/{SOAK_TEST} CONCURRENT_WORKFLOWS={wanted.raised_concurrent_workflows}, "
            "or run --tags concurrency"
        )
        return StageVerdict("concurrency", False, why, hint)
    return StageVerdict("concurrency", True)


def judge_scale(found: LabInCluster, wanted: Wanted) -> StageVerdict:
    history = f"{found.release}-history"
    scale = f"kubectl scale deployment/{history} --replicas={wanted.history_replicas}, or run --tags scale"
    if history not in found.deployments:
        return StageVerdict("scale", False, f"{history} is missing", "run --tags install first")
    if found.history_replicas != wanted.history_replicas:
        has = f"{found.history_replicas} {'replica' if found.history_replicas == 1 else 'replicas'}"
        why = f"{history} has {has}; the stage wants {wanted.history_replicas}"
        return StageVerdict("scale", False, why, scale)
    if found.deployments[history]:
        return StageVerdict(
            "scale", False, f"{history} has {found.deployments[history]}", "wait until its pods are ready"
        )
    owned, shards = found.owned_shards, found.shards
    if owned is None or shards is None:
        return StageVerdict("scale", None, found.doubt_about_shards, "try again in a moment")
    if owned != found.history_shards or not all(shards.values()):
        why = f"the pods own {' + '.join(map(str, shards.values()))} of {found.history_shards} shards"
        return StageVerdict("scale", False, why, "wait a minute: shards move after a pod joins")
    return StageVerdict("scale", True)


def judge_cleanup(found: LabInCluster, wanted: Wanted) -> StageVerdict:
    if found.deployments:
        why = f"not removed: {', '.join(sorted(found.deployments))}"
        return StageVerdict("cleanup", False, why, "run --tags cleanup, which also removes what helm leaves")
    return StageVerdict("cleanup", True)


#: The stages that leave something in the cluster, in the order of the lab.
JUDGES: Mapping[str, Callable[[LabInCluster, Wanted], StageVerdict]] = {
    "install": judge_install,
    "benchmark": judge_load,
    "concurrency": judge_concurrency,
    "scale": judge_scale,
    "cleanup": judge_cleanup,
    "recreate": lambda found, wanted: judge_install(found, wanted, "recreate"),
}


def concurrency_of(deployment: Json) -> int | None:
    """What a load generator's Deployment says in CONCURRENT_WORKFLOWS.

    None when it is no number; 0 for a Deployment without replicas.
    """
    if not replicas_wanted(deployment):
        return 0
    for container in deployment["spec"]["template"]["spec"]["containers"]:
        for entry in container.get("env") or []:
            if entry["name"] == "CONCURRENT_WORKFLOWS":
                return whole_number(entry.get("value"))
    return None


def look(cluster: Cluster) -> LabInCluster:
    """Find out what there is. Raises LabError when the cluster itself does not answer."""
    names = [f"{cluster.release}-{part}" for part in (*ROLES, "prometheus-server", "grafana", "web")]
    found = {
        entry["metadata"]["name"]: entry
        for entry in cluster.list_objects("deployments")
        if entry["metadata"]["name"] in (*names, WORKERS, SOAK_TEST)
    }
    pods = cluster.list_objects("pods")
    states = {}
    for name, entry in found.items():
        own = [pod for pod in pods if matches(entry["spec"]["selector"], pod["metadata"].get("labels") or {})]
        state = deployment_state(entry, own)
        states[name] = "" if state.done else state.text
    history = found.get(f"{cluster.release}-history")
    soak_test = found.get(SOAK_TEST)
    known: dict[str, Any] = {}
    doubts = []
    if f"{cluster.release}-frontend" in found:
        try:
            api = TemporalApi(cluster)
            known["history_shards"] = api.cluster_info().history_shards
            known["temporal_namespaces"] = api.namespaces()
            known["shards"] = read_balance(cluster, known["history_shards"]).pods
        except (Refused, UnexpectedAnswer):
            raise
        except RequestFailed as error:
            doubts.append(error.msg)
    return LabInCluster(
        release=cluster.release,
        deployments=dict(sorted(states.items())),
        concurrent_workflows=concurrency_of(soak_test) if soak_test else None,
        history_replicas=replicas_wanted(history) if history else None,
        doubts=doubts,
        **known,
    )


def run(params: Params, context: Context) -> Result:
    """Return ``found`` and ``stages``; nothing is changed."""
    wanted = Wanted(
        params["temporal_namespace"],
        params["concurrent_workflows"],
        params["raised_concurrent_workflows"],
        params["history_replicas"],
    )
    with Cluster.from_params(params) as cluster:
        found = look(cluster)
        place = f"namespace {cluster.namespace} of {cluster.server}"
    for line in describe(found, place):
        context.show(line)
    verdicts = [judge(found, wanted) for judge in JUDGES.values()]
    return {"changed": False, "found": asdict(found), "stages": [asdict(verdict) for verdict in verdicts]}


def describe(found: LabInCluster, place: str) -> list[str]:
    """What there is, as lines for a person."""
    if not found.deployments:
        return [f"nothing of the lab in {place}"]
    lines = [f"{place}:"]
    lines += [f"  {name}: {text or 'rolled out'}" for name, text in found.deployments.items()]
    if found.temporal_namespaces is not None:
        lines.append(f"  Temporal namespaces: {', '.join(sorted(found.temporal_namespaces)) or 'none'}")
    if found.shards is not None:
        owned = " · ".join(f"{pod} {'?' if value is None else value}" for pod, value in found.shards.items())
        lines.append(f"  shards: {owned} of {found.history_shards}")
    if found.concurrent_workflows is not None:
        lines.append(f"  workflows to keep in flight: {found.concurrent_workflows}")
    return lines + [f"  not known: {doubt}" for doubt in found.doubts]


TASK = Task(SPEC, run)
