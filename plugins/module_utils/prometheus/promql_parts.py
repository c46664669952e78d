# SPDX-License-Identifier: GPL-3.0-or-later
"""Why PromQL's own answer is another one, in parts that add up to the difference.

What PromQL's ``increase`` makes of each series is worked out here as Prometheus does it, and takes the place of what
growth.py makes of it, one kind of series after another: what the figure changes by is that kind's part.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from ..results.types import PromqlPart
from . import query
from .counted import Counted, Selected
from .growth import Growth, Ruler
from .lives import Piece
from .matchers import matches
from .profile import Figure, Selection, Source
from .reading import Reading
from .series import Times

What = Literal["bounds", "names", "edges", "new_series", "ended_series", "second_scrapes", "rest"]
#: The kinds in their order; what is left at the end is the rest.
ORDER: tuple[What, ...] = ("names", "edges", "new_series", "ended_series", "second_scrapes")
#: Parts that are a smaller share of the value than this are none.
LEAST = 1e-6
#: Prometheus extrapolates to an edge that is nearer than this many times the time between two samples.
NEAR = 1.1


class _Row(NamedTuple):
    """What a series counted by us and by PromQL, in the figure's unit. bound: of a bucket, else infinite."""

    what: What
    bound: float
    ours: float
    theirs: float


class _Span(NamedTuple):
    """How sample times lie in a window: indices of the first inside and after the last, seconds between these two, and
    how far Prometheus may extrapolate to each edge."""

    low: int
    high: int
    sampled: float
    before: float
    after: float


def _span(times: Times, start: float, end: float) -> _Span | None:
    """The span of times in (start, end]; None where two samples are not inside."""
    low, high = bisect_right(times, start), bisect_right(times, end)
    if high - low < 2:
        return None
    sampled = times[high - 1] - times[low]
    apart = sampled / (high - low - 1)
    before, after = times[low] - start, end - times[high - 1]
    return _Span(
        low,
        high,
        sampled,
        before if before < NEAR * apart else apart / 2,
        after if after < NEAR * apart else apart / 2,
    )


def _increase(values: Sequence[float], span: _Span) -> float:
    """What PromQL's ``increase`` makes of a series, as Prometheus 3 works it out."""
    inside = values[span.low : span.high]
    first = inside[0]
    grown = inside[-1] - first
    if sorted(inside) != inside:
        grown += sum(before for before, after in pairwise(inside) if after < before)
    before = span.before
    if grown > 0 and first >= 0:
        # A counter is not extrapolated to before it was zero.
        before = min(before, span.sampled * first / grown)
    return grown * (span.sampled + before + span.after) / span.sampled


class PromqlParts:
    """Takes PromQL's answers of a window apart; what figures share is worked out once."""

    def __init__(self, reading: Reading, ruler: Ruler) -> None:
        self._reading = reading
        self._ruler = ruler
        self._tables: dict[tuple[Selection, int, bool], tuple[Counted, list[_Row]]] = {}
        self._spans: dict[int, tuple[Times, _Span | None]] = {}

    def of(
        self, figure: Figure, value: float, theirs: float, selected: Sequence[Selected], counted: Sequence[Counted]
    ) -> list[PromqlPart]:
        """The parts of the difference between PromQL's value of a figure and ours, which add up to it.

        selected, counted: of each of the figure's selections.
        """
        known = figure.kind == "rate"
        tables = [
            self._rows(selection, pieces, counts, known)
            for selection, pieces, counts in zip(figure.selections, selected, counted)
        ]
        sums = [_sums(rows) for rows in tables]
        length = self._ruler.length
        reached = _value(figure, sums, length)
        found: list[tuple[What, float]] = [("bounds", reached - value)]
        for what in ORDER:
            for rows, of in zip(tables, sums):
                for row in rows:
                    if row.what == what:
                        of[row.bound] = of.get(row.bound, 0.0) + row.theirs - row.ours
            now = _value(figure, sums, length)
            found.append((what, now - reached))
            reached = now
        found.append(("rest", theirs - reached))
        return [
            {"what": what, "amount": amount}
            for what, amount in found
            if math.isfinite(amount) and abs(amount) > LEAST * max(abs(value), abs(theirs))
        ]

    def _rows(self, selection: Selection, selected: Selected, counted: Counted, known: bool) -> list[_Row]:
        key = selection, id(counted), known
        if key not in self._tables:
            self._tables[key] = counted, self._made_rows(selection, selected, counted, known)
        return self._tables[key][1]

    def _made_rows(self, selection: Selection, selected: Selected, counted: Counted, known: bool) -> list[_Row]:
        """Each series of a selection. known: whether growth is over the time in which it is known, as a rate's."""
        reading, ruler = self._reading, self._ruler
        grown: dict[int, list[tuple[Piece, Source, Growth]]] = {}
        for one in counted.growths:
            grown.setdefault(id(one[0].series.labels), []).append(one)
        chosen = query.choose(selection, reading.found)
        rows: list[_Row] = []
        if chosen.metric in reading.metrics:
            asked = reading.metrics[chosen.metric].where
            rest = [matcher for matcher in selection.where if matcher not in asked]
            # A series of which there is no growth is one scraped twice, or one that was only there outside the window.
            without: What = "second_scrapes" if selected.doubles else "edges"
            for series in reading.numbers(chosen.metric)[0]:
                if rest and not matches(rest, series.labels):
                    continue
                of = grown.pop(id(series.labels), [])
                span = self._span(series.times)
                theirs = chosen.scale * _increase(series.values, span) if span else 0.0
                ours = math.fsum(_ours(one, ruler, known) for one in of)
                if theirs or ours:
                    rows.append(_Row(_kind(of) if of else without, _bound(series.labels, chosen), ours, theirs))
        # PromQL is asked for one of the names that a metric has.
        for of in grown.values():
            piece, source, _growth = of[0]
            ours = math.fsum(_ours(one, ruler, known) for one in of)
            rows.append(_Row("names", _bound(piece.series.labels, source), ours, 0.0))
        return rows

    def _span(self, times: Times) -> _Span | None:
        key = id(times)
        if key not in self._spans:
            self._spans[key] = times, _span(times, self._ruler.start, self._ruler.end)
        return self._spans[key][1]


def _ours(one: tuple[Piece, Source, Growth], ruler: Ruler, known: bool) -> float:
    _piece, source, growth = one
    over = ruler.length / (ruler.length - growth.course.unknown) if known else 1.0
    return source.scale * growth.value * over


def _kind(of: Sequence[tuple[Piece, Source, Growth]]) -> What:
    """What happened to a series, by its pieces."""
    begins = {growth.course.begins for _piece, _source, growth in of}
    ends = {growth.course.ends for _piece, _source, growth in of}
    if begins & {"reset", "unknown"} or ends != {""}:
        return "ended_series"
    return "new_series" if "new" in begins else "edges"


def _bound(labels: Mapping[str, str], source: Source) -> float:
    try:
        return float(labels.get("le", "inf")) * source.scale
    except ValueError:
        return math.inf


def _sums(rows: Sequence[_Row]) -> dict[float, float]:
    found: dict[float, float] = {}
    for row in rows:
        found[row.bound] = found.get(row.bound, 0.0) + row.ours
    return found


def _value(figure: Figure, sums: Sequence[Mapping[float, float]], length: float) -> float:
    """The figure that PromQL makes of growths by bound; of anything but buckets the bound is infinite."""
    total = sums[0].get(math.inf, 0.0)
    if figure.kind == "quantile":
        return _quantile(figure.quantile or 0.0, sums[0])
    if figure.kind == "share":
        at = next((of for bound, of in sums[0].items() if math.isclose(bound, figure.above or 0.0, rel_tol=1e-9)), 0.0)
        return 1 - at / total if total else math.nan
    if figure.denominator is not None:
        below = sums[1].get(math.inf, 0.0)
        return total / below if below else math.nan
    return total / length if figure.kind == "rate" else total


def _quantile(q: float, sums: Mapping[float, float]) -> float:
    """PromQL's ``histogram_quantile``: it interpolates inside the smallest bucket too."""
    total = sums.get(math.inf, 0.0)
    bounds = sorted(bound for bound in sums if bound != math.inf)
    if not total > 0 or not bounds:
        return math.nan
    rank, below, lower = q * total, 0.0, 0.0
    for place, bound in enumerate(bounds):
        count = max(below, sums[bound])
        if count >= rank:
            if place == 0 and bound <= 0:
                return bound
            return lower + (bound - lower) * (rank - below) / (count - below) if count > below else bound
        below, lower = count, bound
    return bounds[-1]
