# SPDX-License-Identifier: GPL-3.0-or-later
"""What the reports say of a rebalancing."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report.ledger_view import ledger_view
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report.run_markdown import to_markdown
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report.run_terminal import to_terminal
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report.shard_table import (
    read_shards,
    shard_table,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.merged_run import build_report
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.runs import read_run
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import RUN, START, STUDENT, Lab

OLD, NEW = "my-temporal-history-a", "my-temporal-history-b"
LOST = {
    "workflow_seconds": 51.195,
    "interval": [12.4, 89.96],
    "reason": "",
    "witness": "load",
    "in_flight": 6.0,
    "completed": 65.0,
    "expected": 98.673,
    "before": "",
    "rate_before": 3.9465,
    "rate_after": 3.1146,
}


def killed(**changes: Any) -> Any:
    """A ledger in which a pod was killed 40 seconds after the start of the run."""
    at = START + 40
    return {
        "start": at,
        "end": at + 25,
        "over": True,
        "step": 5.0,
        "pods": [
            {"pod": OLD, "came": None, "went": at + 2, "shards": [[at - 60, 512.0]]},
            {"pod": NEW, "came": at + 15, "went": None, "shards": [[at + 15, 0.0], [at + 20, 512.0]]},
        ],
        "entries": [
            {"what": "shards_acquired", "pod": NEW, "detail": "", "count": 512.0, "seen": [[at + 15, 512.0]]},
            {
                "what": "calls_failed",
                "pod": "my-temporal-frontend-c",
                "detail": "Unavailable",
                "count": 68.0,
                "seen": [[at + 5, 63.0], [at + 10, 5.0]],
            },
            {"what": "slow_workflows", "pod": "soak", "detail": "", "count": 4.0, "seen": [[at + 25, 4.0]]},
        ],
        "none": ["shards_released", "requests_refused"],
        "unknown": ["lock_waits"],
        "slow_above": 2.0,
        "completed": [[at, 20.0], [at + 5, 0.0]],
        "lost": LOST,
        **changes,
    }


def cost(**lost: Any) -> str:
    return " ".join(ledger_view("scale", killed(lost={**LOST, **lost}))["cost"])


def test_what_it_cost_is_one_sum_and_how_it_came_about() -> None:
    assert cost() == (
        "Shards moved from 17:00:40 UTC on, and 25 s later the last of it was seen. "
        "It cost 51 workflow-seconds (between 12 and 90). "
        "65 workflows completed, and 99 were expected at the rate of these windows before that: 3.95/s with 6 in "
        "flight. Afterwards it was 3.11/s."
    )
    assert "at the rate of the window concurrency, 6 in flight: 3.95/s" in cost(before="concurrency, 6 in flight")
    assert "Afterwards" not in cost(rate_after=None)


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (
            {"interval": [-6.845, 109.236]},
            "What it cost is not beyond noise: 51 workflow-seconds, between −6.8 and 109.",
        ),
        (
            {"workflow_seconds": -20.0, "interval": [-30.0, -10.0]},
            "It cost nothing: 20 workflow-seconds more were done than before, between −30 and −10.",
        ),
        (
            {"interval": [None, 109.2], "reason": "more may have completed than was scraped"},
            "It cost 51 workflow-seconds (at most 109). More may have completed than was scraped.",
        ),
        (
            {"interval": [None, None], "reason": "its uncertainty is not known"},
            "It cost 51 workflow-seconds. Its uncertainty is not known.",
        ),
        ({"workflow_seconds": 4.25, "interval": [1.0, 7.5]}, "It cost 4.2 workflow-seconds (between 1.0 and 7.5)."),
    ],
)
def test_the_sum_says_how_well_it_is_known(lost: dict[str, Any], said: str) -> None:
    assert said in cost(**lost)


def test_a_sum_that_is_not_known_says_why() -> None:
    view = ledger_view("scale", killed(lost={"workflow_seconds": None, "interval": [None, None], "reason": "no load."}))
    assert view["cost"][1:] == ["What it cost is not known: no load."]


def test_what_each_pod_saw_is_on_one_time_line() -> None:
    view = ledger_view("scale", killed())
    assert [(row["pod"], row["what"], row["count"], row["clock"]) for row in view["rows"]] == [
        (OLD, "last scrape of this pod, with so many shards", "512", "17:00:42"),
        (
            "my-temporal-frontend-c",
            "calls to the history service that failed (Unavailable)",
            "68",
            "17:00:45 to 17:00:50",
        ),
        (NEW, "first scrape of this pod", "–", "17:00:55"),
        (NEW, "shards owned from here on", "0", "17:00:55"),
        (NEW, "shards acquired", "512", "17:00:55"),
        (NEW, "shards owned from here on", "512", "17:01:00"),
        ("soak", "workflows slower than any before (above 2 s)", "4", "17:01:05"),
    ]
    assert " ".join(view["rest"]) == (
        "Before, no workflow took longer than 2 s. There were none of these: shards released, requests refused for a "
        "shard that has moved. These were not measured: waits for a shard's lock above 10 ms. Times (UTC) are those of "
        "scrapes, one every 5 s: what one shows happened since the one before."
    )
    assert "It may have gone on after the windows." in " ".join(ledger_view("s", killed(over=False))["cost"])


def test_every_form_of_the_report_has_it(lab: Lab) -> None:
    lab.write("scale", ledger=killed())
    report = build_report(read_run(lab.folder, STUDENT, RUN))
    [stage] = [stage for stage in report["stages"] if stage["stage"] == "scale"]
    assert stage["ledger"] == killed()
    assert {one["stage"]: one["ledger"] for one in report["stages"]}["install"] is None
    text = to_markdown(report)
    assert "## What it cost that shards moved (scale)" in text
    assert f"| 17:00:55 | {NEW} | shards acquired | 512 |" in text
    assert "rebalancing (scale): Shards moved from 17:00:40 UTC on" in to_terminal(report, "report.html")


def test_when_shards_settled_is_what_a_scrape_shows_where_nobody_watched() -> None:
    fact = {"before": {OLD: 512}, "after": {OLD: 256, NEW: 256}, "expected": 512, "settled": 15.0}
    looked = read_shards(fact)
    scraped = read_shards({**fact, "settled_scrape": 5.0})
    assert looked is not None
    assert scraped is not None
    assert shard_table("scale", looked)["sentences"][-1] == "The shards settled 15 s after the new pod was created."
    assert shard_table("scale", scraped)["sentences"][-1] == (
        "The shards had settled 15 s after the new pod was created, when a scrape showed it; the one before was 5 s "
        "earlier."
    )
    assert read_shards({**fact, "settled_scrape": "often"}) is None


def test_a_strangers_ledger_is_cut() -> None:
    many = [
        {"what": "lock_waits", "pod": f"p{n}", "detail": "", "count": 1.0, "seen": [[START, 1.0]]} for n in range(999)
    ]
    view = ledger_view("scale", killed(entries=many, pods=[]))
    assert (len(view["rows"]), view["rest"][0]) == (200, "799 more are in the stage file.")


def test_a_strip_of_time_stands_beside_each_row() -> None:
    at = START + 40
    view = ledger_view(
        "scale", killed(completed=[[at + 5 * step, 20.0 if step < 0 else 5.0] for step in range(-30, 31)])
    )
    strip = view["strip"]
    # A minute before and after it: 145 s on 240 units.
    assert (strip["start"], strip["end"]) == ("16:59:40", "17:02:05")
    second = 240 / 145
    assert strip["span"] == {"x": round(60 * second, 2), "y": 0, "width": round(25 * second, 2), "height": 16}
    # 5 of 20, which is more than the 19.7 that were expected.
    assert strip["bars"][-1]["height"] == 4
    assert strip["caption"] == "workflows completed in 5 s, at most 20"
    failed = next(row for row in view["rows"] if row["what"].startswith("calls"))
    assert [(mark["x"], mark["width"]) for mark in failed["marks"]] == [
        (round(60 * second, 2), round(5 * second, 2)),
        (round(65 * second, 2), round(5 * second, 2)),
    ]
    # What was seen outside of it has no mark, and an empty ledger still an axis.
    early = {"what": "lock_waits", "pod": "p", "detail": "", "count": 1.0, "seen": [[at - 90, 1.0]]}
    bare = ledger_view(
        "scale", killed(entries=[early], pods=[], completed=[], end=at, lost={**LOST, "rate_before": 0.0})
    )
    assert [row["marks"] for row in bare["rows"]] == [[]]
    assert bare["strip"]["bars"] == []
