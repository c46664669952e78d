# SPDX-License-Identifier: GPL-3.0-or-later
"""What users set as a number, a length of time, a flag or one of several words: the one validation.

``SETTINGS`` lists these variables of the roles; a test holds it equal to their argument specs. What `-e` gives is text,
and so is what a roster has: ``"false"`` is false here, and ``"20s"`` is 20 seconds. What is neither is refused by the
variable's name, before anything happens (lab_plan) and again where a value is used (the filter setting).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .durations import duration_seconds
from .errors import LabError
from .foreign_text import plain
from .kubernetes_names import is_release

_NUMBER = re.compile(r"\d+(\.\d+)?", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
#: The units of a length of time that is waited for.
UNITS = ("ms", "s", "m", "h")
#: Ansible's own words.
FLAGS = {
    **dict.fromkeys(("true", "yes", "on", "1", "y", "t"), True),
    **dict.fromkeys(("false", "no", "off", "0", "n", "f"), False),
}
HOUR, DAY = 3600, 86400
#: How much of a wrong value, and how many students with it, a sentence shows.
SHOWN, NAMED = 60, 3


class Kind(Protocol):
    """How a variable is read, and what a sentence says that it takes."""

    def read(self, given: Any) -> Any: ...

    @property
    def takes(self) -> str: ...


@dataclass(frozen=True)
class Duration:
    """A length of time: seconds, or text such as 1h30m."""

    least: float = 0
    most: float = DAY
    units: tuple[str, ...] = UNITS
    # What an empty value stands for; None refuses it.
    empty: float | None = None

    def read(self, given: Any) -> float:
        """Seconds, as an int where they are whole. Raises ValueError."""
        text = _text(given)
        if text == "" and self.empty is not None:
            return self.empty
        seconds = float(text) if _NUMBER.fullmatch(text) else duration_seconds(text, self.units)
        if not (math.isfinite(seconds) and self.least <= seconds <= self.most):
            raise ValueError(given)
        return int(seconds) if seconds.is_integer() else seconds

    @property
    def takes(self) -> str:
        return (
            f"a length of time from {_length(self.least)} to {_length(self.most)}, in seconds or as text such as 90s, "
            f"2m or 1h30m"
        )


@dataclass(frozen=True)
class Count:
    """A whole number."""

    least: int = 1
    most: int = 100_000

    def read(self, given: Any) -> int:
        """Raises ValueError."""
        if isinstance(given, float) and given.is_integer():
            given = int(given)
        text = _text(given)
        if not _WHOLE.fullmatch(text) or not self.least <= int(text) <= self.most:
            raise ValueError(given)
        return int(text)

    @property
    def takes(self) -> str:
        return f"a whole number from {self.least} to {self.most}"


@dataclass(frozen=True)
class Share:
    """A share of a value, such as 0.05."""

    most: float = 100

    def read(self, given: Any) -> float:
        """Raises ValueError."""
        text = _text(given)
        if not _NUMBER.fullmatch(text) or float(text) > self.most:
            raise ValueError(given)
        return float(text)

    @property
    def takes(self) -> str:
        return f"a share from 0 to {self.most:g}, such as 0.05 for 5 %"


@dataclass(frozen=True)
class Flag:
    """True or false, or one of further words."""

    words: tuple[str, ...] = ()

    def read(self, given: Any) -> bool | str:
        """Raises ValueError."""
        if isinstance(given, bool):
            return given
        text = _text(given).lower()
        if text in self.words:
            return text
        if text not in FLAGS:
            raise ValueError(given)
        return FLAGS[text]

    @property
    def takes(self) -> str:
        return " or ".join(["true", "false", *self.words]) if self.words else "true or false"


@dataclass(frozen=True)
class Word:
    """One of some words."""

    words: tuple[str, ...]

    def read(self, given: Any) -> str:
        """Raises ValueError."""
        if given not in self.words:
            raise ValueError(given)
        return str(given)

    @property
    def takes(self) -> str:
        return " or ".join(self.words)


@dataclass(frozen=True)
class Names:
    """A list of names, which become parts of helm's arguments: a text alone would be taken for a list of letters."""

    def read(self, given: Any) -> list[str]:
        """Raises ValueError."""
        if isinstance(given, str) or not isinstance(given, Iterable) or isinstance(given, Mapping):
            raise ValueError(given)
        names = list(given)
        if not all(isinstance(name, str) and is_release(name) for name in names):
            raise ValueError(given)
        return names

    @property
    def takes(self) -> str:
        return "a list of names of lower-case letters, digits, - and .; with -e write it as JSON"


DISTRIBUTION = Word(("upstream", "embedded"))
LIFETIME = Duration(most=3650 * DAY, units=(*UNITS, "d"))

#: The variables, by role.
SETTINGS: Mapping[str, Kind] = {
    "lab_distribution": DISTRIBUTION,
    "lab_load_distribution": DISTRIBUTION,
    "lab_kubeconfig_exec": Flag(),
    "lab_companions": Names(),
    "lab_concurrent_workflows": Count(),
    "lab_raised_concurrent_workflows": Count(),
    "lab_history_replicas": Count(),
    "lab_window": Duration(least=1),
    "lab_settle": Duration(),
    "lab_timeout": Duration(least=1),
    "lab_run_new": Flag(),
    "preflight_measurable_timeout": Duration(),
    "temporal_adopt": Flag(),
    "temporal_mend": Word(("none", "rollback", "uninstall")),
    "temporal_grafana": Flag(("auto",)),
    "temporal_web": Flag(("auto",)),
    "temporal_retention": Duration(least=1, most=3650 * DAY, units=(*UNITS, "d")),
    "temporal_shards_timeout": Duration(),
    "benchmark_image_pull_policy": Word(("IfNotPresent", "Always", "Never")),
    "benchmark_workers_replicas": Count(),
    "benchmark_workflow_task_pollers": Count(),
    "benchmark_activity_task_pollers": Count(),
    "benchmark_metrics_grace_period": Count(least=0, most=25),
    "benchmark_concurrent_workflows": Count(),
    "benchmark_raised_concurrent_workflows": Count(),
    "measure_keep_samples": Flag(),
    "measure_prometheus_scrape_interval": Duration(empty=0),
    "scaling_history_replicas": Count(),
    "scaling_shards_timeout": Duration(),
    "scaling_class_pause": Duration(),
    "teardown_grace": Duration(),
    "teardown_namespace": Flag(),
    "teardown_student": Flag(),
    "students_kubeconfig_exec": Flag(),
    "students_token_lifetime": LIFETIME,
    "students_token_renew": LIFETIME,
    "students_timeout": Duration(),
    "students_policy": Word(("wanted", "required", "none")),
    "students_isolated": Flag(),
    "students_egress": Flag(),
    "grafana_validate_certs": Flag(),
    "grafana_token_lifetime": LIFETIME,
    "grafana_student_folders": Flag(),
    "grafana_move": Flag(),
    "grafana_overwrite": Flag(),
    "grafana_angular_panels": Word(("warn", "refuse")),
    "report_table": Flag(),
    "predict_ask": Flag(),
    "compare_threshold": Share(),
    "compare_precision": Share(),
    "compare_fail": Flag(),
    "compare_table": Flag(),
}
#: What to say besides, where a wrong value has a reason.
HINTS: Mapping[str, str] = {
    name: "with 0 the soak test ignores the setting or hangs; --tags reset stops the load"
    for name in SETTINGS
    if name.endswith("concurrent_workflows")
}


def setting(name: str, given: Any) -> Any:
    """The value of a variable in its own type. Raises LabError with one sentence on a wrong one."""
    try:
        return SETTINGS[name].read(given)
    except (ValueError, OverflowError):
        raise LabError(f"{refusal(name, given)}.") from None


def refusal(name: str, given: Any, students: Iterable[str] = ()) -> str:
    """What is wrong with a value, and what the variable takes. students: whose value it is, where it is not all's."""
    shown = plain(repr(given), limit=SHOWN)
    whose = list(students)
    more = f" and {len(whose) - NAMED} more" if len(whose) > NAMED else ""
    of = f" for {', '.join(whose[:NAMED])}{more}" if whose else ""
    hint = f"; {HINTS[name]}" if name in HINTS else ""
    return f"{name} is {shown}{of}; it must be {SETTINGS[name].takes}{hint}"


def refusals(common: Mapping[str, Any], by_student: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is wrong with the values of a run, each of them once.

    common: values of the play as a whole; None is one that is not set. by_student: what inventory and command line say
    of each student.
    """
    found: dict[tuple[str, str], tuple[Any, list[str]]] = {}
    for student, values in by_student.items():
        for name, given in values.items():
            if name in SETTINGS and not _is_right(name, given):
                found.setdefault((name, repr(given)), (given, []))[1].append(student)
    for name, given in common.items():
        if name in SETTINGS and given is not None and not _is_right(name, given):
            found.setdefault((name, repr(given)), (given, []))
    return [
        # What all have comes from the command line or the group: their names would say nothing.
        refusal(name, given, students if len(students) < len(by_student) else ())
        for (name, _value), (given, students) in sorted(found.items(), key=lambda entry: entry[0])
    ]


def _is_right(name: str, given: Any) -> bool:
    try:
        SETTINGS[name].read(given)
    except (ValueError, OverflowError):
        return False
    return True


def _text(given: Any) -> str:
    """A value as text, "?" for one that is neither text nor a number: a flag is no number."""
    if isinstance(given, bool) or not isinstance(given, (str, int, float)):
        return "?"
    return str(given).strip()


def _length(seconds: float) -> str:
    """A length of time as one would write it."""
    return f"{seconds // HOUR:g}h" if seconds >= HOUR else f"{seconds:g}s" if seconds else "0"
