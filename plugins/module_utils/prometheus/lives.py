# SPDX-License-Identifier: GPL-3.0-or-later
"""From when to when a process lived, and what each life counted in each series.

A restart is a fact of the process, not of one series: process_start_time_seconds tells it where it is there, and the
majority of the process' counters otherwise. It begins all of its series anew, also one whose value did not fall.
docs/measurement.md lists the evidence. Times are Unix seconds on Prometheus' clock.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise

from .processes import SAME_START, Key, Process
from .query import ALIVE_SCRAPES
from .series import Series

#: Scrape intervals that samples are read for before and after a window.
MARGIN = 2.5
#: Scrape intervals after which a scrape that did not take place was left out, not late.
LATE = 1.5
#: The first scrapes of a Prometheus that starts lie within one interval; this is a little more.
FIRST_ROUND = 1.05
#: Prometheus learns of a new pod within this many seconds: its discovery passes news on every five.
DISCOVERY = 5.0
#: What an observer tells has times of its own, and is at most so many seconds old when it is scraped: the kubelet's
#: samples are made every ten to twenty. And how many seconds more of it are read before a window.
OLDEST = 30.0
OBSERVED_LEAD = 30.0
#: Times are whole milliseconds.
TICK = 0.001
#: A node's clock is at most this many seconds off.
CLOCK = 60.0
#: A counter that holds more than this share of its value from before the restart hardly tells one.
HARDLY_FELL = 0.9


def lead_in(interval: float) -> float:
    """Seconds before a window from which samples are read: enough to see that a pod is new in the window.

    interval: seconds between scrapes.
    """
    return max(MARGIN * interval, DISCOVERY + LATE * interval)


@dataclass(frozen=True)
class Restart:
    """A process ended and another began in its place.

    before, after: the last time of the one and the first of the other. began: when the new one says that it began, if
    that is between the two. doubtful: its counters fell by next to nothing.
    """

    before: float
    after: float
    began: float | None = None
    doubtful: bool = False


@dataclass(eq=False, slots=True)
class Piece:
    """What one life of a process counted in one series.

    life: its number among those at the address. earlier, later: whether the lives before and after have the series
    too. respelt: an old series may stand here in a new spelling, so that nobody knows what it counted before.
    """

    key: Key
    series: Series
    process: Process
    life: int
    earlier: bool = False
    later: bool = False
    respelt: bool = False


@dataclass(frozen=True)
class Birth:
    """What is known of a series before its first sample.

    kind: "new", "reset" (its process is a new one, and the one before had it too) or "unknown". zero: the time at which
    it was zero or not there; None when it was so somewhere in the interval before its first sample. not_before: the
    time before which its process surely was not there.
    """

    kind: str
    zero: float | None = None
    not_before: float = float("-inf")


class Lives:
    """The lives of processes.

    counters: names of the metrics whose values never fall while a process lives. events: those of them that count
    events. observed: names of the metrics that an observer tells. interval: seconds between scrapes. begin: the time
    from which samples were read. pieces: those of each metric. doubles: its series left out, since another target of
    the same process has them.
    """

    def __init__(
        self,
        processes: Iterable[Process],
        counters: Collection[str],
        interval: float,
        begin: float,
        events: Collection[str],
        observed: Collection[str] = (),
    ) -> None:
        self.interval = interval
        self.processes = list(processes)
        self._begin = begin
        self._events = frozenset(events)
        self._observed = frozenset(observed)
        self._largest: dict[Process, float] = {}
        self._paces: dict[Process, float] = {}
        self._restarts: dict[Process, list[Restart]] = {}
        self.pieces: dict[str, list[Piece]] = {}
        self.doubles: dict[str, int] = {}
        scrapes: list[tuple[float, int]] = []
        for process in self.processes:
            for metric, doubles in process.doubles.items():
                self.doubles[metric] = self.doubles.get(metric, 0) + doubles
            scrapes += [(time, id(process)) for time, _value in process.scrapes]
            restarts = self._restarts[process] = _restarts(process, counters)
            for key, series in process.series.items():
                self.pieces.setdefault(key[0], []).extend(_pieces(key, series, process, restarts))
        self._all = sorted(scrapes)
        for metric, pieces in self.pieces.items():
            if metric in counters:
                self.pieces[metric] = self._without_respellings(pieces)

    def restarts(self, process: Process) -> Sequence[Restart]:
        return self._restarts[process]

    def largest_step(self, process: Process) -> float:
        """The most events that any counter of a process counted from one of its samples to the next."""
        if process not in self._largest:
            steps = (
                after - before
                for key, series in process.series.items()
                if key[0] in self._events
                for before, after in pairwise(series.values)
            )
            self._largest[process] = max(steps, default=0.0)
        return self._largest[process]

    def _bounds(self, piece: Piece) -> tuple[Restart | None, Restart | None]:
        """The restarts before and after a piece's life."""
        restarts = self._restarts[piece.process]
        before = restarts[piece.life - 1] if piece.life else None
        return before, restarts[piece.life] if piece.life < len(restarts) else None

    def _others(self, process: Process, after: float, before: float) -> bool:
        """Whether Prometheus scraped another process between two times."""
        low, high = bisect_right(self._all, (after, float("inf"))), bisect_left(self._all, (before, float("-inf")))
        return any(one != id(process) for _time, one in self._all[low:high])

    @staticmethod
    def own_times(piece: Piece) -> bool:
        """Whether samples have timestamps of their own, so that most lie at no scrape of their process.

        Such a sample is older than the scrape that brought it: a scrape after the last one does not tell that the
        series is gone, nor one before the first that it was not there.
        """
        scrapes = piece.process.scrape_times
        return bool(scrapes) and 2 * sum(time in scrapes for time in piece.series.times) < len(piece.series.times)

    def started_at_zero(self, piece: Piece) -> bool:
        """Whether the first sample of a piece is the zero that Prometheus puts where the series says that it began.

        Such a start timestamp (``_created`` of OpenMetrics) lies at no scrape, and what follows it at scrapes. It
        proves that the series counted nothing before, however late it was scraped for the first time.
        """
        times, scrapes = piece.series.times, piece.process.scrape_times
        if piece.series.values[0] != 0 or len(times) < 2 or times[0] in scrapes:
            return False
        return times[1] in scrapes and not self.own_times(piece)

    def vanished(self, piece: Piece, time: float, until: float = float("inf")) -> bool:
        """Whether the last sample of a piece, at a time, is followed by something that shows that it is gone.

        until: time after which nothing is looked at.
        """
        answered = piece.process.answered_after(piece.key)
        seen = bisect_right(answered, time), bisect_right(answered, until)
        if not self.own_times(piece):
            return seen[0] < seen[1] or self._given_up(piece.process, time, until)
        # Such a process would have shown a newer sample by its last answer.
        last = max(time, answered[-1]) if answered else time
        return last > time + ALIVE_SCRAPES * self.pace(piece) or self._given_up(piece.process, last, until)

    def pace(self, piece: Piece) -> float:
        """Seconds from one sample of a piece to the next: between scrapes, or longer where an observer tells it."""
        if piece.key[0] not in self._observed or (piece.process.scrapes and not self.own_times(piece)):
            return self.interval
        if piece.process not in self._paces:
            gaps = (
                after - before
                for times in {id(one.times): one.times for one in piece.process.series.values()}.values()
                for before, after in pairwise(times)
            )
            # The usual one: what is away for a while must not count.
            ordered = sorted(gaps)
            usual = ordered[len(ordered) // 2] if ordered else self.interval
            self._paces[piece.process] = max(self.interval, usual)
        return self._paces[piece.process]

    def _oldest(self, piece: Piece) -> float:
        """How old a sample of a piece with times of its own may be when it is scraped, in seconds."""
        return max(OLDEST, 2 * self.pace(piece))

    def _answered_before(self, piece: Piece) -> float | None:
        """The last scrape that the piece's process answered before the piece's first sample, and that would show it.

        With times of its own an older sample may be from before all that was read.
        """
        answered = piece.process.answered_before(piece.key)
        if self.own_times(piece):
            if piece.key[0] not in self._observed:
                return None
            answered = [time for time in answered if time >= answered[0] + self._oldest(piece)]
        index = bisect_left(answered, piece.series.times[0]) - 1
        before, _after = self._bounds(piece)
        return answered[index] if index >= 0 and (before is None or answered[index] >= before.after) else None

    def _known_before(self, piece: Piece) -> float | None:
        """The same, or else the last scrape that it answered as another target."""
        seen = self._answered_before(piece)
        if seen is None and len(piece.process.targets) > 1:
            before, _after = self._bounds(piece)
            index = bisect_left(piece.process.answered, piece.series.times[0]) - 1
            if index >= 0 and (before is None or piece.process.answered[index] >= before.after):
                return piece.process.answered[index]
        return seen

    def _answered_after(self, piece: Piece) -> float | None:
        """The first scrape that the piece's process answered after the piece's last sample, and that would show more.

        With times of its own a newer sample may only not have been made yet.
        """
        own = self.own_times(piece)
        if own and piece.key[0] not in self._observed:
            return None
        answered = piece.process.answered_after(piece.key)
        last = piece.series.times[-1]
        index = bisect_right(answered, last + self._oldest(piece) if own else last)
        _before, after = self._bounds(piece)
        return answered[index] if index < len(answered) and (after is None or answered[index] <= after.before) else None

    def birth(self, piece: Piece) -> Birth:
        """What is known of a piece before its first sample."""
        kind = "reset" if piece.earlier else "new"
        if self.started_at_zero(piece):
            first = piece.series.times[0]
            return Birth(kind, round(first - TICK, 3), first)
        if piece.respelt:
            return Birth("unknown")
        before, _after = self._bounds(piece)
        not_before = before.before if before else self._not_before(piece.process)
        seen = self._known_before(piece)
        if seen is not None:
            # What it tells first was counted since it was last looked at, which is longer ago where it has own times.
            zero = min(seen, piece.series.times[0] - self.pace(piece)) if self.own_times(piece) else seen
            return Birth(kind, zero, not_before)
        if before is not None:
            return Birth(kind, before.before, not_before)
        first = piece.series.times[0]
        told = next((value for time, value in piece.process.told if time >= first), None)
        if not_before > float("-inf"):
            # A start that no wrong clock explains: an old pod that Prometheus was told of only now.
            if told is not None and told < not_before - CLOCK:
                return Birth("unknown")
            return Birth("new", None, not_before)
        if told is not None and self._begin <= told <= first:
            return Birth("new", told, told - CLOCK)
        return Birth("unknown")

    def _not_before(self, process: Process) -> float:
        """The time before which a process surely was not there; minus infinity when it may have been.

        Had it been there when Prometheus scraped others, Prometheus would have found and tried it sooner.
        """
        if process.scrapes:
            tried, margin = process.scrapes[0][0], MARGIN * self.interval
            earliest = self._earliest(tried)
            before = self._others(process, earliest - margin, earliest)
            if before and self._others(process, tried - margin, tried - FIRST_ROUND * self.interval):
                return earliest
        return float("-inf")

    def _earliest(self, tried: float) -> float:
        """The earliest time at which a target can have begun that was tried for the first time at a time."""
        return tried - self.interval - DISCOVERY

    def death(self, piece: Piece) -> str:
        """What is known of a piece after its last sample: "gone", "reset", or "unknown" when it may go on.

        It is gone when its process answered without it, or when Prometheus scraped others and not it any more.
        """
        _before, after = self._bounds(piece)
        if after is not None:
            return "reset" if piece.later else "gone"
        if self._answered_after(piece) is not None:
            return "gone"
        last = piece.series.times[-1]
        if self.own_times(piece) and piece.process.answered:
            last = max(last, piece.process.answered[-1])
        return self.fate(piece.process, last)

    def fate(self, process: Process, last: float) -> str:
        """What is known of a process after a time at which it was there: "gone" or "unknown"."""
        if process.answered and process.answered[-1] > last:
            return "gone"
        return "gone" if self._given_up(process, last, float("inf")) else "unknown"

    def _given_up(self, process: Process, last: float, until: float) -> bool:
        """Whether Prometheus went on scraping others, but no more a process that was there last at a time."""
        tried = max((time for time, _value in process.scrapes if time <= until), default=None)
        if tried is None:
            return False
        return self._others(process, max(tried, last) + LATE * self.interval, until + TICK)

    def hidden(self, process: Process, start: float, end: float) -> bool:
        """Whether a process may have lived and counted between two times without a scrape that shows it.

        So it is where scrapes were tried and not answered before the first that was, and where it ended or began anew.
        """
        tried, answered = process.scrapes, process.answered
        if any(one.before < end and one.after > start for one in self._restarts[process]):
            return True
        if not tried:
            return False
        if tried[0][1] != 1 and self._earliest(tried[0][0]) < end and (not answered or answered[0] > start):
            return True
        if any(value != 1 for _time, value in tried) and not self._lived_on(process, start, end):
            return True
        last = answered[-1] if answered else tried[-1][0]
        return last < end and self._last_sign(process, last) > start

    @staticmethod
    def _lived_on(process: Process, start: float, end: float) -> bool:
        """Whether something tells, for each time that a process did not answer, that it was the same afterwards."""
        for (before, _value), (after, _other) in pairwise([one for one in process.scrapes if one[1] == 1]):
            failed = any(before < time < after and value != 1 for time, value in process.scrapes)
            if not failed or after <= start or before >= end or _told_the_same(process, before, after):
                continue
            if not any(one.times[0] <= before and one.times[-1] >= after for one in process.series.values()):
                return False
        return True

    def came_back(self, piece: Piece) -> bool:
        """Whether a piece was not there for a while although its process answered.

        A library keeps its counters: the process was another one in between, or forgets. Only where the process says
        that it is the same does it not matter. Samples with timestamps of their own tell nothing about it.
        """
        series, process = piece.series, piece.process
        first, last = series.times[0], series.times[-1]
        times: Sequence[float] = process.shown.get(piece.key, series.times)
        if series.left_out or piece.key in process.shown:
            times = [time for time in sorted({*times, *series.left_out}) if first <= time <= last]
        answered = process.answered
        low, high = bisect_left(answered, first), bisect_right(answered, last)
        if high - low <= len(times) or low == len(answered) or answered[low] != first:
            return False
        return not set(answered[low:high]) <= set(times) and not _told_the_same(process, first, last)

    def appeared(self, piece: Piece) -> bool:
        """Whether the piece's process answered without it before it began."""
        return self._known_before(piece) is not None

    def last_sign(self, piece: Piece) -> float:
        """Until when a piece may have counted after its last sample: until its life's end, as far as that is known."""
        _before, after = self._bounds(piece)
        if after is not None:
            return after.after
        seen = self._answered_after(piece)
        if seen is not None:
            return seen
        return self._last_sign(piece.process, piece.series.times[-1])

    def _last_sign(self, process: Process, last: float) -> float:
        """Until when a process may have lived that was there last at a time, and is not scraped any more."""
        tried = max(process.scrapes[-1][0], last) if process.scrapes else last
        due = tried + self.interval
        index = bisect_left(self._all, (due, float("-inf")))
        after = self._all[index][0] if index < len(self._all) else float("inf")
        went_on = self._others(process, tried, due) and after - due <= FIRST_ROUND * self.interval
        # Prometheus went on, and would have scraped it; or Prometheus was away until then.
        return due if went_on else after + self.interval

    def lost(self, piece: Piece, start: float, end: float) -> float:
        """Seconds between two times whose counts a restart took along, for a piece that begins with one."""
        before, _after = self._bounds(piece)
        if before is None or not piece.earlier:
            return 0.0
        return max(0.0, min(before.began or before.after, end) - max(before.before, start))

    def doubtful(self, piece: Piece) -> bool:
        """Whether it is in doubt that the piece begins with a restart."""
        before, _after = self._bounds(piece)
        return before is not None and before.doubtful and piece.earlier

    # -- series in a new spelling -------------------------------------------------------------

    def _without_respellings(self, pieces: list[Piece]) -> list[Piece]:
        """Pieces of a counter; one that goes on where another of its process ended is joined to it, or unknown."""
        begun: dict[tuple[int, int, float], list[Piece]] = {}
        for piece in pieces:
            answered = piece.process.answered
            if not answered or piece.series.times[0] <= answered[0]:
                continue
            seen = self._known_before(piece)
            if seen is not None:
                begun.setdefault((id(piece.process), piece.life, seen), []).append(piece)
        if not begun:
            return pieces
        ended: dict[tuple[int, int], list[Piece]] = {}
        lives = {key[:2] for key in begun}
        for piece in pieces:
            life = (id(piece.process), piece.life)
            if life in lives and self._answered_after(piece) is not None:
                ended.setdefault(life, []).append(piece)
        gone: set[int] = set()
        for (process, number, seen), new in begun.items():
            old = [one for one in ended.get((process, number), ()) if one.series.times[-1] >= seen - self.interval / 2]
            for piece in new:
                first, value = piece.series.times[0], piece.series.values[0]
                before = [one for one in old if one.series.times[-1] < first and one.series.values[-1] <= value]
                same = [one for one in before if _one_spelling(one.key, piece.key) and id(one) not in gone]
                if len(same) == 1 and len([one for one in new if _one_spelling(same[0].key, one.key)]) == 1:
                    gone.add(id(same[0]))
                    piece.series = _continued(same[0].series, piece.series)
                    piece.earlier, piece.respelt = same[0].earlier, same[0].respelt
                elif before:
                    piece.respelt = True
        return [piece for piece in pieces if id(piece) not in gone]


def _one_spelling(one: Key, other: Key) -> bool:
    """Whether two label sets are one but for labels that only one of them has."""
    labels, also = dict(zip(one[1][::2], one[1][1::2])), dict(zip(other[1][::2], other[1][1::2]))
    shared = labels.keys() & also.keys()
    same = one[2] == other[2] and all(labels[name] == also[name] for name in shared)
    return same and len(shared) == min(len(labels), len(also))


def _continued(one: Series, other: Series) -> Series:
    left_out = one.left_out + other.left_out
    return Series(other.labels, one.times + other.times, "", one.values + other.values, left_out)


# -- restarts ----------------------------------------------------------------------------------


def _restarts(process: Process, counters: Collection[str]) -> list[Restart]:
    """The restarts of a process, in the order of time."""
    found = [
        Restart(time, later, begun if time < begun <= later else None)
        for (time, before), (later, begun) in pairwise(process.told)
        # One that began long before the other was last seen is the same, whose clock was set.
        if abs(begun - before) > SAME_START and begun > time - CLOCK
    ]
    fallen = [
        (key, series, index)
        for key, series in chain(process.series.items(), process.others)
        if key[0] in counters and sorted(series.values) != series.values
        for index in range(1, len(series.values))
        if series.values[index] < series.values[index - 1]
    ]
    for before, after in sorted({(series.times[index - 1], series.times[index]) for _key, series, index in fallen}):
        if any(one.before < after and before < one.after for one in found) or _told_the_same(process, before, after):
            continue
        shares = {
            key: series.values[index] / series.values[index - 1] if series.values[index - 1] > 0 else 0.0
            for key, series, index in fallen
            if series.times[index - 1] < after and before < series.times[index]
        }
        if len(shares) > len(_grown(process, counters, before, after) - shares.keys()):
            found.append(Restart(before, after, None, min(shares.values()) > HARDLY_FELL))
    return sorted(found, key=lambda one: one.after)


def _told_the_same(process: Process, before: float, after: float) -> bool:
    """Whether the process said at both times that it began at the same time."""
    told = process.told
    low = bisect_right(told, (before, float("inf"))) - 1
    high = bisect_left(told, (after, float("-inf")))
    return low >= 0 and high < len(told) and abs(told[low][1] - told[high][1]) <= SAME_START


def _grown(process: Process, counters: Collection[str], before: float, after: float) -> set[Key]:
    """Counters of a process that grew in a step between two scrapes."""
    grown: set[Key] = set()
    for key, series in process.series.items():
        if key[0] in counters:
            low, high = bisect_right(series.times, before) - 1, bisect_left(series.times, after)
            if 0 <= low < high < len(series.times) and series.values[high] > series.values[low]:
                grown.add(key)
    return grown


def _pieces(key: Key, series: Series, process: Process, restarts: Sequence[Restart]) -> list[Piece]:
    """A series cut where its process was restarted."""
    if not restarts:
        return [Piece(key, series, process, 0)]
    lives: dict[int, tuple[int, int]] = {}
    for index, time in enumerate(series.times):
        life = sum(_is_after(one, series, index, time) for one in restarts)
        low, _high = lives.get(life, (index, index))
        lives[life] = (low, index + 1)
    return [
        Piece(
            key,
            replace(series, times=series.times[low:high], text="", values=series.values[low:high]),
            process,
            life,
            earlier=low > 0,
            later=high < len(series.times),
        )
        for life, (low, high) in lives.items()
    ]


def _is_after(restart: Restart, series: Series, index: int, time: float) -> bool:
    """Whether a sample is of the life after a restart; between its two scrapes the value says so."""
    if not restart.before < time < restart.after:
        return time >= restart.after
    return index > 0 and series.values[index] < series.values[index - 1]
