# SPDX-License-Identifier: GPL-3.0-or-later
"""Native histograms give the figures that classic ones do, from a real Prometheus.

The cases of distributions are written once more as native histograms with the same bounds, as Prometheus 3 converts
classic ones; and some with exponential buckets, which Prometheus 2.42 has too.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import (
    kept_samples,
    prometheus_sample,
    samples_file,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.native_histogram import Natives
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.distribution_cases import (
    DISTRIBUTIONS,
    PROFILE,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_cases import (
    FIRST,
    INTERVAL,
    Case,
    expand,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_servers import (
    BASE,
    binaries,
    program,
    running_prometheus,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.remote_write import (
    CUSTOM,
    Histogram,
    Sample,
    write,
)

CASES = {case.name: case for case in DISTRIBUTIONS}
#: What a native histogram tells more of than a classic one, whose bound lies in the middle of a bucket without growth.
MORE = {
    "one wait in a hundred is slow": {"wait_above_500ms"},
    "waits of processes with different buckets": {"steps"},
}
TIMES = [BASE + FIRST + number * INTERVAL for number in range(21)]
#: A figure that counts the observations of a histogram, as the work done does.
COUNTING = (
    PROFILE
    + """\
  - id: waits
    title: Waits
    question: '?'
    unit: 1/s
    kind: rate
    components: [app]
    key: true
    absent: zero
    sources: [{metric: h_count, histogram: true}]
"""
)


def labels_of(name: str) -> tuple[str, dict[str, str]]:
    metric, own = re.fullmatch(r"(\w+)\{(.*)\}", name).groups()
    return metric, dict(re.findall(r'(\w+)="([^"]*)"', own))


def series_of(case: Case, namespace: str) -> Iterator[tuple[dict[str, str], list[Sample]]]:
    """The series of a case with a native histogram for the buckets and the sum of each pod."""
    shared = {"job": "pods", "kubernetes_namespace": namespace}
    histograms: dict[tuple[str, str], dict[str, list[float | None]]] = {}
    for name, notation in case.all_series().items():
        metric, own = labels_of(name)
        values = expand(notation)
        base = re.sub("_(bucket|sum)$", "", metric)
        if base == metric:
            samples: list[Sample] = [(time, value) for time, value in zip(TIMES, values) if value is not None]
            yield {**shared, **own, "__name__": metric}, samples
        else:
            histograms.setdefault((base, own["pod"]), {})[own.get("le", "sum")] = values
    for (base, pod), parts in histograms.items():
        sums = parts.pop("sum", [0.0] * len(TIMES))
        bounds = sorted(float(le) for le in parts if le != "+Inf")
        columns = [parts[le] for le in sorted(parts, key=float)]
        made: list[Sample] = []
        for time, total, *cumulative in zip(TIMES, sums, *columns):
            if None not in cumulative:
                counts = [int(after - before) for before, after in zip([0.0, *cumulative], cumulative)]
                made.append((time, Histogram(CUSTOM, sum(counts), total or 0.0, dict(enumerate(counts)), bounds)))
        yield {**shared, "pod": pod, "__name__": base}, made


def exponential(namespace: str) -> Iterator[tuple[dict[str, str], list[Sample]]]:
    """A scrape brings 90 waits of up to 1/1024 s, 9 of up to 1/64 s, one of up to 1 s, and 10 of none at all."""
    shared = {"job": "pods", "kubernetes_namespace": namespace, "pod": "app-1"}
    yield {**shared, "__name__": "up"}, [(time, 1.0) for time in TIMES]
    yield (
        {**shared, "__name__": "h"},
        [
            (
                time,
                Histogram(
                    0, 110 * number, 0.75 * number, {-10: 90 * number, -6: 9 * number, 0: number}, (), 10 * number, 1e-9
                ),
            )
            for number, time in enumerate(TIMES)
        ],
    )


def version(binary: str) -> int:
    done = subprocess.run([program(binary), "--version"], capture_output=True, text=True, timeout=120, check=True)
    return int(re.search(r"version (\d+)", done.stdout + done.stderr)[1])


@pytest.fixture(scope="module", params=binaries(), ids=["packaged", "other"][: len(binaries())])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    of = version(request.param)
    more = ["--enable-feature=native-histograms"] if of < 3 else []
    folder = tmp_path_factory.mktemp("native")
    config = "global: {scrape_interval: 5s}\n"
    with running_prometheus(
        program(request.param), folder, config, "--web.enable-remote-write-receiver", *more
    ) as address:
        found = list(exponential("exponential"))
        if of >= 3:
            for number, case in enumerate(CASES.values()):
                found += series_of(case, f"case-{number}")
        write(address, found)
        yield address, of


def measured(address: str, namespace: str, case: tuple[float, float], **more: Any) -> dict[str, Any]:
    given = {option: spec.get("default") for option, spec in prometheus_sample.SPEC.items()}
    window = {"name": "w", "title": None, "start": BASE + case[0], "duration": case[1] - case[0]}
    given.update(url=address, namespace=namespace, scrape_interval=float(INTERVAL), profile_content=PROFILE)
    result: dict[str, Any] = prometheus_sample.run({**given, "windows": [window], **more}, Context())
    return result


@pytest.mark.parametrize("name", CASES)
def test_a_case_of_classic_histograms(server: tuple[str, int], name: str, tmp_path: Path) -> None:
    address, of = server
    if of < 3:
        pytest.skip("Prometheus has native histograms with bounds of their own from version 3 on")
    case = CASES[name]
    kept = tmp_path / "raw.json.gz"
    namespace = f"case-{list(CASES).index(name)}"
    result = measured(address, namespace, case.window, profile_content=case.profile, raw_path=str(kept))
    (window,) = result["windows"]
    figures = {figure["id"]: figure for figure in window["figures"]}
    for figure_id, expected in case.expected.items():
        if figure_id in MORE.get(name, ()):
            continue
        for key in expected.keys() & {"value", "state", "reason", "bound", "observations", "promql", "interval"}:
            value = expected[key]
            if key == "interval":
                value = [side if side is None else pytest.approx(side) for side in value]
            elif isinstance(value, (int, float)):
                value = pytest.approx(value)
            assert figures[figure_id].get(key) == value, (figure_id, key, figures[figure_id])
    if "steps" not in MORE.get(name, ()):
        found = {one["id"]: one["buckets"] for one in window["distributions"]}
        for distribution, buckets in case.steps.items():
            assert [(one["above"], one["to"], one["counts"]) for one in found[distribution]] == buckets
    assert json.dumps(kept_samples.figures(samples_file.load(kept))) == json.dumps(result["windows"])


def test_a_share_above_a_bound_that_no_observation_is_about(server: tuple[str, int]) -> None:
    """The classic histogram has no bucket that ends there; a native one shows that its buckets beside it are empty."""
    address, of = server
    if of < 3:
        pytest.skip("Prometheus has native histograms with bounds of their own from version 3 on")
    namespace = f"case-{list(CASES).index('one wait in a hundred is slow')}"
    (window,) = measured(address, namespace, (0, 60))["windows"]
    share = next(figure for figure in window["figures"] if figure["id"] == "wait_above_500ms")
    assert (share["value"], share["state"]) == (pytest.approx(0.01), "pass")


def test_exponential_buckets(server: tuple[str, int]) -> None:
    result = measured(server[0], "exponential", (0, 60), profile_content=COUNTING, series=True)
    (window,) = result["windows"]
    figures = {figure["id"]: figure for figure in window["figures"]}
    # 110 waits a scrape, of 0.75 s together.
    assert figures["wait_mean"]["value"] == pytest.approx(0.75 / 110)
    assert figures["wait_mean"]["promql"] == pytest.approx(0.75 / 110)
    assert figures["wait_mean"]["observations"] == 1320
    assert figures["waits"]["value"] == pytest.approx(22)
    assert figures["waits"]["promql"] == pytest.approx(22)
    # Rank 55 of 110 is 45 into the 90 from 1/2048 to 1/1024 s; PromQL interpolates on a scale of powers.
    assert figures["wait_p50"]["value"] == pytest.approx(1 / 2048 + (55 - 10) / 90 / 2048)
    assert figures["wait_p50"]["interval"] == [pytest.approx(1 / 2048), pytest.approx(1 / 1024)]
    assert figures["wait_p50"]["promql"] == pytest.approx(1 / 2048 * 2 ** ((55 - 10) / 90), rel=0.2)
    assert figures["wait_above_100ms"]["value"] == pytest.approx(1 / 110)
    assert figures["wait_largest"]["value"] == 1
    assert figures["wait_above_500ms"]["value"] == pytest.approx(1 / 110)
    # No bucket is as high.
    assert figures["wait_above_1_2s"]["value"] == 0
    (whole,) = window["distributions"]
    assert [(one["above"], one["to"], one["counts"]) for one in whole["buckets"]] == [
        (0, pytest.approx(1e-9), [10] * 12),
        (pytest.approx(1 / 2048), pytest.approx(1 / 1024), [90] * 12),
        (pytest.approx(1 / 128), pytest.approx(1 / 64), [9] * 12),
        (0.5, 1, [1] * 12),
    ]
    course = next(one for one in result["series"] if one["figure"] == "waits")
    assert {round(value, 6) for _time, value in course["points"]} == {22}


def row(*buckets: list[Any], name: str = "h", **more: Any) -> dict[str, Any]:
    histogram = {"count": "9", "sum": "1.5", "buckets": list(buckets)}
    return {"metric": {"__name__": name, "pod": "a"}, "histograms": [[1.5, histogram]], **more}


def converted(rows: list[dict[str, Any]], *bounds: float) -> dict[str, str]:
    found, faults = Natives(frozenset({"h"}), frozenset(bounds)).classic(rows)
    assert faults == {}
    return {f"{one['metric']['__name__']} {one['metric'].get('le', '')}": one["values"][0][1] for one in found}


def test_a_bound_with_observations_on_both_sides_of_it_in_a_bucket_is_none() -> None:
    rows = [row([0, "0.1", "1", "4"], [0, "1", "10", "5"]), row([0, "0.5", "2", "9"])]
    rows[1]["metric"]["pod"] = "b"
    # 0.5, 1 and 2 lie within a bucket of the other; 0.05, which is asked for, in none.
    assert {name for name in converted(rows, 0.05, 0.7) if "bucket" in name} == {
        *("h_bucket 0.05", "h_bucket 0.1", "h_bucket 10.0", "h_bucket +Inf")
    }
    assert converted(rows[:1], 0.05) == {
        **{"h_bucket 0.05": "0", "h_bucket 0.1": "0", "h_bucket 1.0": "4", "h_bucket 10.0": "9"},
        **{"h_bucket +Inf": "9", "h_count ": "9", "h_sum ": "1.5"},
    }


@pytest.mark.parametrize(
    "wrong",
    [
        row([0, "a", "1", "4"]),
        row([0, "0.1"]),
        {**row(), "histograms": [[1.5, {"count": "9"}]]},
        {**row(), "histograms": [[1.5, 7]]},
        {**row(), "values": [[1.0, "5"]]},
    ],
)
def test_a_native_histogram_of_another_shape_costs_its_metric_alone(wrong: dict[str, Any]) -> None:
    fine = {"metric": {"__name__": "m"}, "values": [[1.0, "5"]]}
    found, faults = Natives(frozenset({"h"})).classic([wrong, fine])
    assert found == [fine]
    assert set(faults) == {"h_bucket", "h_sum", "h_count"}
    assert "shape" in faults["h_bucket"]


def test_what_is_asked_for_as_no_histogram_stays_what_it_is() -> None:
    assert Natives(frozenset({"h"})).classic([row(name="g")]) == ([row(name="g")], {})
