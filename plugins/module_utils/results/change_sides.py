# SPDX-License-Identifier: GPL-3.0-or-later
"""A figure's reading as one side of a change between two windows."""

from __future__ import annotations

from ..formatting import duration_text, offset_text, value_text
from ..noise.change import Side
from ..noise.freedom import LEAST_STEPS
from .report import Reading, StageWindow
from .types import Burst, WindowResult


def noise_fault(reading: Reading, which: str) -> str:
    """Why a reading says nothing of its noise; empty where it does. which: "earlier" or "later" window."""
    if reading["state"] in ("inconclusive", "error"):
        return f"the value of the {which} window is {reading['state']}"
    noise = reading.get("noise")
    if noise is None:
        return f"the {which} window does not say how far noise goes"
    if "freedom" not in noise:
        return (
            f"the {which} window has {noise['steps']} scrapes, too few to tell noise: that takes {LEAST_STEPS}, "
            f"a window of {duration_text(LEAST_STEPS * noise['step'])}"
        )
    return ""


def side(reading: Reading, window: StageWindow | WindowResult) -> Side:
    """A reading that says how far noise goes, as one side of a change."""
    noise, value = reading.get("noise"), reading["value"]
    if noise is None or value is None:
        raise ValueError("the reading says nothing of its noise")
    first, second = noise.get("halves") or (None, None)
    burst = noise.get("burst")
    return Side(
        value,
        noise.get("low"),
        noise.get("high"),
        noise["freedom"],
        None if first is None or second is None else (first, second),
        noise.get("steady", True),
        burst_text(burst) if burst else "",
        window["start"],
        window["end"],
    )


def burst_text(burst: Burst) -> str:
    """``93 % of it came within 15 s, at 0:05``: when most of what was counted came at once."""
    share = value_text(burst["share"], "ratio")
    return f"{share} of it came within {duration_text(burst['length'])}, at {offset_text(burst['start'])}"
