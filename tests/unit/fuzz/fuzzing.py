# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fuzz targets share: values that nobody thought of, and how many of them are tried.

By default each target gets the same few examples every time, so that a check passes or fails by the code alone.
``FUZZ_EXAMPLES=20000`` tries that many new ones: docs/testing.md.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

#: Examples of each target, by default and as the environment wants.
EXAMPLES = 50
ASKED = os.environ.get("FUZZ_EXAMPLES")

#: Texts that parsers have stumbled over.
TEXTS = [
    "",
    " ",
    "0",
    "-1",
    "²",
    "٣",
    "9" * 400,
    "1e999",
    "NaN",
    "+Inf",
    "0s",
    "5s",
    "9" * 400 + "y",
    "true",
    "null",
    "\ud800",
    "\u202e",
    "\x1b[2J",
    "\0",
    "a\nb",
    "../..",
    "$",
    "${",
    "{{ x }}",
    "%s",
    "{name}",
    "(a+)+$",
    "[",
    "\\",
    '"',
    "0001-01-01T00:00:00",
    "9999-12-31T23:59:59-23:59",
    "2026-13-01T00:00:00Z",
    "le",
    "__name__",
]
leaves = st.one_of(
    st.sampled_from([None, True, False, 0, 1, -1, 2**63, -(10**400), 10**400, 0.5, -0.0, 1e308, 5e-324]),
    st.sampled_from(TEXTS),
    st.text(max_size=6),
)
#: Any JSON value, small.
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.one_of(st.sampled_from(["name", "metric", "metadata", "type"]), st.text(max_size=4)), inner, max_size=3
        )
    ),
    max_leaves=5,
)

Place = tuple[Any, ...]
#: Stands for a value that is taken away.
GONE = object()


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    """Where something can be damaged in a JSON value; of a long list only its first entries."""
    if at:
        yield at
    entries = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    for key, inner in entries:
        yield from places(inner, (*at, key))


def replaced(value: Any, at: Place, new: Any) -> Any:
    """The value with another one at a place; as it is where there is no such place."""
    try:
        result = copy.copy(value)
        if len(at) > 1:
            result[at[0]] = replaced(result[at[0]], at[1:], new)
        elif new is GONE:
            del result[at[0]]
        else:
            result[at[0]] = new
    except (KeyError, IndexError, TypeError):
        return value
    return result


def damaged(good: Any, most: int = 2) -> st.SearchStrategy[Any]:
    """A good value with something else at one or a few of its places."""

    def damage(changes: list[tuple[Place, Any]]) -> Any:
        result = good
        for at, new in changes:
            result = replaced(result, at, new)
        return result

    change = st.tuples(st.sampled_from(list(places(good))), st.one_of(st.just(GONE), values))
    return st.lists(change, min_size=1, max_size=most).map(damage)


def fuzz(strategy: st.SearchStrategy[Any], cost: int = 1) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a test of a function of one value, which may raise nothing but LabError.

    cost: how much longer than usual an example takes; fewer are tried then.
    """

    def target(test: Callable[..., None]) -> Callable[..., None]:
        def only_lab_errors(value: Any) -> None:
            try:
                test(value)
            except LabError as error:
                # It can be shown and written.
                json.dumps(error.details, default=str).encode()
                error.msg.encode()

        only_lab_errors.__name__ = test.__name__
        only_lab_errors.__doc__ = test.__doc__
        return settings(
            max_examples=max(1, int(ASKED or EXAMPLES) // cost),
            derandomize=ASKED is None,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
        )(given(value=strategy)(only_lab_errors))

    return target


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()
