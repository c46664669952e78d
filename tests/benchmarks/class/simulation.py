# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated class on an embedded node of its own.

Real are the API server with its controllers, each student's Services, Deployments and pods in it, and
Prometheus. KWOK plays the pods' node, and pods.py answers for the pods. There is one Prometheus for all
students, which each of them reaches through the Service in their own namespace. It scrapes and holds the
series of *one* student, as a student's own Prometheus does: with the series of a whole class, each answer
would cost it more, and the control node the same.
"""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import yaml
from pods import PAGES, PODS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster  # noqa: E402
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.predicates import (  # noqa: E402
    pod_state,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import NotFound  # noqa: E402
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node import builds, embedded_node, layout  # noqa: E402
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node.go import find_go  # noqa: E402
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node.parts import Part, parts  # noqa: E402
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context  # noqa: E402
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import ENDS_WITH_ITS_STARTER  # noqa: E402
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus import prometheus_servers  # noqa: E402

Json = dict[str, Any]
Show = Callable[[str], None]

KWOK = "0.8.0"
#: Addresses of the pods that KWOK plays; in the node's network namespace they all lead to pods.py.
POD_RANGE = "10.250.0.0/16"
NODE = "class"
RELEASE = "my-temporal"
HISTORY = f"{RELEASE}-history"
#: The Kubernetes namespace that the one Prometheus' series are labelled with.
SERIES_OF = "student-01"
#: In the node's network namespace the one Prometheus listens there on every address, so on those of all its pods.
PROMETHEUS_PORT = 9099
#: What of the chart is there: the rest (configuration, rights, the schema's Job) no stage after the install reads.
WANTED = {"Service": "services", "Deployment": "deployments", "StatefulSet": "statefulsets"}
#: Seconds until programs and pods must be there.
PATIENCE = 180.0


def kwok_part() -> Part:
    """KWOK as one more part of the node's workshop."""
    build = ("go", "install", "-trimpath", "-gcflags=all=-dwarf=false", "-ldflags=-s -w")
    return Part(
        name="kwok",
        title=f"KWOK {KWOK}",
        seconds=150,
        commands=((*build, f"sigs.k8s.io/kwok/cmd/kwok@v{KWOK}"),),
        environment={"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "GOBIN": "{out}"},
        heavy=True,
    )


def student_names(count: int) -> list[str]:
    return [f"student-{number:03d}" for number in range(1, count + 1)]


def wait_for(what: str, good: Callable[[], bool], patience: float = PATIENCE, pause: float = 0.2) -> None:
    """Look until it is so. Raises SystemExit."""
    until = time.monotonic() + patience
    while not good():
        if time.monotonic() > until:
            raise SystemExit(f"{what} did not come about within {patience:.0f} seconds")
        time.sleep(pause)


@dataclass
class Class:
    """The simulated class; ``running`` makes one.

    kubeconfig: of its cluster. address: of the node. scratch: a folder for what its programs write.
    """

    kubeconfig: Path
    address: str
    scratch: Path
    show: Show
    programs: dict[str, tuple[subprocess.Popen, Path]] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)

    @property
    def prometheus(self) -> str:
        return f"http://{self.address}:{PROMETHEUS_PORT}"

    def cluster(self, namespace: str) -> Cluster:
        return Cluster.from_params(
            {"kubeconfig": str(self.kubeconfig), "context": None, "namespace": namespace, "release": RELEASE}
        )

    def start(self, name: str, command: Sequence[str | Path]) -> None:
        """Start a program that ends with this process."""
        log = self.scratch / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*ENDS_WITH_ITS_STARTER, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.programs[name] = process, log

    def check(self) -> None:
        """Raise SystemExit when one of the programs has ended."""
        for name, (process, log) in self.programs.items():
            if process.poll() is not None:
                raise SystemExit(f"{name} ended with {process.returncode}: {log.read_text()[-2000:]}")

    def answers(self, url: str) -> bool:
        self.check()
        return prometheus_servers.answers(url)

    # -- students -----------------------------------------------------------

    def have(self, names: Sequence[str]) -> None:
        """Make the students that are not there yet, and wait until all their pods are ready."""
        new = [name for name in names if name not in self.known]
        objects = student_objects() if new else []
        if new:
            self.show(f"making {len(new)} students, or finding them")
        for name in new:
            with self.cluster(name) as cluster:
                _create(cluster, "namespaces", {"metadata": {"name": name}})
                for kind, body in objects:
                    _create(cluster, kind, body)
            self.known.add(name)
        self.reset(names)

    def reset(self, names: Sequence[str]) -> None:
        """Have one history pod for each student, and all Deployments ready."""
        for name in names:
            with self.cluster(name) as cluster:
                cluster.patch("deployments", HISTORY, {"spec": {"replicas": 1}}, subresource="scale")
                _revive(cluster)
        for name in names:
            with self.cluster(name) as cluster:
                # The controllers do so many things a second, whatever is asked of them: patience for all of them.
                wait_for(f"{name}'s pods", lambda at=cluster: _in_order(at), PATIENCE + 10 * len(names), 0.5)


def _create(cluster: Cluster, kind: str, body: Json) -> None:
    """Make an object, unless there is one of its name."""
    cluster.request("POST", cluster.path(kind), json=body, allowed=(409,), idempotent=True)


def _revive(cluster: Cluster) -> list[Json]:
    """A student's pods; those whose node was away for a while, because KWOK was, are made ready again."""
    pods = cluster.list_objects("pods")
    for pod in pods:
        if pod["status"].get("phase") == "Running" and not pod_state(pod).ready:
            ready = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
            # One that was too many may have gone meanwhile.
            with contextlib.suppress(NotFound):
                cluster.patch("pods", pod["metadata"]["name"], ready, subresource="status", merge="strategic-merge")
    return pods


def _in_order(cluster: Cluster) -> bool:
    """Whether all that a student has is ready, with one history pod."""
    pods = _revive(cluster)
    for kind in ("deployments", "statefulsets"):
        for entry in cluster.list_objects(kind):
            status, wanted = entry["status"], entry["spec"]["replicas"]
            if status.get("observedGeneration") != entry["metadata"]["generation"]:
                return False
            if not wanted == status.get("replicas", 0) == status.get("readyReplicas", 0):
                return False
    return sum(pod["metadata"]["name"].startswith(f"{HISTORY}-") for pod in pods) == 1


def student_objects() -> list[tuple[str, Json]]:
    """What a student has in the cluster: the collection's own chart and the load, on the node that KWOK plays."""
    helm = str(Path(sys.executable).parent / "helm")
    chart = [helm, "template", RELEASE, str(ROOT / "files/charts/temporal-lab")]
    found = list(yaml.safe_load_all(subprocess.run(chart, check=True, capture_output=True, text=True).stdout))
    found += yaml.safe_load_all(jinja2.Template((HERE / "load.yml.j2").read_text()).render())
    objects = []
    for entry in found:
        if not entry or entry["kind"] not in WANTED:
            continue
        entry["metadata"].pop("namespace", None)
        if entry["kind"] != "Service":
            pod = entry["spec"]["template"]["spec"]
            pod["nodeName"] = NODE
            pod.pop("serviceAccountName", None)
            pod["automountServiceAccountToken"] = False
            for container in pod["containers"]:
                for port in container.get("ports") or ():
                    # At its own port a pod of Prometheus would be answered for by pods.py.
                    if entry["metadata"]["name"] == f"{RELEASE}-prometheus-server" and port["name"] == "http":
                        port["containerPort"] = PROMETHEUS_PORT
        objects.append((WANTED[entry["kind"]], entry))
    return objects


def prometheus_config(address: str, interval: float) -> str:
    """A configuration that scrapes the pages of one student's pods, labelled as the chart's Prometheus does."""
    targets = []
    for number, pod in enumerate(PODS):
        labels = {
            "__metrics_path__": f"/{pod}",
            "instance": f"10.0.0.{number + 2}:9090",
            "pod": pod,
            "kubernetes_namespace": SERIES_OF,
            "app_kubernetes_io_name": "temporal",
            "app_kubernetes_io_component": pod.split("-")[2],
        }
        targets.append({"targets": [f"{address}:{PAGES}"], "labels": labels})
    seconds = f"{round(interval * 1000)}ms"
    job = {"job_name": "kubernetes-pods", "static_configs": targets}
    timing = {"scrape_interval": seconds, "scrape_timeout": seconds}
    return yaml.safe_dump({"global": timing, "scrape_configs": [job]})


def node_folder() -> Path:
    """The folder that the class' node belongs to: each checkout has one."""
    return layout.cache_home() / f"class-{layout.node_id(ROOT)}"


def node(state: str, show: Show) -> Json:
    params = {"state": state, "folder": str(node_folder()), "files": str(ROOT / "files"), "network": None}
    return embedded_node.run(params, Context(show=show))


@contextlib.contextmanager
def running(scratch: Path, interval: float, keep: bool, show: Show) -> Iterator[Class]:
    """A class without students yet.

    interval: seconds between two scrapes. keep: leave the node with its students for the next run.
    """
    node_folder().mkdir(parents=True, exist_ok=True)
    with (node_folder() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(
                "another run of this benchmark uses the class of this checkout: wait for its end"
            ) from None
        with _running(scratch, interval, keep, show) as room:
            yield room


@contextlib.contextmanager
def _running(scratch: Path, interval: float, keep: bool, show: Show) -> Iterator[Class]:
    go = find_go()
    workshop = builds.Workshop(layout.cache_home(), ROOT / "files", *go)
    all_parts = (*parts(), kwok_part())
    folders = builds.build(all_parts, workshop, show)
    show("bringing the node of the class up")
    up = node("started", show)
    room: Class | None = None
    try:
        place = layout.Layout.of(node_folder())
        room = Class(place.kubeconfig, up["address"], scratch, show)
        inside = ["nsenter", f"--net={place.netns}"]
        route = ["ip", "route", "replace", "local", POD_RANGE, "dev", "lo"]
        subprocess.run([*inside, *route], check=True)
        start_programs(room, inside, folders, interval)
        yield room
    finally:
        for process, _log in room.programs.values() if room else ():
            process.kill()
            process.wait()
        if not keep:
            node("absent", show)


def start_programs(room: Class, inside: Sequence[str], folders: dict[str, Path], interval: float) -> None:
    config = room.scratch / "prometheus.yml"
    config.write_text(prometheus_config(room.address, interval))
    room.start(
        "prometheus",
        [
            *inside,
            folders["prometheus"] / "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={room.scratch / 'prometheus'}",
            f"--web.listen-address=:{PROMETHEUS_PORT}",
            "--log.level=warn",
        ],
    )
    room.start("pods", [*inside, sys.executable, HERE / "pods.py", "--kubeconfig", room.kubeconfig])
    with room.cluster("default") as cluster:
        _create(cluster, "nodes", fake_node())
    room.start(
        "kwok",
        [
            folders["kwok"] / "kwok",
            f"--kubeconfig={room.kubeconfig}",
            "--manage-all-nodes=false",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            "--node-lease-duration-seconds=40",
            f"--node-ip={room.address}",
            f"--cidr={POD_RANGE}",
            f"--config={HERE / 'kwok.yml'}",
        ],
    )
    wait_for("an answer of Prometheus", lambda: room.answers(f"{room.prometheus}/-/ready"))
    wait_for("the pods' answers", lambda: room.answers(f"http://{room.address}:{PAGES}/{PODS[0]}"))
    with room.cluster("default") as cluster:
        wait_for("the class' node", lambda: _node_ready(cluster))


def _node_ready(cluster: Cluster) -> bool:
    conditions = cluster.get("nodes", NODE).get("status", {}).get("conditions") or []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def fake_node() -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE, "annotations": {"kwok.x-k8s.io/node": "fake"}, "labels": {"type": "kwok"}},
        # Only what names it comes here.
        "spec": {
            "podCIDR": POD_RANGE,
            "taints": [{"key": "kwok.x-k8s.io/node", "value": "fake", "effect": "NoSchedule"}],
        },
    }
