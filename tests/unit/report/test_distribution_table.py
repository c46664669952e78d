# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a distribution stand in one table, in which a change of its tail is seen."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import (
    run_markdown,
    run_page,
    run_terminal,
    run_view,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report.distribution_table import part_order
from ansible_collections.temporal_lab.benchmarking.tests.unit.report.test_run_text import tables
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    START,
    Lab,
    figure,
    full,
    window,
)

PARTS = {
    "mean": "mean",
    "p50": "p50",
    "p99": "p99",
    "p999": "p99.9",
    "above_1ms": "share above 1 ms",
    "above_10ms": "share above 10 ms",
    "largest": "largest",
}
KEY = ("mean", "p99", "p999", "above_10ms")
FEW = {"state": "inconclusive", "reason": "too few observations: this quantile needs 3,000"}


def waits(count: float, values: list[float | None], **of_part: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of a distribution with those values, in the order of PARTS."""
    return [
        full(
            f"lock_{part}",
            value,
            **{
                "title": f"Lock, {words}",
                "unit": "ratio" if part.startswith("above") else "s",
                "direction": "lower",
                "key": part in KEY,
                "question": "How long does a write wait?",
                "distribution": "lock",
                "observations": count,
                **({"bound": "below"} if part == "largest" else {}),
                **of_part.get(part, {}),
            },
        )
        for (part, words), value in zip(PARTS.items(), values)
    ]


QUICK: list[float | None] = [2e-6, 1e-5, 1.5e-5, 4e-5, 0.0, 0.0, 5e-5]
BIMODAL: list[float | None] = [1.106e-3, 1e-5, 5.9e-3, 0.384, 0.0108, 0.0091, 1.0]


def write_waits(lab: Lab) -> None:
    """The quick waits of a stage, and those of one in which one in a hundred is slow."""
    lab.write("benchmark", windows=[window("load", START, figure("work", 40.0, key=True), *waits(2128.0, QUICK))])
    slow = waits(1879.0, BIMODAL, p999=FEW)
    lab.write("scale", at=160, windows=[window("first", START + 160, figure("work", 41.0, key=True), *slow)])


def test_a_distribution_is_one_table_with_a_row_for_each_window(lab: Lab) -> None:
    write_waits(lab)
    view = run_view.build_view(lab.report())
    (table,) = view["distributions"]
    assert (table["title"], table["hint"], table["key"]) == ("Lock", "lower is better", True)
    heads = [head["title"] for head in table["heads"]]
    assert heads == ["mean", "p50", "p99", "p99.9", "above 1 ms", "above 10 ms", "largest"]
    assert [head["title"] for head in table["heads"] if head["key"]] == ["mean", "p99", "p99.9", "above 10 ms"]
    assert [(row["letter"], row["observations"]) for row in table["rows"]] == [("A", "2,128"), ("B", "1,879")]
    assert [cell["text"] for cell in table["rows"][1]["cells"]] == [
        *("1.11 ms", "10 µs", "5.90 ms", "384 ms", "1.08 %", "0.910 %", "≤ 1.00 s")
    ]
    assert table["rows"][1]["cells"][0]["change"] == "×553?"
    # And nowhere else in the tables of figures.
    assert [row["title"] for row in view["key"] + view["other"]] == ["Work"]


def test_markdown_shows_what_happened_to_the_tail(lab: Lab) -> None:
    write_waits(lab)
    text = run_markdown.to_markdown(lab.report())
    assert "\n### Lock (lower is better)\n\nHow long does a write wait?\n" in text
    table = next(table for table in tables(text) if "above 10 ms" in table[0])
    assert table[0] == ["Window", "Observations", "mean", "p50", "p99", "p99.9", "above 1 ms", "above 10 ms", "largest"]
    assert table[2] == ["A benchmark", "2,128", "2 µs", "10 µs", "15 µs", "40 µs", "0 %", "0 %", "≤ 50.0 µs"]
    # A change of a figure that is no key figure is left to the details.
    assert table[3] == [
        *("B scale", "1,879", "1.11 ms (×553?)", "10 µs", "5.90 ms (×393?)", "384 ms (×9,600?) inconclusive"),
        *("1.08 %", "0.910 %", "≤ 1.00 s"),
    ]


def test_the_terminal_shows_what_happened_to_the_tail(lab: Lab) -> None:
    write_waits(lab)
    lines = run_terminal.to_terminal(lab.report(), "report.html").splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("Lock"))
    assert lines[place - 1 : place + 5] == [
        "                                                     above    above",
        "Lock       count     mean    p50      p99    p99.9    1 ms    10 ms    largest",
        "──────────────────────────────────────────────────────────────────────────────",
        "benchmark  2,128     2 µs  10 µs    15 µs    40 µs     0 %      0 %  ≤ 50.0 µs",
        "scale      1,879  1.11 ms  10 µs  5.90 ms  384 ms?  1.08 %  0.910 %   ≤ 1.00 s",
        "? after a value: too little is known of it; ! after one: it did not pass. The report says why.",
    ]


@pytest.mark.parametrize("width", [100, 80, 60, 40])
def test_columns_that_do_not_fit_are_left_out_quantiles_first(lab: Lab, width: int) -> None:
    write_waits(lab)
    lines = run_terminal.to_terminal(lab.report(), "report.html", width).splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("Lock"))
    table = lines[place - 1 : place + 4]
    assert max(map(len, table)) <= width
    heads = " ".join(table[:2])
    assert "mean" in heads
    # The columns of key figures go last.
    assert width < 60 or all(head in heads for head in ("p99", "p99.9", "10 ms"))
    assert ("p50" in heads) == (width >= 80)
    assert ("largest" in heads) == (width >= 80)


def test_the_page_has_the_table_and_marks_key_figures(lab: Lab) -> None:
    write_waits(lab)
    html = run_page.to_html(lab.report())
    assert '<h3>Lock <span class="muted">(lower is better)</span></h3>' in html
    assert '<th scope="col" class="number key">above 10 ms</th>' in html
    why = "the earlier window does not say how far noise goes"
    assert f'<td class="number key">1.11 ms<span class="change" title="{why}">×553?</span></td>' in html
    assert '<td class="number">1.08 %</td>' in html


def test_a_distribution_without_a_key_figure_is_folded_away(lab: Lab) -> None:
    parts = {part: {"key": False} for part in PARTS}
    lab.write("benchmark", windows=[window("load", START, figure("work", 40.0, key=True), *waits(9.0, QUICK, **parts))])
    report = lab.report()
    assert "<details><summary>Lock</summary>" in run_page.to_html(report)
    assert "above" not in run_terminal.to_terminal(report, "report.html")
    assert "\n### Lock (lower is better)\n" in run_markdown.to_markdown(report)


def test_what_is_not_known_of_a_distribution_is_not_zero(lab: Lab) -> None:
    nothing = waits(0.0, [None] * 7)
    for one in nothing:
        del one["observations"]
    lab.write("baseline", windows=[window("idle", START, figure("work", 1.0, key=True))])
    lab.write("benchmark", at=160, windows=[window("load", START + 160, *nothing)])
    report = lab.report()
    (table,) = run_view.build_view(report)["distributions"]
    assert [row["observations"] for row in table["rows"]] == ["–", "not known"]
    assert {cell["text"] for cell in table["rows"][0]["cells"]} == {"–"}
    assert {cell["text"] for cell in table["rows"][1]["cells"]} == {"inconclusive"}
    lines = run_terminal.to_terminal(report, "report.html").splitlines()
    # A window that has no such figures is not shown, and a state takes the room of a sign.
    assert [line.split() for line in lines if line.startswith(("baseline", "benchmark")) and "?" in line] == [
        ["benchmark", "not", "known", *["?"] * 7]
    ]


def test_the_mean_comes_first_then_quantiles_and_shares_in_their_order() -> None:
    titles = ["largest", "above 1 s", "p99.9", "above 10 ms", "mean", "p99", "p5", "above 2 ms", "other"]
    ordered = ["mean", "p5", "p99", "p99.9", "above 2 ms", "above 10 ms", "above 1 s", "largest", "other"]
    assert sorted(titles, key=part_order) == ordered


def test_figures_of_a_foreign_distribution_stand_in_a_table_whatever_they_are_called(lab: Lab) -> None:
    odd = [figure("a", 1.0, title="A", distribution="x"), figure("b", 2.0, title="B, c, d", distribution="x")]
    lab.write("benchmark", windows=[window("load", START, *odd)])
    report = lab.report()
    (table,) = run_view.build_view(report)["distributions"]
    assert (table["title"], [head["title"] for head in table["heads"]]) == ("A", ["A", "d"])
    assert "<h3>A" in run_page.to_html(report)
