# SPDX-License-Identifier: GPL-3.0-or-later
"""Task student_kubeconfig: the file with which a student reaches the cluster, with a token that expires.

The text of a token is only in ``IssuedKubeconfig.content``, which no ``repr`` shows, and in requests to the API server.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ..cluster.cluster import Cluster
from ..cluster.connect import INSTRUCTOR
from ..cluster.kubeconfig_access import is_loopback
from ..cluster.predicates import Json
from ..errors import LabError
from ..foreign_text import keep_secret
from ..http.errors import NotFound, UnexpectedAnswer
from ..http.shape import flag, record, text
from ..task import Context, Params, Result, Task
from .issued_kubeconfig import IssuedKubeconfig, ends_soon, kubeconfig, moment, shared_cluster
from .kubeconfig_file import FileChanged, KubeconfigFile

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

REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
TOKEN_REVIEW = record(status=record(authenticated=flag, user=record(username=text)))
TOKEN_REQUEST = record(status=record(token=text, expirationTimestamp=text))
#: The shortest lifetime that the TokenRequest API knows, in seconds.
SHORTEST = 600
#: How often the file is read again because someone else wrote it in the meantime.
ROUNDS = 3


def run(params: Params, context: Context) -> Result:
    """Write, renew, keep or remove the file. Raises LabError.

    Returns ``changed``, ``path``, ``state`` (created, renewed, rewritten, kept, removed or none), ``reason`` (why it
    was not kept), ``server``, ``namespace``, ``account``, ``expires``, and with diff ``diff``.
    """
    _validate(params)
    file = KubeconfigFile(params["path"])
    if params["state"] == "absent":
        return _absent(params, context, file)
    trusted = bool(params["kubeconfig_exec"])
    with Cluster.connect(params["kubeconfig"], params["context"], params["namespace"], trusted=trusted) as cluster:
        return _Present(params, context, cluster, file).run()


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

    def _result(self, found: IssuedKubeconfig | None, wanted: IssuedKubeconfig, state: str, reason: str) -> Result:
        shown = wanted.view()
        result: Result = {
            "changed": state != "kept",
            "path": str(self.file.path),
            "state": state,
            "reason": reason,
            **{key: shown[key] for key in ("server", "namespace", "account", "expires")},
        }
        if is_loopback(str(shown["server"])):
            result["warnings"] = [
                f"The students' kubeconfigs name the API server as {shown['server']}, which leads to the student's own "
                f"machine on every other one than this: give the address that students reach as students_server."
            ]
        if self.context.diff:
            result["diff"] = {"before": found.view() if found else {}, "after": shown}
        return result

    def _wanted(self, found: IssuedKubeconfig | None) -> tuple[IssuedKubeconfig, str, str]:
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

    def _kubeconfig(self, token: str, note: Json) -> IssuedKubeconfig:
        namespace = self.params["namespace"]
        cluster = shared_cluster(self.cluster.target, self.params["server"])
        note = {"account": self.params["account"], **note}
        return kubeconfig(self.params["name"] or namespace, cluster, namespace, token, note)

    def _judge(self, found: IssuedKubeconfig) -> str:
        """Why the token of a file cannot stay; empty when it can."""
        if not found.token:
            return "it has no token"
        left = ends_soon(found.note, self.params["token_renew"], _now().timestamp())
        if left is not None:
            return f"its token ends in {left:.0f} s"
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": found.token}}
        answer = self.cluster.checked(self.cluster.request("POST", REVIEWS, json=review, idempotent=True), TOKEN_REVIEW)
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
            answer = self.cluster.checked(
                self.cluster.request("POST", path, json=asked, idempotent=True), TOKEN_REQUEST
            )
        except NotFound:
            raise LabError(
                f"There is no ServiceAccount {account} in namespace {namespace} at {self.cluster.server} for a token: "
                f"create it first, with --tags students."
            ) from None
        status = answer.get("status") or {}
        token, expires = status.get("token"), status.get("expirationTimestamp")
        if not isinstance(token, str) or not token or moment(expires) is None:
            raise UnexpectedAnswer(
                f"POST {path} at {self.cluster.server} was answered without a token or its expiry: check whether a "
                f"proxy answers for the API server."
            )
        keep_secret(token)
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
            f"`path` is {params['path']!r}, which is not the path of a file: give the path of the student's own "
            f"kubeconfig (lab_kubeconfig)."
        )
    lifetime, renew = params["token_lifetime"], params["token_renew"]
    if lifetime < SHORTEST:
        raise LabError(
            f"`token_lifetime` is {lifetime} s, and the API server issues no token for less than {SHORTEST} s."
        )
    if not 0 <= renew < lifetime:
        raise LabError(
            f"`token_renew` ({renew} s) must be less than `token_lifetime` ({lifetime} s) and not negative: each run "
            f"would create a new token."
        )


def _now() -> datetime:
    return datetime.now(timezone.utc)


TASK = Task(SPEC, run)
