# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of a report hold every field of a figure, and docs/results.md describes every field of a report."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.class_report import ClassReport
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.merged_figures import BESIDE
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.report import (
    BareReading,
    FigureRow,
    Known,
    Reading,
    Report,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.types import FigureResult

ROOT = Path(__file__).resolve().parents[3]


def test_every_field_of_a_figure_is_in_its_row_or_its_readings() -> None:
    beside = set(Reading.__annotations__) - set(BareReading.__annotations__)
    assert set(BESIDE) == beside
    assert set(FigureResult.__annotations__) <= {*FigureRow.__annotations__, *Reading.__annotations__}


def documented(heading: str) -> str:
    """A section of docs/results.md."""
    text = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    return text.split(f"\n## {heading}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize(
    ("heading", "fields"),
    [
        ("report.json", Report.__annotations__),
        ("report.json", Known.__annotations__),
        ("The class", ClassReport.__annotations__),
    ],
)
def test_every_field_is_documented(heading: str, fields: Any) -> None:
    assert set(fields) - {"schema"} <= set(re.findall(r"`(\w+)`", documented(heading)))
