# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's drawings, looked at as a browser would: by parsing them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils import formatting
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import (
    columns,
    drawing,
    event_mark,
    lab_report,
    line_style,
    plots,
    run_page,
    time_axis,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import HANGS
from ansible_collections.temporal_lab.benchmarking.tests.unit.report.test_run_page import Page
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    START,
    Lab,
    figure,
    series,
    window,
)


def lines_of(svg: str) -> list[str]:
    """The path data of a plot's measured lines, each stretch without a gap on its own."""
    return [
        f"M{stretch}"
        for attributes in Page(svg).all("path")
        if "var(--plot-line-" in attributes.get("style", "") and "id" not in attributes
        for stretch in attributes["d"].split("M")[1:]
    ]


def tick_places(svg: str) -> list[tuple[str, str]]:
    """Text and place of the labels below the axis."""
    return re.findall(r'x="([\d.]+)" y="[\d.]+"[^>]*>(\d+:\d\d)<', svg)


def test_plots_share_one_axis(recorded: dict[str, Any]) -> None:
    drawn = plots.draw_figures(recorded)
    assert len(drawn) > 1
    ticks = tick_places(plots.draw_timeline(recorded))
    assert len(ticks) >= 3
    assert all(tick_places(plot.svg) == ticks for plot in drawn)


def plot_of(lab: Lab, *points: list[float | None], **fields: Any) -> str:
    """The drawing of one series of points (seconds after the start, value)."""
    moved = [[START + second, value] for second, value in points]
    lab.write(
        "baseline", windows=[window("idle", START, figure("work", 1.0))], series=[series("work", moved, **fields)]
    )
    [plot] = plots.draw_figures(lab.report())
    return plot.svg


def test_a_gap_stays_a_gap(lab: Lab) -> None:
    whole = plot_of(lab, *([second, 1.0 + second % 2] for second in range(0, 61, 5)))
    assert len(lines_of(whole)) == 1
    torn = plot_of(lab, *([second, 1.0 + second % 2] for second in range(0, 61, 5) if second not in (25, 30)))
    assert len(lines_of(torn)) == 2


def test_one_missing_point_is_a_gap_too(lab: Lab) -> None:
    points = [[second, 1.0] for second in range(0, 61, 5) if second != 30]
    assert len(lines_of(plot_of(lab, *points))) == 2
    assert len(lines_of(plot_of(lab, *points, step=10))) == 1


def test_a_null_is_a_gap_and_not_zero(lab: Lab) -> None:
    svg = plot_of(lab, [0, 5.0], [5, 6.0], [10, None], [15, 5.0], [20, 6.0])
    assert len(lines_of(svg)) == 2


def test_a_single_point_is_seen(lab: Lab) -> None:
    svg = plot_of(lab, [0, 5.0], [5, 5.0], [60, 5.0], [115, 5.0], [120, 5.0], step=5)
    assert sum(" L " in line for line in lines_of(svg)) == 2
    marks = [item for item in Page(svg).all("use") if "plot-line" in item.get("style", "")]
    assert len(marks) == 1


def test_long_pauses_are_cut_out_of_the_axis(lab: Lab) -> None:
    lab.write("baseline", windows=[window("idle", START, figure("work", 1.0))])
    lab.write("scale", at=86400, windows=[window("first", START + 86400, figure("work", 1.0))])
    report = lab.report()
    first, second = time_axis.find_parts(report)
    assert (first.start, first.end) == (START, START + 150)
    assert (second.start, second.end) == (START + 86400, START + 86550)
    assert first.width == pytest.approx(second.width)
    assert second.left == pytest.approx(first.left + first.width + time_axis.BREAK_WIDTH)
    assert "24:01:00" in plots.draw_timeline(report)


def test_labels_do_not_cover_each_other(lab: Lab) -> None:
    for number in range(4):
        at = [0, 7000, 9000, 90000][number]
        lab.write(["baseline", "benchmark", "concurrency", "scale"][number], at=at)
    report = lab.report()
    parts = time_axis.find_parts(report)
    places = [
        (part.place(tick), formatting.offset_text(tick - START))
        for part, ticks in zip(parts, time_axis.find_ticks(parts, START))
        for tick in ticks
    ]
    assert len(parts) == 4
    assert len(places) >= 4
    for (left, before), (right, after) in zip(places, places[1:]):
        assert right - left >= time_axis.CHARACTER_WIDTH * (len(before) + len(after)) / 2


def test_a_name_is_not_taken_for_mathematics(lab: Lab) -> None:
    windows = [window(name, START + at, figure("work", 1.0)) for name, at in (("a", 0), ("b", 120))]
    points: list[list[float | None]] = [[START, 1.0], [START + 5, 2.0]]
    lab.write("scale", windows=[{**item, "title": r"$\frac$"} for item in windows], series=[series("work", points)])
    [plot] = plots.draw_figures(lab.report())
    assert r"A scale, $\frac$" in Page(plot.svg).texts["text"]


def test_close_events_share_a_mark(lab: Lab) -> None:
    seconds = [0, 1, 2, 60, 120, 121]
    events = [{"name": "e", "title": str(second), "time": START + second} for second in seconds]
    lab.write("scale", events=events)
    report = lab.report()
    marks = event_mark.event_marks(report["events"], time_axis.find_parts(report))
    assert [mark.text for mark in marks] == ["1–3", "4", "5–6"]
    assert all(before.right < after.left for before, after in zip(marks, marks[1:]))


def test_a_wrong_clock_does_not_hang_the_drawing(lab: Lab) -> None:
    lab.write("baseline", at=-START, finished=START, windows=[window("idle", START, figure("work", 1.0))])
    assert len(tick_places(plots.draw_timeline(lab.report()))) < 50


def test_series_are_told_apart_by_the_labels_that_differ(lab: Lab) -> None:
    points: list[list[float | None]] = [[START, 1.0], [START + 5, 2.0]]
    pods = [series("shards", points, labels={"job": "pods", "pod": pod}, unit="1") for pod in ("a", "b")]
    lab.write("scale", windows=[window("first", START, figure("shards", 3.0, unit="1"))], series=pods)
    [plot] = plots.draw_figures(lab.report())
    assert plot.legend == [("a", 0), ("b", 1)]
    assert line_style.legend_style(0)[1] != line_style.legend_style(1)[1]
    styles = {line_style.legend_style(number) for number in range(32)}
    assert len(styles) == 32


def test_a_total_is_plotted_in_the_unit_of_its_series(lab: Lab) -> None:
    lab.write(
        "baseline",
        windows=[window("idle", START, figure("moved", 12.0, unit="1"))],
        series=[series("moved", [[START, 0.1], [START + 5, 0.2]], unit="1/s")],
    )
    [plot] = plots.draw_figures(lab.report())
    assert plot.unit == "/s"


def test_without_matplotlib_the_package_is_named(measured: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(LabError, match="Python package matplotlib"):
        plots.draw_timeline(measured.report())


def test_matplotlib_is_not_loaded_before_something_is_drawn() -> None:
    code = f"import sys, {run_page.__name__}; sys.exit('matplotlib' in sys.modules)"
    path = ":".join(filter(None, sys.path))
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": path}, timeout=HANGS, check=True)


def test_a_class_loads_what_draws_once_before_the_fork() -> None:
    code = (
        f"import sys, {lab_report.__name__} as lab_report; assert 'matplotlib' not in sys.modules; "
        "lab_report.TASK.before_fork(); sys.exit('matplotlib.figure' not in sys.modules)"
    )
    path = ":".join(filter(None, sys.path))
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": path}, timeout=HANGS, check=True)


def test_what_is_missing_is_not_told_before_a_report_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    lab_report.TASK.before_fork()


def test_each_window_has_its_letter() -> None:
    assert [columns.window_letter(number) for number in (0, 25, 26, 51, 52)] == ["A", "Z", "A2", "Z2", "A3"]


# --- results of others ---------------------------------------------------------------------------


def test_of_many_pauses_the_longest_are_cut_out(lab: Lab) -> None:
    events = [{"name": "e", "title": "t", "time": START + 400 * number} for number in range(1, 600)]
    events += [{"name": "e", "title": "t", "time": START + 1e6 * number} for number in range(1, 4)]
    lab.write("scale", events=events)
    parts = time_axis.find_parts(lab.report())
    assert len(parts) <= time_axis.MOST_PARTS
    assert [part.start for part in parts[-3:]] == [START + 1e6 * number for number in range(1, 4)]
    assert all(part.width > 0 for part in parts)


def test_a_drawing_of_a_thousand_events_has_a_line_for_each_place_only(lab: Lab) -> None:
    events = [{"name": "e", "title": "t", "time": START + 0.15 * number} for number in range(1000)]
    lab.write("scale", events=events)
    page = Page(plots.draw_timeline(lab.report()))
    lines = [item for item in page.all("path") if "var(--plot-event)" in item.get("style", "")]
    assert 50 < len(lines) <= 160


def test_a_line_has_as_many_points_as_there_is_room_for(lab: Lab) -> None:
    points = [[second / 10, float(second % 7)] for second in range(10_000)]
    points[5003][1] = 100.0
    [line] = lines_of(plot_of(lab, *points, step=0.1))
    assert 100 < line.count("L") <= 1300
    # The one peak is still there: the highest point is near the top.
    assert min(float(y) for y in re.findall(r"[ML] [\d.]+ ([\d.]+)", line)) < 30


def test_points_that_are_all_gaps_cost_no_more(lab: Lab) -> None:
    points = [[second / 100, 1.0] for second in range(10_000)]
    svg = plot_of(lab, *points, step=5e-324)
    assert 100 < len([item for item in Page(svg).all("use") if "plot-line" in item.get("style", "")]) <= 700


def test_of_many_lines_those_with_a_style_of_their_own_are_drawn(lab: Lab) -> None:
    lines = [
        series("work", [[START, 1.0], [START + 5, float(number)]], labels={"pod": f"p{number}"}) for number in range(40)
    ]
    lab.write("scale", windows=[window("first", START, figure("work", 1.0))], series=lines)
    [plot] = plots.draw_figures(lab.report())
    assert len(lines_of(plot.svg)) == 32
    assert plot.legend[-1][0] == "and 8 lines more, not drawn"


@pytest.mark.parametrize("values", [(5e-324, 1e-320), (-5e-324, 0.0), (1e18, -1e18), (0.0, -0.0), (1e-200, 2e-200)])
def test_values_of_any_size_are_drawn(lab: Lab, values: tuple[float, float]) -> None:
    assert len(lines_of(plot_of(lab, [0, values[0]], [5, values[1]]))) == 1


def test_a_title_with_signs_that_no_font_has_is_drawn_without_a_warning(
    lab: Lab, recwarn: pytest.WarningsRecorder
) -> None:
    windows = [{**window(name, START + at), "title": "\u5b66\u751f"} for name, at in (("a", 0), ("b", 120))]
    lab.write("scale", windows=windows, series=[series("work", [[START, 1.0], [START + 5, 2.0]])])
    plots.draw_timeline(lab.report())
    plots.draw_figures(lab.report())
    assert [str(warning.message) for warning in recwarn] == []


def test_settings_of_a_file_in_the_current_folder_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\naxes.facecolor: red\n")
    code = (
        f"import {drawing.__name__} as drawing; drawing.load_matplotlib(); import matplotlib; "
        "assert not matplotlib.rcParams['text.usetex']"
    )
    path = ":".join(filter(None, sys.path))
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": path}, timeout=HANGS, check=True, cwd=tmp_path)
