# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that log in to a cluster: the exec entry of a kubeconfig that is trusted.

A program gets no terminal and no input, what it says is shown while it works, and it ends after a minute.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

from ..foreign_text import plain
from .kubeconfig_error import KubeconfigError
from .predicates import seconds

Json = dict[str, Any]

#: Seconds that a program may take, and bytes of its answer.
LONGEST = 60.0
LARGEST = 1024 * 1024


@dataclass(frozen=True)
class Credential:
    """What a program gave: a token, or a certificate and its key in PEM; expires: Unix seconds, None for never."""

    token: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    expires: float | None = None


@dataclass(frozen=True)
class ExecPlugin:
    """The program of an exec entry.

    entry: as checked by kubeconfig_access. cluster: what it is told of the cluster where it asks for that.
    who: how messages name it.
    """

    entry: Json = field(repr=False)
    cluster: Json = field(repr=False)
    who: str
    seconds: float = LONGEST

    def run(self, show: Callable[[str], None] | None = None) -> Credential:
        """Run it. show: shows a line that it says, at once. Raises KubeconfigError."""
        said: list[str] = []
        answer: list[bytes] = []

        def listen(stream: IO[bytes]) -> None:
            for raw in iter(lambda: stream.readline(4096), b""):
                line = plain(raw.decode("utf-8", "replace"))
                if line and len(said) < 100:
                    said.append(line)
                    if show is not None:
                        show(f"{self.who} says: {line}")

        try:
            # pylint: disable-next=ansible-bad-function
            process = subprocess.Popen(
                [self.entry["command"], *self.entry["args"]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **self.entry["env"], "KUBERNETES_EXEC_INFO": self._information()},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            hint = getattr(error, "strerror", None) or type(error).__name__
            raise KubeconfigError(
                f"{self.who} cannot be run ({hint}): install it, or correct the kubeconfig."
            ) from None
        output, errors = process.stdout, process.stderr
        if output is None or errors is None:
            raise RuntimeError("a program was started without the pipes that were asked for")
        listeners = [
            threading.Thread(target=listen, args=(errors,), daemon=True),
            threading.Thread(target=lambda: answer.append(output.read(LARGEST)), daemon=True),
        ]
        for listener in listeners:
            listener.start()
        try:
            status = process.wait(self.seconds)
        except subprocess.TimeoutExpired:
            raise KubeconfigError(
                f"{self.who} did not end within {self.seconds:.0f} s ({_words(said)}): log in by hand with kubectl, "
                f"and run this again."
            ) from None
        finally:
            # With whatever it has started; it may be gone.
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for listener in listeners:
                listener.join(2)
        if status != 0:
            raise KubeconfigError(f"{self.who} failed ({_words(said)}): run it by hand, or use another kubeconfig.")
        return self._credential(answer[0] if answer else b"", said)

    def _information(self) -> str:
        spec: Json = {"interactive": False}
        if self.entry.get("provideClusterInfo") is True:
            spec["cluster"] = self.cluster
        return json.dumps({"apiVersion": self.entry["apiVersion"], "kind": "ExecCredential", "spec": spec})

    def _credential(self, answer: bytes, said: list[str]) -> Credential:
        try:
            status = json.loads(answer)["status"]
            texts = {
                name: status.get(key) or ""
                for name, key in (
                    ("token", "token"),
                    ("certificate", "clientCertificateData"),
                    ("key", "clientKeyData"),
                )
            }
            ends = status.get("expirationTimestamp")
            expires = seconds(str(ends)) if ends else None
            good = all(isinstance(text, str) for text in texts.values())
            good = good and bool(texts["token"] or (texts["certificate"] and texts["key"]))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
            good = False
        if not good:
            raise KubeconfigError(
                f"{self.who} gave no credentials ({_words(said)}): run it by hand, or use another kubeconfig."
            )
        return Credential(**texts, expires=expires)


def program_of(entry: Json) -> str:
    """The program of an exec entry, also of one that ``limited`` made."""
    limit = os.path.basename(entry["command"]) == "timeout" and len(entry["args"]) > 1
    return plain(entry["args"][1] if limit else entry["command"])


def limited(entry: Json) -> Json:
    """An exec entry for programs that know no limit of time: the program ``timeout`` sets it, where there is one."""
    timeout = shutil.which("timeout")
    wanted: Json = {
        "apiVersion": entry["apiVersion"],
        "command": entry["command"],
        "args": entry["args"],
        "env": [{"name": name, "value": value} for name, value in entry["env"].items()],
        "interactiveMode": "Never",
        "provideClusterInfo": entry.get("provideClusterInfo") is True,
    }
    if timeout:
        wanted |= {"command": timeout, "args": [f"{LONGEST:.0f}", entry["command"], *entry["args"]]}
    return wanted


def _words(said: list[str]) -> str:
    return plain("; ".join(said[-5:])) or "no output"


def environment_of(entries: object) -> Mapping[str, str]:
    """The variables of an exec entry's list. Raises ValueError where it is none."""
    found: dict[str, str] = {}
    for entry in entries if isinstance(entries, list) else [None] if entries else []:
        name = entry.get("name") if isinstance(entry, dict) else None
        value = entry.get("value") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not isinstance(value, str):
            raise ValueError("env")
        found[name] = value
    return found
