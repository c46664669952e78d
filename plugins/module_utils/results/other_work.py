# SPDX-License-Identifier: GPL-3.0-or-later
"""Did the machines have other work in one of two windows, so that a change may be its doing?

Other work is what the machines used beside the lab's own pods: other programs, but also the kubelet and the kernel,
which work on behalf of these pods.
"""

from __future__ import annotations

from ..formatting import number_text
from .types import Resources

#: By this share of the machines' cores other work may differ. Two windows side by side on a busy node of two cores
#: differed by 0.01 and 0.02 cores; a tenth, 0.2 of two cores, is far beyond that.
TOLERATED = 0.10
#: Cores of other work that a core of the lab's own brings with it, in the kubelet and in the kernel. It counts only
#: where both grew: other work that takes cores from the lab's pods moves against them.
OVERHEAD = 0.25


def other_work_fault(
    before: Resources | None, after: Resources | None, names: tuple[str, str] = ("earlier", "later")
) -> str:
    """Why windows that used up these cannot be compared; empty where they can, or where it is not known.

    names: what the reason calls the two windows. A throttled component is none: its limit holds in both windows, and
    that it is reached is a result of what is measured. Nor is a restart, for the same reason.
    """
    earlier, later = _other_cores(before), _other_cores(after)
    if before is None or after is None or earlier is None or later is None:
        return ""
    cores = _cores(before)
    if cores is None or _names(before) != _names(after):
        return ""
    more, own = later - earlier, _own_cores(after) - _own_cores(before)
    overhead = OVERHEAD * abs(own) if more * own > 0 else 0.0
    if abs(more) <= TOLERATED * cores + overhead:
        return ""
    return (
        f"other work used {later:.2f} of {number_text(round(cores, 2))} cores in the {names[1]} window and "
        f"{earlier:.2f} in the {names[0]} one"
    )


def _own_cores(resources: Resources) -> float:
    return sum(resources["cpu"].values())


def _other_cores(resources: Resources | None) -> float | None:
    """Cores that other work used on all machines together; None where that is not known for certain."""
    if resources is None or resources["state"] == "unknown" or not resources["machines"] or not resources["cpu"]:
        return None
    used = [one["used"] for one in resources["machines"] if one["used"] is not None]
    if len(used) < len(resources["machines"]):
        return None
    # Two rates with scrapes at different times: what is a little below zero is zero.
    return max(0.0, sum(used) - _own_cores(resources))


def _cores(resources: Resources) -> float | None:
    cores = [one["cores"] for one in resources["machines"] if one["cores"] is not None]
    return sum(cores) if len(cores) == len(resources["machines"]) else None


def _names(resources: Resources) -> set[str]:
    return {one["name"] for one in resources["machines"]}
