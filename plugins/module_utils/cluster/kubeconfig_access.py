# SPDX-License-Identifier: GPL-3.0-or-later
"""What one context of a kubeconfig gives access to, checked, with all that it needs inside.

A kubeconfig may be a stranger's. Unless it is trusted, nothing in it runs a program or reads a file outside its folder;
whatever it says is checked here, once, so that all clients are given the same and nothing that only some of them take.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ..foreign_text import plain
from .exec_plugin import environment_of
from .kubeconfig_error import KubeconfigError
from .kubeconfig_files import ANOTHER, Entry, KubeconfigFiles, read_files
from .kubeconfig_paths import PathRefused, read_named_file
from .pem import NotPem, certificates, private_key

Json = dict[str, Any]

#: How a user lets a kubeconfig run programs.
TRUST = (
    "if you trust whoever wrote that file, set lab_kubeconfig_exec=true (students_kubeconfig_exec=true for the "
    "instructor's kubeconfig, kubeconfig_exec in a task of your own)"
)
#: The schemes of proxies; kubectl and helm know socks5, which asks the proxy for names, as socks5h does elsewhere.
PROXIES = ("http", "https", "socks5", "socks5h")
#: What stands in the place of another user's access, which only some clients take.
IMPERSONATION = ("as", "as-uid", "as-groups", "as-user-extra")
#: Text that can stand in a header or an address.
_WORDS = re.compile(r"[\x21-\x7e]+")
_ADDRESS = re.compile(r"[\x21-\x7e]{1,2048}")
#: Name of the extension by which a checked kubeconfig says which files it was made of.
SOURCE = "temporal-lab-source"
#: What a checked kubeconfig is called.
CHECKED = re.compile(r"temporal-lab-[0-9a-f]{16}\.kubeconfig")


@dataclass(frozen=True)
class Access:
    """One context of a kubeconfig.

    shown: the path that messages name. paths: the files. context: its name; namespace: that of the context.
    cluster: server, tls-server-name, certificate-authority-data, insecure-skip-tls-verify, proxy-url.
    user: token, or username and password, or client-certificate-data and client-key-data, or exec, or auth-provider.
    """

    shown: str
    paths: tuple[str, ...]
    context: str
    cluster: Json = field(repr=False)
    user: Json = field(repr=False)
    namespace: str = ""

    @property
    def server(self) -> str:
        return str(self.cluster["server"])


def read_access(kubeconfig: str | None, context: str | None, trusted: bool = False) -> Access:
    """What the context of that name, else the current one, of a kubeconfig gives access to. Raises KubeconfigError.

    trusted: whether it may run programs to log in, and read files anywhere.
    """
    files = read_files(kubeconfig)
    name = context or files.current
    listed = ", ".join(plain(one) for one in list(files.contexts)[:20])
    if not name:
        raise KubeconfigError(
            f"The kubeconfig {files.shown} has no current context: name one in the option context ({listed})."
        )
    if name not in files.contexts:
        raise KubeconfigError(
            f"The kubeconfig {files.shown} has no context {plain(name)}: it has {listed}; correct the option context."
        )
    return _Reader(files, name, trusted).access()


def is_loopback(server: str) -> bool:
    """Whether an address leads only to the machine that asks."""
    host = urlsplit(server).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


@dataclass
class _Reader:
    files: KubeconfigFiles
    context: str
    trusted: bool

    @property
    def shown(self) -> str:
        return self.files.shown

    def access(self) -> Access:
        chosen = self.files.contexts[self.context]
        cluster = self._entry(chosen, "cluster", self.files.clusters, needed=True)
        user = self._entry(chosen, "user", self.files.users, needed=False)
        wanted_cluster, wanted_user = self._cluster(cluster), self._user(user)
        wanted_cluster["server"] = self._server(cluster, bool(wanted_cluster) or "client-key-data" in wanted_user)
        if "exec" in wanted_user:
            extensions = cluster.value.get("extensions")
            wanted_cluster |= {"extensions": extensions} if isinstance(extensions, list) else {}
        return Access(
            self._source(),
            self.files.paths,
            self.context,
            wanted_cluster,
            wanted_user,
            self._text(chosen, "namespace"),
        )

    def _source(self) -> str:
        """The files that a checked kubeconfig was made of, of others their own paths."""
        if len(self.files.paths) == 1 and CHECKED.fullmatch(os.path.basename(self.files.paths[0])):
            note = self.files.contexts[self.context].value.get("extensions")
            for entry in note if isinstance(note, list) else ():
                if isinstance(entry, dict) and entry.get("name") == SOURCE and isinstance(entry.get("extension"), str):
                    return plain(entry["extension"])
        return self.shown

    def _entry(self, chosen: Entry, kind: str, entries: Any, needed: bool) -> Entry:
        name = self._text(chosen, kind)
        if not name and not needed:
            return Entry({}, chosen.file)
        if name not in entries:
            raise self._unusable(f"there is no {kind} {plain(name)}" if name else f"it names no {kind}")
        found: Entry = entries[name]
        return found

    # -- the cluster --------------------------------------------------------

    def _cluster(self, entry: Entry) -> Json:
        wanted: Json = {}
        authority = self._pem(entry, "certificate-authority", certificates)
        if authority:
            wanted["certificate-authority-data"] = authority
        for key in ("insecure-skip-tls-verify", "disable-compression"):
            if self._flag(entry, key):
                wanted[key] = True
        if wanted.get("insecure-skip-tls-verify") and authority:
            raise self._unusable("it has both an authority and insecure-skip-tls-verify, which kubectl refuses too")
        for key in ("tls-server-name", "proxy-url"):
            text = self._text(entry, key)
            if text and not _WORDS.fullmatch(text):
                raise self._unusable(f"its {key} holds spaces or other characters that it cannot have")
            if text:
                wanted[key] = text
        if "proxy-url" in wanted:
            self._check_proxy(wanted["proxy-url"])
        return wanted

    def _server(self, entry: Entry, tls: bool) -> str:
        given = self._text(entry, "server")
        if not given:
            raise KubeconfigError(
                f"Context {plain(self.context)} of the kubeconfig {self.shown} names no server: {ANOTHER}."
            )
        address = given if "://" in given else f"{'https' if tls else 'http'}://{given}"
        try:
            parts = urlsplit(address)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            good = False
        if not good or parts.query or parts.fragment or not _ADDRESS.fullmatch(address):
            raise self._unusable("the server is not an address that begins with https:// or http://")
        if parts.username is not None or parts.password is not None:
            raise self._unusable("the server's address holds a user or a password", "put them into the user's entry")
        return address.rstrip("/")

    def _check_proxy(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            good = parts.scheme in PROXIES and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            good = False
        if not good:
            raise self._unusable(
                f"its proxy-url is not the address of a proxy of a kind known here ({', '.join(PROXIES)})",
                "correct it",
            )

    # -- the user -----------------------------------------------------------

    def _user(self, entry: Entry) -> Json:
        for key in IMPERSONATION:
            if entry.value.get(key):
                raise self._unusable(
                    f"it acts as another user ({key}), which only some clients do",
                    "get a kubeconfig of the user that is meant",
                )
        wanted: Json = {}
        certificate = self._pem(entry, "client-certificate", certificates)
        key = self._pem(entry, "client-key", private_key)
        if bool(certificate) != bool(key):
            raise self._unusable(f"it has a client {'certificate without its key' if certificate else 'key alone'}")
        if certificate:
            wanted |= {"client-certificate-data": certificate, "client-key-data": key}
        token = self._token(entry)
        if token:
            wanted["token"] = token
        username, password = self._text(entry, "username"), self._text(entry, "password")
        if username or password:
            if token:
                raise self._unusable("it has both a token and a password, which kubectl refuses too")
            wanted |= {"username": username, "password": password}
        for kind in ("exec", "auth-provider"):
            if entry.value.get(kind):
                wanted[kind] = self._login(entry, kind)
        if "exec" in wanted and "auth-provider" in wanted:
            raise self._unusable("it has both exec and auth-provider, which kubectl refuses too")
        if token:
            # kubectl runs no program either where there is a token.
            wanted.pop("exec", None)
        return wanted

    def _token(self, entry: Entry) -> str:
        """The token. That of a file comes before the other, as for kubectl."""
        token, path = self._text(entry, "token"), self._text(entry, "tokenFile")
        if path:
            token = self._named_file(entry, "tokenFile", path).decode("utf-8", "replace")
        token = token.strip()
        if token and not _WORDS.fullmatch(token):
            raise KubeconfigError(
                f"The token of context {plain(self.context)} in the kubeconfig {self.shown} holds characters that no "
                f"token has: {ANOTHER}."
            )
        return token

    def _login(self, entry: Entry, kind: str) -> Json:
        """An exec or auth-provider entry of a kubeconfig that is trusted."""
        login = entry.value[kind]
        if not isinstance(login, dict):
            raise self._unusable(f"its {kind} is no mapping")
        name = login.get("command" if kind == "exec" else "name")
        if not isinstance(name, str) or not name:
            raise self._unusable(f"its {kind} names no {'command' if kind == 'exec' else 'provider'}")
        if not self.trusted:
            raise KubeconfigError(
                f"Context {plain(self.context)} of the kubeconfig {self.shown} runs a program on this machine to log "
                f"in ({kind} {plain(name)[:80]}): {TRUST}."
            )
        if kind == "auth-provider":
            return login
        args, version = login.get("args") or [], login.get("apiVersion")
        if not isinstance(args, list) or not all(isinstance(arg, str) for arg in args) or not isinstance(version, str):
            raise self._unusable("its exec has arguments or an apiVersion that are no text")
        try:
            environment = environment_of(login.get("env"))
        except ValueError:
            raise self._unusable("its exec has an env that is no list of names and values") from None
        # A path, and no name to be looked for in PATH, begins at the kubeconfig's folder.
        folder = os.path.dirname(os.path.abspath(entry.file))
        command = os.path.normpath(os.path.join(folder, name)) if os.sep in name else name
        cluster_info = login.get("provideClusterInfo") is True
        return {
            "apiVersion": version,
            "command": command,
            "args": args,
            "env": dict(environment),
            "provideClusterInfo": cluster_info,
        }

    # -- values -------------------------------------------------------------

    def _pem(self, entry: Entry, key: str, take: Callable[[bytes], str]) -> str:
        """What ``key``-data or the file of ``key`` holds in PEM, in base64; empty where there is neither."""
        data, path = self._text(entry, f"{key}-data"), self._text(entry, key)
        try:
            if data:
                text = base64.b64decode("".join(data.split()), validate=True)
            elif path:
                text = self._named_file(entry, key, path)
            else:
                return ""
            return base64.b64encode(take(text).encode()).decode()
        except NotPem as error:
            raise self._unusable(f"its {key} {error}") from None
        except (binascii.Error, ValueError):
            raise self._unusable(f"its {key}-data is not base64") from None

    def _named_file(self, entry: Entry, key: str, path: str) -> bytes:
        try:
            return read_named_file(entry.file, path, self.trusted)
        except PathRefused as error:
            raise self._unusable(f"its {key} {plain(error.why)}", error.cure or ANOTHER) from None

    def _text(self, entry: Entry, key: str) -> str:
        value = entry.value.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self._unusable(f"its {key} is not text", "put it in quotes")
        return value

    def _flag(self, entry: Entry, key: str) -> bool:
        value = entry.value.get(key)
        if value is not None and not isinstance(value, bool):
            raise self._unusable(f"its {key} is neither true nor false", "correct it")
        return bool(value)

    def _unusable(self, why: str, cure: str = ANOTHER) -> KubeconfigError:
        return KubeconfigError(
            f"Context {plain(self.context)} of the kubeconfig {self.shown} cannot be used ({why}): {cure}."
        )
