# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the token of Grafana's service account is kept: a Secret in the student's namespace, or a file.

The text of a token is only ever in ``Token.key``, which no ``repr`` shows.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..cluster.cluster import Cluster
from ..errors import LabError
from ..files import private_file_beside, read_regular_file
from ..http.errors import Conflict, NotFound, Refused
from ..http.message import json_value

#: Labels by which a Secret is known for ours, and annotations that say what is in it.
PART_OF = {"app.kubernetes.io/part-of": "temporal-lab"}
INSTANCE = "app.kubernetes.io/instance"
ACCOUNT = "temporal-lab/grafana-account"
NAME = "temporal-lab/grafana-token-name"
EXPIRES = "temporal-lab/grafana-expires"
#: Key of the Secret.
KEY = "token"
#: What a file of ours says that it is.
SCHEMA = "temporal_lab.benchmarking/grafana-token/1"
#: The most that is read of a file, in bytes.
MOST = 64 * 1024


class StoreChanged(LabError):
    """Someone else has kept another token there since it was read."""


@dataclass(frozen=True)
class Token:
    """A token that is kept.

    key: its text, empty when what is kept is damaged. account: name of its service account. name: its name in
    Grafana. expires: RFC 3339 in UTC, empty when it does not expire. version: of the place it was read from.
    """

    key: str = field(repr=False)
    account: str = ""
    name: str = ""
    expires: str = ""
    version: str = field(default="", compare=False)


class TokenStore(Protocol):
    """A place for one token. ``place`` says in messages which."""

    place: str

    def read(self) -> Token | None:
        """What is kept, or None. Raises LabError, also when it is not ours."""

    def write(self, token: Token, instead_of: Token | None) -> None:
        """Keep a token in place of the one that was read before. Raises StoreChanged and other LabErrors."""

    def remove(self) -> bool:
        """Keep nothing; False when there was nothing. Raises LabError when it is not ours."""

    def check_account(self, kept: Token | None, account: str) -> None:
        """Raise LabError if what is kept is of another account that must stay."""


class SecretStore:
    """A Secret with our labels; one of that name without them is somebody else's and left alone."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.place = f"Secret {name} in namespace {cluster.namespace}"
        self._cluster = cluster
        self._name = name
        self._uid = ""
        self._labels = {**PART_OF, INSTANCE: cluster.release}

    def read(self) -> Token | None:
        secret = self._cluster.find("secrets", self._name)
        if secret is None:
            return None
        self._uid = str(secret["metadata"].get("uid") or "")
        labels = secret["metadata"].get("labels") or {}
        notes = secret["metadata"].get("annotations") or {}
        if ACCOUNT not in notes or any(labels.get(name) != value for name, value in self._labels.items()):
            raise LabError(
                f"{self.place} was not made by the lab for the token of release {self._cluster.release} (by its "
                f"labels) and is left as it is: name another one as `token_secret`."
            )
        try:
            key = base64.b64decode((secret.get("data") or {})[KEY], validate=True).decode()
        except (KeyError, TypeError, ValueError):
            key = ""
        return Token(
            key,
            notes[ACCOUNT],
            notes.get(NAME, ""),
            notes.get(EXPIRES, ""),
            secret["metadata"].get("resourceVersion", ""),
        )

    def write(self, token: Token, instead_of: Token | None) -> None:
        metadata: dict[str, Any] = {
            "name": self._name,
            "labels": self._labels,
            "annotations": {ACCOUNT: token.account, NAME: token.name, EXPIRES: token.expires},
        }
        data = {KEY: base64.b64encode(token.key.encode()).decode()}
        try:
            if instead_of is None:
                secret = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": data}
                self._cluster.create("secrets", secret)
            else:
                # With the version that was read, the API server refuses when there is another one by now.
                metadata["resourceVersion"] = instead_of.version
                self._cluster.patch("secrets", self._name, {"metadata": metadata, "data": data})
        except NotFound as error:
            raise StoreChanged(f"{self.place} was removed by someone else in the meantime ({error.msg})") from None
        except Conflict:
            raise StoreChanged(
                f"{self.place} was changed by someone else in the meantime: run the task again."
            ) from None
        except Refused as error:
            raise LabError(
                f"The Grafana token cannot be kept in {self.place}: {error.msg} A file can keep it instead, with "
                f"`token_file`."
            ) from None

    def remove(self) -> bool:
        # It says whether it is ours; the uid is that of the very Secret.
        return self.read() is not None and self._cluster.delete("secrets", self._name, self._uid)

    def check_account(self, kept: Token | None, account: str) -> None:
        """A Secret is of one student's release, so its account may get another name."""


class FileStore:
    """A file that only its owner can read, with JSON in it; another file of that name is left alone."""

    def __init__(self, path: str) -> None:
        self.place = f"file {path}"
        self._path = Path(path)

    def read(self) -> Token | None:
        try:
            there = read_regular_file(self._path, MOST)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable("read", error) from None
        if there is None:
            raise self._foreign("it is not a regular file")
        text, mode = there
        if mode & 0o077:
            raise LabError(
                f"Others can read the {self.place}: set its mode to 0600, and create a new token if others use "
                f"this machine."
            )
        kept = json_value(text)
        if not isinstance(kept, dict) or kept.get("schema") != SCHEMA or not isinstance(kept.get("token"), str):
            raise self._foreign("it is not a token file of the lab")
        return Token(kept["token"], *(str(kept.get(key) or "") for key in ("account", "name", "expires")))

    def write(self, token: Token, instead_of: Token | None) -> None:
        content = {
            "schema": SCHEMA,
            "account": token.account,
            "name": token.name,
            "expires": token.expires,
            "token": token.key,
        }
        try:
            with (
                private_file_beside(self._path, json.dumps(content, indent=2) + "\n") as beside,
                _locked(self._path.parent),
            ):
                if self.read() != instead_of:
                    raise StoreChanged(
                        f"The {self.place} was changed by someone else in the meantime: run the task again."
                    )
                os.replace(beside, self._path)
        except OSError as error:
            raise self._unusable("written", error) from None

    def remove(self) -> bool:
        if self.read() is None:
            return False
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable("removed", error) from None
        return True

    def check_account(self, kept: Token | None, account: str) -> None:
        """Students who share a file would take the token from each other in every run."""
        if kept is not None and kept.account not in ("", account):
            raise LabError(
                f"The {self.place} keeps the token of the Grafana account {kept.account}, not of {account}: give each "
                f"account a file of its own as `token_file` (for a class, give `grafana_token_file` a folder that ends "
                f"with /), or remove the file if nobody needs that account."
            )

    def _unusable(self, done: str, error: OSError) -> LabError:
        return LabError(
            f"The {self.place} for the Grafana token cannot be {done} ({error.strerror}): correct `token_file`."
        )

    def _foreign(self, why: str) -> LabError:
        return LabError(f"The {self.place} is left as it is, because {why}: name another path as `token_file`.")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Alone with what is in a folder, among those who lock it too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:
            # A file system without locks: of two at once the last one stays.
            pass
        yield
    finally:
        os.close(handle)
