# SPDX-License-Identifier: GPL-3.0-or-later
"""How a distribution went over a run: in words, and drawn as a heat map."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import (
    distribution_course,
    heat_map,
    run_markdown,
    run_page,
    run_view,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.report.test_run_page import Page, check_page
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    START,
    Lab,
    distribution,
    figure,
    window,
)

QUICK = (0.0, 0.001)


def write(lab: Lab, *buckets: tuple[float | None, float | None, list[float | None]], at: float = 60.0) -> None:
    """A stage whose window of a minute begins ``at`` seconds after the start, with a distribution of twelve steps."""
    wait = distribution("wait", *buckets, start=START + at)
    whole = window("load", START + at, figure("work", 40.0, key=True), length=60.0)
    lab.write("scale", windows=[{**whole, "distributions": [wait]}])


def words(lab: Lab) -> str:
    (course,) = run_view.build_view(lab.report())["courses"]
    ((letter, name, text),) = course["windows"]
    assert (course["title"], letter, name) == ("Wait", "A", "scale")
    return text


def steps(**of_step: float | None) -> list[float | None]:
    """Twelve steps, empty but for those that are given: ``s3=5`` is 5 observations in the fourth."""
    return [of_step.get(f"s{number}", 0) for number in range(12)]


@pytest.mark.parametrize(
    ("buckets", "text"),
    [
        ([(*QUICK, [9] * 12)], "none above 1 ms in each step of 5 s"),
        (
            [(*QUICK, [9] * 12), (0.001, 0.005, steps(s2=1))],
            "none above 5 ms; in the calmest step of 5 s none above 1 ms",
        ),
        # Ten seconds of handover.
        (
            [(*QUICK, [9] * 12), (0.2, 0.5, steps(s3=8, s4=1.4)), (0.02, 0.05, steps(s3=2))][:2],
            "none above 1 ms in most steps of 5 s; up to 500 ms from 1:15 to 1:25 (9 observations above 1 ms)",
        ),
        (
            [(*QUICK, [9] * 12), (0.2, None, steps(s0=0.3, s4=1, s5=1))],
            "none above 1 ms in most steps of 5 s; more than 200 ms from 1:00 to 1:05 and 1:20 to 1:30 "
            "(2 observations above 1 ms)",
        ),
        (
            [(*QUICK, [9] * 12), (0.2, 0.5, [0, 1] * 6)],
            "none above 1 ms in most steps of 5 s; up to 500 ms in 6 of 12 steps all over the window "
            "(6 observations above 1 ms)",
        ),
        ([(20.0, None, [1] * 12)], "some above 20 s in each step of 5 s"),
        ([], "no observations are known"),
        ([(*QUICK, [None] * 12)], "no observations are known"),
        ([(*QUICK, [*[None] * 6, *[9] * 6])], "none above 1 ms in each step of 5 s"),
    ],
)
def test_when_it_was_slow_in_words(lab: Lab, buckets: list[Any], text: str) -> None:
    write(lab, *buckets)
    assert words(lab) == text
    assert f"\n  - A scale: {text}\n" in run_markdown.to_markdown(lab.report())


def test_a_heat_map_has_a_cell_for_what_is_known_and_more_than_none(lab: Lab) -> None:
    write(lab, (*QUICK, [*[None] * 2, 5, 5, 0, 50, *[None] * 6]), (0.2, None, steps(s3=0.4)))
    report = lab.report()
    found = distribution_course.cells(report["distributions"][0], report["windows"])
    at = START + 60
    assert found == [
        (at + 10, at + 20, 0.0, 0.001, 1),
        (at + 25, at + 30, 0.0, 0.001, 2),
        (at + 15, at + 20, 0.2, float("inf"), 0),
    ]


def test_no_step_goes_beyond_its_window(lab: Lab) -> None:
    write(lab, (*QUICK, [9] * 14))
    report = lab.report()
    (cell,) = distribution_course.cells(report["distributions"][0], report["windows"])
    assert (cell.start, cell.end) == (START + 60, START + 120)


def test_a_level_is_ten_times_the_one_before() -> None:
    assert [distribution_course.level(count) for count in (0.4, 1, 9.9, 10, 100, 1000, 1e9)] == [0, 1, 1, 2, 3, 4, 4]
    assert distribution_course.level_labels() == [
        *("less than 1", "1 to 10", "10 to 100", "100 to 1,000", "1,000 or more")
    ]


def test_the_drawing_has_rectangles_where_the_slow_ones_were(lab: Lab) -> None:
    write(lab, (*QUICK, [9] * 12), (0.2, 0.5, steps(s3=8, s4=14)))
    (drawn,) = heat_map.draw_heat_maps(lab.report(), {"wait": "A: fast."})
    page = Page(drawn.svg)
    (svg,) = page.all("svg")
    assert svg["aria-label"] == "Wait over the run, by time and bucket. A: fast."
    paths = [one for one in page.all("path") if "var(--plot-heat)" in one.get("style", "")]
    # One for each level; a rectangle for each run of steps of a bucket.
    assert [len(re.findall("M", one["d"])) for one in paths] == [2, 1]
    assert drawn.levels == [("1 to 10", heat_map.OPACITY[1]), ("10 to 100", heat_map.OPACITY[2])]
    # Twelve steps of the quick bucket are one rectangle, twelve times as wide as one of the slow one.
    xs = [[float(x) for x, _y in re.findall(r"([\d.]+) ([\d.]+)", path)] for path in paths[0]["d"].split("M")[1:]]
    widths = sorted(max(of) - min(of) for of in xs)
    assert widths[1] == pytest.approx(12 * widths[0], rel=0.02)


def test_the_page_has_words_drawing_and_legend(lab: Lab) -> None:
    write(lab, (*QUICK, [9] * 12), (0.2, 0.5, steps(s3=8)))
    html = run_page.to_html(lab.report())
    check_page(html)
    assert "up to 500 ms from 1:15 to 1:20 (8 observations above 1 ms)</li>" in html
    assert '<span class="level" style="opacity:0.42"></span>1 to 10</li>' in html
    assert "No series was recorded" not in html


def test_a_window_without_it_is_left_out(lab: Lab) -> None:
    write(lab, (*QUICK, [9] * 12))
    lab.write("benchmark", at=200, windows=[window("load", START + 210, figure("work", 1.0, key=True))])
    (course,) = run_view.build_view(lab.report())["courses"]
    assert [name for _letter, name, _text in course["windows"]] == ["scale"]


def test_the_largest_page_is_less_than_a_megabyte(lab: Lab) -> None:
    """Seven windows of two minutes, every bucket of three distributions with a level of its own in each step."""
    bounds = [0.0, *(digit * 10.0**power for power in range(-5, 2) for digit in (1, 2, 5))]
    counts: list[list[float | None]] = [
        [10.0 ** ((step + number) % 5) - 0.5 for step in range(24)] for number in range(len(bounds))
    ]
    buckets = list(zip(bounds, [*bounds[1:], None], counts))
    windows = [
        {
            **window(f"w{number}", START + 120 * number, figure("work", 1.0, key=True)),
            "distributions": [
                distribution(name, *buckets, start=START + 120 * number) for name in ("one", "two", "three")
            ],
        }
        for number in range(7)
    ]
    lab.write("scale", windows=windows, finished=START + 900)
    html = run_page.to_html(lab.report())
    assert html.count("by time and bucket. A") == 3
    assert len(html.encode()) < 1_000_000
