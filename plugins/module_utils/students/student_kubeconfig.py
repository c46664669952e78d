# SPDX-License-Identifier: GPL-3.0-or-later
"""Task student_kubeconfig: the file with which a student reaches the cluster, with a token that ends.

The text of a token is only in ``Kubeconfig.content``, which no ``repr`` shows, and in what is sent to the API server.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..cluster.cluster import Cluster
from ..cluster.connect import INSTRUCTOR
from ..cluster.kubeconfig import KubeconfigContext, require_kubernetes
from ..cluster.predicates import Json, seconds
from ..errors import LabError
from ..files import private_file_beside, read_regular_file
from ..http.errors import NotFound, UnexpectedAnswer
from ..task import Context, Params, Result, Task

try:
    import yaml
    from kubernetes.config.kube_config import KubeConfigMerger

    # The library has no types.
    _Merger: Any = KubeConfigMerger
except ImportError:
    # require_kubernetes says which package is missing.
    pass

SPEC: dict[str, Any] = {
    **INSTRUCTOR,
    "path": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "account": {"type": "str", "default": "student"},
    "name": {"type": "str"},
    "server": {"type": "str"},
    # Seconds: no secrets.
    "token_lifetime": {"type": "int", "default": 30 * 86400, "no_log": False},
    "token_renew": {"type": "int", "default": 7 * 86400, "no_log": False},
}

#: Name of the extension in which a file of ours says that it is, and what it says.
EXTENSION = "temporal-lab"
SCHEMA = "temporal_lab.benchmarking/student-kubeconfig/1"
#: What of the instructor's cluster a student needs too; nothing of the instructor's own access.
SHARED = ("server", "tls-server-name", "insecure-skip-tls-verify", "disable-compression")
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
#: The shortest lifetime that the TokenRequest API knows, in seconds.
SHORTEST = 600
#: The most that is read of a file, in bytes.
MOST = 1024 * 1024
#: How often the file is looked at anew because somebody else has written it meanwhile.
ROUNDS = 3


class FileChanged(LabError):
    """Somebody else has written the file since it was read."""


@dataclass(frozen=True)
class Kubeconfig:
    """A student's kubeconfig. mode: of its file, by chmod's number."""

    content: Json = field(repr=False)
    mode: int = 0o600

    @property
    def note(self) -> Json:
        """What the file says of itself: schema, namespace, account, issued and expires (RFC 3339 in UTC)."""
        for entry in _list(self.content, "extensions"):
            note = entry.get("extension")
            if entry.get("name") == EXTENSION and isinstance(note, dict):
                return note
        return {}

    @property
    def token(self) -> str:
        for entry in _list(self.content, "users"):
            user = entry.get("user")
            token = user.get("token") if isinstance(user, dict) else None
            if isinstance(token, str):
                return token
        return ""

    @property
    def expires(self) -> str:
        return str(self.note.get("expires") or "")

    def view(self) -> Json:
        """What is shown of it: never its token."""
        clusters = _list(self.content, "clusters")
        cluster = (clusters[0].get("cluster") if clusters else None) or {}
        authority = str(cluster.get("certificate-authority-data") or "")
        return {
            "context": self.content.get("current-context"),
            "server": cluster.get("server"),
            "authority": f"sha256:{hashlib.sha256(authority.encode()).hexdigest()[:16]}" if authority else None,
            "namespace": self.note.get("namespace"),
            "account": self.note.get("account"),
            "expires": self.expires,
            "mode": f"{self.mode:04o}",
        }


def run(params: Params, context: Context) -> Result:
    """Write, renew, keep or remove the file. Raises LabError.

    Returns ``changed``, ``path``, ``state`` (created, renewed, rewritten, kept, removed or none), ``reason`` (why it
    was not kept), ``server``, ``namespace``, ``account``, ``expires``, and with diff ``diff``.
    """
    require_kubernetes()
    _validate(params)
    file = KubeconfigFile(params["path"])
    if params["state"] == "absent":
        return _absent(params, context, file)
    with Cluster.connect(params["kubeconfig"], params["context"], params["namespace"]) as cluster:
        return _Present(params, context, cluster, file).run()


# -- the file ---------------------------------------------------------------


class KubeconfigFile:
    """A file that only its owner can read; one that is not ours is left alone."""

    def __init__(self, path: str) -> None:
        # Of a link, the file that it leads to is written.
        self.path = Path(os.path.realpath(path))

    def read(self, namespace: str) -> Kubeconfig | None:
        """What is there for a namespace, or None. Raises LabError, also when it is not ours."""
        try:
            there = read_regular_file(self.path, MOST)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable("read", error) from None
        if there is None:
            raise self._foreign("is not a regular file")
        text, mode = there
        try:
            content = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError):
            content = None
        if not isinstance(content, dict):
            raise self._foreign("is not a kubeconfig that the lab made")
        found = Kubeconfig(content, mode)
        if found.note.get("schema") != SCHEMA:
            raise self._foreign("is not a kubeconfig that the lab made")
        if found.note.get("namespace") != namespace:
            raise self._foreign(f"is the kubeconfig of namespace {found.note.get('namespace')}, not of {namespace}")
        return found

    def write(self, wanted: Kubeconfig, instead_of: Kubeconfig | None) -> None:
        """Write the file whole or not at all. Raises FileChanged and other LabErrors."""
        text = "# The lab's cluster for one student; whoever has this file has that student's access.\n"
        # By way of JSON: text that comes from Ansible is of a type of its own, which YAML cannot write.
        text += yaml.safe_dump(json.loads(json.dumps(wanted.content)), sort_keys=False)
        try:
            with private_file_beside(self.path, text) as beside:
                if instead_of is None:
                    # Not on top of a file that has come meanwhile, whosever it is.
                    os.link(beside, self.path)
                else:
                    if self.read(instead_of.note["namespace"]) != instead_of:
                        raise FileChanged(
                            f"The file {self.path} was changed by someone else in the meantime: run the task again."
                        )
                    os.replace(beside, self.path)
        except FileExistsError:
            raise FileChanged(
                f"The file {self.path} was created by someone else in the meantime: run the task again."
            ) from None
        except OSError as error:
            raise self._unusable("written", error) from None

    def remove(self) -> None:
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable("removed", error) from None

    def _unusable(self, done: str, error: OSError) -> LabError:
        return LabError(f"The student's kubeconfig {self.path} cannot be {done} ({error.strerror}): correct `path`.")

    def _foreign(self, why: str) -> LabError:
        return LabError(f"The file {self.path} {why}, and is left as it is: move it away, or name another `path`.")


# -- what is in it ----------------------------------------------------------


def shared_cluster(target: KubeconfigContext, server: str | None = None) -> Json:
    """The cluster of a kubeconfig's context as a student's kubeconfig has it, its certificate authority inside.

    server: the address to give instead of the kubeconfig's own. Raises LabError.
    """
    merged = _Merger(target.kubeconfig).config.value
    entry: Json = {}
    folder = ""
    wanted = next((node["context"] for node in merged["contexts"] if node["name"] == target.context), None)
    for node in merged["clusters"]:
        if wanted is not None and node["name"] == _plain(wanted).get("cluster"):
            entry, folder = _plain(node["cluster"]), os.path.dirname(node.path)
    found = {key: entry[key] for key in SHARED if entry.get(key)}
    if server:
        found["server"] = server
    if entry.get("proxy-url"):
        # A proxy's password is the instructor's own.
        proxy = urlsplit(str(entry["proxy-url"]))
        found["proxy-url"] = proxy._replace(netloc=proxy.netloc.rpartition("@")[2]).geturl()
    if entry.get("certificate-authority-data"):
        found["certificate-authority-data"] = entry["certificate-authority-data"]
    elif entry.get("certificate-authority"):
        authority = os.path.join(folder, entry["certificate-authority"])
        try:
            found["certificate-authority-data"] = base64.b64encode(Path(authority).read_bytes()).decode()
        except OSError as error:
            raise LabError(
                f"The certificate authority {authority} of the kubeconfig {target.kubeconfig} cannot be read "
                f"({error.strerror}): get a new kubeconfig for the cluster."
            ) from None
    return found


def kubeconfig(name: str, cluster: Json, namespace: str, token: str, note: Json) -> Kubeconfig:
    """A kubeconfig with one cluster, one user and one context, all of one name."""
    note = {"schema": SCHEMA, "namespace": namespace, **note}
    return Kubeconfig(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": namespace}}],
            "extensions": [{"name": EXTENSION, "extension": note}],
        }
    )


def ends_soon(note: Json, renew: float, now: float) -> float | None:
    """Seconds that a token has left when it is time for another one, None while it is not.

    Where the API server gave less than was asked for, half of what it gave counts as soon at the latest: else
    every run would renew it.
    """
    issued, expires = _moment(note.get("issued")), _moment(note.get("expires"))
    if expires is None:
        return 0.0
    left = expires - now
    soon = renew if issued is None else min(renew, (expires - issued) / 2)
    return max(0.0, left) if left <= soon else None


def _moment(text: object) -> float | None:
    try:
        return seconds(str(text)) if text else None
    except ValueError:
        return None


def _list(content: Json, key: str) -> list[Json]:
    entries = content.get(key)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _plain(node: Any) -> Json:
    """What an entry of the merged kubeconfig holds: the library wraps it."""
    value = getattr(node, "value", node)
    return value if isinstance(value, dict) else {}


# -- the task ---------------------------------------------------------------


@dataclass
class _Present:
    params: Params
    context: Context
    cluster: Cluster
    file: KubeconfigFile

    def run(self) -> Result:
        for round_ in range(ROUNDS):
            found = self.file.read(self.params["namespace"])
            wanted, state, reason = self._wanted(found)
            if state != "kept" and not self.context.check_mode:
                try:
                    self.file.write(wanted, found)
                except FileChanged:
                    # By a run like this one: as good as ours, when its token is accepted.
                    if round_ == ROUNDS - 1:
                        raise
                    continue
            return self._result(found, wanted, state, reason)
        raise AssertionError("unreachable")

    def _result(self, found: Kubeconfig | None, wanted: Kubeconfig, state: str, reason: str) -> Result:
        shown = wanted.view()
        result: Result = {
            "changed": state != "kept",
            "path": str(self.file.path),
            "state": state,
            "reason": reason,
            **{key: shown[key] for key in ("server", "namespace", "account", "expires")},
        }
        if self.context.diff:
            result["diff"] = {"before": found.view() if found else {}, "after": shown}
        return result

    def _wanted(self, found: Kubeconfig | None) -> tuple[Kubeconfig, str, str]:
        """The kubeconfig that there is to be, what becomes of the file, and why."""
        reason = "there is none" if found is None else self._judge(found)
        if found is None or reason:
            token, note = ("", {"expires": ""}) if self.context.check_mode else self._mint()
            return self._kubeconfig(token, note), "created" if found is None else "renewed", reason
        note = {key: found.note.get(key) for key in ("issued", "expires")}
        wanted = self._kubeconfig(found.token, note)
        if any(found.content.get(key) != value for key, value in wanted.content.items()):
            return wanted, "rewritten", "something other than its token is out of date"
        if found.mode != wanted.mode:
            return wanted, "rewritten", f"its mode is {found.mode:04o}"
        return wanted, "kept", ""

    def _kubeconfig(self, token: str, note: Json) -> Kubeconfig:
        namespace = self.params["namespace"]
        cluster = shared_cluster(self.cluster.target, self.params["server"])
        note = {"account": self.params["account"], **note}
        return kubeconfig(self.params["name"] or namespace, cluster, namespace, token, note)

    def _judge(self, found: Kubeconfig) -> str:
        """Why the token of a file cannot stay; empty when it can."""
        if not found.token:
            return "it has no token"
        left = ends_soon(found.note, self.params["token_renew"], _now().timestamp())
        if left is not None:
            return f"its token ends in {left:.0f} s"
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": found.token}}
        answer = self.cluster.request_json("POST", REVIEWS, json=review, idempotent=True)
        status = answer.get("status") or {}
        if status.get("authenticated") is not True:
            return "the API server rejects its token"
        user = (status.get("user") or {}).get("username")
        if user != f"system:serviceaccount:{self.params['namespace']}:{self.params['account']}":
            return "its token belongs to a different account"
        return ""

    def _mint(self) -> tuple[str, Json]:
        """A new token, and when it was issued and expires."""
        account, namespace = self.params["account"], self.params["namespace"]
        asked = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": self.params["token_lifetime"]},
        }
        issued = f"{_now():%Y-%m-%dT%H:%M:%SZ}"
        path = self.cluster.path("serviceaccounts", account, "token")
        try:
            # One more token of the same account does no harm.
            answer = self.cluster.request_json("POST", path, json=asked, idempotent=True)
        except NotFound:
            raise LabError(
                f"There is no ServiceAccount {account} in namespace {namespace} at {self.cluster.server} for a token: "
                f"make it first, with --tags students."
            ) from None
        status = answer.get("status") or {}
        token, expires = status.get("token"), status.get("expirationTimestamp")
        if not isinstance(token, str) or not token or _moment(expires) is None:
            raise UnexpectedAnswer(
                f"POST {path} at {self.cluster.server} was answered without a token or its expiry: is there something "
                f"between that answers for the API server?"
            )
        return token, {"issued": issued, "expires": expires}


def _absent(params: Params, context: Context, file: KubeconfigFile) -> Result:
    found = file.read(params["namespace"])
    if found is not None and not context.check_mode:
        file.remove()
    shown = found.view() if found else {}
    result: Result = {
        "changed": found is not None,
        "path": str(file.path),
        "state": "none" if found is None else "removed",
        "reason": "",
        "server": shown.get("server"),
        "namespace": params["namespace"],
        "account": shown.get("account"),
        "expires": "",
    }
    if context.diff:
        result["diff"] = {"before": shown, "after": {}}
    return result


def _validate(params: Params) -> None:
    if not params["path"] or os.path.isdir(params["path"]):
        raise LabError(
            f"`path` is {params['path']!r}, which is no path of a file: give the path of the student's own kubeconfig "
            f"(lab_kubeconfig)."
        )
    lifetime, renew = params["token_lifetime"], params["token_renew"]
    if lifetime < SHORTEST:
        raise LabError(
            f"`token_lifetime` is {lifetime} s, and the API server gives no token for less than {SHORTEST} s."
        )
    if not 0 <= renew < lifetime:
        raise LabError(
            f"`token_renew` ({renew} s) must be less than `token_lifetime` ({lifetime} s) and not negative: each run "
            f"would make a new token."
        )


def _now() -> datetime:
    return datetime.now(timezone.utc)


TASK = Task(SPEC, run)
