# SPDX-License-Identifier: GPL-3.0-or-later
"""The windows of a run as columns of tables, each with a letter that stands for it everywhere in the report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypedDict

from ..formatting import duration_text
from ..results.report import Report, window_label


class Column(TypedDict):
    """A window. title: empty where its stage has no other; name: stage and title."""

    letter: str
    stage: str
    title: str
    name: str
    length: str


def columns(report: Report) -> list[Column]:
    """The windows in their order."""
    found: list[Column] = []
    for index, window in enumerate(report["windows"]):
        stage, title = window_label(report["windows"], index)
        found.append(
            {
                "letter": window_letter(index),
                "stage": stage,
                "title": title,
                "name": f"{stage}, {title}" if title else stage,
                "length": duration_text(window["end"] - window["start"]),
            }
        )
    return found


def window_letter(index: int) -> str:
    """A window's short name in plots and tables: A, B … Z, A2, B2 …"""
    turn, place = divmod(index, 26)
    return chr(ord("A") + place) + (str(turn + 1) if turn else "")


def letters(windows: Iterable[int]) -> str:
    """Windows by their letters: ``A, C``."""
    return ", ".join(map(window_letter, windows))


def windows_text(report: Report, windows: Sequence[int]) -> str:
    """Windows by letter and name, by letters alone where they are many."""
    if len(windows) > 1 and len(windows) == len(report["windows"]):
        return "every window"
    if len(windows) > 2:
        return letters(windows)
    names = columns(report)
    return " and ".join(f"{names[index]['letter']} {names[index]['name']}" for index in windows)
