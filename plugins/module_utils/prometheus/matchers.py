# SPDX-License-Identifier: GPL-3.0-or-later
"""Label matchers of a bound profile, such as ``job="pods"``, decided here as Prometheus decides them.

Patterns are RE2's, as in Prometheus: Python's own mean something else by some of them, and can take for ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

try:
    import re2
except ImportError:
    re2 = None

from ..errors import LabError

_MATCHER = re.compile(r'(?P<label>\w+)(?P<operator>=~|!~|!=|=)"(?P<value>.*)"', re.DOTALL)
#: A pattern without a sign that means something else than itself.
_PLAIN = re.compile(r"[\w:/@%,;~ -]*")


def is_bound(text: str) -> bool:
    """Whether a matcher is of the bound of a bucket, which native histograms have no label for."""
    return text.startswith(("le=", "le!"))


class Matcher(NamedTuple):
    """The parts of a matcher; the value is without quotes and escapes."""

    label: str
    operator: str
    value: str

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether labels fit; one that is missing is empty, and a pattern must match all of a value."""
        found = labels.get(self.label, "")
        fits = full_match(self.value, found) if self.operator.endswith("~") else self.value == found
        return fits != self.operator.startswith("!")


@cache
def parse_matcher(text: str) -> Matcher:
    """The parts of a matcher of a bound profile. Raises ValueError for another text."""
    parts = _MATCHER.fullmatch(text)
    if parts is None:
        raise ValueError(f"{text!r} is not a label matcher")
    return Matcher(parts["label"], parts["operator"], re.sub(r"\\(.)", r"\1", parts["value"]))


def normal(text: str) -> Matcher:
    """A matcher, with a pattern that is a plain text as that text: job=~"pods" asks for the same as job="pods"."""
    matcher = parse_matcher(text)
    if matcher.operator.endswith("~") and _PLAIN.fullmatch(matcher.value):
        return matcher._replace(operator={"=~": "=", "!~": "!="}[matcher.operator])
    return matcher


def matches(matchers: Sequence[str], labels: Mapping[str, str]) -> bool:
    """Whether labels fit all matchers."""
    return all(parse_matcher(one).fits(labels) for one in matchers)


def matching(matchers: Sequence[str]) -> Callable[[Mapping[str, str]], bool]:
    """``matches`` for thousands of series, most of which have the same values: it decides once for each."""
    parsed = [parse_matcher(one) for one in matchers]
    known: dict[tuple[str, ...], bool] = {}

    def fit(labels: Mapping[str, str]) -> bool:
        values = tuple([labels.get(one.label, "") for one in parsed])
        found = known.get(values)
        if found is None:
            found = known[values] = all(one.fits(labels) for one in parsed)
        return found

    return fit


def full_match(pattern: str, text: str) -> bool:
    """Whether a pattern matches all of a text. Raises LabError for a pattern that RE2 does not take."""
    return _compiled(pattern).fullmatch(text) is not None


def found_in(pattern: str, text: str, ignore_case: bool = False) -> bool:
    """Whether a pattern matches a part of a text. Raises LabError for a pattern that RE2 does not take."""
    return _compiled(f"(?i:{pattern})" if ignore_case else pattern).search(text) is not None


def pattern_fault(pattern: str) -> str:
    """Why RE2 does not take a pattern; empty when it does."""
    try:
        _compiled(pattern)
    except LabError as error:
        return error.msg
    return ""


@cache
def _compiled(pattern: str) -> Any:
    if re2 is None:
        raise LabError(
            "Label patterns need the Python package google-re2, which is not installed where the task runs; install it "
            "there, for example with pip install google-re2."
        )
    options = re2.Options()
    # What is wrong is in the exception; the library would write it to stderr as well.
    options.log_errors = False
    try:
        # A dot matches a line's end too, as in Prometheus.
        return re2.compile(f"(?s:{pattern})", options)
    except UnicodeEncodeError:
        raise LabError(f"{pattern!r} is no regular expression: it holds half of a surrogate pair.") from None
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise LabError(f"{pattern!r} is no regular expression of Prometheus (RE2): {reason}") from None
