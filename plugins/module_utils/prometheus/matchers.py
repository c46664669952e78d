# SPDX-License-Identifier: GPL-3.0-or-later
"""Label matchers of a bound profile, such as ``job="pods"``, decided here as Prometheus decides them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

_MATCHER = re.compile(r'(?P<label>\w+)(?P<operator>=~|!~|!=|=)"(?P<value>.*)"', re.DOTALL)


class Matcher(NamedTuple):
    """The parts of a matcher; the value is without quotes and escapes."""

    label: str
    operator: str
    value: str

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Whether labels fit; one that is missing is empty, and a pattern must match all of a value."""
        found = labels.get(self.label, "")
        fits = bool(re.fullmatch(self.value, found)) if self.operator.endswith("~") else self.value == found
        return fits != self.operator.startswith("!")


@cache
def parse_matcher(text: str) -> Matcher:
    """The parts of a matcher of a bound profile. Raises ValueError for another text."""
    parts = _MATCHER.fullmatch(text)
    if parts is None:
        raise ValueError(f"{text!r} is not a label matcher")
    return Matcher(parts["label"], parts["operator"], re.sub(r"\\(.)", r"\1", parts["value"]))


def matches(matchers: Sequence[str], labels: Mapping[str, str]) -> bool:
    """Whether labels fit all matchers."""
    return all(parse_matcher(one).fits(labels) for one in matchers)
