# SPDX-License-Identifier: GPL-3.0-or-later
"""How well the figures of a run are known: coverage, gaps, PromQL's own answers, and values that are only bounds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from ..formatting import duration_text, ratio_text, value_text
from ..results.report import FigureRow, PromqlDifference, Reading, ReadingPlace, Report
from .change_words import steadiness_text
from .columns import columns, letters, window_letter, windows_text

#: A gap longer than this many scrape intervals is named: at least one scrape is missing.
LATE = 1.5
#: How many figures with the same reason are named.
MOST_NAMED = 5


class KnownItem(TypedDict):
    """One of several things that a row says. figures: those that it is about."""

    text: str
    figures: str


class KnownRow(TypedDict):
    """One way of looking at it."""

    name: str
    text: str
    items: list[KnownItem]


class HowKnown(TypedDict):
    """All of it. line: what is worth saying in one line, for the terminal."""

    rows: list[KnownRow]
    line: str


def how_known(report: Report) -> HowKnown:
    """What is known of the values that there are; nothing where no value says anything about itself."""
    found = [
        part for look in (_coverage, _largest_gap, _steadiness, _against_promql, _only_bounds) if (part := look(report))
    ]
    parts = [short for _row, short in found if short]
    return {"rows": [row for row, _short in found], "line": f"how well known: {', '.join(parts)}" if parts else ""}


def _coverage(report: Report) -> tuple[KnownRow, str] | None:
    coverage = report["known"]["coverage"]
    if not coverage:
        return None
    share = value_text(coverage["value"], "ratio")
    if coverage["value"] < 1:
        text = f"{share} of the scrapes due in {windows_text(report, coverage['windows'])} took place"
        short = f"coverage ≥ {share}"
    else:
        text, short = f"{share}: every scrape that was due took place", ""
    return {"name": "Lowest coverage", "text": text, "items": []}, short


def _largest_gap(report: Report) -> tuple[KnownRow, str] | None:
    gap = report["known"]["largest_gap"]
    if not gap:
        return None
    length, interval = duration_text(gap["value"]), gap["scrape_interval"]
    text, short = f"{length} between two samples, in {windows_text(report, gap['windows'])}", ""
    if interval is not None:
        text += f"; Prometheus scraped every {duration_text(interval)}"
        if gap["value"] > LATE * interval:
            short = f"gaps ≤ {length}"
    return {"name": "Largest gap", "text": text, "items": []}, short


def _steadiness(report: Report) -> tuple[KnownRow, str] | None:
    """Which windows were not steady, and in what."""
    told = moved = 0
    items: list[KnownItem] = []
    for index, column in enumerate(columns(report)):
        unsteady: list[tuple[FigureRow, str]] = []
        for row in sorted(report["figures"], key=lambda row: not row["key"]):
            reading = row["readings"][index]
            noise = reading.get("noise") if reading else None
            if reading is None or noise is None or "steady" not in noise:
                continue
            told += 1
            if halves := steadiness_text(reading, row["unit"]):
                unsteady.append((row, halves))
        moved += len(unsteady)
        if unsteady:
            texts = [f"{row['title']} {halves}" for row, halves in unsteady[:MOST_NAMED]]
            if len(unsteady) > MOST_NAMED:
                texts.append(f"and {len(unsteady) - MOST_NAMED} more")
            items.append({"text": f"{column['letter']} {column['name']}", "figures": "; ".join(texts)})
    if not told:
        return None
    text = f"{moved or 'none'} of {told} values drifted beyond noise from the first half of their window to the second"
    short = f"{len(items)} {'window is' if len(items) == 1 else 'windows are'} not steady" if items else ""
    return {"name": "Steadiness", "text": text, "items": items}, short


def _against_promql(report: Report) -> tuple[KnownRow, str] | None:
    known = report["known"]
    if not known["cross_checked"]:
        return None
    places = [place for group in known["differences"] for place in group["readings"]]
    missing = sum(reading.get("promql") is None for reading in _readings(report, places))
    count = len(places) - missing
    verb = "is" if count < 2 else "are"
    text = f"{count or 'none'} of {known['cross_checked']} values {verb} more than 5 % away from PromQL's own answer"
    if missing:
        text += f"; PromQL has no answer for {missing}"
    short = f"{len(places)} {'value differs' if len(places) == 1 else 'values differ'} from PromQL's" if places else ""
    items = [_difference(report, group) for group in known["differences"]]
    return {"name": "Against PromQL", "text": text, "items": items}, short


def _difference(report: Report, group: PromqlDifference) -> KnownItem:
    """Why PromQL's answers differ, by how much, and for which figures."""
    shares = [
        share
        for reading in _readings(report, group["readings"])
        if (share := reading.get("promql_difference")) is not None and "bound" not in reading
    ]
    text = group["reason"]
    if shares:
        ends = dict.fromkeys([ratio_text(min(shares)), ratio_text(max(shares))])
        text += f": {' to '.join(ends)}"
    rows = {(place["figure"], place["unit"]): _row(report, place) for place in group["readings"]}
    named = sorted(rows.values(), key=lambda row: not row["key"])
    texts = []
    for row in named[:MOST_NAMED]:
        windows = [place["window"] for place in group["readings"] if _row(report, place) is row]
        texts.append(f"{row['title']} ({letters(windows)})")
    if len(named) > MOST_NAMED:
        texts.append(f"and {len(named) - MOST_NAMED} more")
    return {"text": text, "figures": "; ".join(texts)}


def _only_bounds(report: Report) -> tuple[KnownRow, str] | None:
    count = len(report["known"]["bounds"])
    if not count:
        return None
    text = (
        "These quantiles are somewhere in the lowest or highest bucket, and the histogram does not tell where. PromQL, "
        "and so Grafana and the plots, still give a value inside the bucket."
    )
    short = f"{count} {'is only a bound' if count == 1 else 'are only bounds'}"
    return {"name": "Only bounds", "text": text, "items": _bounds(report)}, short


def _bounds(report: Report) -> list[KnownItem]:
    """For each figure the bounds that were given as its value, with their windows."""
    rows: dict[str, dict[str, list[str]]] = {}
    for place in report["known"]["bounds"]:
        row, reading = _row(report, place), _reading(report, place)
        if reading is None or reading["value"] is None:
            continue
        shown = value_text(reading["value"], place["unit"], reading.get("bound", ""))
        rows.setdefault(row["title"], {}).setdefault(shown, []).append(window_letter(place["window"]))
    return [
        {
            "text": f"{title}: {'; '.join(f'{shown} in ' + ', '.join(windows) for shown, windows in values.items())}",
            "figures": "",
        }
        for title, values in rows.items()
    ]


def _row(report: Report, place: ReadingPlace) -> FigureRow:
    return next(row for row in report["figures"] if (row["id"], row["unit"]) == (place["figure"], place["unit"]))


def _reading(report: Report, place: ReadingPlace) -> Reading | None:
    return _row(report, place)["readings"][place["window"]]


def _readings(report: Report, places: Iterable[ReadingPlace]) -> list[Reading]:
    return [reading for place in places if (reading := _reading(report, place)) is not None]
