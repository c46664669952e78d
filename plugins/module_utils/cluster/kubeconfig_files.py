# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a kubeconfig: where they are, and what several of them say together, by kubectl's rules."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..foreign_text import plain
from ..yaml_file import NotYaml, read_yaml_file
from .kubeconfig_error import KubeconfigError

Json = dict[str, Any]

#: Bytes of the largest file that is read.
LARGEST = 1024 * 1024
ANOTHER = "get a new kubeconfig for the cluster"


@dataclass(frozen=True)
class Entry:
    """What a section of a kubeconfig has under a name. file: where it stands, to which its paths are relative."""

    value: Json
    file: str


@dataclass(frozen=True)
class KubeconfigFiles:
    """What the files of a kubeconfig say together.

    shown: their paths, for messages. current: the current context, empty where there is none.
    contexts, clusters, users: the entries by name.
    """

    shown: str
    paths: tuple[str, ...]
    current: str
    contexts: Mapping[str, Entry]
    clusters: Mapping[str, Entry]
    users: Mapping[str, Entry]


def find_paths(given: str | None) -> list[str]:
    """The files that a kubeconfig consists of: the one given, else those of KUBECONFIG, else ``~/.kube/config``."""
    if given and os.path.exists(os.path.expanduser(given)):
        return [os.path.expanduser(given)]
    several = given or os.environ.get("KUBECONFIG") or "~/.kube/config"
    return [os.path.expanduser(path) for path in several.split(os.pathsep) if path]


def read_files(given: str | None) -> KubeconfigFiles:
    """Read and merge the files of a kubeconfig. Files that do not exist are passed over, as by kubectl.

    Of several, the first that has a current context, and the first that has an entry of a name, count.
    Raises KubeconfigError.
    """
    paths = find_paths(given)
    shown = os.pathsep.join(paths)
    current = ""
    sections: dict[str, dict[str, Entry]] = {"contexts": {}, "clusters": {}, "users": {}}
    found = False
    for path in paths:
        try:
            content = read_yaml_file(path, f"The kubeconfig {path}", ANOTHER, LARGEST)
        except FileNotFoundError:
            continue
        except NotYaml as error:
            raise KubeconfigError(error.msg) from None
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "no path"
            raise KubeconfigError(f"The kubeconfig {path} cannot be read: {why}; correct its path or mode.") from None
        found = True
        if not isinstance(content, dict):
            continue
        named = content.get("current-context")
        current = current or (named if isinstance(named, str) else "")
        for section, entries in sections.items():
            for name, value in _entries(content, section, path).items():
                entries.setdefault(name, Entry(value, path))
    if not found:
        raise KubeconfigError(
            f"There is no kubeconfig at {shown}: give the path of the cluster's kubeconfig in the option kubeconfig "
            f"(lab_kubeconfig), or bring up the embedded node; --tags students writes those of a class's students."
        )
    if not sections["contexts"]:
        raise KubeconfigError(f"{shown} is not a kubeconfig with a context: {ANOTHER}.")
    return KubeconfigFiles(shown, tuple(paths), current, **sections)


def _entries(content: Json, section: str, path: str) -> dict[str, Json]:
    """The entries of a section by name. Raises KubeconfigError for a name that is there twice."""
    found: dict[str, Json] = {}
    listed = content.get(section)
    for entry in listed if isinstance(listed, list) else ():
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not name:
            continue
        if name in found:
            raise KubeconfigError(
                f"The kubeconfig {path} has {plain(name)} twice in {section}, and clients differ in which of them they "
                f"take: keep one of them."
            )
        found[name] = as_mapping(entry.get(section[:-1]))
    return found


def as_mapping(value: Any) -> Json:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}
