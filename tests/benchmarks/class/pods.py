# SPDX-License-Identifier: GPL-3.0-or-later
"""Answer for the pods of the simulated class, which have addresses but no processes.

python pods.py --kubeconfig FILE

Runs in the node's network namespace, where every address of a pod leads to this process, on the
ports that Temporal has:

7243  a frontend's HTTP API: its cluster's information, Temporal namespaces and a number of workflows
9090  a history pod's metrics, with the shards that it owns: a student's are divided evenly among the
      history pods that run in the namespace, as the API server says
9091  pages for the one Prometheus, a path for each pod of the student that it scrapes: the synthetic
      series of measure_profile.py, growing with the time
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from kubernetes import client, config, watch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import measure_profile

FRONTEND, METRICS, PAGES = 7243, 9090, 9091
SHARDS = 512
WORKERS = "benchmark-workers-6f5d7c8b9-zabcd"
#: The pods of the one student whose series Prometheus holds.
PODS = (*measure_profile.HISTORY, measure_profile.FRONTEND, measure_profile.MATCHING, measure_profile.LOAD, WORKERS)
HISTORY = "app.kubernetes.io/name=temporal,app.kubernetes.io/component=history"
CLUSTER_INFO = {
    "serverVersion": "1.31.2",
    "clusterName": "active",
    "historyShardCount": SHARDS,
    "persistenceStore": "postgres12",
    "visibilityStore": "postgres12",
}
NAMESPACES = {"namespaces": [{"namespaceInfo": {"name": name}} for name in ("temporal-system", "default")]}
#: What Visibility counts in whatever window.
COUNT_PATH = "/api/v1/namespaces/default/workflow-count"
COUNT = {"count": "180", "groups": [{"groupValues": [{"data": "IkNvbXBsZXRlZCI="}], "count": "180"}]}
#: Labels that a target has, which are not on its page.
_OF_TARGET = re.compile(r'(job|instance|kubernetes_namespace|pod|app_kubernetes_io_\w+)="[^"]*",?')
_SAMPLE = re.compile(r'(?P<name>\w+){(?P<labels>[^}]*pod="(?P<pod>[^"]+)"[^}]*)} (?P<value>\S+) (?P<time>\S+)')


def _more() -> Iterator[str]:
    """What the profile reads besides, in the form of measure_profile.synthetic: two samples of a series."""
    load = f'pod="{measure_profile.LOAD}"'
    queue = f'pod="{WORKERS}",task_queue="benchmark"'
    for series, first, growth in (
        (f"benchmark_concurrent_workflows{{{load}}}", 3, 0),
        (f"benchmark_workflow_end_to_end_seconds_sum{{{load}}}", 1e4, 3),
        (f"benchmark_workflow_end_to_end_seconds_count{{{load}}}", 1e4, 1.5),
        (f'temporal_num_pollers{{{queue},poller_type="workflow_task"}}', 8, 0),
        (f'temporal_num_pollers{{{queue},poller_type="sticky_workflow_task"}}', 8, 0),
        (f'temporal_num_pollers{{{queue},poller_type="activity_task"}}', 16, 0),
        (f'temporal_worker_task_slots_available{{{queue},worker_type="WorkflowWorker"}}', 99, 0),
    ):
        yield f"{series} {first} 0"
        yield f"{series} {first + 100 * growth} 100"


@dataclass
class Pages:
    """What the pods of one student show of themselves: {pod: {series: (first value, growth per second)}}."""

    since: float = field(default_factory=time.time)
    series: dict[str, dict[str, tuple[float, float]]] = field(default_factory=lambda: defaultdict(dict))

    def __post_init__(self) -> None:
        first: dict[tuple[str, str], tuple[float, float]] = {}
        for line in [*measure_profile.synthetic().splitlines(), *_more()]:
            sample = _SAMPLE.match(line)
            if sample["name"] in ("up", "numshards_gauge"):
                continue
            key = sample["pod"], f"{sample['name']}{{{_OF_TARGET.sub('', sample['labels'])}}}"
            value, moment = float(sample["value"]), float(sample["time"])
            start, begun = first.setdefault(key, (value, moment))
            # The last sample of a series tells its growth best, because values are rounded.
            growth = (value - start) / (moment - begun) if moment > begun else 0.0
            self.series[key[0]][key[1]] = start, growth

    def page(self, pod: str) -> bytes:
        """A pod's metrics as they are now."""
        passed = time.time() - self.since
        lines = [f"{series} {round(first + passed * growth)}\n" for series, (first, growth) in self.series[pod].items()]
        return "".join(lines).encode()


class HistoryPods:
    """Which history pods run in the class, followed at the API server: {address: (namespace, name)}."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pods: dict[tuple[str, str], str] = {}

    def follow(self) -> None:
        while True:
            with self._lock:
                self._pods.clear()
            # Begins with all that there are, and ends now and then.
            events = watch.Watch().stream(client.CoreV1Api().list_pod_for_all_namespaces, label_selector=HISTORY)
            for event in events:
                pod = event["object"]
                key = pod.metadata.namespace, pod.metadata.name
                runs = event["type"] != "DELETED" and not pod.metadata.deletion_timestamp and pod.status.pod_ip
                with self._lock:
                    self._pods.pop(key, None)
                    if runs:
                        self._pods[key] = pod.status.pod_ip

    def shards(self, address: str) -> int | None:
        """Shards of the history pod with that address; None when there is no such pod."""
        with self._lock:
            for (namespace, name), own in self._pods.items():
                if own == address:
                    pods = sorted(pod for of, pod in self._pods if of == namespace)
                    share, rest = divmod(SHARDS, len(pods))
                    return share + (pods.index(name) < rest)
        return None


class Handler(BaseHTTPRequestHandler):
    pages: Pages
    history: HistoryPods

    def do_GET(self) -> None:
        address, port = self.connection.getsockname()
        body = self.answer(address, port, self.path.partition("?")[0])
        self.send_response(404 if body is None else 200)
        kind = "application/json" if port == FRONTEND else "text/plain; version=0.0.4; charset=utf-8"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def answer(self, address: str, port: int, path: str) -> bytes | None:
        if port == FRONTEND:
            known = {"/api/v1/cluster-info": CLUSTER_INFO, "/api/v1/namespaces": NAMESPACES, COUNT_PATH: COUNT}
            return json.dumps(known[path]).encode() if path in known else None
        if port == PAGES:
            pod, shards = path.lstrip("/"), SHARDS // len(measure_profile.HISTORY)
            if pod not in self.pages.series:
                return None
        else:
            shards = self.history.shards(address)
            # All students' pods look alike but for their shards.
            pod = measure_profile.HISTORY[0]
            if shards is None or path != "/metrics":
                return None
        gauge = f"numshards_gauge {shards}\n" if pod in measure_profile.HISTORY else ""
        return self.pages.page(pod) + gauge.encode()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kubeconfig", required=True, help="of the node that the class is on")
    arguments = parser.parse_args()
    config.load_kube_config(arguments.kubeconfig)
    Handler.pages, Handler.history = Pages(), HistoryPods()
    for port in (FRONTEND, METRICS, PAGES):
        threading.Thread(target=Server(("", port), Handler).serve_forever, daemon=True).start()
    Handler.history.follow()


if __name__ == "__main__":
    main()
