# SPDX-License-Identifier: GPL-3.0-or-later
"""The report in Markdown and in the terminal."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import run_markdown, run_terminal
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    START,
    Lab,
    figure,
    full,
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
    text = run_markdown.to_markdown(recorded)
    for table in tables(text):
        assert len({len(row) for row in table}) == 1
    for heading in ("Stages", "Figures", "Time line", "Versions and settings", "Queries"):
        assert f"\n## {heading}\n" in text
    for row in recorded["figures"]:
        for reading in row["readings"]:
            if reading and reading["query"]:
                assert f"\n    {reading['query']}\n" in text


def test_markdown_tables(measured: Lab) -> None:
    stages, figures, moments, *_queries = tables(run_markdown.to_markdown(measured.report()))
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
    text = run_markdown.to_markdown({**lab.report(), "student": hostile})
    told = " ".join(hostile.split())
    [row] = [row for row in tables(text)[0] if row[0] == "scale"]
    assert row[2] == told
    assert tables(text)[1][2][0].startswith(told)
    assert not [line for line in text.splitlines() if line.startswith(("# c", "# not"))]
    assert "<img" not in text.replace("\\<img", "")
    assert text.startswith("# Temporal benchmarking lab: a\\|b \\# c")


def test_markdown_of_a_run_that_was_cut_off(lab: Lab) -> None:
    lab.write("preflight")
    text = run_markdown.to_markdown(lab.report())
    assert "No stage of this run has measured a window yet." in text
    assert "Not in this run: install" in text


def test_markdown_of_figures_that_are_not_wholly_known(doubtful: Lab) -> None:
    text = run_markdown.to_markdown(doubtful.report())
    _stages, figures, more, _moments, work, lock = tables(text)
    assert more[-1] == ["Lock (lower is better)", "≤ 1.00 ms", "≤ 1.00 ms"]
    assert figures[-1] == ["Work (higher is better)", "40/s", "145/s (+263 %?)"]
    assert work[0] == ["Window", "Value", "Coverage", "Largest gap", "Series", "PromQL", "State", "At (UTC)"]
    assert work[3][:6] == [
        "B benchmark",
        "145.246086666667 1/s (at least 139/s)",
        "83.3 %",
        "12.5 s",
        "24 new, 2 gone",
        "120/s (−17 %)",
    ]
    assert lock[3][1] == "≤ 0.001 s (between 0 and 1 ms)"
    assert "\nWorked out from the raw samples of work.\n" in text
    assert "\n- B: PromQL leaves out the first value of 24 series that began in the window.\n" in text
    assert "\n- PromQL interpolates inside the smallest bucket.\n" in text
    assert "No change is calculated from them." in text


def test_markdown_says_how_well_figures_are_known_before_the_queries(doubtful: Lab) -> None:
    text = run_markdown.to_markdown(doubtful.report())
    before, section = text.split("\n## How well the figures are known\n")
    section, queries = section.split("\n## Queries\n")
    assert "## Versions and settings" in before
    assert "### Work" in queries
    assert "- Lowest coverage: 83.3 % of the scrapes due in B benchmark took place\n" in section
    assert "  - Lock: ≤ 1.00 ms in A, B\n" in section
    assert section.count("\n") < 12


def test_markdown_of_old_results_has_nothing_that_is_empty(measured: Lab) -> None:
    text = run_markdown.to_markdown(measured.report())
    assert "How well the figures are known" not in text
    assert "PromQL's own answer" not in text
    assert [row[0] for row in tables(text)[-2:]] == [["Window", "Value", "State", "At (UTC)"]] * 2


def test_markdown_tells_what_a_finding_does_and_what_to_do(lab: Lab) -> None:
    finding = {"id": "x", "state": "warn", "title": "a_b", "effect": "E", "cure": "Do <it>"}
    lab.write("baseline", facts={"findings": [finding, {**finding, "state": "fail", "effect": "", "cure": ""}]})
    lab.write("scale", facts={"findings": [finding]})
    section = run_markdown.to_markdown(lab.report()).split("## Problems\n\n")[1].split("\n\n")[0]
    assert section.splitlines() == [
        "- **fail** a\\_b (found in baseline)",
        "- **warn** a\\_b (found in baseline, scale)",
        "  - Effect: E",
        "  - Cure: Do \\<it\\>",
    ]


# --- terminal ------------------------------------------------------------------------------------


def test_the_recorded_run_fits_the_terminal(recorded: dict[str, Any]) -> None:
    text = run_terminal.to_terminal(recorded, PATH)
    assert max(map(len, text.splitlines())) <= 100
    flat = " ".join(text.split())
    for row in recorded["figures"]:
        if row["key"]:
            assert row["title"].split()[0] in flat
    assert text.endswith(f"\nReport: {PATH}")


def test_the_table_of_two_windows(measured: Lab) -> None:
    lines = run_terminal.to_terminal(measured.report(), PATH).splitlines()
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
    lines = run_terminal.to_terminal(lab.report(), PATH).splitlines()
    assert [line for line in lines if line.startswith("Work")] == ["Work           40/s    50/s +25 %?"]
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
    lines = run_terminal.to_terminal(lab.report(), PATH).splitlines()
    assert max(map(len, lines)) <= 100
    values = re.findall(r"[\d,]+/s", " ".join(line for line in lines if line.startswith("Work")))
    assert len(values) == windows
    assert sum(line.startswith("Work") for line in lines) == sum(set(line) == {"─"} for line in lines)


def test_a_split_figure_shows_its_parts(lab: Lab) -> None:
    shards = figure("shards", 512.0, unit="1", by={"a": 255.0, "b": 257.0})
    lab.write("scale", windows=[window("first", START, shards)])
    assert "255 / 257" in run_terminal.to_terminal(lab.report(), PATH)


def test_a_figure_split_into_many_parts_shows_their_range(lab: Lab) -> None:
    by = {f"pod-{number}": 50.0 + number for number in range(10)}
    lab.write("scale", windows=[window("first", START, figure("shards", 545.0, unit="1", by=by))])
    assert "Shards    545" in run_terminal.to_terminal(lab.report(), PATH).splitlines()
    assert "| 545; 10 parts, 50 to 59 |" in run_markdown.to_markdown(lab.report())


def test_a_run_over_midnight_tells_dates(lab: Lab) -> None:
    lab.write("baseline")
    assert "| 17:00:00 |" in run_markdown.to_markdown(lab.report())
    lab.write("scale", at=86400)
    assert "| 2026-11-24 17:00:00 |" in run_markdown.to_markdown(lab.report())


def test_what_went_wrong_is_told(measured: Lab) -> None:
    measured.write("dashboard", state="skipped", message="There is no Grafana.")
    measured.write("scale", state="failed", message="History did not come up.")
    (measured.path / "cleanup-1.json").write_text("{")
    lines = run_terminal.to_terminal(measured.report(), PATH).splitlines()
    assert "dashboard skipped: There is no Grafana." in lines
    assert "scale failed: History did not come up." in lines
    assert any(line.startswith("cleanup-1.json is not whole JSON") for line in lines)
    assert lines[0].startswith("5 stages in this run: 2 done, 1 failed, 1 skipped, 1 unreadable.")


def test_without_windows_there_is_no_table(lab: Lab) -> None:
    lab.write("preflight")
    lines = run_terminal.to_terminal(lab.report(), PATH).splitlines()
    assert not [line for line in lines if "─" in line]
    assert lines[-1] == f"Report: {PATH}"


def test_bounds_are_shown_without_a_change(lab: Lab) -> None:
    low, high = {"unit": "s", "bound": "below"}, {"unit": "s", "bound": "above"}
    windows = [
        window("w1", START, figure("lock", 0.001, **low)),
        window("w2", START + 120, figure("lock", 0.001, **low)),
        window("w3", START + 240, figure("lock", 20.0, **high)),
    ]
    lab.write("scale", windows=windows, finished=START + 400)
    lines = run_terminal.to_terminal(lab.report(), PATH).splitlines()
    [row] = [line for line in lines if line.startswith("Lock")]
    assert re.split(r"\s{2,}", row) == ["Lock", "≤ 1.00 ms", "≤ 1.00 ms", "> 20.0 s"]
    assert "how well known: 3 are only bounds" in lines


def test_one_line_says_how_well_figures_are_known(doubtful: Lab) -> None:
    lines = run_terminal.to_terminal(doubtful.report(), PATH).splitlines()
    assert [line for line in lines if line.startswith("how well known")] == [
        "how well known: coverage ≥ 83.3 %, gaps ≤ 12.5 s, 1 value differs from PromQL's, 2 are only bounds"
    ]


def test_where_all_is_well_the_terminal_says_nothing_of_it(lab: Lab) -> None:
    lab.write("baseline", windows=[window("idle", START, full("work", 1.0))], settings={"scrape_interval": 5})
    assert "how well known" not in run_terminal.to_terminal(lab.report(), PATH)


def test_each_finding_is_one_line(lab: Lab) -> None:
    long = "Images are missing: " + ", ".join(f"registry.example/image-{number}:1.0" for number in range(9))
    found = [
        {"id": "a", "state": "fail", "title": long, "effect": "Pods wait.", "cure": "Push them."},
        {"id": "b", "state": "warn", "title": "The clocks differ", "effect": "", "cure": ""},
        {"id": "c", "state": "pass", "title": "All is there", "effect": "", "cure": ""},
    ]
    lab.write("preflight", facts={"findings": found[1:]})
    lab.write("install", facts={"findings": found})
    lines = run_terminal.to_terminal(lab.report(), PATH).splitlines()
    place = lines.index("warn (preflight, install): The clocks differ")
    assert lines[place - 1].startswith("fail (install): Images are missing: registry.example/image-0:1.0, ")
    assert lines[place - 1].endswith("…")
    assert len(lines[place - 1]) <= 100
    text = "\n".join(lines)
    assert "Push them." not in text
    assert "All is there" not in text
    assert "did not pass" not in text


def test_a_finding_that_its_stage_failed_of_is_told_once(lab: Lab) -> None:
    found = [{"id": "a", "state": "fail", "title": "No room.", "effect": "Pods wait.", "cure": ""}]
    lab.write("preflight", state="failed", message="No room; pods wait", facts={"findings": found})
    text = run_terminal.to_terminal(lab.report(), PATH)
    assert text.count("No room") == 1
    assert "No room." in run_markdown.to_markdown(lab.report()).split("## Problems")[1]
