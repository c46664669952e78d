# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger of a stage: which window it is compared with, and when shards had settled though nobody looked on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import (
    figures,
    profile_file,
    samples_file,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.kept_samples import Kept
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.question import Question
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.stage_file import read_stage, to_json
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages.rebalancing import (
    load_before,
    rebalancing,
    settled,
    with_settled,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages.stage_record import stage_record
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.test_ledger import (
    BASE,
    LOAD,
    NEW,
    OLD,
    SCALED,
    reading_of,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import Lab, figure, window
from ansible_collections.temporal_lab.benchmarking.tests.unit.stages.test_lab_reanalyse import do, outcome


def stage(name: str, in_flight: int | None, *windows: Any) -> Any:
    settings = {} if in_flight is None else {"concurrent_workflows": in_flight}
    return {"stage": name, "settings": settings, "windows": list(windows)}


def loaded(name: str, start: float, rate: float | None = 4.0, slowest: float | None = 2.0, **more: Any) -> Any:
    state = "pass" if rate is not None else "inconclusive"
    return window(
        name,
        start,
        figure("load_completed", rate, unit="1/s", state=state),
        figure("workflow_successes", 4.5, unit="1/s"),
        figure("load_end_to_end_largest", slowest, unit="s", state="pass" if slowest else "inconclusive"),
        *[figure(key, value) for key, value in more.items()],
    )


# -- the window before ---------------------------------------------------------------


def test_the_last_window_of_the_same_load_counts() -> None:
    records = [
        stage("benchmark", 3, loaded("benchmark", 100.0, 2.0)),
        stage("again", 6, loaded("older", 300.0, 5.0)),
        stage("concurrency", 6, loaded("concurrency", 500.0)),
        stage("later", 6, loaded("later", 900.0, 9.0)),
    ]
    before = load_before(records, 620.0, 6.0)
    assert before is not None
    assert (before.title, before.seconds) == ("concurrency, the concurrency one", 120.0)
    assert (before.rates, before.slowest) == ({"load": 4.0, "server": 4.5}, 2.0)
    # One that ends after this one begins is none before it.
    older = load_before(records, 600.0, 6.0)
    assert older is not None
    assert older.rates["load"] == 5.0
    assert load_before(records, 620.0, 12.0) is None
    assert load_before(records, 620.0, None) is None
    assert load_before([], 620.0, 6.0) is None


def test_a_value_that_is_not_known_well_is_none() -> None:
    before = load_before([stage("concurrency", 6, loaded("c", 100.0, None, None))], 300.0, 6.0)
    assert before is not None
    assert (before.rates, before.slowest) == ({"server": 4.5}, None)


def test_where_no_setting_says_it_the_soak_test_does() -> None:
    told = stage("benchmark", None, loaded("b", 100.0, load_requested_concurrency=6.0))
    assert load_before([told], 300.0, 6.0) is not None
    assert load_before([told], 300.0, 3.0) is None
    assert load_before([stage("benchmark", None, loaded("b", 100.0))], 300.0, 6.0) is None


# -- the stage's own ledger ------------------------------------------------------------


def kept_of(series: dict[str, str], facts: dict[str, Any] | None = None) -> Kept:
    """What the stage scale has measured of these series."""
    reading = reading_of(series)
    about: Any = {
        "stage": "scale",
        "started": BASE - 5,
        "events": [],
        "versions": {},
        "settings": {"concurrent_workflows": 6, "window": 120.0},
        "facts": facts or {},
    }
    text = profile_file.default_path().read_text()
    question = Question(text, "own", "student-01", "my-temporal", {}, "1.31.2", reading.windows, {})
    told: Any = {
        "scrape_interval": 5.0,
        "prometheus_version": "3.16.0",
        "clock_skew": 0.0,
        "frameworks": [],
        "notes": [],
    }
    return Kept(question, [reading], BASE + 130, [], told, about)


def windows_of(kept: Kept) -> Any:
    return figures.work_out_all(kept.question.bound, kept.readings, kept.question.windows, {})


BEFORE = stage("concurrency", 6, loaded("concurrency", BASE - 200.0))


def test_a_stage_has_the_ledger_of_its_samples() -> None:
    kept = kept_of(SCALED)
    found = rebalancing(kept, windows_of(kept), [BEFORE])
    assert found is not None
    assert (found["lost"]["workflow_seconds"], found["lost"]["before"]) == (37.5, "concurrency, the concurrency one")
    # The processes were worked out once for both.
    assert kept.readings[0].known_lives is not None
    assert kept.readings[0].known_lives[0] is kept.question.bound
    # A copy with other samples does not take them over.
    assert replace(kept.readings[0], skew=1.0).known_lives is None


def test_a_stage_without_a_shard_that_moved_has_none() -> None:
    still = {name: notation for name, notation in SCALED.items() if NEW not in name and OLD not in name}
    kept = kept_of({**still, f"up;{OLD}": "1x30", f"numshards_gauge;{OLD}": "512x30"})
    assert rebalancing(kept, windows_of(kept), [BEFORE]) is None


SHARDS = {"before": {OLD: 512}, "after": {OLD: 256, NEW: 256}, "expected": 512}


def test_shards_that_nobody_watched_settled_when_a_scrape_showed_it() -> None:
    kept = kept_of(SCALED, {"shards": SHARDS})
    windows = windows_of(kept)
    record = stage_record(
        kept,
        windows,
        [],
        student="student-01",
        run="run",
        samples=None,
        finished=BASE + 140,
        ledger=rebalancing(kept, windows, [BEFORE]),
        measured=True,
    )
    # The new pod was scraped with its shards at second 15, and the window begins with the pod.
    assert record["facts"]["shards"] == {**SHARDS, "settled": 15, "settled_scrape": 5}
    assert record["ledger"]["pods"][1]["pod"] == NEW
    # Where somebody watched, that is better.
    watched = {"shards": {**SHARDS, "settled": 7.25}}
    assert with_settled(watched, record["ledger"], BASE) == watched
    assert with_settled({"shards": SHARDS}, None, BASE) == {"shards": SHARDS}
    assert with_settled({"other": 1}, record["ledger"], BASE) == {"other": 1}


@pytest.mark.parametrize("expected", [513, None])
def test_shards_that_do_not_add_up_have_not_settled(expected: int | None) -> None:
    kept = kept_of(SCALED)
    found = rebalancing(kept, windows_of(kept), [])
    assert found is not None
    assert settled(found, BASE, 512) == {"settled": 15, "settled_scrape": 5}
    assert settled(found, BASE, expected) == {}
    # One that owns none is no balance either.
    found["pods"][1]["shards"].append([BASE + 90, 0.0])
    found["pods"][0]["shards"].append([BASE + 90, 512.0])
    assert settled(found, BASE, 512) == {}


def test_a_load_of_another_size_is_no_window_before() -> None:
    kept = kept_of(SCALED)
    found = rebalancing(kept, windows_of(kept), [stage("concurrency", 3, loaded("c", BASE - 200.0))])
    assert found is not None
    assert found["lost"]["workflow_seconds"] is None
    assert "slow_workflows" in found["unknown"]
    assert LOAD not in [entry["pod"] for entry in found["entries"]]


def test_the_same_ledger_comes_of_the_kept_samples(lab: Lab) -> None:
    """What the stage before it had is in the run; without it the sum is not known, and the stage is another one."""
    before = window(
        "concurrency",
        BASE - 200.0,
        figure("load_completed", 4.0, unit="1/s"),
        figure("load_end_to_end_largest", 2.0, unit="s"),
    )
    lab.write("concurrency", windows=[before], settings={"concurrent_workflows": 6})
    samples_file.save_new(lab.path, "scale", kept_of(SCALED, {"shards": SHARDS}))
    assert outcome(do(lab.folder))["scale"] == ("recovered", 1)
    record = read_stage(lab.path / "scale-1.json")
    assert record["ledger"]["lost"]["workflow_seconds"] == 37.5
    assert record["facts"]["shards"]["settled"] == 15
    assert outcome(do(lab.folder))["scale"] == ("same", 1)
    # An attempt of a version without ledgers is done again.
    bare = {name: value for name, value in record.items() if name != "ledger"}
    (lab.path / "scale-1.json").write_text(to_json(bare))
    assert outcome(do(lab.folder))["scale"] == ("again", 2)
    assert read_stage(lab.path / "scale-2.json")["ledger"] == record["ledger"]
