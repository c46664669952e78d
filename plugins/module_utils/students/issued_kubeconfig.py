# SPDX-License-Identifier: GPL-3.0-or-later
"""A student's kubeconfig as the lab issues it, with a token that expires.

The text of a token is only in ``IssuedKubeconfig.content``, which no ``repr`` shows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..cluster.kubeconfig import KubeconfigContext
from ..cluster.kubeconfig_files import as_mapping
from ..cluster.predicates import Json, seconds

#: Name of the extension by which a file is recognised as the lab's, and its value.
EXTENSION = "temporal-lab"
SCHEMA = "temporal_lab.benchmarking/student-kubeconfig/1"
#: What of the instructor's cluster a student needs too; nothing of the instructor's own access.
SHARED = (
    "server",
    "tls-server-name",
    "insecure-skip-tls-verify",
    "disable-compression",
    "certificate-authority-data",
)


@dataclass(frozen=True)
class IssuedKubeconfig:
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
            token = as_mapping(entry.get("user")).get("token")
            if isinstance(token, str):
                return token
        return ""

    @property
    def expires(self) -> str:
        return str(self.note.get("expires") or "")

    def view(self) -> Json:
        """What is shown of it: never its token."""
        clusters = _list(self.content, "clusters")
        cluster = as_mapping(clusters[0].get("cluster")) if clusters else {}
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


def shared_cluster(target: KubeconfigContext, server: str | None = None) -> Json:
    """The cluster of a kubeconfig's context as a student's kubeconfig has it, its certificate authority inside.

    server: the address to give instead of the kubeconfig's own.
    """
    entry = target.access.cluster
    found = {key: entry[key] for key in SHARED if entry.get(key)}
    if server:
        found["server"] = server
    if entry.get("proxy-url"):
        # A proxy's password is the instructor's own.
        proxy = urlsplit(str(entry["proxy-url"]))
        found["proxy-url"] = proxy._replace(netloc=proxy.netloc.rpartition("@")[2]).geturl()
    return found


def kubeconfig(name: str, cluster: Json, namespace: str, token: str, note: Json) -> IssuedKubeconfig:
    """A kubeconfig with one cluster, one user and one context, all of one name."""
    note = {"schema": SCHEMA, "namespace": namespace, **note}
    return IssuedKubeconfig(
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

    Where the API server granted less than was requested, a token is renewed at half of what it granted at the
    latest: otherwise every run would renew it.
    """
    issued, expires = moment(note.get("issued")), moment(note.get("expires"))
    if expires is None:
        return 0.0
    left = expires - now
    soon = renew if issued is None else min(renew, (expires - issued) / 2)
    return max(0.0, left) if left <= soon else None


def moment(text: object) -> float | None:
    """A time of the API as Unix seconds, None when it is not one."""
    try:
        return seconds(str(text)) if text else None
    except ValueError:
        return None


def _list(content: Json, key: str) -> list[Json]:
    entries = content.get(key)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
