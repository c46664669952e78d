# SPDX-License-Identifier: GPL-3.0-or-later
"""What every task of the collection has in common, as a module or as an action.

A task's file bears its module's name and ends with ``TASK = Task(SPEC, run, …)``. The module in ``plugins/modules``
documents the task and runs it on the managed host; the one action in ``plugins/action`` runs it in the control node's
process, where progress can be shown.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .errors import LabError
from .foreign_text import known_secrets, lines, plain, sentence, tidy, visible, without_secrets

Spec = dict[str, Any]
Params = dict[str, Any]
Result = dict[str, Any]

#: Where a fault of the collection is reported.
ISSUES = "https://github.com/temporal-lab/benchmarking/issues"


def silent(line: str) -> None:
    """Show nothing: a module's output cannot be seen while it runs."""


def nobody(question: str) -> None:
    """Ask nobody: a module has no terminal."""


def no_secrets() -> Iterable[str]:
    """Know no secrets but those that the task is given."""
    return ()


@dataclass(frozen=True)
class Context:
    """How a task was started.

    check_mode: change nothing, and return what would have changed.
    diff: return a ``diff`` with ``before`` and ``after``.
    show: shows one line to the user at once; does nothing in a module. show_lines: the same for several.
    secrets: texts that may never be shown though the task was not given them, such as vaulted variables.
    ask: asks the user for a line; None where there is no terminal.
    private: a folder of this user alone that is removed when Ansible ends; None in a module.
    """

    check_mode: bool = False
    diff: bool = False
    show: Callable[[str], None] = silent
    secrets: Callable[[], Iterable[str]] = no_secrets
    private: Path | None = None
    ask: Callable[[str], str | None] = nobody
    _whole: Callable[[str], None] | None = None

    def show_lines(self, shown: Iterable[str]) -> None:
        """Show lines in one call, so that those of students that finish at the same time do not mix."""
        (self._whole or self.show)("\n".join(map(visible, shown)))

    def masking(self, secrets: Iterable[str]) -> Context:
        """The same, but that what is shown is without these secrets, and each line is one."""
        show = self.show
        return replace(
            self,
            show=lambda text: show(visible(without_secrets(text, secrets))),
            _whole=lambda text: show(lines(text, secrets)),
        )


def nothing() -> None:
    """Prepare nothing."""


def as_given(arguments: Params) -> Params:
    """Send a task's arguments to another host as they are."""
    return arguments


@dataclass(frozen=True)
class Task:
    """What a module of this collection does.

    spec: the argument spec.
    run: does the task; returns a result dictionary or raises LabError.
    validation: further keywords of the argument validation (required_if, mutually_exclusive ...).
    elsewhere: turns the arguments into those for a host that is not the control node, with what only the control node
        has, such as a file's text; raises LabError. None: the task runs on the control node only.
    before_fork: reads what all hosts share, once, before Ansible forks a worker for each host.
    """

    spec: Spec
    run: Callable[[Params, Context], Result]
    validation: Mapping[str, Any] = field(default_factory=dict)
    elsewhere: Callable[[Params], Params] | None = None
    before_fork: Callable[[], None] = nothing


def attempt(task: Task, params: Params, context: Context, trace: Callable[[str], None]) -> Result:
    """Run a task and return its result; an error becomes a failure in one sentence.

    Whatever it shows, and each failure, is without control characters and without secrets: those of its ``no_log``
    options, and those that ``keep_secret`` was told of while it ran. Failures are without those of the context too.
    trace: shows the traceback of an unexpected error to whoever asked for it (-vvv).
    """
    with known_secrets() as secrets:
        secrets.update(_given_secrets(task.spec, params))
        context = context.masking(secrets)
        try:
            return task.run(params, context)
        except LabError as error:
            secrets.update(context.secrets())
            return {**tidy(error.details, secrets), "failed": True, "msg": sentence(error.msg, secrets)}
        except (Exception, SystemExit) as error:  # noqa: BLE001 (a fault in one student's task must not end the class)
            secrets.update(context.secrets())
            trace(lines(traceback.format_exc(), secrets))
            return {"failed": True, "msg": unexpected(error, secrets)}


def unexpected(error: BaseException, secrets: Iterable[str]) -> str:
    """The sentence for an error that no task foresees. secrets: values that it must not show."""
    text = plain(str(error), secrets)
    said = f" ({text})" if text else ""
    return (
        f"The task ended with an unexpected {type(error).__name__}{said}, which is a fault of this collection: report "
        f"it at {ISSUES} with the output of the same command with -vvv."
    )


def _given_secrets(spec: Spec, params: Params) -> Iterator[str]:
    """The texts in options that are ``no_log``."""
    for name, option in spec.items():
        if option.get("no_log") and params.get(name):
            yield from texts(params[name])


def texts(value: object) -> Iterator[str]:
    """Every text and number in a value, as text."""
    if isinstance(value, dict):
        for entry in value.values():
            yield from texts(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from texts(entry)
    elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
        yield str(value)


def run_module(task: Task) -> None:
    """Run a task as an Ansible module."""
    module = AnsibleModule(argument_spec=task.spec, supports_check_mode=True, **task.validation)
    context = Context(check_mode=module.check_mode, diff=module._diff)
    traces: list[str] = []
    result = attempt(task, module.params, context, traces.append)
    if result.get("failed"):
        if traces and module._verbosity >= 3:
            result["exception"] = traces[0]
        module.fail_json(**result)
    module.exit_json(**result)
