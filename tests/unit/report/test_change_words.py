# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes from window to window in words: beyond noise, no difference, or not known."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import (
    run_markdown,
    run_page,
    run_terminal,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report.change_words import (
    change_amount,
    change_words,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report.run_view import build_view
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import START, Lab, figure, window

BURST = {"start": 5.0, "length": 15.0, "share": 0.93}


def reading(value: float, before: float, verdict: str, low: float | None, high: float | None) -> Any:
    ratio = (value - before) / before if before else None
    return {
        "value": value,
        "change": {
            **{"absolute": value - before, "ratio": ratio, "verdict": verdict},
            **{"low": low, "high": high, "reason": "why" if verdict == "unknown" else ""},
        },
    }


@pytest.mark.parametrize(
    ("of", "text", "amount"),
    [
        (reading(115, 100, "higher", 12, 18), "+12 to +18 %", "12 to 18/s higher"),
        (reading(83, 100, "lower", -20, -14), "−14 to −20 %", "14 to 20/s lower"),
        (reading(84, 1, "higher", 50, 120), "×51 to ×121", "50 to 120/s higher"),
        (reading(8, 1, "higher", 5, 12), "+500 % to ×13", "5 to 12/s higher"),
        (reading(6, 3, "higher", 3, 3), "+100 %", "3/s higher"),
        (reading(120, 100, "higher", 4, None), "beyond +4.0 %", "at least 4/s higher"),
        (reading(80, 100, "lower", None, -4), "beyond −4.0 %", "at least 4/s lower"),
        (reading(101, 100, "none", -3, 4), "within ±4.0 %", ""),
        (reading(100, 100, "none", 0, 0), "no difference", ""),
        (reading(0, 0, "none", -4, 4), "no difference", ""),
        (reading(40, 0, "higher", 30, 50), "higher", "30 to 50/s higher"),
        (reading(106.6, 100, "unknown", None, None), "+6.6 %?", ""),
        (reading(5, 0, "unknown", -3, 9), "", ""),
        ({"value": 5.0, "change": None}, "", ""),
    ],
)
def test_a_change_in_words(of: Any, text: str, amount: str) -> None:
    assert (change_words(of), change_amount(of, "1/s")) == (text, amount)


def noisy(name: str, value: float, error: float, **noise: Any) -> dict[str, Any]:
    of = {"steps": 24, "step": 5.0, "low": value - error, "high": value + error, "freedom": 3}
    return figure(name, value, noise={**of, "halves": [value, value], "steady": True, **noise})


def write(lab: Lab) -> None:
    lab.write("benchmark", windows=[window("load", START, noisy("work", 100.0, 3.0), noisy("lock", 0.002, 0.0005))])
    more = noisy("work", 150.0, 3.0, halves=[140.0, 160.0], steady=False), noisy("lock", 1.1, 1.4, burst=BURST)
    lab.write("scale", at=500, windows=[window("first", START + 500, *more)])


def test_a_report_says_what_is_beyond_noise(lab: Lab) -> None:
    write(lab)
    view = build_view(lab.report())
    assert "19 times in 20" in view["changes"]
    work, lock = (row["cells"][1] for row in view["key"])
    assert work["change"].endswith("?") == (work["why"] != "")
    assert (lock["change"], lock["why"]) == ("×550?", "in the later window 93 % of it came within 15 s, at 0:05")
    told = next(row for row in view["known"]["rows"] if row["name"] == "Steadiness")
    assert told["text"] == "1 of 4 values drifted beyond noise from the first half of their window to the second"
    assert told["items"] == [{"text": "B scale", "figures": "Work 140/s → 160/s"}]
    assert "1 window is not steady" in view["known"]["line"]
    details = next(item for item in view["queries"] if item["id"] == "work")
    assert details["rows"][0]["cells"]["noise"] == ("between 97 and 103/s", "")
    assert "Not steady from the window's first half to its second: 140/s → 160/s." in [
        remark["text"] for remark in details["remarks"]
    ]


def test_all_forms_say_the_same(lab: Lab) -> None:
    write(lab)
    report = lab.report()
    assert "1.10/s (×550?)" in run_markdown.to_markdown(report)
    html = run_page.to_html(report)
    assert 'title="in the later window 93 % of it came within 15 s, at 0:05">×550?</span>' in html
    assert "within ±4 % is no difference beyond noise" in html
    text = run_terminal.to_terminal(report, "/tmp/report.html")
    assert "×550?" in text
    assert "within ±4 %: no more than noise; ?: not known." in " ".join(text.split())


def test_a_run_without_noise_says_nothing_of_it(lab: Lab) -> None:
    lab.write("benchmark", windows=[window("load", START, figure("work", 100.0))])
    view = build_view(lab.report())
    assert (view["changes"], [row["name"] for row in view["known"]["rows"] if row["name"] == "Steadiness"]) == ("", [])
