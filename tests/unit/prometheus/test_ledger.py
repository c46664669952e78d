# SPDX-License-Identifier: GPL-3.0-or-later
"""Ledgers of rebalancings, worked out by hand.

Series are in the notation of prometheus_cases: a scrape every five seconds, the first 20 seconds before the window.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import figures, ledger, profile_file
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.ledger import LoadBefore
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.profile import Profile
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.query import FoundMetrics
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.reading import (
    Reading,
    Samples,
    Window,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.series import Pool, Series
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_cases import (
    FIRST,
    INTERVAL,
    expand,
)

BASE = 1_795_453_200.0
OLD, NEW = "my-temporal-history-a", "my-temporal-history-b"
FRONTEND, LOAD = "my-temporal-frontend-c", "benchmark-soak-test-d"
PODS = (OLD, NEW, FRONTEND, LOAD)
DEFAULT = 'namespace="default"'

#: The only history pod is killed just after second 40; another answers from second 60 on, and has all shards by 65.
#: Four workflows complete a second, but for the time between.
KILLED = {
    f"up;{OLD}": "1x12",
    f"up;{NEW}": "_x16 1x14",
    f"up;{FRONTEND}": "1x30",
    f"up;{LOAD}": "1x30",
    f"numshards_gauge;{OLD}": "512x12",
    f"numshards_gauge;{NEW}": "_x16 0 512x13",
    f"sharditem_created_count;{OLD}": "512x12",
    f"sharditem_created_count;{NEW}": "_x16 300 512x13",
    f'service_error_with_type;{FRONTEND};error_type="serviceerror_Unavailable",{DEFAULT}': "_x13 2 5x16",
    f'service_error_with_type;{FRONTEND};error_type="serviceerror_NotFound",{DEFAULT}': "7+1x30",
    f'client_errors;{FRONTEND};error_type="serviceerror_Unavailable",service_role="history",{DEFAULT}': "3x12 40x17",
    f'client_errors;{FRONTEND};error_type="serviceerror_Unavailable",service_role="matching",{DEFAULT}': "3+9x30",
    f'benchmark_request_errors_total;{LOAD};operation="result"': "0x12 3 5x16",
    f'benchmark_request_errors_total;{LOAD};operation="start"': "0x30",
    f"benchmark_workflows_completed_total;{LOAD}": "1000+20x12 1250x3 1255+20x13",
    f'benchmark_workflow_end_to_end_seconds_bucket;{LOAD};le="1"': "900+18x12 1125x3 1125+18x13",
    f'benchmark_workflow_end_to_end_seconds_bucket;{LOAD};le="2"': "1000+20x12 1250x3 1250+20x13",
    f'benchmark_workflow_end_to_end_seconds_bucket;{LOAD};le="20"': "1000+20x12 1250x3 1252+20x13",
    f'benchmark_workflow_end_to_end_seconds_bucket;{LOAD};le="+Inf"': "1000+20x12 1250x3 1255+20x13",
    f'semaphore_latency_bucket;{OLD};operation="ShardInfo",le="0.01"': "100+10x12",
    f'semaphore_latency_bucket;{OLD};operation="ShardInfo",le="+Inf"': "100+10x5 170+10x6",
    f'semaphore_latency_bucket;{NEW};operation="ShardInfo",le="0.01"': "_x16 50+10x13",
    f'semaphore_latency_bucket;{NEW};operation="ShardInfo",le="+Inf"': "_x16 54+10x13",
}


def the_profile(without: tuple[str, ...] = ()) -> Profile:
    own = profile_file.load(profile_file.default_path()).bind("student-01", "my-temporal", {}, "1.31.2")
    return own.without(without)


def scraped(series: Mapping[str, str], skew: float = 0.0) -> Iterator[tuple[dict[str, str], list[tuple[float, str]]]]:
    """Labels, name among them, and samples of each series. skew: how much Prometheus' clock is ahead."""
    for name, notation in series.items():
        metric, pod, *more = name.split(";")
        labels = {
            "__name__": metric,
            "job": "kubernetes-pods",
            "instance": f"10.0.0.{PODS.index(pod) + 1}:9090",
            "pod": pod,
            "kubernetes_namespace": "student-01",
        }
        for part in more[0].split(",") if more else ():
            label, _equals, value = part.partition("=")
            labels[label] = value.strip('"')
        points = [
            (BASE + skew + FIRST + number * INTERVAL, f"{value:g}")
            for number, value in enumerate(expand(notation))
            if value is not None
        ]
        yield labels, points


def reading_of(series: Mapping[str, str], skew: float = 0.0) -> Reading:
    """What was read for one window of two minutes. skew: how much Prometheus' clock is ahead."""
    pool = Pool()
    found: dict[str, list[Series]] = {}
    for labels, points in scraped(series, skew):
        times, texts = zip(*points)
        found.setdefault(labels["__name__"], []).append(pool.series(labels, times, texts))
    window = Window("first", "first 120 s", BASE, 120.0)
    return Reading(
        windows=[window],
        interval=float(INTERVAL),
        skew=skew,
        begin=BASE + skew - 20.0,
        end=BASE + skew + 132.5,
        found=FoundMetrics(frozenset(found), {"semaphore_latency_bucket": 0.01}),
        up=Samples("up", (), found.pop("up")),
        starts=Samples("", (), []),
        metrics={metric: Samples(metric, (), of) for metric, of in found.items()},
        answers={"first": {}},
    )


def book(
    series: Mapping[str, str],
    before: LoadBefore | None = None,
    in_flight: float | None = 6.0,
    without: tuple[str, ...] = (),
    skew: float = 0.0,
) -> Any:
    profile, reading = the_profile(without), reading_of(series, skew)
    window = figures.work_out(profile, reading, reading.windows[0], {})
    lives = figures.lives_of(profile, reading)
    return ledger.ledger(profile, reading, lives, [window], in_flight, before)


def entries(found: Any) -> dict[tuple[str, str, str], Any]:
    return {
        (one["what"], one["pod"], one["detail"]): (one["count"], [(time - BASE, n) for time, n in one["seen"]])
        for one in found["entries"]
    }


# -- a pod that is killed ---------------------------------------------------------------


def test_a_killed_pod_is_on_the_time_line_with_all_that_was_seen() -> None:
    found = book(KILLED)
    assert (found["start"] - BASE, found["end"] - BASE, found["over"], found["step"]) == (40, 65, True, 5)
    assert [
        (pod["pod"], pod["came"] and pod["came"] - BASE, pod["went"] and pod["went"] - BASE) for pod in found["pods"]
    ] == [(OLD, None, 40), (NEW, 60, None)]
    assert [[(time - BASE, shards) for time, shards in pod["shards"]] for pod in found["pods"]] == [
        [(-20, 512)],
        [(60, 0), (65, 512)],
    ]
    assert entries(found) == {
        ("shards_acquired", NEW, ""): (512, [(60, 300), (65, 212)]),
        ("calls_failed", FRONTEND, "Unavailable"): (37, [(45, 37)]),
        # NotFound is what clients get at any time.
        ("errors_to_clients", FRONTEND, "Unavailable"): (5, [(45, 2), (50, 3)]),
        ("requests_repeated", LOAD, "result"): (5, [(45, 3), (50, 2)]),
        ("lock_waits", OLD, ""): (10, [(10, 10)]),
        ("lock_waits", NEW, ""): (4, [(60, 4)]),
        # 5 ended in the step to second 65, and took longer than any before.
        ("slow_workflows", LOAD, ""): (5, [(65, 5)]),
    }
    assert found["slow_above"] == 2
    # Nobody refused anything, and nobody gave up a shard: the pod that had them was gone.
    assert (found["none"], found["unknown"]) == (["shards_released", "requests_refused"], [])


def test_what_a_killed_pod_cost() -> None:
    lost = book(KILLED)["lost"]
    # 25 s in which 15 of 100 completed: 6 · (25 - 15 / 4). The steps besides are all alike.
    assert lost == {
        "workflow_seconds": 127.5,
        "interval": [127.5, 127.5],
        "reason": "",
        "witness": "load",
        "in_flight": 6,
        "completed": 15,
        "expected": 100,
        "before": "",
        "rate_before": 4,
        "rate_after": 4,
    }
    assert [(time - BASE, number) for time, number in book(KILLED)["completed"]][7:14] == [
        *[(40, 20), (45, 10), (50, 0), (55, 0), (60, 0), (65, 5), (70, 20)]
    ]


def test_times_are_those_of_this_machines_clock() -> None:
    assert book(KILLED, skew=7.0) == book(KILLED)


def slow_at(second: int, bound: str) -> dict[str, str]:
    """The story with two more workflows that end in the step before a second, above a bound of 2 or 20 seconds."""
    steps = (second - FIRST) // INTERVAL
    buckets = {"2": "1000+20x12 1250x3 1250", "20": "1000+20x12 1250x3 1252"}
    lower = [le for le in buckets if float(le) <= float(bound)]
    changed = {}
    for le in lower:
        first = int(buckets[le].rpartition(" ")[2])
        before = steps - 18
        notation = f"{buckets[le]}+20x{before} {first + 20 * (before + 1) - 2}+20x{29 - steps}"
        changed[f'benchmark_workflow_end_to_end_seconds_bucket;{LOAD};le="{le}"'] = notation
    return {**KILLED, **changed}


@pytest.mark.parametrize(
    ("second", "bound", "end"),
    [
        # It took 2 s at least, and ended in the step to 75, which begins 5 s after all else: not in flight then.
        (75, "2", 65),
        # It took 20 s at least, and ended in the step to 90: in flight at second 65, where the rest is over.
        (90, "20", 90),
        (95, "20", 65),
    ],
)
def test_a_slow_workflow_belongs_to_it_if_it_was_in_flight_then(second: int, bound: str, end: float) -> None:
    found = book(slow_at(second, bound))
    assert entries(found)["slow_workflows", LOAD, ""] == (7, [(65, 5), (second, 2)])
    assert found["end"] - BASE == end


@pytest.mark.parametrize(("second", "end"), [(95, 95), (105, 65)])
def test_a_sign_belongs_to_it_up_to_half_a_minute_later(second: int, end: float) -> None:
    """The scrape before it was 25 or 35 s after all else."""
    steps = (second - FIRST) // INTERVAL
    refused = f'service_error_with_type;{NEW};error_type="serviceerror_ShardOwnershipLost",{DEFAULT}'
    # Its first value counts from zero, because the pod was scraped without it before.
    found = book({**KILLED, refused: f"_x{steps} 1x{29 - steps}"})
    assert entries(found)["requests_refused", NEW, ""][0] == 1
    assert found["end"] - BASE == end


def test_a_standstill_is_a_sign() -> None:
    """Nothing but the lack of completions tells that it went on to second 80."""
    still = {
        **KILLED,
        f"benchmark_workflows_completed_total;{LOAD}": "1000+20x12 1250x3 1255x3 1275+20x10",
        f'benchmark_workflow_end_to_end_seconds_bucket;{LOAD};le="2"': "1000+20x12 1250x3 1250x3 1270+20x10",
        f'benchmark_workflow_end_to_end_seconds_bucket;{LOAD};le="20"': "1000+20x12 1250x3 1252x3 1272+20x10",
        f'benchmark_workflow_end_to_end_seconds_bucket;{LOAD};le="+Inf"': "1000+20x12 1250x3 1255x3 1275+20x10",
    }
    found = book(still)
    assert (found["end"] - BASE, found["lost"]["completed"]) == (80, 15)
    # 6 · (40 - 15 / 4)
    assert found["lost"]["workflow_seconds"] == 217.5


def test_it_is_not_over_while_the_windows_still_see_it() -> None:
    going_on = {
        **KILLED,
        f"sharditem_created_count;{NEW}": "_x16 300+2x13",
        f"numshards_gauge;{NEW}": "_x16 0+2x13",
    }
    found = book(going_on)
    assert (found["over"], found["end"] - BASE) == (False, 120)


# -- history that is scaled ----------------------------------------------------------------

#: History is scaled at second 0. Shards move by second 15, and 40 of 40 completions are 15.
SCALED = {
    f"up;{OLD}": "1x30",
    f"up;{NEW}": "_x7 1x23",
    f"up;{FRONTEND}": "1x30",
    f"up;{LOAD}": "1x30",
    f"numshards_gauge;{OLD}": "512x5 256x24",
    f"numshards_gauge;{NEW}": "_x7 256x23",
    f"sharditem_created_count;{OLD}": "512x30",
    f"sharditem_created_count;{NEW}": "_x7 256x23",
    f"sharditem_removed_count;{OLD}": "_x6 256x24",
    f'service_error_with_type;{OLD};error_type="serviceerror_ShardOwnershipLost",{DEFAULT}': "_x6 3x24",
    f'service_error_with_type;{FRONTEND};error_type="serviceerror_NotFound",{DEFAULT}': "7x30",
    f'benchmark_request_errors_total;{LOAD};operation="start"': "0x30",
    f"benchmark_workflows_completed_total;{LOAD}": "1000+20x5 1105 1115+20x23",
    f'benchmark_workflow_end_to_end_seconds_bucket;{LOAD};le="2"': "1000+20x5 1105 1113+20x23",
    f'benchmark_workflow_end_to_end_seconds_bucket;{LOAD};le="+Inf"': "1000+20x5 1105 1115+20x23",
}
BEFORE = LoadBefore("concurrency, 6 in flight", 120.0, {"load": 4.0, "server": 4.5}, 2.0)


def test_scaling_is_compared_with_the_window_before() -> None:
    found = book(SCALED, BEFORE)
    assert (found["start"] - BASE, found["end"] - BASE) == (5, 15)
    assert [(pod["came"] and pod["came"] - BASE, pod["shards"][-1][1]) for pod in found["pods"]] == [
        (None, 256),
        (15, 256),
    ]
    told = entries(found)
    assert told[("shards_released", OLD, "")] == (256, [(10, 256)])
    assert told[("shards_acquired", NEW, "")] == (256, [(15, 256)])
    assert told[("requests_refused", OLD, "")] == (3, [(10, 3)])
    assert told[("slow_workflows", LOAD, "")] == (2, [(15, 2)])
    # 6 · (10 - 15 / 4)
    assert (found["lost"]["workflow_seconds"], found["lost"]["before"]) == (37.5, "concurrency, 6 in flight")
    assert (found["lost"]["completed"], found["lost"]["expected"]) == (15, 40)
    assert found["none"] == ["calls_failed", "errors_to_clients", "requests_repeated"]
    # Of locks nothing was read.
    assert found["unknown"] == ["lock_waits"]


@pytest.mark.parametrize(
    ("before", "in_flight", "reason"),
    [
        (
            None,
            6.0,
            "there is no earlier window of the same load, and of the 6 scrape intervals before the first shard moved",
        ),
        (LoadBefore("b", 120.0, {"server": 4.0}), 6.0, "there is no earlier window of the same load"),
        (BEFORE, None, "how many workflows were kept in flight is not known"),
        (BEFORE, 0.0, "no workflows were kept in flight"),
    ],
)
def test_without_something_to_compare_with_nothing_is_known_to_be_lost(
    before: LoadBefore | None, in_flight: float | None, reason: str
) -> None:
    found = book(SCALED, before, in_flight)
    assert (found["lost"]["workflow_seconds"], found["lost"]["interval"]) == (None, [None, None])
    assert found["lost"]["reason"].startswith(reason)
    if before is None:
        # Nobody knows what a slow workflow is.
        assert found["slow_above"] is None
        assert "slow_workflows" in found["unknown"]
    # The rest of the ledger is known all the same.
    assert entries(found)[("shards_released", OLD, "")] == (256, [(10, 256)])


def test_no_shard_moved() -> None:
    still = {
        name: notation
        for name, notation in {
            **SCALED,
            f"numshards_gauge;{OLD}": "512x30",
            f"sharditem_removed_count;{OLD}": "256x30",
        }.items()
        if NEW not in name
    }
    assert not ledger.moved(the_profile(), reading_of(still))
    assert book(still, BEFORE) is None
    assert ledger.moved(the_profile(), reading_of(SCALED))
    assert ledger.moved(the_profile(), reading_of(KILLED))


# -- a load that counts nothing itself -------------------------------------------------------


def test_what_a_killed_pod_counted_last_is_not_known() -> None:
    upstream = {
        **{name: notation for name, notation in KILLED.items() if not name.startswith("benchmark_")},
        f'workflow_success;{OLD};operation="CompletionStats",{DEFAULT}': "1000+20x12",
        f'workflow_success;{NEW};operation="CompletionStats",{DEFAULT}': "_x16 5+20x13",
    }
    found = book(upstream, without=("load",))
    lost = found["lost"]
    assert (lost["witness"], lost["completed"], lost["workflow_seconds"]) == ("server", 25, 6 * (25 - 25 / 4))
    # It may have completed some more before it was killed: then less was lost.
    assert (lost["interval"][0], lost["reason"]) == (None, "more may have completed than was scraped")
    assert lost["interval"][1] is not None
    assert "slow_workflows" in found["unknown"]
    assert "requests_repeated" in found["unknown"]
