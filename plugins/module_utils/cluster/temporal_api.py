# SPDX-License-Identifier: GPL-3.0-or-later
"""Temporal through the HTTP API of its frontend, reached over the Kubernetes API server's proxy."""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import quote

from ..foreign_text import plain
from ..http.errors import NotFound, ProxyTargetError, UnexpectedAnswer
from ..http.shape import Shape, each, fault, fitting, record, text, whole
from ..task import Context
from .cluster import Cluster
from .predicates import Json, finished, pod_state
from .wait import Look, wait_for

HTTP_PORT = 7243
#: Temporal namespaces a page, and pages of them.
PAGE = 1000
MOST_PAGES = 100
#: A workflow that nobody starts: a request for it shows whether a Temporal namespace is usable.
PROBE_WORKFLOW = "temporal-lab-probe"

# What the lab reads of the answers.
CLUSTER_INFO = record({"historyShardCount": whole}, serverVersion=text, persistenceStore=text)
NAMESPACES = record(
    namespaces=each(record({"namespaceInfo": record({"name": text})})),
    nextPageToken=text,
)
_RETENTION = fitting(re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?s?").fullmatch, "duration")
NAMESPACE = record({"config": record({"workflowExecutionRetentionTtl": _RETENTION})})
FAILURE = record(details=each(record(**{"@type": text})))
_COUNT = fitting(re.compile(r"[0-9]{1,18}").fullmatch, "whole number")
#: Of 0 workflows it has neither a count nor groups.
COUNTED = record(count=_COUNT, groups=each(record({"groupValues": each(record({"data": text}))}, count=_COUNT)))


@dataclass(frozen=True)
class ClusterInfo:
    """What the frontend says about its cluster; ``history_shards`` is the effective number."""

    history_shards: int
    server_version: str
    persistence_store: str


class TemporalApi:
    """The HTTP API of one student's Temporal.

    It is reached through the Service ``<release>-frontend`` and, when that has no
    port for it (as with some charts), through a frontend pod. ``missing_hint`` says
    what to do when there is no Temporal.
    """

    def __init__(self, cluster: Cluster, missing_hint: str = "") -> None:
        self.cluster = cluster
        self.missing_hint = missing_hint
        self._base: str | None = None

    def cluster_info(self) -> ClusterInfo:
        """Raises NotFound without a frontend, ProxyTargetError while it does not answer, UnexpectedAnswer."""
        answer = self._checked("cluster-info", self._json("cluster-info"), CLUSTER_INFO)
        shards: int = answer["historyShardCount"]
        if shards < 1:
            raise self._strange("cluster-info", f"historyShardCount is {shards}")
        return ClusterInfo(shards, plain(answer.get("serverVersion")), plain(answer.get("persistenceStore")))

    def namespaces(self) -> list[str]:
        """Names of the Temporal namespaces, sorted."""
        names: list[str] = []
        query = {"pageSize": str(PAGE)}
        for _page in range(MOST_PAGES):
            page = self._checked("namespaces", self._json("namespaces", query=query), NAMESPACES)
            names += [entry["namespaceInfo"]["name"] for entry in page.get("namespaces") or []]
            token = page.get("nextPageToken")
            if not token:
                return sorted(names)
            if token == query.get("nextPageToken"):
                break
            query["nextPageToken"] = token
        raise self._strange("namespaces", "its pages go on for ever")

    def retention(self, name: str) -> int | None:
        """Retention of a Temporal namespace in seconds, or None when it does not exist."""
        path = f"namespaces/{quote(name, safe='')}"
        answer = self._json(path, allowed=(404,))
        if "namespaceInfo" not in answer:
            return None
        retention: str = self._checked(path, answer, NAMESPACE)["config"]["workflowExecutionRetentionTtl"]
        return round(float(retention.rstrip("s")))

    def create_namespace(self, name: str, retention: int) -> None:
        """Create a Temporal namespace; one that exists already (409) is left as it is."""
        body = {"namespace": name, "workflowExecutionRetentionPeriod": f"{retention}s"}
        self._json("namespaces", method="POST", json=body, allowed=(409,))

    def set_retention(self, name: str, retention: int) -> None:
        body = {"config": {"workflowExecutionRetentionTtl": f"{retention}s"}}
        self._json(f"namespaces/{quote(name, safe='')}/update", method="POST", json=body)

    def usable(self, name: str) -> bool:
        """Whether frontend and history know the namespace, each of which keeps a copy of its own.

        A workflow that does not exist is asked for: the answer is that the
        workflow is not found, or, while the copies are old, that the namespace is not.
        """
        path = f"namespaces/{quote(name, safe='')}/workflows/{PROBE_WORKFLOW}"
        answer = self._checked(path, self._json(path, allowed=(404,)), FAILURE)
        kinds = [detail.get("@type") or "" for detail in answer.get("details") or []]
        return "workflowExecutionInfo" in answer or any(kind.endswith(".NotFoundFailure") for kind in kinds)

    def workflows_by_status(self, name: str, start: float, end: float) -> dict[str, int]:
        """Workflows of a Temporal namespace by their status, as Visibility has them: one request.

        Those that closed after ``start`` and by ``end`` (Unix seconds on the cluster's clock), and as ``Running`` those
        that began by ``end`` and are not closed now. Raises NotFound and others, as for any request.
        """
        first, last = _timestamp(start), _timestamp(end)
        query = (
            f"(CloseTime > '{first}' AND CloseTime <= '{last}') OR "
            f"(ExecutionStatus = 'Running' AND StartTime <= '{last}') GROUP BY ExecutionStatus"
        )
        path = f"namespaces/{quote(name, safe='')}/workflow-count"
        answer = self._checked(path, self._json(path, query={"query": query}), COUNTED)
        found: dict[str, int] = {}
        for group in answer.get("groups") or []:
            status = _group_value(group)
            if status is None:
                raise self._strange(path, "a group has no status")
            found[status] = found.get(status, 0) + int(group.get("count") or 0)
        return found

    def _checked(self, path: str, answer: Json, shape: Shape) -> Json:
        wrong = fault(shape, answer)
        if wrong:
            raise self._strange(path, wrong)
        return answer

    def _strange(self, path: str, wrong: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(
            f"Temporal's frontend in namespace {self.cluster.namespace} answered /api/v1/{path} with something "
            f"unexpected ({plain(wrong)}): is its server older than 1.22, or much newer than the lab?"
        )

    def _json(
        self,
        path: str,
        *,
        method: str = "GET",
        query: Mapping[str, str] | None = None,
        json: Json | None = None,
        allowed: Iterable[int] = (),
    ) -> Json:
        if self._base is None:
            self._base = self._find()
        try:
            return self.cluster.request_json(
                method, f"{self._base}/{path}", query=query, json=json, allowed=allowed, idempotent=method == "GET"
            )
        except (NotFound, ProxyTargetError):
            # The pod may be another one by the next time.
            self._base = None
            raise

    def _find(self) -> str:
        """The proxied path of the HTTP API."""
        cluster = self.cluster
        name = f"{cluster.release}-frontend"
        service = cluster.find("services", name)
        if service is not None and any(port.get("port") == HTTP_PORT for port in service["spec"].get("ports") or []):
            return cluster.service_proxy(name, HTTP_PORT, "api/v1")
        selector = f"app.kubernetes.io/instance={cluster.release},app.kubernetes.io/component=frontend"
        pods = [pod_state(pod) for pod in cluster.list_objects("pods", selector) if not finished(pod)]
        ready = [pod for pod in pods if pod.ready]
        if ready:
            return cluster.pod_proxy(ready[0].name, HTTP_PORT, "api/v1")
        if pods:
            raise ProxyTargetError(
                f"Temporal's frontend in namespace {cluster.namespace} is not ready: {pods[0].name} {pods[0].why}.", 503
            )
        hint = self.missing_hint or f"is release {cluster.release} installed there?"
        raise NotFound(f"There is no Temporal frontend of release {cluster.release} in {cluster.namespace}: {hint}")


def _timestamp(moment: float) -> str:
    """Unix seconds as Visibility's queries have them, to the millisecond."""
    return datetime.fromtimestamp(round(moment, 3), timezone.utc).isoformat(timespec="milliseconds")


def _group_value(group: Json) -> str | None:
    """The value that a group is of: a payload of JSON."""
    try:
        (payload,) = group["groupValues"]
        value = json.loads(b64decode(payload["data"], validate=True))
    except (ValueError, binascii.Error, RecursionError):
        return None
    return plain(value) if isinstance(value, str) else None


def wait_for_frontend(api: TemporalApi, timeout: float, context: Context, gone: float = 0.0) -> ClusterInfo:
    """The cluster's information as soon as the frontend answers. Raises what kept it from it when the time is over."""

    def look(_elapsed: float) -> Look[ClusterInfo]:
        return Look(True, api.cluster_info(), "Temporal's frontend answers")

    return wait_for(api.cluster, timeout, context.show, look, gone).value
