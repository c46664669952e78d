# SPDX-License-Identifier: GPL-3.0-or-later
"""The report in Markdown and in the terminal."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import markdown, terminal
from ansible_collections.temporal_lab.benchmarking.tests.unit.report.report_lab import (
    START,
    Lab,
    figure,
    window,
)

PATH = "/results/student-01/20261123T170000Z/report.html"


def tables(text: str) -> list[list[list[str]]]:
    """The cells of each Markdown table, with escapes taken out."""
    found: list[list[list[str]]] = [[]]
    for line in text.splitlines():
        if line.startswith("| "):
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            found[-1].append([re.sub(r"\\(.)", r"\1", cell).strip() for cell in cells])
        elif found[-1]:
            found.append([])
    return [table for table in found if table]


def test_markdown_of_the_recorded_run(recorded: dict[str, Any]) -> None:
    text = markdown.to_markdown(recorded)
    for table in tables(text):
        assert len({len(row) for row in table}) == 1
    for heading in ("Stages", "Figures", "Time line", "Versions and settings", "Queries"):
        assert f"\n## {heading}\n" in text
    for row in recorded["figures"]:
        for reading in row["readings"]:
            if reading and reading["query"]:
                assert f"\n    {reading['query']}\n" in text


def test_markdown_tables(measured: Lab) -> None:
    stages, figures, moments, *_queries = tables(markdown.to_markdown(measured.report()))
    assert [row[1] for row in stages if row[0] in ("baseline", "scale")] == ["done", "not done"]
    assert figures == [
        ["Figure", "A baseline", "B benchmark"],
        ["---", "---:", "---:"],
        ["Work (higher is better)", "0/s", "40/s"],
        ["Lock (lower is better)", "inconclusive", "4.20 ms"],
    ]
    assert [row[0] for row in moments[2:]] == ["1", "A", "B"]


def test_markdown_of_hostile_names(lab: Lab) -> None:
    hostile = "a|b\n# c <img src=x> [l](u) *e* `k` \\"
    lab.write("scale", state="failed", message=hostile)
    lab.write("baseline", windows=[window("a", START, figure("x", 1.0, title=hostile, query="q\n# not a heading"))])
    text = markdown.to_markdown({**lab.report(), "student": hostile})
    told = " ".join(hostile.split())
    [row] = [row for row in tables(text)[0] if row[0] == "scale"]
    assert row[2] == told
    assert tables(text)[1][2][0].startswith(told)
    assert not [line for line in text.splitlines() if line.startswith(("# c", "# not"))]
    assert "<img" not in text.replace("\\<img", "")
    assert text.startswith("# Temporal benchmarking lab: a\\|b \\# c")


def test_markdown_of_a_run_that_was_cut_off(lab: Lab) -> None:
    lab.write("preflight")
    text = markdown.to_markdown(lab.report())
    assert "No stage of this run has measured a window yet." in text
    assert "Not in this run: install" in text


# --- terminal ------------------------------------------------------------------------------------


def test_the_recorded_run_fits_the_terminal(recorded: dict[str, Any]) -> None:
    text = terminal.to_terminal(recorded, PATH)
    assert max(map(len, text.splitlines())) <= 100
    flat = " ".join(text.split())
    for row in recorded["figures"]:
        if row["key"]:
            assert row["title"].split()[0] in flat
    assert text.endswith(f"\nReport: {PATH}")


def test_the_table_of_two_windows(measured: Lab) -> None:
    lines = terminal.to_terminal(measured.report(), PATH).splitlines()
    place = next(number for number, line in enumerate(lines) if "baseline" in line and "benchmark" in line)
    assert lines[place : place + 4] == [
        "          baseline  benchmark",
        "─────────────────────────────",
        "Work           0/s       40/s",
        "Lock  inconclusive    4.20 ms",
    ]
    assert "figures that did not pass: 1 inconclusive; the report says why" in lines


def test_change_and_state_stand_with_the_value(lab: Lab) -> None:
    lab.write(
        "scale",
        windows=[
            window("first", START, figure("work", 40.0)),
            window("after", START + 120, figure("work", 50.0, state="fail", reason="too much")),
        ],
    )
    lines = terminal.to_terminal(lab.report(), PATH).splitlines()
    assert [line for line in lines if line.startswith("Work")] == ["Work           40/s     50/s +25 %"]
    place = next(number for number, line in enumerate(lines) if line.startswith("Work"))
    assert lines[place + 1].split() == ["fail"]
    assert "fail: too much (Work, scale, the after one)" in lines


@pytest.mark.parametrize("windows", [1, 5, 7, 12])
def test_many_windows_are_split_into_tables_that_fit(lab: Lab, windows: int) -> None:
    lab.write(
        "scale",
        windows=[
            window(f"w{number}", START + 120 * number, figure("work", 1234.5 * (number + 1), state="warn", reason="r"))
            for number in range(windows)
        ],
        finished=START + 120 * windows,
    )
    lines = terminal.to_terminal(lab.report(), PATH).splitlines()
    assert max(map(len, lines)) <= 100
    values = re.findall(r"[\d,]+/s", " ".join(line for line in lines if line.startswith("Work")))
    assert len(values) == windows
    assert sum(line.startswith("Work") for line in lines) == sum(set(line) == {"─"} for line in lines)


def test_a_split_figure_shows_its_parts(lab: Lab) -> None:
    shards = figure("shards", 512.0, unit="1", by={"a": 255.0, "b": 257.0})
    lab.write("scale", windows=[window("first", START, shards)])
    assert "255 / 257" in terminal.to_terminal(lab.report(), PATH)


def test_a_figure_split_into_many_parts_shows_their_range(lab: Lab) -> None:
    by = {f"pod-{number}": 50.0 + number for number in range(10)}
    lab.write("scale", windows=[window("first", START, figure("shards", 545.0, unit="1", by=by))])
    assert "Shards    545" in terminal.to_terminal(lab.report(), PATH).splitlines()
    assert "| 545; 10 parts, 50 to 59 |" in markdown.to_markdown(lab.report())


def test_a_run_over_midnight_tells_dates(lab: Lab) -> None:
    lab.write("baseline")
    assert "| 17:00:00 |" in markdown.to_markdown(lab.report())
    lab.write("scale", at=86400)
    assert "| 2026-11-24 17:00:00 |" in markdown.to_markdown(lab.report())


def test_what_went_wrong_is_told(measured: Lab) -> None:
    measured.write("dashboard", state="skipped", message="There is no Grafana.")
    measured.write("scale", state="failed", message="History did not come up.")
    (measured.path / "cleanup-1.json").write_text("{")
    lines = terminal.to_terminal(measured.report(), PATH).splitlines()
    assert "dashboard skipped: There is no Grafana." in lines
    assert "scale failed: History did not come up." in lines
    assert any(line.startswith("cleanup-1.json is not whole JSON") for line in lines)
    assert lines[0].startswith("5 stages in this run: 2 done, 1 failed, 1 skipped, 1 unreadable.")


def test_without_windows_there_is_no_table(lab: Lab) -> None:
    lab.write("preflight")
    lines = terminal.to_terminal(lab.report(), PATH).splitlines()
    assert not [line for line in lines if "─" in line]
    assert lines[-1] == f"Report: {PATH}"
