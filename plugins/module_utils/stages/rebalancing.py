# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stage's samples say of shards that moved while it was measured: its ledger, and when they had settled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..prometheus import ledger as of_reading
from ..prometheus.figures import lives_of
from ..prometheus.kept_samples import Kept
from ..prometheus.ledger import LoadBefore
from ..prometheus.profile import Profile
from ..results.types import FigureResult, Ledger, StageRecord, WindowResult, Witness

REQUESTED = "load_requested_concurrency"
SLOWEST = "load_end_to_end_largest"
#: Seconds by which an earlier window may end after this one begins: times are rounded.
SAME_TIME = 0.001


def rebalancing(
    kept: Kept, windows: Sequence[WindowResult], earlier: Iterable[StageRecord], profile: Profile | None = None
) -> Ledger | None:
    """The ledger of a stage; None where no shard moved while its windows ran.

    windows: of the stage, with their figures. earlier: records of the run's other stages. profile: bound; that of the
    samples where it is not given. Of windows that were read apart the first in which shards moved counts.
    """
    profile = profile or kept.question.bound
    for reading in kept.readings:
        names = [window.name for window in reading.windows]
        own = [window for window in windows if window["name"] in names]
        if not own or not of_reading.moved(profile, reading):
            continue
        in_flight = _in_flight(kept.about["settings"] if kept.about else {}, own)
        before = load_before(earlier, min(window["start"] for window in own), in_flight)
        found = of_reading.ledger(profile, reading, lives_of(profile, reading), own, in_flight, before)
        if found is not None:
            return found
    return None


def load_before(records: Iterable[StageRecord], start: float, in_flight: float | None) -> LoadBefore | None:
    """The last window before a time in which as many workflows were kept in flight; None where there is none."""
    found: tuple[float, LoadBefore] | None = None
    for record in records:
        if in_flight is None or _in_flight(record["settings"], record["windows"]) != in_flight:
            continue
        for window in record["windows"]:
            end = window["end"]
            rates = _rates(window)
            if rates and end <= start + SAME_TIME and (found is None or end > found[0]):
                title = f"{record['stage']}, {window['title']}"
                slowest = _known(window, SLOWEST)
                found = end, LoadBefore(title, round(end - window["start"], 3), rates, slowest)
    return found[1] if found else None


def settled(ledger: Ledger, began: float, expected: object) -> dict[str, float]:
    """When the shards had settled after a time, as scrapes show it; nothing where they do not.

    ``settled``: seconds until the scrape that shows it. ``settled_scrape``: seconds between two scrapes, by which it
    may have been sooner. expected: the number of shards that all pods have together.
    """
    last = [pod["shards"][-1] for pod in ledger["pods"] if pod["went"] is None and pod["shards"]]
    changes = [time for pod in ledger["pods"] for time, _shards in pod["shards"]]
    if not last or sum(shards for _time, shards in last) != expected or not all(shards for _time, shards in last):
        return {}
    seconds = round(max(changes) - began, 3)
    return {"settled": seconds, "settled_scrape": ledger["step"]} if seconds > 0 else {}


def with_settled(facts: Mapping[str, Any], ledger: Ledger | None, began: float) -> dict[str, Any]:
    """A stage's facts, in which the shards' say when they settled, though nobody looked on."""
    shards = facts.get("shards")
    if ledger is None or not isinstance(shards, dict) or "settled" in shards:
        return dict(facts)
    return {**facts, "shards": {**shards, **settled(ledger, began, shards.get("expected"))}}


def _in_flight(settings: Mapping[str, Any], windows: Sequence[WindowResult]) -> float | None:
    """How many workflows were kept in flight: as a stage was told, or else as the soak test says."""
    told = settings.get("concurrent_workflows")
    if isinstance(told, (int, float)) and not isinstance(told, bool):
        return float(told)
    said = {_known(window, REQUESTED) for window in windows}
    return said.pop() if len(said) == 1 else None


def _rates(window: WindowResult) -> dict[Witness, float]:
    found: dict[Witness, float] = {}
    for witness, name in of_reading.WITNESSES.items():
        value = _known(window, name)
        if value:
            found[witness] = value
    return found


def _known(window: WindowResult, name: str) -> float | None:
    """The value of a figure of a window, None when it has none that can be relied on."""
    figure: FigureResult | None = next((one for one in window["figures"] if one["id"] == name), None)
    if figure is None or figure["state"] in ("inconclusive", "error"):
        return None
    return figure["value"]
