# SPDX-License-Identifier: GPL-3.0-or-later
"""What a selection of a profile counted in a window, process by process, and how well that is known."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from .growth import Growth, Ruler, growth
from .lives import LATE, Lives, Piece
from .matchers import matching
from .processes import Key, Process
from .profile import Selection, Source
from .reading import Reading

#: The growth of every series must be known in this share of the window, but for a scrape that is late.
LEAST_KNOWN = 0.9
#: A first value of up to this many events may always have come since the scrape before.
LIKELY_FIRST = 100.0
#: A first value may be this many times the largest step that any counter of its process was seen to make.
LIKELY_BURST = 10.0


@dataclass(frozen=True)
class Selected:
    """The pieces of a selection, each with the source whose metric it is. sources: those that any piece is of."""

    pieces: list[tuple[Piece, Source]]
    sources: list[Source]
    doubles: int
    dropped: int


def select(selection: Selection, lives: Lives, reading: Reading) -> Selected:
    """The pieces of a selection: of each process under the first of the sources' names that it has in its unit.

    Processes of different versions may call a metric by different names; what they count is added up.
    """
    # Until when a life has the metric under a name that was taken.
    taken: dict[tuple[Process, int], float] = {}
    pieces: list[tuple[Piece, Source]] = []
    sources: list[Source] = []
    doubles = dropped = 0
    metrics: set[str] = set()
    for source in selection.sources:
        if source.metric in metrics or source.metric not in lives.pieces or not reading.found.fits(source):
            continue
        metrics.add(source.metric)
        asked = reading.metrics[source.metric].where
        rest = [matcher for matcher in selection.where if matcher not in asked]
        mine = lives.pieces[source.metric]
        if rest:
            fit = matching(rest)
            mine = [piece for piece in mine if fit(piece.series.labels)]
        if taken:
            # Beside a name it says the same again; after one, a process has changed its names.
            mine = [
                piece for piece in mine if piece.series.times[0] > taken.get((piece.process, piece.life), -math.inf)
            ]
        if mine:
            pieces += [(piece, source) for piece in mine]
            sources.append(source)
            doubles += lives.doubles.get(source.metric, 0)
            dropped += reading.numbers(source.metric)[1]
        if len(selection.sources) > 1:
            for piece in mine:
                life = piece.process, piece.life
                taken[life] = max(taken.get(life, -math.inf), piece.series.times[-1])
    return Selected(pieces, sources, doubles, dropped)


@dataclass
class Counted:
    """Growth of a selection's pieces. open: more may have been counted than was ever scraped.

    more: what processes counted at most that were scraped only after the window.
    """

    growths: list[tuple[Piece, Source, Growth]] = field(default_factory=list)
    open: bool = False
    more: float = 0.0
    doubles: int = 0
    dropped: int = 0
    doubtful_restarts: int = 0
    unlikely: int = 0

    # What follows is asked for by each figure of a distribution, and never before all growths are there.

    @cached_property
    def _edges(self) -> Counter[tuple[str, str]]:
        """How many pieces begin and end in which way."""
        return Counter((one.course.begins, one.course.ends) for _piece, _source, one in self.growths)

    def begun(self, kind: str) -> int:
        return sum(number for (begins, _ends), number in self._edges.items() if begins == kind)

    def unsure(self, kind: str) -> int:
        """Pieces that begin or end in a way."""
        return sum(number for edges, number in self._edges.items() if kind in edges)

    @cached_property
    def samples(self) -> int:
        """Samples inside the window."""
        return sum(one.course.samples for _piece, _source, one in self.growths)

    @cached_property
    def gap(self) -> float | None:
        """The longest time between two samples, in seconds; None without a series."""
        return max((one.course.gap for _piece, _source, one in self.growths), default=None)

    @cached_property
    def lost(self) -> float:
        """Seconds of the window whose counts a restart took along, at most."""
        return max((one.course.lost for _piece, _source, one in self.growths), default=0.0)

    def doubt(self, length: float) -> str:
        """Why too much is not known of what was counted in a window of that length; empty when it is little."""
        courses = [one.course for _piece, _source, one in self.growths]
        most = (1 - LEAST_KNOWN) * length
        # Samples that end early may only be late. What a restart took along does not come any more.
        lost: dict[tuple[Process, Key], float] = {}
        for piece, _source, one in self.growths:
            if one.course.lost:
                lost[piece.process, piece.key] = lost.get((piece.process, piece.key), 0.0) + one.course.lost
        unknown = [one.unknown for one in courses if one.unknown > max(most, LATE * one.pace)]
        unknown += [seconds for seconds in lost.values() if seconds > most]
        if unknown:
            return f"what {len(unknown)} series counted is not known for up to {max(unknown):.0f} s of this window"
        if self.unlikely:
            return (
                f"{self.unlikely} series began with more than its process counts in a scrape interval: it may have "
                f"counted long before"
            )
        fell = sum(one.fell > 0 for _piece, _source, one in self.growths)
        if fell:
            return f"{fell} series fell although their process lived on, which a counter never does"
        if self.doubtful_restarts:
            return (
                f"{self.doubtful_restarts} series fell by less than a tenth: whether their process began anew or its "
                f"counters are none cannot be told"
            )
        back = sum(one.came_back for one in courses)
        if back:
            return (
                f"{back} series were gone for a while although their process answered: it may have begun anew in "
                f"between"
            )
        return ""


def count(selected: Selected, ruler: Ruler, processes: Sequence[Process]) -> Counted:
    """The growth of pieces in a window. processes: all those of the figure's components."""
    found = Counted(doubles=selected.doubles, dropped=selected.dropped)
    for piece, source in selected.pieces:
        grown = growth(piece, ruler)
        events = not source.buckets
        if grown is not None and grown.course.begins == "new" and events and _is_unlikely(piece, grown, ruler.lives):
            # What it counted before its first sample is not known after all.
            found.unlikely += 1
            piece = replace(piece, respelt=True)
            grown = growth(piece, ruler)
        if grown is not None:
            found.growths.append((piece, source, grown))
            found.open |= grown.course.open
            if grown.course.begins == "reset" and ruler.lives.doubtful(piece):
                found.doubtful_restarts += 1
            continue
        unseen = ruler.unseen(piece)
        if unseen is not None:
            found.open |= math.isinf(unseen)
            found.more += 0.0 if math.isinf(unseen) else unseen * source.scale
    found.open |= any(ruler.lives.hidden(process, ruler.start, ruler.end) for process in processes)
    return found


def doubt_without_series(processes: Sequence[Process], ruler: Ruler) -> str:
    """Why it is not known that processes counted nothing in a window, though no scrape shows that they did."""
    most = (1 - LEAST_KNOWN) * ruler.length
    seconds = max((_unseen_seconds(process, ruler, most) for process in processes), default=0.0)
    return f"what its pods counted is not known for up to {seconds:.0f} s of this window" if seconds else ""


def _unseen_seconds(process: Process, ruler: Ruler, most: float) -> float:
    """Seconds of a window in which a process may have counted unseen; 0 where they are few."""
    answered = process.answered
    last = max(answered[-1], ruler.start) if answered else ruler.start
    tail = max(0.0, ruler.end - last) if process.scrapes and ruler.lives.fate(process, last) == "unknown" else 0.0
    lost = sum(
        max(0.0, min(one.began or one.after, ruler.end) - max(one.before, ruler.start))
        for one in ruler.lives.restarts(process)
    )
    return (tail if tail > max(most, LATE * ruler.lives.interval) else 0.0) + (lost if lost > most else 0.0)


def _is_unlikely(piece: Piece, grown: Growth, lives: Lives) -> bool:
    """Whether a new series' first value is too much for one scrape interval: it was only not shown before."""
    first = piece.series.values[0]
    if first <= LIKELY_FIRST or grown.course.sure or not lives.appeared(piece):
        return False
    return first > LIKELY_BURST * lives.largest_step(piece.process)
