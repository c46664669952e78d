# SPDX-License-Identifier: GPL-3.0-or-later
"""What every task of the collection has in common, as a module or as an action.

A task is a pair: an argument spec, and a function ``run(params, context)`` that
returns a result dictionary or raises LabError. The module in ``plugins/modules``
runs it on the managed host; the action of the same name in ``plugins/action``
runs it in the control node's process, where progress can be shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .errors import LabError

Params = dict[str, Any]
Result = dict[str, Any]


def silent(line: str) -> None:
    """Show nothing: a module's output cannot be seen while it runs."""


@dataclass(frozen=True)
class Context:
    """How a task was started.

    check_mode: change nothing, and return what would have changed.
    diff: return a ``diff`` with ``before`` and ``after``.
    show: shows one line to the user at once; does nothing in a module.
    """

    check_mode: bool = False
    diff: bool = False
    show: Callable[[str], None] = silent


def defaults(argument_spec: dict[str, Any]) -> Params:
    """Arguments of a task as they are when none is given, for a task that carries out another one."""
    return {name: option.get("default") for name, option in argument_spec.items()}


def run_module(argument_spec: dict[str, Any], run: Callable[[Params, Context], Result], **kwargs: Any) -> None:
    """Run a task as an Ansible module; ``kwargs`` go to AnsibleModule."""
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, **kwargs)
    try:
        result = run(module.params, Context(check_mode=module.check_mode, diff=module._diff))
    except LabError as error:
        module.fail_json(msg=error.msg, **error.details)
    module.exit_json(**result)
