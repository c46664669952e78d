# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of variables that begin as the lab's do but that nothing in the lab reads: most are misspelt.

Ansible takes any name, so ``-e lab_setle=20s`` would change nothing and say nothing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Sequence

#: What the variables of each role begin with.
PREFIXES = (
    "benchmark_",
    "check_",
    "compare_",
    "grafana_",
    "lab_",
    "measure_",
    "node_",
    "predict_",
    "preflight_",
    "report_",
    "scaling_",
    "solve_",
    "students_",
    "teardown_",
    "temporal_",
)
#: How like one of the lab's a name is, from 0 to 1, that is told of, and one that differs by about a letter. Other
#: collections have roles called grafana or node too, and temporal_version may be a user's own.
NEAR, TYPO = 0.8, 0.9

_WORD = re.compile(rf"\b(?:{'|'.join(PREFIXES)})\w+", re.ASCII)
_DEFAULT = re.compile(r"^(\w+):", re.ASCII | re.MULTILINE)


def read_in(texts: Iterable[str]) -> set[str]:
    """Every variable that files of roles and playbooks name, whether a user sets it or a task."""
    return {name for text in texts for name in _WORD.findall(text)}


def set_in(texts: Iterable[str]) -> set[str]:
    """The variables that files of defaults set, which are those for users."""
    return {name for text in texts for name in _DEFAULT.findall(text)}


def misspelt(
    given: Iterable[object], read: Collection[str], settable: Sequence[str], near: float = NEAR
) -> dict[str, str]:
    """The variable that was probably meant, by each name that nothing reads; names like no variable are left out.

    read: what the lab's files name. settable: the variables that users set. near: how like them a name is.
    """
    found = {}
    for name in sorted({name for name in given if isinstance(name, str) and name.startswith(PREFIXES)} - set(read)):
        nearest = difflib.get_close_matches(name, settable, n=1, cutoff=near)
        if nearest:
            found[name] = nearest[0]
    return found


def no_such_variable(name: str, nearest: str) -> str:
    """The sentence's part on a name that nothing reads."""
    return f"the lab has no variable {name} (did you mean {nearest}?)"
