# SPDX-License-Identifier: GPL-3.0-or-later
"""Systems that answer as Prometheus does, but not quite, and answers that are not whole.

Each is a proxy before a real Prometheus that changes what the system is documented or known to change:
warnings (Thanos), isPartial and the vector of time() (VictoriaMetrics), the tenant's header (Mimir), exact names only
(Google Managed Prometheus), a parameter that is a must (prom-label-proxy), no targets API (Thanos, Mimir).
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import (
    kept_samples,
    prometheus_info,
    prometheus_preflight,
    prometheus_sample,
    samples_file,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.client import Prometheus
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.connect import with_each_request
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.series import parse
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context, attempt
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_cases import (
    INTERVAL,
    PROFILE,
    openmetrics,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_servers import (
    BASE,
    dialect,
    make_blocks,
    program,
    running_prometheus,
    scripted,
)

#: Two pods: app-1 counts 10 a scrape, app-2 20. In (0, 60] are 12 scrapes: 120 + 240 = 360. a / b is 120 / 240.
SERIES = {
    **{f'up{{pod="{pod}",instance="{pod}:9090"}}': "1x20" for pod in ("app-1", "app-2", "other-1")},
    'm_total{pod="app-1",instance="app-1:9090"}': "0+10x20",
    'm_total{pod="app-2",instance="app-2:9090"}': "0+20x20",
    'a_total{pod="app-1",instance="app-1:9090"}': "0+10x20",
    'b_total{pod="app-1",instance="app-1:9090"}': "0+20x20",
    'g{pod="app-1",instance="app-1:9090"}': "5x20",
}
WHOLE = {"total": 360, "ratio": 0.5, "last": 5}


def refusal(said: str) -> tuple[int, bytes]:
    return 400, json.dumps({"status": "error", "errorType": "bad_data", "error": said}).encode()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("dialects")
    make_blocks(folder, openmetrics("ns", SERIES, BASE))
    with running_prometheus(program("prometheus"), folder, "global: {scrape_interval: 5s}\n") as running:
        yield running


def given(url: str, **more: Any) -> dict[str, Any]:
    params = {option: spec.get("default") for option, spec in prometheus_sample.SPEC.items()}
    params.update(url=url, namespace="ns", profile_content=PROFILE, scrape_interval=float(INTERVAL))
    params["windows"] = [{"name": "w", "title": None, "start": BASE, "duration": 60}]
    return {**params, **more}


def measured(url: str, **more: Any) -> dict[str, dict[str, Any]]:
    result = prometheus_sample.run(given(url, **more), Context())
    return {figure["id"]: figure for figure in result["windows"][0]["figures"]}


def values(figures: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {name: figures[name]["value"] for name in WHOLE}


def test_prometheus_itself(address: str) -> None:
    figures = measured(address)
    assert values(figures) == WHOLE
    assert {figures[name]["state"] for name in WHOLE} == {"pass"}


# -- answers that are not whole -----------------------------------------------------

AWAY = "receive series from Addr: 10.4.0.7:10901: connection refused"
PARTIAL = "the answer says of itself that it is partial (isPartial)"


def is_matrix(data: Any) -> bool:
    return isinstance(data.get("data"), dict) and data["data"].get("resultType") == "matrix"


def without_a_store(**more: Any) -> Any:
    """The samples of app-2 are in a store that is away: 120 is left of 360."""

    def after(_path: str, data: Any) -> Any:
        if is_matrix(data):
            rows = data["data"]["result"]
            data["data"]["result"] = [row for row in rows if row["metric"].get("pod") != "app-2"]
            data.update(more)
        return data

    return after


@pytest.mark.parametrize(("more", "said"), [({"warnings": [AWAY]}, AWAY), ({"isPartial": True}, PARTIAL)])
def test_an_answer_that_is_not_whole(address: str, tmp_path: Path, more: dict[str, Any], said: str) -> None:
    path = tmp_path / "raw.json.gz"
    with dialect(address, after=without_a_store(**more)) as url:
        result = prometheus_sample.run(given(url, raw_path=str(path)), Context())
    figures = {figure["id"]: figure for figure in result["windows"][0]["figures"]}
    assert {figure["state"] for figure in figures.values()} == {"inconclusive"}
    assert all(said in figure["reason"] for figure in figures.values())
    # An absent series may be in what is missing: not zero.
    assert figures["errors"]["value"] is None
    assert said in result["notes"]
    assert json.dumps(kept_samples.figures(samples_file.load(path))) == json.dumps(result["windows"])


def test_names_that_are_not_whole(address: str) -> None:
    """The label API lacks names: the figure of one of them would be zero or an error, and another source chosen."""

    def after(path: str, data: Any) -> Any:
        return {**data, "warnings": [AWAY]} if path.endswith("/values") else data

    with dialect(address, after=after) as url:
        assert {figure["state"] for figure in measured(url).values()} == {"inconclusive"}


def test_remarks_of_promql_and_of_other_questions_are_no_gap(address: str) -> None:
    remark = 'PromQL warning: bucket label "le" is missing'

    def after(path: str, data: Any) -> Any:
        said = [remark] if is_matrix(data) else [AWAY] if path.endswith("/buildinfo") else []
        return {**data, "warnings": said, "isPartial": False}

    with dialect(address, after=after) as url:
        result = prometheus_sample.run(given(url), Context())
    figures = {one["id"]: one for one in result["windows"][0]["figures"]}
    assert (values(figures), figures["total"]["state"]) == (WHOLE, "pass")
    assert {remark, AWAY} <= set(result["notes"])


def test_preflight_tells_of_answers_that_are_not_whole(address: str) -> None:
    with dialect(address, after=lambda _path, data: {**data, "warnings": [AWAY]}) as url:
        found = preflight(url)
    assert (found["prometheus"]["state"], AWAY in found["prometheus"]["title"]) == ("warn", True)


def change_samples(metric: str, change: Any) -> Any:
    def after(_path: str, data: Any) -> Any:
        for row in data["data"]["result"] if is_matrix(data) else ():
            if row["metric"].get("__name__") == metric:
                change(row)
        return data

    return after


def swapped(row: dict[str, Any]) -> None:
    row["values"][3:5] = reversed(row["values"][3:5])


def two_values_of_one_time(row: dict[str, Any]) -> None:
    time, value = row["values"][5]
    row["values"].insert(5, [time, repr(float(value) - 1)])


def native(row: dict[str, Any]) -> None:
    row["histograms"] = [[time, {"count": value, "sum": "1"}] for time, value in row.pop("values")]


def native_for_a_while(row: dict[str, Any]) -> None:
    row["histograms"] = [[time, {"count": value, "sum": "1"}] for time, value in row["values"][9:]]
    del row["values"][9:]


def strange(row: dict[str, Any]) -> None:
    row["values"] = [["now", {}]]


def empty(row: dict[str, Any]) -> None:
    del row["values"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (swapped, "order of time"),
        (two_values_of_one_time, "two values of one time"),
        (native, "native histogram"),
        (native_for_a_while, "native histogram"),
        (strange, "shape"),
        (empty, "shape"),
    ],
)
@pytest.mark.parametrize("metric", ["m_total", "a_total", "g"])
def test_samples_that_are_no_use_cost_their_metric_alone(
    address: str, tmp_path: Path, change: Any, said: str, metric: str
) -> None:
    costs = {"m_total": "total", "a_total": "ratio", "g": "last"}[metric]
    path = tmp_path / "raw.json.gz"
    with dialect(address, after=change_samples(metric, change)) as url:
        result = prometheus_sample.run(given(url, raw_path=str(path)), Context())
    figures = {figure["id"]: figure for figure in result["windows"][0]["figures"]}
    assert values(figures) == {**WHOLE, costs: None}
    assert figures[costs]["state"] == "error"
    assert metric in figures[costs]["reason"]
    assert said in figures[costs]["reason"]
    assert any(metric in note and said in note for note in result["notes"])
    assert json.dumps(kept_samples.figures(samples_file.load(path))) == json.dumps(result["windows"])


@pytest.mark.parametrize("change", [swapped, native])
def test_what_is_wrong_with_up_is_wrong_with_all(address: str, change: Any) -> None:
    with dialect(address, after=change_samples("up", change)) as url:
        figures = measured(url)
    assert {figure["state"] for figure in figures.values()} == {"inconclusive"}
    assert all("up: " in figure["reason"] for figure in figures.values())


def test_a_sample_that_is_there_twice_is_one(address: str) -> None:
    def twice(row: dict[str, Any]) -> None:
        row["values"] = [sample for sample in row["values"] for _time in range(2)]

    with dialect(address, after=change_samples("m_total", twice)) as url:
        assert values(measured(url)) == WHOLE


def test_two_series_with_the_same_labels() -> None:
    one = {"metric": {"__name__": "m", "pod": "a"}, "values": [[1, "1"], [6, "2"]]}
    other = {"metric": {"pod": "a", "__name__": "m"}, "values": [[2, "5"], [7, "6"]]}
    beside = {"metric": {"__name__": "n", "pod": "a"}, "values": [[1, "1"]]}
    found = parse([one, one, beside])
    assert (len(found.series), found.faults) == (2, {})
    assert list(parse([one, other, beside]).faults) == ["m"]


def test_samples_that_were_kept_before_faults_were_noted(address: str, tmp_path: Path) -> None:
    path = tmp_path / "raw.json.gz"
    result = prometheus_sample.run(given(address, raw_path=str(path)), Context())
    data = json.loads(gzip.decompress(path.read_bytes()))
    assert [reading.pop("faults") for reading in data["readings"]] == [{}]
    path.write_bytes(gzip.compress(json.dumps(data).encode()))
    assert json.dumps(kept_samples.figures(samples_file.load(path))) == json.dumps(result["windows"])


# -- other systems --------------------------------------------------------------------


def test_victoria_metrics_is_named(address: str) -> None:
    def after(_path: str, data: Any) -> Any:
        if isinstance(data.get("data"), dict) and data["data"].get("resultType") == "scalar":
            data["data"] = {"resultType": "vector", "result": [{"metric": {}, "value": data["data"]["result"]}]}
        return data

    with dialect(address, after=after) as url, pytest.raises(LabError, match="VictoriaMetrics") as raised:
        measured(url)
    assert ". " not in raised.value.msg


def test_a_header_with_each_request(address: str) -> None:
    asked: list[str] = []

    def before(path: str, _form: Any, headers: Any) -> Any:
        asked.append(path)
        return None if headers.get("X-Scope-OrgID") == "student-01" else (401, b"no org id\n")

    with dialect(address, before=before) as url:
        assert values(measured(url, url_headers={"X-Scope-OrgID": "student-01"})) == WHOLE
        assert len({path.rpartition("/")[2] for path in asked}) >= 3
        with pytest.raises(LabError, match=r"\(401\): no org id; .*`url_headers`"):
            measured(url)


def test_a_parameter_with_each_request(address: str) -> None:
    said = 'The "namespace" query parameter must be provided.'

    def before(_path: str, form: Any, _headers: Any) -> Any:
        return None if form.get("namespace") == "ns" else refusal(said)

    with dialect(address, before=before) as url:
        assert values(measured(url, url_parameters={"namespace": "ns"})) == WHOLE
        with pytest.raises(LabError) as raised:
            measured(url)
    assert said.rstrip(".") in raised.value.msg
    assert "`url_parameters`" in raised.value.msg
    assert "profile" not in raised.value.msg


def test_a_parameter_that_is_given_several_times() -> None:
    answer = json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}}).encode()
    with scripted([(200, {}, answer)]) as server:
        params = given(server.address, url_parameters={"store": ["a", "b"], "dedup": False})
        with prometheus_sample.connect(params) as client:
            client.vector("m", 0)
    assert server.requests[0][1] == "/api/v1/query?store=a&store=b&dedup=False"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"url_headers": {"X Y": "s3cret"}}, "'X Y'"),
        ({"url_headers": {"Host": "s3cret"}}, "'Host'"),
        ({"url_headers": {"X-Y": "s3cret\nZ: z"}}, "X-Y"),
        ({"url_headers": {"Authorization": "s3cret"}, "url_token": "t"}, "`url_token`"),
        ({"url_parameters": {"a": {"b": "c"}}}, "'a'"),
    ],
)
def test_headers_and_parameters_that_are_none(more: dict[str, Any], said: str) -> None:
    with pytest.raises(LabError, match=re.escape(said)) as raised:
        with_each_request(given("http://host", **more))
    assert "s3cret" not in raised.value.msg


def test_values_of_headers_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    params = given("", url_headers={"X-Key": "s3cret", "Authorization": "Bearer t0ken-x"})
    with scripted([(403, {}, b"the keys s3cret and t0ken-x may not read")]) as server:
        with pytest.raises(LabError, match=r"the keys \*+ and \*+ may not read") as raised:
            prometheus_sample.run({**params, "url": server.address}, Context())
        assert "s3cret" not in raised.value.msg + repr(raised.value.details)

        def broken(*_: Any) -> Any:
            raise RuntimeError("s3cret")

        monkeypatch.setattr(Prometheus, "status", broken)
        traces: list[str] = []
        result = attempt(prometheus_sample.TASK, {**params, "url": server.address}, Context(), traces.append)
    assert "s3cret" not in result["msg"] + traces[0]


def exact_names_only(_path: str, form: Any, _headers: Any) -> Any:
    return refusal("only exact matches on the metric name") if "__name__=~" in form.get("query", "") else None


def test_a_system_that_takes_exact_names_only(address: str) -> None:
    with dialect(address, before=exact_names_only) as url:
        assert values(measured(url)) == WHOLE
        assert preflight(url)["metrics"]["title"] == preflight(address)["metrics"]["title"]


def test_what_is_refused_of_one_metric_costs_its_figures_alone(address: str) -> None:
    def before(_path: str, form: Any, _headers: Any) -> Any:
        asks = re.search(r"m_total|__name__=~", form.get("query", "")) and "[" in form["query"]
        return refusal("too expensive") if asks and "increase" not in form["query"] else None

    with dialect(address, before=before) as url:
        figures = measured(url)
    assert values(figures) == {**WHOLE, "total": None}
    assert (figures["total"]["state"], "too expensive" in figures["total"]["reason"]) == ("error", True)


def test_more_samples_than_a_query_may_load(tmp_path: Path) -> None:
    make_blocks(tmp_path, openmetrics("ns", SERIES, BASE))
    # 17 samples of each of 8 series are 136: too many at once, but no metric alone has more than 51.
    for limit, total in ((60, 360), (20, None)):
        config = "global: {scrape_interval: 5s}\n"
        with running_prometheus(program("prometheus"), tmp_path, config, f"--query.max-samples={limit}") as url:
            if total is not None:
                assert values(measured(url)) == WHOLE
                continue
            with pytest.raises(LabError, match=r"too many samples.*shorter windows.*--query\.max-samples") as raised:
                measured(url)
            assert "profile" not in raised.value.msg


# -- systems that do not know targets ---------------------------------------------------


def preflight(url: str, **more: Any) -> dict[str, dict[str, Any]]:
    params = {option: spec.get("default") for option, spec in prometheus_preflight.SPEC.items()}
    params.update(url=url, namespace="ns", release="r", profile_content=PROFILE, window=60.0, **more)
    return {finding["id"]: finding for finding in prometheus_preflight.run(params, Context())["findings"]}


def no_targets(path: str, _form: Any, _headers: Any) -> Any:
    return (404, b"404 page not found") if path.endswith(("/targets", "/config")) else None


def targets_without_interval(path: str, data: Any) -> Any:
    if path.endswith("/targets"):
        labels = {"job": "pods", "pod": "app-1", "kubernetes_namespace": "ns"}
        data["data"]["activeTargets"] = [{"labels": labels, "scrapeUrl": "http://h", "lastError": "", "health": "up"}]
    return data


@pytest.mark.parametrize("way", [{"before": no_targets}, {"after": targets_without_interval}], ids=["none", "old"])
def test_who_does_not_tell_how_often_it_scrapes(address: str, way: dict[str, Any]) -> None:
    with dialect(address, **way) as url:
        assert values(measured(url)) == WHOLE
        with pytest.raises(LabError, match="`scrape_interval`"):
            measured(url, scrape_interval=None)
        without = preflight(url)
        assert any("`scrape_interval`" in one["title"] for one in without.values() if one["state"] == "fail")
        assert preflight(url, scrape_interval=5.0)["scrape_interval"]["state"] == "pass"
        info = {option: spec.get("default") for option, spec in prometheus_info.SPEC.items()}
        told = prometheus_info.run({**info, "url": url}, Context())
        if "before" in way:
            assert (told["targets"], "`scrape_interval`" in told["notes"][0]) == ([], True)
        else:
            assert told["targets"][0]["scrape_interval"] is None
    with pytest.raises(LabError, match="`scrape_interval` is 0 s"):
        preflight(address, scrape_interval=0.0)


def test_preflight_sees_targets_in_up(address: str) -> None:
    """Of a system that does not list its targets: app-1 answers, app-2 does not."""
    rows = [
        {"metric": {"job": "pods", "kubernetes_namespace": "ns", "pod": pod, "instance": pod}, "value": [0, value]}
        for pod, value in (("app-1", "1"), ("app-2", "0"))
    ]

    def before(path: str, form: Any, headers: Any) -> Any:
        if form.get("query") == "up":
            data = {"resultType": "vector", "result": rows}
            return 200, json.dumps({"status": "success", "data": data}).encode()
        return no_targets(path, form, headers)

    with dialect(address, before) as url:
        found = preflight(url, scrape_interval=5.0)["targets"]
    assert (found["state"], "1 of 2 pods of app do not answer (app-2" in found["title"]) == ("warn", True)
