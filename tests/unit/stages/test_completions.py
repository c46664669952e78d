# SPDX-License-Identifier: GPL-3.0-or-later
"""Completed workflows of a window by three witnesses, and whether they agree."""

from __future__ import annotations

from typing import Any

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages.completions import (
    completions,
    judge,
    witnessed,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import figure, window


def told(completed: int, running: int = 3, reason: str = "") -> Any:
    return {"by": {"Completed": completed, "Running": running}, "reason": reason}


def measured(server: float | None = 10.0, load: float | None = 10.0, width: float = 0.5, **more: Any) -> Any:
    """A window of a minute in which each of the two counted so many a second, give or take ``width``."""
    figures = []
    for name, value in (("workflow_successes", server), ("load_completed", load)):
        if value is None:
            figures.append(figure(name, None, unit="1/s", state="inconclusive", reason="it was not scraped."))
        else:
            figures.append(figure(name, value, unit="1/s", interval=[value - width, value + width], **more))
    return window("benchmark", 1000.0, *figures, length=60.0)


def finding(of: Any, answer: Any, requested: float | None = 3) -> Any:
    [_window], [found] = witnessed([of], {"benchmark": answer}, requested)
    return found


def test_the_counts_are_kept_with_the_window() -> None:
    [made], [found] = witnessed([measured()], {"benchmark": told(601)}, 3)
    assert made["completions"] == [
        {"witness": "server", "value": 600, "interval": [570, 630], "reason": ""},
        {"witness": "load", "value": 600, "interval": [570, 630], "reason": ""},
        {
            "witness": "visibility",
            "value": 601,
            "interval": [601, 601],
            "reason": "",
            "by": {"Completed": 601, "Running": 3},
        },
    ]
    assert (found["id"], found["state"]) == ("completions_agree", "pass")
    assert found["title"] == (
        "Completed workflows: 600 by the server's metrics, 600 by the load's own count, 601 by Temporal's Visibility"
    )


def test_a_window_that_was_not_asked_about_stays_as_it_is() -> None:
    idle = measured()
    assert witnessed([idle], {}, 0) == ([idle], [])


def test_of_several_windows_each_is_named() -> None:
    one, other = measured(), {**measured(), "name": "after", "title": "and after"}
    _windows, found = witnessed([one, other], {"benchmark": told(600), "after": told(600)}, 3)
    assert [entry["title"].partition(":")[0] for entry in found] == [one["title"], "and after"]


def test_what_the_ends_of_the_window_explain_is_no_disagreement() -> None:
    # 30 either way are open at the scrapes beside the edges, and one workflow may end while it is counted.
    assert [finding(measured(), told(count))["state"] for count in (568, 569, 631, 632)] == [
        "warn",
        "pass",
        "pass",
        "warn",
    ]
    found = finding(measured(), told(700))
    assert "more apart than the scrapes at the window's ends explain" in found["title"]
    assert "the server's metrics 570 to 630 and Temporal's Visibility 700" in found["title"]
    assert "other clients run workflows" in found["cure"]
    # The two that Prometheus scrapes are held against each other too.
    assert finding(measured(server=12.0), told(720))["state"] == "warn"


def test_an_end_that_is_not_known_contradicts_nothing() -> None:
    # A pod was killed: it may have counted more than was scraped.
    killed = measured()
    for one in killed["figures"]:
        one["interval"] = [9.5, None]
    assert finding(killed, told(5000))["state"] == "pass"
    assert finding(killed, told(500))["state"] == "warn"
    for one in killed["figures"]:
        del one["interval"]
    assert finding(killed, told(500))["state"] == "pass"


def test_a_record_that_is_behind_is_not_known_and_no_disagreement() -> None:
    [*_others, seen] = completions(measured(), told(300, running=270), 3)
    assert (seen["value"], seen["interval"]) == (None, [None, None])
    assert seen["reason"].startswith("it had 270 workflows as running that began before the window's end, and 3 are")
    found = finding(measured(), told(300, running=270))
    assert found["state"] == "pass"
    assert "Temporal's Visibility is not known (it had 270 workflows" in found["title"]
    # As many as are kept in flight are no sign of it.
    assert finding(measured(), told(300, running=3))["state"] == "warn"
    # What was asked for is taken from the soak test's own figure where no setting says it.
    own = measured()
    own["figures"].append(figure("load_requested_concurrency", 3.0))
    assert completions(own, told(300, running=4))[-1]["value"] is None
    # Where nothing says it, more that run are no sign of anything.
    assert completions(measured(), told(600, running=400))[-1]["value"] == 600


def test_a_witness_without_an_answer_says_why() -> None:
    refused = {"by": {}, "reason": "The cluster denied the request (403)."}
    found = finding(measured(), refused)
    assert found["state"] == "pass"
    assert "Temporal's Visibility is not known (The cluster denied the request (403))" in found["title"]
    # One count alone is compared with nothing.
    alone = finding(measured(load=None), refused)
    assert (alone["state"], alone["effect"]) == ("warn", "Whether the counts agree cannot be told.")
    assert "the load's own count is not known (it was not scraped)" in alone["title"]
    nobody = finding(measured(server=None, load=None), refused)
    assert nobody["title"].startswith("Completed workflows: not known; ")


def test_a_load_that_counts_nothing_itself_is_left_out() -> None:
    upstream = measured()
    upstream["figures"] = upstream["figures"][:1]
    assert [one["witness"] for one in completions(upstream, told(600), 3)] == ["server", "visibility"]
    assert finding(upstream, told(600))["state"] == "pass"
    # A profile without either figure has nothing to compare with.
    upstream["figures"] = []
    assert witnessed([upstream], {"benchmark": told(600)}, 3)[1] == []


def test_nothing_that_closed_is_none_and_not_unknown() -> None:
    quiet = measured(server=0.0, load=0.0, width=0.0)
    [*_others, seen] = completions(quiet, {"by": {}, "reason": ""}, 3)
    assert seen["value"] == 0
    assert judge(completions(quiet, {"by": {}, "reason": ""}, 3))["state"] == "pass"
