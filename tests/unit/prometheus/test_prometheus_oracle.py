# SPDX-License-Identifier: GPL-3.0-or-later
"""Window arithmetic against cases worked out by hand, through a real TSDB and a real Prometheus.

Nothing here is our code but what is tested: promtool writes the samples, Prometheus reads them,
and the numbers expected are in prometheus_cases.py with their reasons. A stale marker cannot be
written with promtool; in an answer of raw samples it is a sample that is not there, which is how
it stands here, and test_prometheus_sample.py has a real one.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import (
    client,
    cross_check,
    kept_samples,
    measure,
    profile_file,
    prometheus_sample,
    reader,
    samples_file,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.connect import connect
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.server import Clock
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.attempts import next_samples
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.schema import stage_schema
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context, silent
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import HANGS
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus import (
    distribution_cases,
    evidence_cases,
    observer_cases,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_cases import (
    FAMILIES,
    INTERVAL,
    PROFILE,
    STEADY,
    UP,
    Case,
    expand,
    openmetrics,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_servers import (
    BASE,
    binaries,
    make_blocks,
    program,
    running_prometheus,
)
from jsonschema import Draft202012Validator

WINDOW = stage_schema()["properties"]["windows"]["items"]
CASES = {
    f"{family}: {case.name}": case
    for families in (FAMILIES, evidence_cases.FAMILIES, distribution_cases.FAMILIES, observer_cases.FAMILIES)
    for family, cases in families.items()
    for case in cases
}
LONG = {name.replace(", ", ","): "0+10x80" if name.startswith("m") else "1x80" for name in {**UP, **STEADY}}


def namespace(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())


def dated(series: dict[str, str]) -> dict[str, str]:
    """Notations in which {start+20} stands for a time."""
    return {
        name: re.sub(r"\{start([+-]\d+)\}", lambda found: str(BASE + int(found[1])), notation)
        for name, notation in series.items()
    }


@pytest.fixture(scope="module", params=binaries(), ids=["packaged", "other"][: len(binaries())])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("oracle")
    samples = [openmetrics(namespace(name), dated(case.all_series()), BASE) for name, case in CASES.items()]
    samples.append(openmetrics("long", LONG, BASE))
    make_blocks(folder, "".join(samples))
    with running_prometheus(program(request.param), folder, "global: {scrape_interval: 5s}\n") as running:
        yield running


def params(address: str, name: str, *windows: tuple[str, float, float], **more: Any) -> dict[str, Any]:
    given = {option: spec.get("default") for option, spec in prometheus_sample.SPEC.items()}
    asked = [
        {"name": one, "title": None, "start": BASE + start, "duration": end - start} for one, start, end in windows
    ]
    given.update(url=address, namespace=namespace(name), scrape_interval=float(INTERVAL), profile_content=PROFILE)
    return {**given, "windows": asked, **more}


#: What smoothed range selectors do not see as we do.
MOVING = ("resets", "new_series", "gone_series", "unknown_series", "double_series")
#: Cases of one series under two sets of labels, which are two for PromQL.
RELABELLED = (
    "seen in review: an address that is written in another way from second 30 on",
    "beginnings: a label more in the middle",
)


def is_old(version: str) -> bool:
    """Whether it is a Prometheus that takes a sample at a window's start for one of the window."""
    return int(version.partition(".")[0]) < 3


def test_there_are_cases_enough() -> None:
    assert len(CASES) >= 60
    assert len({namespace(name) for name in CASES}) == len(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_case(address: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case: Case = CASES[name]
    kept = tmp_path / "raw.json.gz"
    # Key figures are asked for in more than one way.
    profile = re.sub(r"^( +)kind: (total|rate|quantile|ratio)$", r"\1kind: \2\n\1key: true", case.profile, flags=re.M)
    asked = params(address, name, ("w", *case.window), raw_path=str(kept), profile_content=profile)
    result = prometheus_sample.run(asked, Context())
    figures = {figure["id"]: figure for figure in result["windows"][0]["figures"]}
    for figure_id, expected in case.expected.items():
        found = {key: figures[figure_id].get(key) for key in expected}
        aligned = all(edge % INTERVAL == 0 for edge in case.window)
        for key, value in expected.items():
            # Exactly equal where the window's edges are samples, and where nothing is divided.
            if key in ("promql", "promql_difference") or (key == "value" and not (aligned and figure_id == "total")):
                value = pytest.approx(value, rel=1e-9) if value is not None else None
            elif key == "by" and value is not None:
                value = pytest.approx(value, rel=1e-9)
            elif key == "interval" and value is not None:
                value = [side if side is None else pytest.approx(side, rel=1e-9) for side in value]
            elif key == "notes" and value:
                assert set(value) <= set(found[key]), (figure_id, found[key])
                continue
            elif key == "promql_reason" and value == "":
                assert found[key] == "", (figure_id, figures[figure_id])
                continue
            assert found[key] == value, (figure_id, key, figures[figure_id])
    distributions = {one["id"]: one for one in result["windows"][0]["distributions"]}
    for distribution, buckets in case.steps.items():
        whole = distributions[distribution]
        assert (whole["start"], whole["step"]) == (BASE + case.window[0], INTERVAL)
        assert [(one["above"], one["to"], one["counts"]) for one in whole["buckets"]] == buckets
    Draft202012Validator(WINDOW).validate(result["windows"][0])
    for figure in figures.values():
        smoothed = figure.get("promql_smoothed")
        moved = any(figure.get(what) for what in MOVING) or name in RELABELLED
        if smoothed is not None and figure["state"] == "pass" and not moved and "bound" not in figure:
            # It interpolates at the window's edges as we do.
            assert smoothed == pytest.approx(figure["value"], rel=1e-9), figure
        assert not (is_old(result["prometheus_version"]) and "promql_smoothed" in figure)
    for figure in figures.values():
        assert (figure["reason"] == "") == (figure["state"] == "pass")
        difference = figure["promql_difference"]
        if difference is not None and abs(difference) > 0.05:
            assert figure["promql_reason"]
    # The same figures come out of the file, without Prometheus.
    assert json.dumps(kept_samples.figures(samples_file.load(kept))) == json.dumps(result["windows"], allow_nan=False)
    # What PromQL makes of the samples is worked out here once more, and leaves nothing unexplained, however little.
    monkeypatch.setattr(cross_check, "DIFFERENCE", 0.0)
    for figure in kept_samples.figures(samples_file.load(kept))[0]["figures"]:
        if parts := figure.get("promql_parts"):
            difference = (figure["promql"] or 0.0) - (figure["value"] or 0.0)
            assert sum(part["amount"] for part in parts) == pytest.approx(difference, rel=1e-6, abs=1e-9)
            rest = [part for part in parts if part["what"] == "rest"]
            assert not rest or is_old(result["prometheus_version"]), figure


def test_several_windows_are_read_at_once(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    samples = client.Prometheus.samples

    def noted(self: Any, query: str, at: float, *more: Any) -> Any:
        asked.append(query)
        return samples(self, query, at, *more)

    monkeypatch.setattr(client.Prometheus, "samples", noted)
    windows = [("first", 0, 30), ("after", 30, 90), ("whole", 0, 90), ("odd", 31.7, 61.9)]
    result = prometheus_sample.run(params(address, "long", *windows), Context())
    totals = {one["name"]: one["figures"][0]["value"] for one in result["windows"]}
    assert totals == {"first": 60, "after": 120, "whole": 180, "odd": pytest.approx(60.4)}
    (query,) = asked
    assert query.startswith('{__name__=~"up|m_total",')
    assert query.endswith("[115s]")
    asked.clear()
    result = prometheus_sample.run(params(address, "long", ("late", 300, 330), ("early", 0, 30)), Context())
    assert [one["figures"][0]["value"] for one in result["windows"]] == [60, 60]
    assert len(asked) == 2


def test_a_cross_check_that_fails_costs_no_figure(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> Any:
        raise client.RequestFailed("Prometheus refused.", 422)

    monkeypatch.setattr(client.Prometheus, "vector", refused)
    figure = prometheus_sample.run(params(address, "long", ("w", 0, 60)), Context())["windows"][0]["figures"][0]
    assert (figure["value"], figure["state"]) == (120, "pass")
    assert (figure["promql"], figure["promql_difference"]) == (None, None)
    assert figure["promql_reason"] == "Prometheus refused."


@pytest.mark.parametrize(
    ("name", "figure", "now"),
    [
        ("zeros: a witness of the same framework and labels", "failed", [0]),
        ("zeros: a witness of the same framework and labels", "work", []),
        ("zeros: a prefix", "failed", []),
        ("zeros: a witness without the label", "failed", []),
        ("zeros: a witness of another component", "failed", []),
        ("zeros: a witness of before the window", "failed", []),
        # 30 a scrape, four scrapes; the name that is only remembered says nothing.
        ("names: a name that is only remembered", "total", [120]),
    ],
)
def test_current_values_rest_on_the_same_evidence(address: str, name: str, figure: str, now: list[float]) -> None:
    bound = profile_file.parse(CASES[name].profile, name).bind(namespace(name), "r")
    with connect(params(address, name)) as client:
        asking = reader.Reader(client, bound, float(INTERVAL))
        asking.find(BASE - 700, BASE + 60)
        found = asking.current([bound.figure(figure)], BASE + 60, 5)[figure]
    assert found == [pytest.approx(value) for value in now]


RELATIVE = PROFILE.replace(
    "kind: total, components: [app], sources: [{metric: m_total}]}",
    "kind: total, components: [app], sources: [{metric: m_total}], direction: lower, "
    "thresholds: {fail: 1000, relative: {window: before, warn: 1.5, fail: 3}}}",
)


@pytest.mark.parametrize(
    ("before", "state", "reason", "ratio"),
    [
        ({"total": 120.0}, "pass", "", 1),
        ({"total": "60"}, "warn", "more than 1.5 times the value of the window before", 2),
        ({"total": 30}, "fail", "more than 3 times the value of the window before", 4),
        ({"total": 0}, "inconclusive", "it was zero in the window before: there is nothing to compare with", None),
        ({"total": None}, "inconclusive", "there is no value of the window before to compare with", None),
        ({}, "inconclusive", "there is no value of the window before to compare with", None),
    ],
)
def test_an_earlier_window_that_is_given(
    address: str, before: dict[str, Any], state: str, reason: str, ratio: float | None
) -> None:
    asked = params(address, "long", ("w", 0, 60), profile_content=RELATIVE, compare={"before": before})
    figure = prometheus_sample.run(asked, Context())["windows"][0]["figures"][0]
    assert (figure["state"], figure["reason"], figure["compared"]["ratio"]) == (state, reason, ratio)
    assert figure["value"] == 120
    assert figure["thresholds"] == {"fail": 1000, "relative": {"window": "before", "warn": 1.5, "fail": 3}}


def test_an_earlier_window_of_the_same_call(address: str) -> None:
    asked = params(address, "long", ("before", 0, 20), ("w", 20, 70), profile_content=RELATIVE)
    before, after = (one["figures"][0] for one in prometheus_sample.run(asked, Context())["windows"])
    assert (before["state"], before.get("compared")) == ("pass", None)
    assert (after["state"], after["compared"]) == ("warn", {"window": "before", "value": 40, "ratio": 2.5})


def test_what_cannot_be_compared_is_refused(address: str) -> None:
    for given, said in (
        ({"before": 5}, "`compare` must give the window 'before' as a mapping"),
        ({"before": {"total": "many"}}, "`compare` has 'many' for 'total' in the window 'before'"),
        ({"before": {"total": math.nan}}, "`compare` has nan for 'total'"),
    ):
        with pytest.raises(LabError, match=re.escape(said)):
            prometheus_sample.run(params(address, "long", ("w", 0, 60), compare=given), Context(check_mode=True))


def test_the_notation_is_read_as_promtool_reads_it(tmp_path: Path) -> None:
    """The cases are only as good as the reading of their notation: promtool's own must give the same values."""
    notations = ["0+10x9 7+10x10", "1x6 _x4 1x9", "0+10x14 _x3 180+10x2", "0x3 50x16", "1x8 0 1x11"]
    tests = []
    for notation in notations:
        samples = [
            {
                "expr": f"m and on() timestamp(m) == {number * INTERVAL}",
                "eval_time": f"{number * INTERVAL}s",
                "exp_samples": [] if value is None else [{"labels": "m", "value": value}],
            }
            for number, value in enumerate(expand(notation))
        ]
        series = [{"series": "m", "values": notation}]
        tests.append({"interval": f"{INTERVAL}s", "input_series": series, "promql_expr_test": samples})
    path = tmp_path / "tests.yml"
    path.write_text(json.dumps({"evaluation_interval": f"{INTERVAL}s", "tests": tests}))
    done = subprocess.run(
        [program("promtool"), "test", "rules", str(path)], capture_output=True, text=True, timeout=HANGS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_file_of_samples_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "raw.json.gz"
    with pytest.raises(LabError, match="cannot be read: No such file or directory"):
        samples_file.load(path)
    path.write_bytes(b"\x1f\x8b nonsense")
    with pytest.raises(LabError, match="no file of samples, or not whole"):
        samples_file.load(path)


def test_samples_that_cannot_be_kept(address: str, tmp_path: Path) -> None:
    gone = tmp_path / "no" / "raw.json.gz"
    with pytest.raises(LabError, match=r"The samples cannot be written to .*: No such file or directory"):
        prometheus_sample.run(params(address, "long", ("w", 0, 60), raw_path=str(gone)), Context())
    kept = tmp_path / "raw.json.gz"
    result = prometheus_sample.run(params(address, "long", ("w", 0, 60), raw_path=str(kept)), Context())
    assert (result["changed"], result["raw_path"]) == (True, str(kept))
    assert [one.name for one in tmp_path.iterdir()] == ["raw.json.gz"]
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(LabError, match="not whole"):
        samples_file.load(kept)


ABOUT = {
    "stage": "baseline",
    "started": BASE - 5.0,
    "events": [{"name": "idle", "title": "seen idle", "time": BASE}],
    "versions": {"temporal_server": "1.31.2"},
    "settings": {"window": 60.0},
    "facts": {"seen": [1, None]},
}


def test_samples_of_a_stage_are_kept_in_its_run(address: str, tmp_path: Path) -> None:
    profile = PROFILE.replace("id: rate,", "id: rate, key: true,")
    asked = params(
        address, "long", ("w", 0, 60), series=True, profile_content=profile, compare={"before": {"total": 7}}
    )
    begun = time.time()
    with connect(asked) as client:
        measured = measure.measure(prometheus_sample.read_question(asked), client, Clock(), silent)
    folder = tmp_path / "run"
    path = samples_file.save_new(folder, "baseline", replace(measured, about=ABOUT))
    assert path == folder / "baseline-1.samples.json.gz"
    kept = samples_file.load(path)
    assert json.dumps(kept_samples.figures(kept)) == json.dumps(kept_samples.figures(measured))
    assert kept.series == measured.series != []
    assert kept.about == ABOUT
    assert kept.question.earlier == {"before": {"total": 7}}
    assert begun - 0.001 <= kept.read <= time.time() + 0.001
    assert kept.prometheus == measured.prometheus
    # Never in the place of another; the number is above that of the stage's last attempt too.
    first = path.read_bytes()
    for number, file in (
        (2, None),
        (5, "baseline-4.json"),
        (6, "benchmark-9.json"),
        (10, "baseline-9.samples.json.gz"),
    ):
        if file:
            (folder / file).write_text("")
        to_come = next_samples(folder, "baseline")
        assert to_come == folder / f"baseline-{number}.samples.json.gz"
        assert not to_come.exists()
        assert samples_file.save_new(folder, "baseline", kept) == to_come
    assert path.read_bytes() == first


@pytest.mark.parametrize("fails", ["course", "figures"])
def test_samples_are_kept_whatever_goes_wrong_after_they_were_read(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    def refused(*_: Any) -> Any:
        raise LabError("It went wrong.")

    monkeypatch.setattr(client.Prometheus if fails == "course" else prometheus_sample, fails, refused)
    asked = params(
        address,
        "long",
        ("w", 0, 60),
        raw_path=str(tmp_path / "kept.json.gz"),
        series=True,
        profile_content=PROFILE.replace("id: rate,", "id: rate, key: true,"),
    )
    with pytest.raises(LabError, match=r"It went wrong\."):
        prometheus_sample.run(asked, Context())
    kept = samples_file.load(tmp_path / "kept.json.gz")
    assert [figure["value"] for figure in kept_samples.figures(kept)[0]["figures"][:2]] == [120, 2]
    assert len(kept.series) == (0 if fails == "course" else 1)


def test_the_same_profile_from_elsewhere_gives_the_same(address: str, tmp_path: Path) -> None:
    windows = [("before", 0, 30), ("after", 30, 90), ("late", 300, 330)]
    path = str(tmp_path / "raw.json.gz")
    prometheus_sample.run(params(address, "long", *windows, raw_path=path, profile_content=RELATIVE), Context())
    kept = samples_file.load(path)
    assert len(kept.readings) == 2
    own = kept_samples.figures(kept)
    assert own[1]["figures"][0]["compared"]["ratio"] == 2
    assert json.dumps(kept_samples.figures(kept, kept.question.bound)) == json.dumps(own)


def test_a_new_figure_from_kept_samples(address: str, tmp_path: Path) -> None:
    kept = tmp_path / "raw.json.gz"
    prometheus_sample.run(params(address, "long", ("w", 0, 60), raw_path=str(kept)), Context())
    measured = samples_file.load(kept)
    other = profile_file.parse(PROFILE.replace("id: rate", "id: other"), "other").bind(measured.question.namespace, "r")
    figures = kept_samples.figures(measured, other)[0]["figures"]
    assert (figures[1]["id"], figures[1]["value"], figures[1]["promql"]) == ("other", 2, None)


def test_a_pattern_that_is_a_plain_text_asks_for_the_same(address: str, tmp_path: Path) -> None:
    """Samples that were read with job="pods" are of use to a profile with job=~"pods"."""
    kept = tmp_path / "raw.json.gz"
    texts = [
        PROFILE.replace('job=~"pods|endpoints"', filters) for filters in ('job="pods"', 'job=~"pods"', 'job=~"p.+"')
    ]
    asked = params(address, "long", ("w", 0, 60), raw_path=str(kept), profile_content=texts[0])
    prometheus_sample.run(asked, Context())
    measured = samples_file.load(kept)
    same, other = (profile_file.parse(text, "p").bind(measured.question.namespace, "r") for text in texts[1:])
    assert kept_samples.figures(measured, same)[0]["figures"][0]["value"] == 120
    with pytest.raises(LabError, match=r"job=~\"p\.\+\""):
        kept_samples.figures(measured, other)


def test_a_variable_that_makes_no_pattern_is_refused_before_the_wait() -> None:
    jobs = PROFILE.replace('job=~"pods|endpoints"', 'job=~"$job"').replace(
        "components: {app", "variables: {job: a}\ncomponents: {app"
    )
    with pytest.raises(LabError, match=r'job=~"app-\(a".*RE2'):
        prometheus_sample.run(
            params("http://host", "long", ("w", 0, 60), profile_content=jobs, variables={"job": "app-(a"}),
            Context(check_mode=True),
        )
