# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that may never be shown, by the variables of a task: its student's kubeconfig, and what was vaulted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

#: The types of a variable that is encrypted by itself, before and from ansible-core 2.19 on.
ENCRYPTED = ("AnsibleVaultEncryptedUnicode", "EncryptedString")
#: Variables that hold those of others, or what a cluster says.
ELSEWHERE = ("hostvars", "vars", "groups", "ansible_facts")
#: How deep in a variable is looked for them, and how many are decrypted: each costs some milliseconds.
DEEPEST = 6
MOST = 100


def task_secrets(variables: Mapping[str, Any], template: Callable[[Any], Any]) -> list[str]:
    """The secrets in a kubeconfig and in vaulted variables. For failures: it reads a file, and may decrypt.

    template: what makes of a variable's template its value.
    """
    # Only here, as not every task needs what reads kubeconfigs.
    from ..module_utils.cluster.kubeconfig_secrets import kubeconfig_secrets

    try:
        kubeconfig = template(variables.get("lab_kubeconfig")) or None
    except Exception:  # noqa: BLE001 (a template that fails names no file)
        return vaulted(variables)
    return kubeconfig_secrets(kubeconfig if isinstance(kubeconfig, str) else None) + vaulted(variables)


def vaulted(variables: Mapping[str, Any]) -> list[str]:
    """The texts of variables that were encrypted one by one (``!vault``). Those of whole files cannot be told."""
    found: list[str] = []
    for name, value in variables.items():
        if name not in ELSEWHERE:
            for entry in _encrypted(value, DEEPEST):
                # Without its password it is shown nowhere.
                with suppress(Exception):
                    found.append(str(entry))
                if len(found) == MOST:
                    return found
    return found


def _encrypted(value: Any, levels: int) -> Iterator[Any]:
    if type(value).__name__ in ENCRYPTED:
        yield value
    elif levels and isinstance(value, dict):
        for entry in value.values():
            yield from _encrypted(entry, levels - 1)
    elif levels and isinstance(value, list):
        for entry in value:
            yield from _encrypted(entry, levels - 1)
