# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of a Kubernetes API and answers of Temporal, each damaged at a place, through what takes them apart."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster import (
    balance,
    capacity,
    cluster_preflight,
    deployment_change,
    images,
    lab_in_cluster,
    ours,
    predicates,
    revisions,
    stage_criteria,
    temporal_release,
    watch,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.autoscalers import HPA, SCALED_OBJECT
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.deployment_rollout import (
    RolloutRequest,
    events_of,
    roll_out,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.held import Held, Holding
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.namespace_removal import held_by
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.object_shapes import shape_of
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.probes import Probes
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.temporal_api import TemporalApi
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.undone import refuse_bounds
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.wait import Waited
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.wait_absent import Removal
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.foreign_text import plain
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.shape import fault
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.students.student_namespace import view
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.tests.unit.fuzz.fuzz_cluster import (
    HELM,
    NODE,
    POD,
    TEMPORAL,
    WORLD,
    FuzzCluster,
    deployment,
    metadata,
    waiting,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.fuzz.fuzzing import damaged, fuzz, values
from hypothesis import strategies as st


def part(*keys: str) -> st.SearchStrategy[Any]:
    """The world with some of its answers damaged."""
    return damaged({key: WORLD[key] for key in keys}).map(
        lambda found: {**WORLD, **(found if isinstance(found, dict) else {})}
    )


@fuzz(part("deployments", "pods", "services/lab-frontend", f"{TEMPORAL}/cluster-info", f"{TEMPORAL}/namespaces"))
def test_fuzz_lab_status(world: Any) -> None:
    found = lab_in_cluster.look(FuzzCluster(world))
    wanted = stage_criteria.Wanted("default", 3, 6, 2)
    shown = lab_in_cluster.describe(found, "there")
    verdicts = [stage_criteria.judge(stage, found, wanted) for stage in stage_criteria.CRITERIA]
    "\n".join([*shown, *(line for one in verdicts for line in stage_criteria.criteria_lines(one))]).encode()


@fuzz(part("nodes", "pods"))
def test_fuzz_preflight_of_nodes(world: Any) -> None:
    cluster_preflight.check_nodes(FuzzCluster(world), {"cpu": 1.0, "memory": 1e9}, ["a:1"])


@fuzz(part("version", "namespaces/ns", "selfsubjectaccessreviews"))
def test_fuzz_preflight_of_namespace(world: Any) -> None:
    cluster = FuzzCluster(world)
    cluster_preflight.check_namespace(cluster)
    answer = cluster.request("GET", "/version")
    str(cluster.decode(answer).get("gitVersion", "")).encode()
    cluster_preflight.missing_permissions(cluster, cluster_preflight.NEEDED[:2])


@fuzz(part("secrets"))
def test_fuzz_revisions(world: Any) -> None:
    found = revisions.read_revisions(FuzzCluster(world))
    revisions.judge_earlier(found, "none", 1795453300.0)
    revisions.judge_earlier([entry for entry in found if entry.release == "lab"], "rollback", 1795453300.0)


@fuzz(damaged(HELM).map(lambda labels: [{"metadata": {"name": "s", "labels": labels}}]))
def test_fuzz_labels_of_revisions(secrets: Any) -> None:
    revisions.judge_earlier(revisions.read_revisions(FuzzCluster({"secrets": secrets})), "none", 1795453300.0)


@fuzz(part("pods"))
def test_fuzz_balance(world: Any) -> None:
    found = balance.read_balance(FuzzCluster(world), 512)
    assert found.text.isprintable()
    json.dumps([found.sum, found.balanced])


@fuzz(st.one_of(st.binary(max_size=60), st.text(alphabet='numshards_gauge{}"\\ 15.eN\n', max_size=60).map(str.encode)))
def test_fuzz_shards(text: bytes) -> None:
    for metrics in (text, b"numshards_gauge{" + text + b"} 5", b"numshards_gauge " + text):
        found = balance.owned_shards(metrics)
        assert found is None or found >= 0


@fuzz(part("deployments/lab-history", "pods"))
def test_fuzz_rollout(world: Any) -> None:
    cluster = FuzzCluster(world)
    request = RolloutRequest(["lab-history"], 2, {"A": 1}, ["CONCURRENT_WORKFLOWS"])
    roll_out(cluster, request, Context(check_mode=True))
    looking = watch.Watch(cluster, ["lab-history"], 0.0, "")
    found = looking.look(1.0)
    found.text.encode()
    if found.done:
        waited = Waited(True, found.value, found.text, 1.0, 2)
        json.dumps(events_of(looking, waited, {"lab-history": {}}, live=False))
    for name, pods in found.value.pod_states().items():
        json.dumps([name, [pod.as_result() for pod in pods]])
    if not found.done:
        raise looking.failure("did not roll out", found.value, 1.0)


@fuzz(part("pods", "deployments", "secrets"))
def test_fuzz_leftovers(world: Any) -> None:
    removal = Removal(FuzzCluster(world), ["a=b"], ["deployments", "pods", "secrets"], 0.0, remove=False)
    removal.look(5.0)


@fuzz(st.one_of(part("pods"), st.builds(lambda reason: {**WORLD, "pods": [waiting(reason)]}, st.text(max_size=5))))
def test_fuzz_probes(world: Any) -> None:
    probes = Probes(FuzzCluster({**world, "pods": world.get("pods", [])}), {"a:1": []}, 60)
    probes.created.add("a:1")
    probes.look(1.0)


@fuzz(
    part(
        "services/lab-frontend",
        f"{TEMPORAL}/cluster-info",
        f"{TEMPORAL}/namespaces",
        f"{TEMPORAL}/namespaces/default",
        f"{TEMPORAL}/namespaces/default/workflows/temporal-lab-probe",
        f"{TEMPORAL}/namespaces/default/workflow-count",
    )
)
def test_fuzz_temporal(world: Any) -> None:
    api = TemporalApi(FuzzCluster(world))
    assert api.cluster_info().history_shards > 0
    assert all(isinstance(name, str) for name in api.namespaces())
    api.retention("default")
    api.usable("default")
    found = api.workflows_by_status("default", 1_795_453_300.0, 1_795_453_420.0)
    assert all(isinstance(status, str) and number >= 0 for status, number in found.items())


@fuzz(part("statefulsets/elasticsearch-master", "apis/monitoring.coreos.com/v1"))
def test_fuzz_release(world: Any) -> None:
    cluster = FuzzCluster(world)
    temporal_release.search_owner(cluster)
    temporal_release.knows_monitors(cluster)


AUTOSCALER = {
    "metadata": metadata("thrift"),
    "spec": {
        "scaleTargetRef": {"kind": "Deployment", "name": "lab-history"},
        "minReplicas": 1,
        "maxReplicas": 1,
        "minReplicaCount": 1,
    },
}
SCALED = {**WORLD, "horizontalpodautoscalers": [AUTOSCALER], "scaledobjects": [AUTOSCALER]}


@fuzz(
    damaged({key: SCALED[key] for key in ("deployments", "pods", "horizontalpodautoscalers", "scaledobjects")}).map(
        lambda found: {**SCALED, **(found if isinstance(found, dict) else {})}
    )
)
def test_fuzz_what_is_read_back(world: Any) -> None:
    """Held or undone, and by whom: the sentence can be shown."""
    cluster = FuzzCluster(world)
    for one in (
        Held("lab-history", 1, {"CONCURRENT_WORKFLOWS": "3"}, "uid-lab-history", 2, "", ("pod-1",)),
        Held("lab-history", 2, {}),
        Held("lab-frontend", 1, {"CONCURRENT_WORKFLOWS": "6"}),
        Held("gone", 1, {}),
    ):
        with suppress(LabError):
            for found in Holding(cluster, [one]).check("While the windows ran, "):
                json.dumps(found)
    refuse_bounds(cluster, "lab-history", 2, (HPA, SCALED_OBJECT))


@fuzz(part("namespaces/ns"))
def test_fuzz_namespaces(world: Any) -> None:
    found = FuzzCluster(world).find("namespaces", "ns")
    if found is not None:
        "; ".join(held_by(found)).encode()
        json.dumps(view(found))


@fuzz(damaged([{"metadata": metadata("temporal-lab", labels=ours.MANAGED), "data": {"lab": "installed"}}]))
def test_fuzz_claims(found: Any) -> None:
    cluster = FuzzCluster({"configmaps/temporal-lab": next(iter(found), None) if isinstance(found, list) else found})
    claims = ours.read_claims(cluster)
    assert all(isinstance(name, str) for name in ours.installed_by_us(cluster, ["lab"], claims) | claims.releases)


@fuzz(part("pods", "nodes", "deployments"))
def test_fuzz_judges(world: Any) -> None:
    """What judges objects, given those that were read."""
    cluster = FuzzCluster(world)
    nodes, pods = cluster.list_objects("nodes"), cluster.list_objects("pods")
    images.images_present(["a", "docker.io/library/a:1"], images.usable_nodes(nodes))
    capacity.judge_resources(capacity.free_resources(nodes, pods), {"cpu": 1.0, "memory": 1.0}, all_pods=True)
    for entry in cluster.list_objects("deployments"):
        predicates.deployment_state(entry, pods)
        predicates.rolled_out_time(entry, pods)
        deployment_change.change_of(entry, 3, {"A": "b"})


@fuzz(values)
def test_fuzz_any_answer(value: Any) -> None:
    cluster = FuzzCluster(
        {"pods": {"items": value}, "pods/a": value, "nodes": value if isinstance(value, dict) else {}}
    )
    for read in (
        lambda: cluster.list_objects("pods"),
        lambda: cluster.list_objects("nodes"),
        lambda: cluster.find("pods", "a"),
    ):
        with suppress(LabError):
            read()


@fuzz(st.one_of(damaged(POD), damaged(NODE), damaged(deployment("a"))))
def test_fuzz_words_of_shapes(value: Any) -> None:
    """A message names what is wrong, on one line of bounded length."""
    for kind in ("pods", "nodes", "deployments", "configmaps"):
        said = fault(shape_of(kind), value)
        assert len(said) < 10_000
        assert len(plain(said)) <= 300
