# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a stage was done right: its criteria, judged by what is in the cluster.

Not by results: a student may have done a stage by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .lab_in_cluster import ROLES, SOAK_TEST, WORKERS, LabInCluster

#: What to do about what is only not known yet.
AGAIN = "try again in a moment"


@dataclass(frozen=True)
class Criterion:
    """One thing that a stage leaves in the cluster.

    what: the criterion as a statement. met: None when it cannot be known. why: what speaks against it. hint: what to
    do.
    """

    what: str
    met: bool | None
    why: str = ""
    hint: str = ""


@dataclass(frozen=True)
class StageVerdict:
    """Whether the result of a stage exists in the cluster.

    done: None when it cannot be known. why: what speaks against it. hint: what to do first. criteria: what it consists
    of, in the order in which to see to them.
    """

    stage: str
    done: bool | None
    why: str
    hint: str
    criteria: Sequence[Criterion]


@dataclass(frozen=True)
class Wanted:
    """What the stages are to leave."""

    temporal_namespace: str
    concurrent_workflows: int
    raised_concurrent_workflows: int
    history_replicas: int


def verdict(stage: str, criteria: Sequence[Criterion]) -> StageVerdict:
    """A stage is done if all of its criteria are met, and not done if one of them is not."""
    against = [one for one in criteria if one.met is False] or [one for one in criteria if one.met is None]
    if not against:
        return StageVerdict(stage, True, "", "", criteria)
    # Two criteria can fail for the same reason.
    why = "; ".join(dict.fromkeys(reason for one in against for reason in one.why.split("; ")))
    return StageVerdict(stage, against[0].met, why, against[0].hint, criteria)


def installed(found: LabInCluster, wanted: Wanted, stage: str = "install") -> list[Criterion]:
    lacking = found.lacking(tuple(f"{found.release}-{role}" for role in ROLES))
    there = f"the Temporal namespace {wanted.temporal_namespace} exists"
    owns = "history owns every shard"
    server = Criterion(
        f"{', '.join(ROLES[:-1])} and {ROLES[-1]} are rolled out",
        not lacking,
        "; ".join(lacking),
        f"run --tags {stage}, or check its pods with kubectl get pods" if lacking else "",
    )
    if found.temporal_namespaces is None:
        unknown = "; ".join(found.doubts) or "Temporal does not answer yet"
        return [server, Criterion(there, None, unknown, AGAIN), Criterion(owns, None, unknown, AGAIN)]
    if wanted.temporal_namespace in found.temporal_namespaces:
        namespace = Criterion(there, True)
    else:
        why = f"there is no Temporal namespace {wanted.temporal_namespace}"
        namespace = Criterion(there, False, why, f"run --tags {stage}; helm alone does not make one")
    return [server, namespace, _shards(found, owns)]


def _shards(found: LabInCluster, owns: str) -> Criterion:
    owned = found.owned_shards
    if owned is None:
        return Criterion(owns, None, found.doubt_about_shards, AGAIN)
    if owned != found.history_shards:
        why = f"history owns {owned} of {found.history_shards} shards"
        return Criterion(owns, False, why, "wait a minute, and check the history pods' logs if this persists")
    return Criterion(owns, True)


def loaded(found: LabInCluster, wanted: Wanted) -> list[Criterion]:
    lacking = found.lacking((WORKERS, SOAK_TEST))
    hint = "run --tags benchmark" if lacking else ""
    there = Criterion(f"{WORKERS} and {SOAK_TEST} are rolled out", not lacking, "; ".join(lacking), hint)
    what = f"{SOAK_TEST} keeps workflows in flight"
    if SOAK_TEST not in found.deployments:
        return [there, Criterion(what, False, f"{SOAK_TEST} is missing", hint)]
    if found.concurrent_workflows is None:
        why = f"{SOAK_TEST} does not say in CONCURRENT_WORKFLOWS how many workflows it keeps in flight"
        return [there, Criterion(what, None, why, "run --tags benchmark, which sets it")]
    if found.concurrent_workflows == 0:
        why = f"{SOAK_TEST} is set to keep 0 workflows in flight"
        hint = f"set CONCURRENT_WORKFLOWS={wanted.concurrent_workflows} on it, or run --tags benchmark"
        return [there, Criterion(what, False, why, hint)]
    return [there, Criterion(what, True)]


def raised(found: LabInCluster, wanted: Wanted) -> list[Criterion]:
    load = loaded(found, wanted)
    what = f"{wanted.raised_concurrent_workflows} workflows are kept in flight"
    if not found.concurrent_workflows:
        return [*load, Criterion(what, load[-1].met, load[-1].why, load[-1].hint)]
    if found.concurrent_workflows != wanted.raised_concurrent_workflows:
        why = f"{SOAK_TEST} keeps {found.concurrent_workflows} workflows in flight, not the raised number"
        hint = (
            f"kubectl set env deployment/{SOAK_TEST} CONCURRENT_WORKFLOWS={wanted.raised_concurrent_workflows}, "
            "or run --tags concurrency"
        )
        return [*load, Criterion(what, False, why, hint)]
    return [*load, Criterion(what, True)]


def scaled(found: LabInCluster, wanted: Wanted) -> list[Criterion]:
    history = f"{found.release}-history"
    scale = f"kubectl scale deployment/{history} --replicas={wanted.history_replicas}, or run --tags scale"
    pods = f"{wanted.history_replicas} history {'pod' if wanted.history_replicas == 1 else 'pods'}"
    asked, ready, spread = f"{pods} wanted", f"{history} is rolled out", "every history pod owns shards"
    if history not in found.deployments:
        missing = (f"{history} is missing", "run --tags install first")
        return [Criterion(what, False, *missing) for what in (asked, ready, spread)]
    if found.history_replicas != wanted.history_replicas:
        has = f"{found.history_replicas} {'replica' if found.history_replicas == 1 else 'replicas'}"
        number = Criterion(asked, False, f"{history} has {has}; the stage wants {wanted.history_replicas}", scale)
    else:
        number = Criterion(asked, True)
    lacking = found.lacking((history,))
    rolled_out = Criterion(ready, not lacking, "; ".join(lacking), "wait until its pods are ready" if lacking else "")
    owned, shards = found.owned_shards, found.shards
    if owned is None or shards is None:
        return [number, rolled_out, Criterion(spread, None, found.doubt_about_shards, AGAIN)]
    if owned != found.history_shards or not all(shards.values()):
        why = f"the pods own {' + '.join(map(str, shards.values()))} of {found.history_shards} shards"
        hint = "wait a minute: shards move after a pod joins"
        return [number, rolled_out, Criterion(spread, False, why, hint)]
    return [number, rolled_out, Criterion(spread, True)]


def cleaned(found: LabInCluster, wanted: Wanted) -> list[Criterion]:
    what = "nothing of the lab is left"
    if not found.deployments:
        return [Criterion(what, True)]
    why = f"not removed: {', '.join(sorted(found.deployments))}"
    return [Criterion(what, False, why, "run --tags cleanup, which also removes what helm leaves")]


#: The stages that leave something in the cluster, in the order of the lab, and what that is.
CRITERIA: Mapping[str, Callable[[LabInCluster, Wanted], list[Criterion]]] = {
    "install": installed,
    "benchmark": loaded,
    "concurrency": raised,
    "scale": scaled,
    "cleanup": cleaned,
    "recreate": lambda found, wanted: installed(found, wanted, "recreate"),
}


def judge(stage: str, found: LabInCluster, wanted: Wanted) -> StageVerdict:
    """Whether a stage of CRITERIA was done right."""
    return verdict(stage, CRITERIA[stage](found, wanted))


def criteria_lines(judged: StageVerdict) -> list[str]:
    """The criteria of a stage, for a person: which are met, and what to do about the others."""
    words = {True: "met", False: "not met", None: "not known"}
    lines = [f"stage {judged.stage}:"]
    for one in judged.criteria:
        rest = "" if one.met else f": {one.why}; {one.hint}"
        lines.append(f"  {words[one.met]}: {one.what}{rest}")
    return lines
