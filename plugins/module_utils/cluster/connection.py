# SPDX-License-Identifier: GPL-3.0-or-later
"""Reaching a student's cluster: one HTTP session to its Kubernetes API server.

Address and credentials come from the kubeconfig through the ``kubernetes``
library; the requests themselves are made with ``requests``, because a task of
a few requests costs a twentieth of what the generated client costs.
"""

from __future__ import annotations

import json as jsonlib
import logging
import os
import random
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ..errors import LabError

IMPORT_ERROR: ImportError | None = None
try:
    import requests
    import urllib3
    import websocket
    import yaml
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException
    from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger
    from requests.adapters import HTTPAdapter
except ImportError as error:
    IMPORT_ERROR = error
    HTTPAdapter = object

Json = dict[str, Any]

#: Seconds to connect, and between two pieces of an answer.
TIMEOUT = (3.05, 10.0)
#: Seconds during which a request that may be repeated is tried again.
PATIENCE = 10.0
#: The same within a wait, which looks again by itself.
PATIENCE_IN_WAIT = 1.0
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})
TEMPORARY = frozenset({429, 500, 502, 503, 504})
#: Accept header for the metadata of objects alone: enough to name them, and never a Secret's data.
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

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


class KubeconfigError(LabError):
    """The kubeconfig is missing, cannot be read or does not lead to a cluster."""


class ClusterUnreachable(LabError):
    """The API server does not answer, or is not the one that the kubeconfig means."""


class ClusterRefused(LabError):
    """The API server does not know the user (401) or does not permit the request (403)."""


class NotFound(LabError):
    """The object is not in the cluster."""


class RequestFailed(LabError):
    """Another answer than the one hoped for; ``status`` is its HTTP status."""

    def __init__(self, msg: str, status: int, **details: object) -> None:
        super().__init__(msg, **details)
        self.status = status


class TemporaryFailure(RequestFailed):
    """An answer that may be another one soon (429 and most of 5xx)."""


class ProxyTargetError(TemporaryFailure):
    """The API server answers, but the pod or Service behind its proxy does not."""


class UnexpectedAnswer(LabError):
    """The answer is not what the API says it should be, such as a page of HTML."""


class _ContextAdapter(HTTPAdapter):
    """Uses one prepared TLS context for every connection.

    Otherwise ``requests`` adds the authorities of its own bundle to the one of
    the cluster, or lets the environment's REQUESTS_CA_BUNDLE replace it.
    """

    def __init__(self, pool_options: dict[str, Any]) -> None:
        self._pool_options = pool_options
        super().__init__(pool_connections=1, pool_maxsize=4)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, **self._pool_options)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, **kwargs, **self._pool_options)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The context holds the authorities and the client certificate already."""


@dataclass(frozen=True)
class Target:
    """Where a kubeconfig leads: the server, the name of the context and the library's configuration."""

    kubeconfig: str
    context: str
    configuration: Any
    tls: ssl.SSLContext | None


@dataclass
class Cluster:
    """One student's cluster. Use it in a ``with`` statement, or close it.

    namespace: Kubernetes namespace of the student. release: name of the Helm release.
    patience: seconds during which a request that may be repeated is tried again.
    """

    target: Target = field(repr=False)
    namespace: str = "default"
    release: str = "my-temporal"
    patience: float = PATIENCE
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        configuration = self.target.configuration
        self.server: str = configuration.host
        self._session = requests.Session()
        # Nothing of the environment but what the kubernetes library took from it: see _ContextAdapter.
        self._session.trust_env = False
        self._session.verify = bool(configuration.verify_ssl)
        if self.target.tls is not None:
            options: dict[str, Any] = {"ssl_context": self.target.tls}
            if getattr(configuration, "tls_server_name", None):
                options["server_hostname"] = configuration.tls_server_name
                options["assert_hostname"] = configuration.tls_server_name if configuration.verify_ssl else False
            self._session.mount("https://", _ContextAdapter(options))
        proxy = configuration.proxy
        if proxy and not requests.utils.should_bypass_proxies(self.server, no_proxy=configuration.no_proxy or ""):
            self._session.proxies = {"http": proxy, "https": proxy}

    @classmethod
    def connect(
        cls,
        kubeconfig: str | None = None,
        context: str | None = None,
        namespace: str = "default",
        release: str = "my-temporal",
    ) -> Cluster:
        """Read the kubeconfig; the first request opens the connection.

        Raises KubeconfigError. Without a path the usual places are read:
        KUBECONFIG, then ``~/.kube/config``.
        """
        return cls(_read_kubeconfig(kubeconfig, context), namespace, release)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Cluster:
        """Connect with the options of module_utils.arguments.CLUSTER."""
        return cls.connect(params["kubeconfig"], params["context"], params["namespace"], params["release"])

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

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
        data: Any = None,
        content_type: str | None = None,
        accept: str = "application/json, */*",
        timeout: tuple[float, float] = TIMEOUT,
        allowed: Iterable[int] = (),
        idempotent: bool | None = None,
        patience: float | None = None,
    ) -> requests.Response:
        """Make one request and return its answer with its body read.

        allowed: statuses from 400 on that are returned instead of raised.
        idempotent: whether it may be repeated; by default GET, HEAD, PUT and DELETE may.
        patience: seconds to try again a request that may be repeated; 0 tries once.
        Raises ClusterUnreachable, ClusterRefused (401, 403), NotFound (404), ProxyTargetError, TemporaryFailure
        (429, 5xx) and RequestFailed (the rest).
        """
        accepted = frozenset(allowed)
        repeat = method in IDEMPOTENT if idempotent is None else idempotent
        deadline = self.clock() + (self.patience if patience is None else patience)
        headers = {"Accept": accept, "User-Agent": "temporal-lab-benchmarking"}
        body = data
        if json is not None:
            body = jsonlib.dumps(json)
            content_type = content_type or "application/json"
        if content_type:
            headers["Content-Type"] = content_type
        tried = 0
        while True:
            failure: LabError
            delay = min(2.0, 0.2 * 2**tried) * random.uniform(0.5, 1.5)
            authorization = self._authorization()
            try:
                response = self._session.request(
                    method,
                    self.server + path,
                    params=query,
                    data=body,
                    headers={**headers, "Authorization": authorization} if authorization else headers,
                    timeout=timeout,
                    allow_redirects=False,
                )
            except requests.exceptions.Timeout as error:
                failure = self._slow(error, timeout)
            except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
                causes = _causes(error)
                if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
                    raise self._untrusted(causes) from None
                failure = self._silent(error, causes)
            except requests.exceptions.RequestException as error:
                raise KubeconfigError(
                    f"The server {self.server} of the kubeconfig {self.target.kubeconfig} cannot be asked "
                    f"({_first_line(error)}): correct its address or proxy."
                ) from None
            else:
                if response.status_code < 300:
                    return response
                # Through a proxy, ``allowed`` is meant for the answers of the target, not of the API server.
                if response.status_code in accepted and not ("/proxy/" in path and _status_object(response)):
                    return response
                failure = self._failure(method, path, response)
                if response.status_code not in TEMPORARY or "no service port" in failure.msg:
                    raise failure
                after = response.headers.get("Retry-After", "")
                if after.isdigit():
                    delay = max(delay, float(after))
            if not repeat or self.clock() + delay >= deadline:
                raise failure
            self.sleep(delay)
            tried += 1

    def get_json(self, path: str, query: Mapping[str, Any] | None = None, **options: Any) -> Json:
        """GET an object; ``options`` are those of ``request``. Raises UnexpectedAnswer as well."""
        return self.decode(self.request("GET", path, query=query, **options))

    def get_text(self, path: str, query: Mapping[str, Any] | None = None, **options: Any) -> str:
        """GET text, such as a log or metrics, as UTF-8 whatever the answer says it is."""
        return self.request("GET", path, query=query, **options).content.decode("utf-8", "replace")

    def get(self, kind: str, name: str) -> Json:
        """One object of the student's namespace. Raises NotFound."""
        return self.get_json(self.path(kind, name))

    def find(self, kind: str, name: str, accept: str = "application/json") -> Json | None:
        """One object of the student's namespace, or None when there is none of that name."""
        response = self.request("GET", self.path(kind, name), allowed=(404,), accept=accept)
        answer = self.decode(response)
        return None if response.status_code == 404 else answer

    def list_objects(
        self, kind: str, label_selector: str = "", *, path: str | None = None, accept: str = "application/json"
    ) -> list[Json]:
        """All objects of a kind in the student's namespace (or at ``path``) that match the label selector."""
        query = {"limit": "500"}
        if label_selector:
            query["labelSelector"] = label_selector
        found: list[Json] = []
        while True:
            page = self.get_json(path or self.path(kind), query, accept=accept)
            found.extend(page.get("items") or [])
            marker = (page.get("metadata") or {}).get("continue")
            if not marker:
                return found
            query["continue"] = marker

    def patch(self, kind: str, name: str, body: Json, *, subresource: str | None = None, merge: str = "merge") -> Json:
        """Patch one object; ``merge`` is "merge" or "strategic-merge".

        Such a patch sets values, so that doing it twice does no harm.
        """
        return self.decode(
            self.request(
                "PATCH",
                self.path(kind, name, subresource),
                json=body,
                content_type=f"application/{merge}-patch+json",
                idempotent=True,
            )
        )

    def create(self, kind: str, body: Json) -> Json:
        """Create an object in the student's namespace."""
        return self.decode(self.request("POST", self.path(kind), json=body))

    def delete(self, kind: str, name: str) -> bool:
        """Delete an object and, after it, what it owns; False when it was gone already."""
        response = self.request(
            "DELETE",
            self.path(kind, name),
            json={"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"},
            allowed=(404,),
        )
        return response.status_code != 404

    def websocket(self, path: str, subprotocol: str, timeout: float) -> Any:
        """Open a WebSocket (websocket-client) to the API server, trusted and let in as requests are.

        timeout: the longest silence in seconds. Raises what ``request`` does, and UnexpectedAnswer.
        """
        tls: Json = {"context": self.target.tls} if self.target.tls is not None else {}
        if getattr(self.target.configuration, "tls_server_name", None):
            tls["server_hostname"] = self.target.configuration.tls_server_name
        authorization = self._authorization()
        opened = websocket.WebSocket(sslopt=tls)
        direct = None
        try:
            proxy = self._websocket_proxy()
            if not proxy:
                # The library takes a proxy from the environment, unless it is given the connection itself.
                proxy["socket"] = direct = self._direct(tls, timeout)
            opened.connect(
                "ws" + self.server.removeprefix("http") + path,
                header=[f"Authorization: {authorization}"] if authorization else [],
                subprotocols=[subprotocol],
                timeout=timeout,
                redirect_limit=0,
                **proxy,
            )
        except websocket.WebSocketBadStatusException as error:
            answer = requests.Response()
            answer.status_code = error.status_code
            answer._content = getattr(error, "resp_body", None) or b""
            raise self._failure("GET", path.partition("?")[0], answer) from None
        except (websocket.WebSocketException, OSError) as error:
            if direct is not None:
                direct.close()
            if opened.handshake_response is not None:
                raise self._moved(path, opened.handshake_response.status) from None
            causes = _causes(error)
            if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
                raise self._untrusted(causes) from None
            raise self._silent(error, causes) from None
        if opened.handshake_response.status != 101:
            opened.shutdown()
            raise self._moved(path, opened.handshake_response.status)
        return opened

    def _moved(self, path: str, code: int) -> UnexpectedAnswer:
        return UnexpectedAnswer(
            f"GET {path.partition('?')[0]} at {self.server} was redirected ({code}): the server of the kubeconfig "
            f"{self.target.kubeconfig} is not a Kubernetes API server."
        )

    def _direct(self, tls: Json, timeout: float) -> socket.socket:
        """A connection to the API server itself, with TLS where its address says so."""
        server = urlsplit(self.server)
        secure = server.scheme == "https"
        plain = socket.create_connection((server.hostname, server.port or (443 if secure else 80)), timeout)
        if not secure:
            return plain
        try:
            return tls["context"].wrap_socket(plain, server_hostname=tls.get("server_hostname") or server.hostname)
        except OSError:
            plain.close()
            raise

    def _websocket_proxy(self) -> Json:
        """The proxy that requests take, for a WebSocket; empty without one."""
        if "https" not in self._session.proxies:
            return {}
        proxy = urlsplit(self._session.proxies["https"])
        options: Json = {"http_proxy_host": proxy.hostname, "http_proxy_port": proxy.port or 80, "http_no_proxy": ["-"]}
        if proxy.username:
            options["http_proxy_auth"] = (unquote(proxy.username), unquote(proxy.password or ""))
        return options

    def decode(self, response: requests.Response) -> Json:
        """The JSON object in an answer. Raises UnexpectedAnswer."""
        try:
            value = jsonlib.loads(response.content)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            asked = f"{response.request.method} {urlsplit(response.request.url).path}"
            raise UnexpectedAnswer(
                f"{asked} at {self.server} was answered with {_kind_of_body(response)} instead of a JSON object: "
                f"is the server of the kubeconfig {self.target.kubeconfig} a Kubernetes API server, "
                f"with nothing between that answers for it?"
            )
        return value

    def _authorization(self) -> str | None:
        """The Authorization header; the library runs an exec plugin again when its token has expired."""
        value = self.target.configuration.auth_settings().get("BearerToken", {}).get("value")
        if not value:
            return None
        value = value.strip()
        if not (value.isascii() and value.isprintable()):
            # Said here, because the error of the HTTP library would show the token.
            raise KubeconfigError(
                f"The token of context {self.target.context} in the kubeconfig {self.target.kubeconfig} holds "
                f"characters that no token has: take a fresh kubeconfig of the cluster."
            )
        return value

    # -- what went wrong ----------------------------------------------------

    def _silent(self, error: Exception, causes: list[BaseException]) -> ClusterUnreachable:
        through = ""
        if isinstance(error, requests.exceptions.ProxyError):
            proxy = urlsplit(self._session.proxies["https"])
            through = f" through the proxy {proxy.hostname}:{proxy.port}"
        return ClusterUnreachable(
            f"The API server {self.server} does not answer{through} ({_reason(causes)}): is the cluster running, "
            f"and is its address in the kubeconfig {self.target.kubeconfig} right?"
        )

    def _slow(self, error: Exception, timeout: tuple[float, float]) -> ClusterUnreachable:
        connecting = isinstance(error, requests.exceptions.ConnectTimeout)
        what = f"no connection within {timeout[0]:g} s" if connecting else f"no answer within {timeout[1]:g} s"
        return ClusterUnreachable(
            f"The API server {self.server} does not answer ({what}): is the cluster running and not overloaded, "
            f"and can this machine reach it?"
        )

    def _untrusted(self, causes: list[BaseException]) -> ClusterUnreachable:
        return ClusterUnreachable(
            f"No trusted connection to the API server {self.server} ({_reason(causes)}): "
            f"the kubeconfig {self.target.kubeconfig} is of another cluster or out of date, take a fresh one."
        )

    def _failure(self, method: str, path: str, response: requests.Response) -> LabError:
        """The error for an answer that is not a success."""
        status = _status_object(response)
        code = response.status_code
        asked = f"{method} {path}"
        said = (status.get("message") if status else _excerpt(response)) or response.reason or "no reason given"
        proxied = "/proxy/" in path
        if code == 401 and (status or not proxied):
            return ClusterRefused(
                f"The API server {self.server} does not accept the credentials of context {self.target.context} (401): "
                f"they have expired or are wrong, renew the kubeconfig {self.target.kubeconfig}."
            )
        if code == 403 and (status or not proxied):
            _before, found, forbidden = said.partition(" is forbidden: ")
            return ClusterRefused(
                f"The API server {self.server} refuses {asked} (403): {(forbidden if found else said).rstrip('.')}; "
                f"ask the owner of the cluster for that permission."
            )
        if code == 404 and (status or not proxied):
            return NotFound(f"{asked} at {self.server}: {said.rstrip('.')} (404).")
        if proxied and _is_proxy_failure(code, said):
            return ProxyTargetError(
                f"{_behind(path)} in namespace {self.namespace} does not answer through the API server: "
                f"{said.rstrip('.')} ({code}).",
                code,
            )
        if 300 <= code < 400:
            return UnexpectedAnswer(
                f"{asked} at {self.server} was redirected to {response.headers.get('Location', 'another place')} "
                f"({code}): the server of the kubeconfig {self.target.kubeconfig} is not a Kubernetes API server."
            )
        who = f"{_behind(path)} in namespace {self.namespace}" if proxied and not status else self.server
        kind = TemporaryFailure if code in TEMPORARY else RequestFailed
        return kind(f"{asked} at {who} failed: {said.rstrip('.')} ({code}).", code)


# -- the kubeconfig ---------------------------------------------------------


def require_kubernetes() -> None:
    """Raises LabError when a Python package that this needs is missing."""
    if IMPORT_ERROR is not None:
        raise LabError(
            f"The Python package {IMPORT_ERROR.name or 'kubernetes'} is missing from the Python that runs this task: "
            f"install the packages kubernetes and requests into it."
        )


def _read_kubeconfig(kubeconfig: str | None, context: str | None) -> Target:
    require_kubernetes()
    given = kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    paths = [os.path.expanduser(path) for path in given.split(os.pathsep) if path]
    shown = os.pathsep.join(paths)
    if not any(os.path.exists(path) for path in paths):
        raise KubeconfigError(
            f"There is no kubeconfig at {shown}: give the path of the cluster's kubeconfig in the option kubeconfig, "
            f"or bring up the embedded node."
        )
    try:
        source = _kubeconfig_source([path for path in paths if os.path.exists(path)])
        content = getattr(source["config_dict"], "value", source["config_dict"])
        names = _names(content, "contexts")
    except OSError as error:
        raise KubeconfigError(
            f"The kubeconfig {shown} cannot be read: {error.strerror}; correct its path or mode."
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise KubeconfigError(f"The kubeconfig {shown} is not YAML{where}: take a fresh one of the cluster.") from None
    except (AttributeError, KeyError, TypeError, ValueError, ConfigException):
        names = []
    if not names:
        raise KubeconfigError(f"{shown} is not a kubeconfig with a context: take a fresh one of the cluster.")
    chosen = context or content.get("current-context")
    if not chosen:
        raise KubeconfigError(
            f"The kubeconfig {shown} has no current context: name one in the option context ({', '.join(names)})."
        )
    if chosen not in names:
        raise KubeconfigError(
            f"The kubeconfig {shown} has no context {chosen}: it has {', '.join(names)}; correct the option context."
        )
    # The library writes keys of the kubeconfig to files for its own use and removes them when the interpreter
    # ends in order, which a forked worker of Ansible never does: they go into a folder that is removed here.
    with tempfile.TemporaryDirectory(prefix="temporal-lab-") as folder, _captured_log() as log:
        configuration = Configuration()
        try:
            KubeConfigLoader(**source, active_context=chosen, temp_file_path=folder).load_and_set(configuration)
            plugin, server = _exec_plugin(content, chosen), _server(content, chosen)
        except (ConfigException, AttributeError, KeyError, TypeError, ValueError, OSError) as error:
            raise KubeconfigError(
                f"Context {chosen} of the kubeconfig {shown} cannot be used ({_first_line(error)}): "
                f"take a fresh kubeconfig of the cluster."
            ) from None
        if plugin and not configuration.api_key and not configuration.cert_file:
            raise KubeconfigError(
                f"The credential plugin {plugin} of context {chosen} gave no credentials "
                f"({log[-1] if log else 'it said nothing'}): run it by hand, or take another kubeconfig."
            )
        if not server:
            raise KubeconfigError(f"Context {chosen} of the kubeconfig {shown} names no server: take a fresh one.")
        tls = _tls_context(configuration, shown) if configuration.host.startswith("https") else None
    return Target(shown, chosen, configuration, tls)


def _kubeconfig_source(paths: list[str]) -> Json:
    """What the library takes of kubeconfigs; relative paths in one begin at its folder, as for kubectl."""
    if len(paths) == 1:
        with open(paths[0], encoding="utf-8") as file:
            text = file.read()
        # Only an auth-provider's tokens are written back. The library's own reader does without libyaml, and would be
        # a tenth of what a class costs.
        if "auth-provider" not in text:
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            return {
                "config_dict": yaml.load(text, Loader=loader) or {},
                "config_base_path": os.path.dirname(os.path.abspath(paths[0])),
            }
    merger = KubeConfigMerger(os.pathsep.join(paths))
    return {"config_dict": merger.config or {}, "config_base_path": None, "config_persister": merger.save_changes}


def _tls_context(configuration: Any, shown: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
        # Python 3.13 turns this on by default; authorities made by older Kubernetes installers do not pass it.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if configuration.cert_file:
            context.load_cert_chain(configuration.cert_file, configuration.key_file)
    except OSError as error:
        raise KubeconfigError(
            f"A certificate or key of the kubeconfig {shown} cannot be used ({_first_line(error)}): take a fresh one."
        ) from None
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        # The kubeconfig says insecure-skip-tls-verify: its owner knows.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return context


class _Collector(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(clip(record.getMessage()))


@contextmanager
def _captured_log() -> Iterator[list[str]]:
    """Collect what is logged: the library logs why an exec plugin failed, and raises nothing."""
    handler = _Collector(logging.ERROR)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield handler.messages
    finally:
        root.removeHandler(handler)


def _names(content: Any, section: str) -> list[str]:
    # The merger of the library wraps each entry.
    entries = [getattr(entry, "value", entry) for entry in content.get(section) or []]
    return [str(entry["name"]) for entry in entries if isinstance(entry, dict) and "name" in entry]


def _entry(content: Json, section: str, name: object, key: str) -> Json:
    for wrapped in content.get(section) or []:
        entry = getattr(wrapped, "value", wrapped)
        if entry.get("name") == name:
            return entry.get(key) or {}
    return {}


def _exec_plugin(content: Json, context: str) -> str:
    user = _entry(content, "contexts", context, "context").get("user")
    return str((_entry(content, "users", user, "user").get("exec") or {}).get("command") or "")


def _server(content: Json, context: str) -> str:
    cluster = _entry(content, "contexts", context, "context").get("cluster")
    return str(_entry(content, "clusters", cluster, "cluster").get("server") or "")


# -- reading answers --------------------------------------------------------


def _status_object(response: requests.Response) -> Json | None:
    """The Status object with which the API server itself answers, or None for an answer of someone else."""
    try:
        value = jsonlib.loads(response.content)
    except ValueError:
        return None
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


def _kind_of_body(response: requests.Response) -> str:
    body = response.content.lstrip()
    if not body:
        return "nothing"
    if body[:1] == b"<":
        return "a page of HTML"
    if body[:1] in (b"{", b"["):
        return "broken or cut JSON"
    return "text"


def _excerpt(response: requests.Response) -> str:
    """The beginning of an answer that is not a Status: the message of its JSON, its text, or that it is a page."""
    try:
        value = jsonlib.loads(response.content)
    except ValueError:
        value = None
    if isinstance(value, dict):
        for key in ("message", "error"):
            if isinstance(value.get(key), str):
                return clip(value[key])
    if response.content.lstrip()[:1] == b"<":
        return "a page of HTML"
    return clip(response.content.decode("utf-8", "replace"))


def clip(text: str, limit: int = 300) -> str:
    """Text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _first_line(error: BaseException) -> str:
    return clip(str(error)) or type(error).__name__


def _causes(error: BaseException) -> list[BaseException]:
    """The error and all that it names as its cause, outermost first."""
    causes: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        cause = todo.pop(0)
        if isinstance(cause, BaseException) and cause not in causes:
            causes.append(cause)
            todo += [getattr(cause, "reason", None), cause.__cause__, cause.__context__, *cause.args]
    return causes


def _reason(causes: list[BaseException]) -> str:
    """The innermost cause of a failed connection, in the words of the operating system or of TLS."""
    for cause in reversed(causes):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message or "the certificate cannot be verified"
        if isinstance(cause, ssl.SSLError):
            return (cause.reason or str(cause)).replace("_", " ").lower()
        if isinstance(cause, TimeoutError):
            return "timed out"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
    return "the connection was cut"
