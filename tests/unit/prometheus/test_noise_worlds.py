# SPDX-License-Identifier: GPL-3.0-or-later
"""What is called a change is one: windows of random loads go through all of the arithmetic, and are compared.

Each world is two windows of one load, whose steps are alike when they follow each other (AR(1)), seen by scrapes of two
pods that come at different times. NOISE_WORLDS sets how many pairs of windows there are, NOISE_FIRST the first seed.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.figures import work_out
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.profile_file import parse
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.query import FoundMetrics
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.reading import (
    Reading,
    Samples,
    Window,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.series import Pool
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.merged_figures import merge_figures
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.report import Change
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.types import WindowResult

BASE = 1_700_000_000.0
INTERVAL = 5.0
PAIRS = int(os.environ.get("NOISE_WORLDS", "60"))
FIRST = int(os.environ.get("NOISE_FIRST", "0"))
PODS = ("app-1", "app-2")
BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, math.inf)
PROFILE = parse(
    """\
schema: temporal_lab.benchmarking/profile/1
title: Noise
filters: ['kubernetes_namespace="$namespace"']
components: {app: app-.+}
figures:
  - {id: rate, title: R, question: "?", unit: 1/s, kind: rate, components: [app], absent: zero,
     sources: [{metric: wait_count}]}
  - {id: failures, title: F, question: "?", unit: "1", kind: total, components: [app], absent: zero,
     sources: [{metric: failures_total}]}
  - {id: in_flight, title: G, question: "?", unit: "1", kind: gauge, take: mean, components: [app],
     sources: [{metric: in_flight}]}
  - id: wait
    title: W
    question: "?"
    unit: s
    kind: distribution
    direction: lower
    components: [app]
    quantiles: [0.5, 0.95, 0.99]
    above: [0.01, 0.1]
    sources: [{metric: wait_bucket, smallest_bucket: 0.001}]
""",
    "noise.yml",
).bind("ns", "release")


class Load(NamedTuple):
    """A load: events a second, their typical time in seconds, how much both vary, and how long that lasts.

    alike: correlation of one step with the next. drift: how much the rate rises over the window, as a share of it.
    """

    rate: float = 20.0
    time: float = 0.004
    varies: float = 0.1
    alike: float = 0.5
    failures: float = 0.05
    drift: float = 0.0


def waves(chance: np.random.Generator, steps: int, alike: float) -> Any:
    """Steps of mean 0 and variance 1, each correlated with the one before."""
    found = chance.normal(size=steps)
    for step in range(1, steps):
        found[step] = alike * found[step - 1] + math.sqrt(1 - alike**2) * found[step]
    return found


def reading(chance: np.random.Generator, load: Load, steps: int) -> Reading:
    """What Prometheus has of a window of a load."""
    pool = Pool()
    length = steps * INTERVAL
    begin = -3 * INTERVAL
    scrapes = steps + 6
    metrics: dict[str, list[Any]] = {name: [] for name in ("wait_bucket", "wait_sum", "failures_total", "in_flight")}
    metrics |= {"wait_count": [], "up": []}
    speed = np.exp(load.varies * waves(chance, scrapes, load.alike)) * np.linspace(1, 1 + load.drift, scrapes)
    slow = load.time * np.exp(load.varies * waves(chance, scrapes, load.alike))

    def add_series(labels: dict[str, str], times: list[float], name: str, values: Any, **more: str) -> None:
        metrics[name].append(
            pool.series({"__name__": name, **labels, **more}, times, [repr(float(value)) for value in values])
        )

    for pod in PODS:
        labels = {"job": "j", "instance": f"{pod}:1", "pod": pod, "kubernetes_namespace": "ns"}
        times = [
            round(BASE + begin + float(chance.uniform(0, 0.05)) + (PODS.index(pod) / 2 + tick) * INTERVAL, 3)
            for tick in range(scrapes)
        ]

        add = partial(add_series, labels, times)
        counts = chance.poisson(load.rate / len(PODS) * INTERVAL * speed)
        # Times of the events of each step are lognormal around its typical time.
        events = [chance.lognormal(math.log(typical), 0.8, count) for typical, count in zip(slow, counts)]
        below = np.array([[np.count_nonzero(of <= bound) for bound in BOUNDS] for of in events])
        grown = 1000 + np.cumsum(below, axis=0)
        for place, bound in enumerate(BOUNDS):
            add("wait_bucket", grown[:, place], le="+Inf" if math.isinf(bound) else f"{bound:g}")
        add("wait_count", grown[:, -1])
        add("wait_sum", 50 + np.cumsum([float(of.sum()) for of in events]))
        add("failures_total", np.cumsum(chance.poisson(load.failures / len(PODS) * INTERVAL, scrapes)))
        add("in_flight", chance.poisson(3, scrapes))
        add("up", np.ones(scrapes))
    up = metrics.pop("up")
    return Reading(
        windows=[Window("w", "w", BASE, length)],
        interval=INTERVAL,
        skew=0.0,
        begin=BASE + begin,
        end=BASE + length - begin,
        found=FoundMetrics(frozenset(metrics), {"wait_bucket": 0.001}),
        up=Samples("up", (), up),
        starts=Samples("", (), []),
        metrics={name: Samples(name, (), of) for name, of in metrics.items()},
        answers={},
    )


def window(seed: int, load: Load, steps: int = 24, later: float = 0.0) -> WindowResult:
    """The figures of a window of a load. later: seconds by which it is said to be later than it was made."""
    of = reading(np.random.default_rng(seed), load, steps)
    found = work_out(PROFILE, of, of.windows[0], {})
    return {**found, "start": found["start"] + later, "end": found["end"] + later}


def compared(seed: int, before: Load, after: Load, steps: int = 24) -> dict[str, Change]:
    """The changes of figures from a window of one load to a window of another, by the figures' ids."""
    windows = [window(2 * seed, before, steps), window(2 * seed + 1, after, steps, later=steps * INTERVAL + 10)]
    return {
        row["id"]: change
        for row in merge_figures(windows)
        if (reading := row["readings"][1]) is not None and (change := reading["change"]) is not None
    }


def verdicts(before: Load, after: Load, pairs: int = PAIRS, steps: int = 24) -> dict[str, Counter[str]]:
    """How often each verdict was given on each figure."""
    found: dict[str, Counter[str]] = {}
    for seed in range(FIRST, FIRST + pairs):
        for name, change in compared(seed, before, after, steps).items():
            found.setdefault(name, Counter())[change["verdict"]] += 1
    return found


def told(found: dict[str, Counter[str]], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        for name, counts in found.items():
            print(f"\n{name}: {dict(counts)}", end="")  # noqa: T201


@pytest.mark.parametrize("alike", [0.0, 0.5, 0.7], ids=lambda alike: f"alike {alike}")
def test_hardly_a_change_is_seen_where_there_is_none(alike: float, capsys: pytest.CaptureFixture[str]) -> None:
    found = verdicts(Load(alike=alike), Load(alike=alike))
    told(found, capsys)
    for name, counts in found.items():
        total = counts.total()
        # By chance it may be a little more than one in twenty in so few pairs.
        assert counts["higher"] + counts["lower"] <= 0.05 * total + 2 * math.sqrt(0.05 * 0.95 * total), name
        assert counts["unknown"] <= 0.2 * total or name in ("failures", "wait_largest"), name


def test_a_rate_that_is_15_percent_lower_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    load = Load(rate=60.0, varies=0.03)
    found = verdicts(load, load._replace(rate=0.85 * load.rate), pairs=PAIRS // 2)
    told(found, capsys)
    assert found["rate"]["lower"] >= 0.8 * found["rate"].total()
    assert not found["rate"]["higher"]


def test_slower_waits_are_found_in_all_that_they_show_in(capsys: pytest.CaptureFixture[str]) -> None:
    found = verdicts(Load(), Load(time=0.008), pairs=PAIRS // 4)
    told(found, capsys)
    for name in ("wait_mean", "wait_p50", "wait_p95", "wait_p99", "wait_above_10ms"):
        assert found[name]["higher"] >= 0.8 * found[name].total(), name


def test_the_difference_lies_where_it_is_said_to_lie() -> None:
    before, after = Load(varies=0.05), Load(varies=0.05, rate=14.0)
    # Of a lognormal speed, whose mean is a little more than its median.
    truth = (14.0 - 20.0) * math.exp(0.05**2 / 2)
    changes = [compared(seed, before, after)["rate"] for seed in range(FIRST, FIRST + PAIRS)]
    inside = sum((change["low"] or 0) <= truth <= (change["high"] or 0) for change in changes)
    assert inside >= 0.95 * len(changes) - 2 * math.sqrt(0.05 * 0.95 * len(changes))


def test_a_window_that_drifts_is_not_steady_and_its_drift_is_no_change() -> None:
    drifting = Load(rate=100.0, varies=0.01, drift=0.5)
    found = [noise(window(seed, drifting), "rate") for seed in range(20)]
    assert [one["steady"] for one in found].count(False) >= 18
    assert all(one["halves"][0] < one["halves"][1] for one in found)
    # As a drift that goes on would have it: from 100 to 150 a second in one window, and from there in the next.
    changes = [compared(seed, drifting, drifting._replace(rate=150.0))["rate"] for seed in range(20)]
    assert [change["verdict"] for change in changes].count("unknown") >= 18
    assert all("not steady" in change["reason"] for change in changes if change["verdict"] == "unknown")
    # Four times as much at once is no drift.
    changes = [compared(seed, drifting, drifting._replace(rate=600.0, drift=0.0))["rate"] for seed in range(20)]
    assert [change["verdict"] for change in changes].count("higher") >= 18


def test_steady_windows_are_called_so() -> None:
    found = [figure["noise"] for seed in range(60) for figure in window(seed, Load())["figures"] if "noise" in figure]
    assert [one["steady"] for one in found].count(False) <= 0.03 * len(found)


def noise(of: WindowResult, name: str) -> Any:
    return next(figure for figure in of["figures"] if figure["id"] == name)["noise"]


def test_steps_add_up_to_the_figure() -> None:
    """The halves of a window are worked out from its steps, and the whole from the samples at its edges."""
    for seed in range(10):
        found = window(seed, Load())
        for figure in found["figures"]:
            if figure["id"] in ("rate", "failures") and figure["value"] is not None:
                first, second = figure["noise"]["halves"]
                assert (first + second) / 2 == pytest.approx(figure["value"], abs=1e-9)
            if figure["id"] == "wait_largest":
                # Nobody knows how far those go that were not seen.
                assert "noise" not in figure
                continue
            low, high = figure["noise"]["low"], figure["noise"]["high"]
            assert low is None or low <= figure["value"]
            assert high is None or figure["value"] <= high


def late(samples: Samples, pod: str, begin: float) -> Samples:
    """The same with a pod that is scraped only from a time on."""
    pool = Pool()
    made = []
    for one in samples.series:
        low = next(place for place, time in enumerate(one.times) if one.labels["pod"] != pod or time >= begin)
        texts = one.text.split(" ")
        made.append(pool.series(one.labels, one.times[low:], texts[low:]))
    return Samples(samples.query, samples.where, made)


def test_steps_add_up_where_a_pod_is_new() -> None:
    of = reading(np.random.default_rng(7), Load(), 24)
    metrics = {name: late(samples, PODS[1], BASE + 40) for name, samples in of.metrics.items()}
    of = replace(of, metrics=metrics, up=late(of.up, PODS[1], BASE + 40))
    figures = {figure["id"]: figure for figure in work_out(PROFILE, of, of.windows[0], {})["figures"]}
    rate = figures["rate"]
    assert rate["new_series"] == 1
    # Its first value is of the step in which it came.
    first, second = rate["noise"]["halves"]
    assert (first + second) / 2 == pytest.approx(rate["value"], abs=1e-9)
    assert first > 2 * second
    assert figures["wait_p50"]["noise"]["halves"][0] is not None


def test_a_short_window_says_how_long_it_would_have_to_be() -> None:
    change = compared(1, Load(), Load(rate=200.0), steps=4)["rate"]
    assert noise(window(1, Load(), steps=4), "rate") == {"steps": 4, "step": 5.0}
    assert change["verdict"] == "unknown"
    assert change["reason"].endswith("4 scrapes, too few to tell noise: that takes 12, a window of 1 min")
