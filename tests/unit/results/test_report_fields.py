# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of a report hold every field of a figure, and docs/results.md describes every field of a report."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.answers.answer import Answer
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


def test_every_field_of_report_json_has_its_row_in_the_docs() -> None:
    rows = [line.split("|")[1] for line in documented("report.json").splitlines() if line.startswith("| `")]
    names = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert names == {*Report.__annotations__, *Known.__annotations__, "answers", *Answer.__annotations__} - {"schema"}


def test_every_field_of_class_json_is_named_in_the_docs() -> None:
    assert set(ClassReport.__annotations__) - {"schema"} <= set(re.findall(r"`(\w+)`", documented("The class")))
