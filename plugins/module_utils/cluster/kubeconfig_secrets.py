# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a kubeconfig may never be shown, for whoever shows what was said after it was used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from ..errors import LabError
from ..foreign_text import secrets_of_url
from .kubeconfig_files import Json, as_mapping, read_files
from .kubeconfig_paths import PathRefused, read_named_file

#: Fields of a user, and of an auth-provider, that let somebody in.
OF_USER = ("token", "password", "client-key-data")
OF_PROVIDER = ("access-token", "refresh-token", "id-token", "client-secret")
#: In the names of variables of a program that logs in.
OF_PROGRAM = ("KEY", "PASS", "SECRET", "TOKEN")


def kubeconfig_secrets(kubeconfig: str | None) -> list[str]:
    """The tokens, passwords and keys in a kubeconfig, of all its users; none where it cannot be read."""
    try:
        files = read_files(kubeconfig)
    except LabError:
        return []
    found = [secret for entry in files.users.values() for secret in _of_user(entry.value, entry.file)]
    for entry in files.clusters.values():
        for name in ("server", "proxy-url"):
            found += secrets_of_url(_text(entry.value.get(name)))
    return list(dict.fromkeys(filter(None, found)))


def _of_user(user: Json, file: str) -> Iterator[str]:
    for name in OF_USER:
        yield _text(user.get(name))
    if isinstance(user.get("tokenFile"), str):
        with suppress(PathRefused):
            yield read_named_file(file, user["tokenFile"], trusted=False).decode("utf-8", "replace").strip()
    provider = as_mapping(as_mapping(user.get("auth-provider")).get("config"))
    for name in OF_PROVIDER:
        yield _text(provider.get(name))
    variables = as_mapping(user.get("exec")).get("env")
    for variable in variables if isinstance(variables, list) else ():
        if any(sign in _text(as_mapping(variable).get("name")).upper() for sign in OF_PROGRAM):
            yield _text(variable.get("value"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
