# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the Kubernetes API: one student's cluster.

The requests do without the ``kubernetes`` library's generated client: a task of a few requests costs a twentieth of
what it costs there.
"""

from __future__ import annotations

import json as jsonlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from ..denials import denial_cure
from ..errors import LabError
from ..foreign_text import plain, secrets_of, without_password
from ..http import status
from ..http.errors import ProxyTargetError, RequestFailed, TemporaryFailure, UnexpectedAnswer
from ..http.message import CONNECT, IDEMPOTENT, Answer, Request
from ..http.proxy import environment_proxy, proxy_of
from ..http.retry import Patience, ask
from ..http.service import Service
from ..http.shape import Shape, each, fault, record, text
from ..http.transport import Transport
from ..kubernetes_names import check_names
from .kubeconfig import KubeconfigContext, read_kubeconfig
from .kubeconfig_error import KubeconfigError
from .object_shapes import listed_shape, shape_of

Json = dict[str, Any]

#: The longest silence of the API server, in seconds.
SILENCE = 10.0
#: Seconds that each try of a request may take in all, however steadily its answer trickles in.
TOTAL = 15.0
#: Seconds during which a request that may be repeated is tried again.
PATIENCE = 10.0
#: The same within a wait, which looks again by itself.
PATIENCE_IN_WAIT = 1.0
#: Accept header for the metadata of objects alone: enough to name them, and never a Secret's data.
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
#: Objects a page, and pages of the longest list: 100,000 objects.
PAGE = 500
MOST_PAGES = 200
#: The most of a list in bytes, and how long reading its pages may take in seconds.
LARGEST_LIST = 128 * 1024 * 1024
LONGEST_LIST = 120.0

#: API group and version of each kind that the lab handles; kinds are named as in URLs.
KINDS: dict[str, str] = {
    "configmaps": "api/v1",
    "endpoints": "api/v1",
    "events": "api/v1",
    "namespaces": "api/v1",
    "nodes": "api/v1",
    "persistentvolumeclaims": "api/v1",
    "pods": "api/v1",
    "secrets": "api/v1",
    "serviceaccounts": "api/v1",
    "services": "api/v1",
    "deployments": "apis/apps/v1",
    "replicasets": "apis/apps/v1",
    "statefulsets": "apis/apps/v1",
    "jobs": "apis/batch/v1",
    "endpointslices": "apis/discovery.k8s.io/v1",
    "selfsubjectaccessreviews": "apis/authorization.k8s.io/v1",
}
CLUSTER_WIDE = frozenset({"namespaces", "nodes", "selfsubjectaccessreviews"})


@dataclass
class Cluster:
    """One student's cluster. Use it in a ``with`` statement, or close it.

    namespace: Kubernetes namespace of the student. release: name of the Helm release.
    patience: seconds during which a request that may be repeated is tried again.
    """

    target: KubeconfigContext = field(repr=False)
    namespace: str = "default"
    release: str = "my-temporal"
    patience: float = PATIENCE
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        check_names(self.namespace, self.release)
        target = self.target
        tls = target.tls
        self.server: str = target.server
        self.service = _service(target)
        try:
            self.proxy = proxy_of(target.proxy) if target.proxy else environment_proxy(self.server)
            self.transport = Transport(
                self.server,
                self.service,
                tls=None if tls is None else lambda: tls,
                server_name=target.server_name,
                proxy=self.proxy,
            )
        except ValueError:
            raise KubeconfigError(
                f"The server of the kubeconfig {target.kubeconfig} is not an address: "
                "correct it, or get a new kubeconfig."
            ) from None

    @classmethod
    def connect(
        cls,
        kubeconfig: str | None = None,
        context: str | None = None,
        namespace: str = "default",
        release: str = "my-temporal",
        trusted: bool = False,
    ) -> Cluster:
        """Read the kubeconfig as ``read_kubeconfig`` does; the first request opens the connection.

        Raises KubeconfigError.
        """
        return cls(read_kubeconfig(kubeconfig, context, trusted), namespace, release)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Cluster:
        """Connect with the options of connect.CLUSTER."""
        return cls.connect(
            params["kubeconfig"],
            params["context"],
            params["namespace"],
            params["release"],
            trusted=bool(params.get("kubeconfig_exec")),
        )

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.transport.close()

    @contextmanager
    def patient(self, seconds: float) -> Iterator[None]:
        """Let requests be tried again for so many seconds, as long as this lasts."""
        before, self.patience = self.patience, seconds
        try:
            yield
        finally:
            self.patience = before

    # -- paths --------------------------------------------------------------

    def path(self, kind: str, name: str | None = None, subresource: str | None = None) -> str:
        """URL path of a kind, of one object or of its subresource, in the student's namespace."""
        parts = [KINDS[kind]]
        if kind not in CLUSTER_WIDE:
            parts += ["namespaces", quote(self.namespace, safe="")]
        parts.append(kind)
        if name is not None:
            # A name before /proxy is followed by a colon and the port.
            parts.append(quote(name, safe=":"))
        if subresource is not None:
            parts.append(subresource)
        return "/" + "/".join(parts)

    def service_proxy(self, name: str, port: int | str, path: str = "") -> str:
        """URL path that the API server passes on to a port of a Service."""
        return f"{self.path('services', f'{name}:{port}', 'proxy')}/{path.lstrip('/')}"

    def pod_proxy(self, pod: str, port: int | str, path: str = "") -> str:
        """URL path that the API server passes on to a port of a pod."""
        return f"{self.path('pods', f'{pod}:{port}', 'proxy')}/{path.lstrip('/')}"

    # -- requests -----------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json, */*",
        connect: float = CONNECT,
        silence: float = SILENCE,
        allowed: Iterable[int] = (),
        idempotent: bool | None = None,
        patience: float | None = None,
    ) -> Answer:
        """Make one request and return its answer.

        json: sent as the body, as ``content_type``.
        connect: seconds for a connection to come about. silence: the longest pause of the server, in seconds.
        allowed: statuses from 400 on that are returned instead of raised.
        idempotent: whether it may be repeated; by default GET, HEAD, PUT and DELETE may.
        patience: seconds to try again a request that may be repeated; 0 tries once.
        Raises the errors of http.errors.
        """
        repeat = method in IDEMPOTENT if idempotent is None else idempotent
        headers = {"Accept": accept}
        if json is not None:
            headers["Content-Type"] = content_type
        request = Request(
            method,
            path,
            query or {},
            None if json is None else jsonlib.dumps(json).encode(),
            headers,
            connect,
            silence,
            idempotent=repeat,
            repeat_500=repeat,
        )
        accepted = frozenset(allowed)
        return ask(
            request,
            self.send,
            lambda answer: self._judge(answer, accepted),
            Patience(self.patience if patience is None else patience, TOTAL, self.clock, self.sleep),
        )

    def send(self, request: Request, seconds: float) -> Answer:
        """Make one try of a request, with the user's credentials; return whatever is answered."""
        authorization = self.target.authorization()
        if authorization:
            request = replace(request, headers={**request.headers, "Authorization": authorization})
        return self.transport.send(request, seconds)

    def send_to_target(self, request: Request, seconds: float) -> Answer:
        """``send`` for a path of a proxy: return what the pod or Service behind it answers, good or bad.

        Raises what the API server says itself: NotFound, Refused, ProxyTargetError and others.
        """
        answer = self.send(request, seconds)
        if not 200 <= answer.status < 300:
            own = _status_object(answer)
            if own or _is_proxy_failure(answer.status, status.excerpt(answer, self.service)):
                raise self.failure(answer)
        return answer

    def request_json(self, method: str, path: str, **options: Any) -> Json:
        """Make a request whose answer is a JSON object; ``options`` are those of ``request``.

        Raises UnexpectedAnswer as well.
        """
        return self.decode(self.request(method, path, **options))

    def get_json(self, path: str, query: Mapping[str, Any] | None = None, **options: Any) -> Json:
        """GET an object; ``options`` are those of ``request``. Raises UnexpectedAnswer as well."""
        return self.request_json("GET", path, query=query, **options)

    def get_text(self, path: str, query: Mapping[str, Any] | None = None, **options: Any) -> str:
        """GET text, such as a log or metrics, as UTF-8 whatever the answer says it is."""
        return self.request("GET", path, query=query, **options).body.decode("utf-8", "replace")

    def get(self, kind: str, name: str) -> Json:
        """One object of the student's namespace. Raises NotFound."""
        return self.checked(self.request("GET", self.path(kind, name)), shape_of(kind))

    def find(self, kind: str, name: str, accept: str = "application/json") -> Json | None:
        """One object of the student's namespace, or None when there is none of that name."""
        answer = self.request("GET", self.path(kind, name), allowed=(404,), accept=accept)
        value = self.decode(answer)
        return None if answer.status == 404 else self._checked(answer, value, shape_of(kind, accept == METADATA))

    def list_objects(
        self,
        kind: str,
        label_selector: str = "",
        *,
        field_selector: str = "",
        path: str | None = None,
        accept: str = "application/json",
    ) -> list[Json]:
        """All objects of a kind in the student's namespace (or at ``path``) that match the selectors."""
        query = {"limit": str(PAGE)}
        if label_selector:
            query["labelSelector"] = label_selector
        if field_selector:
            query["fieldSelector"] = field_selector
        shape = record(
            {"items": each(listed_shape(kind, accept == METADATA_LIST))}, metadata=record(**{"continue": text})
        )
        found: list[Json] = []
        markers: set[str] = set()
        begin, size = self.clock(), 0
        while len(markers) < MOST_PAGES and len(found) <= PAGE * MOST_PAGES:
            answer = self.request("GET", path or self.path(kind), query=query, accept=accept)
            page = self.decode(answer)
            # The API server writes null for an empty list of some kinds.
            self._checked(answer, {**page, "items": page.get("items") or []}, shape)
            found.extend(page.get("items") or [])
            marker = (page.get("metadata") or {}).get("continue")
            if not marker:
                return found
            size += len(answer.body)
            if marker in markers:
                raise self._strange(answer, "its pages go on for ever")
            if size > LARGEST_LIST or self.clock() - begin > LONGEST_LIST:
                break
            markers.add(marker)
            query["continue"] = marker
        raise LabError(
            f"{self.service.who} has a longer list of {kind} than can be read ({PAGE * MOST_PAGES:,} objects, "
            f"{LARGEST_LIST // 1024 // 1024} MiB, {LONGEST_LIST:.0f} s): check whether the kubeconfig "
            f"{self.target.kubeconfig} leads to the right cluster."
        )

    def patch(self, kind: str, name: str, body: Json, *, subresource: str | None = None, merge: str = "merge") -> Json:
        """Patch one object; ``merge`` is "merge" or "strategic-merge".

        Such a patch sets values, so that doing it twice does no harm.
        """
        return self.request_json(
            "PATCH",
            self.path(kind, name, subresource),
            json=body,
            content_type=f"application/{merge}-patch+json",
            idempotent=True,
        )

    def create(self, kind: str, body: Json) -> Json:
        """Create an object in the student's namespace."""
        return self.request_json("POST", self.path(kind), json=body)

    def delete(self, kind: str, name: str, uid: str = "", *, foreground: bool = False) -> bool:
        """Delete an object and what it owns; False when it was gone already.

        uid: only this very object, and not a newer one of the same name; False when that is another by now.
        foreground: what it owns first.
        """
        options: Json = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": "Foreground" if foreground else "Background",
            **({"preconditions": {"uid": uid}} if uid else {}),
        }
        allowed = (404, 409) if uid else (404,)
        return self.request("DELETE", self.path(kind, name), json=options, allowed=allowed).status < 400

    def decode(self, answer: Answer) -> Json:
        """The JSON object in an answer. Raises UnexpectedAnswer."""
        value = answer.json()
        if not isinstance(value, dict):
            raise status.unexpected(self.service, answer, "the Kubernetes API")
        return value

    def checked(self, answer: Answer, shape: Shape) -> Json:
        """The JSON object in an answer, of that shape. Raises UnexpectedAnswer."""
        return self._checked(answer, self.decode(answer), shape)

    def _checked(self, answer: Answer, value: Json, shape: Shape) -> Json:
        wrong = fault(shape, value)
        if wrong:
            raise self._strange(answer, wrong)
        return value

    def _strange(self, answer: Answer, what: str) -> UnexpectedAnswer:
        return status.unexpected(self.service, answer, "the Kubernetes API", what=what)

    # -- what went wrong ----------------------------------------------------

    def _judge(self, answer: Answer, allowed: frozenset[int]) -> LabError | None:
        if 200 <= answer.status < 300:
            return None
        # Through a proxy, ``allowed`` is meant for the answers of the target, not of the API server.
        if answer.status in allowed and not ("/proxy/" in answer.request.path and _status_object(answer)):
            return None
        return self.failure(answer)

    def failure(self, answer: Answer) -> RequestFailed:
        """The error for an answer that is not a success."""
        service = replace(self.service, secrets=tuple(secrets_of(answer.request.headers.get("Authorization"))))
        own = _status_object(answer)
        said = plain(own.get("message"), service.secrets) if own else ""
        said = said or status.excerpt(answer, service)
        path, code = answer.request.path, answer.status
        if "/proxy/" in path:
            behind = f"{_behind(path)} in namespace {self.namespace}"
            if _is_proxy_failure(code, said):
                failed = ProxyTargetError(f"{behind} does not answer through the API server: {said} ({code}).", code)
                # Only a change of the Service cures that.
                failed.lasting = "no service port" in said
                return failed
            if not own:
                kind = TemporaryFailure if code in status.TEMPORARY else RequestFailed
                return kind(f"{answer.request.asked} at {behind} failed: {said} ({code}).", code, said)
        if code == 403:
            _before, found, forbidden = said.partition(" is forbidden: ")
            said = forbidden if found else said
        cure = denial_cure(said)
        if cure:
            service = replace(service, cures={**service.cures, code: cure, "5xx": cure})
        return status.failure(service, answer, said=said, code=plain(own.get("reason")) if own else "")


def _service(target: KubeconfigContext) -> Service:
    """How messages name the API server of a context, and what cures it."""
    kubeconfig = f"the kubeconfig {target.kubeconfig}"
    not_one = f"check that the server in {kubeconfig} is a Kubernetes API server, and that no proxy answers for it"
    return Service(
        f"The API server {without_password(target.server)}",
        {
            401: f"the credentials of context {target.context} have expired or are wrong, renew {kubeconfig}",
            403: "ask the owner of the cluster for that permission",
            404: "check whether it or its namespace was deleted",
            "5xx": "check whether it is starting or overloaded, and try again",
            "silent": f"check that the cluster is running and its address in {kubeconfig} is right",
            "slow": "check that the cluster is running and not overloaded, and that this machine can reach it",
            "cut": "check whether it restarts, and the limits of any proxy in between",
            "untrusted": f"{kubeconfig} is for a different cluster or out of date, get a new one",
            "moved": not_one,
            "strange": not_one,
            "address": f"correct its address or proxy in {kubeconfig}",
        },
    )


# -- reading answers --------------------------------------------------------


def _status_object(answer: Answer) -> Json | None:
    """The Status object with which the API server itself answers, or None for an answer of someone else."""
    value = answer.json()
    return value if isinstance(value, dict) and value.get("kind") == "Status" else None


def _is_proxy_failure(code: int, said: str) -> bool:
    """Whether the API server says that it could not reach what is behind its proxy."""
    text = said.lower()
    return code in (500, 502, 503, 504) and any(
        sign in text for sign in ("error trying to reach service", "no endpoints available", "no service port", "dial ")
    )


def _behind(path: str) -> str:
    """Whom a proxy path means, such as ``Pod a (port 9090)``."""
    parts = path.split("/proxy/")[0].split("/")
    name, _colon, port = parts[-1].partition(":")
    kind = {"pods": "Pod", "services": "Service"}.get(parts[-2], parts[-2])
    return f"{kind} {name} (port {port})" if port else f"{kind} {name}"
