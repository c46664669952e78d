# SPDX-License-Identifier: GPL-3.0-or-later
"""The task lab_measure: Prometheus is real, of the cluster only what is asked of Temporal is scripted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.undone import Undone
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.errors import NotFound, Refused
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import client, samples_file
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import measure as measuring
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.connect import VALIDATION
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results import stage_file
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages import (
    lab_measure,
    lab_reanalyse,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context, silent
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.version import VERSION
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import (
    ScriptedApi,
    deployment,
    pod,
    status,
    write_kubeconfig,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import free_port
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_cases import openmetrics
from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_servers import (
    BASE,
    make_blocks,
    program,
    running_prometheus,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.test_kept_samples import (
    NAMESPACE,
    RELATIVE,
    SERIES,
)

pytestmark = pytest.mark.server

#: A target that does not answer: for a window to come it is asked how often that is scraped.
CONFIG = """\
global: {scrape_interval: 5s}
scrape_configs:
  - job_name: pods
    static_configs: [{targets: ['127.0.0.1:1'], labels: {kubernetes_namespace: student-01, pod: app-9}}]
"""
#: The soak test says that it was told to keep 7 in flight, and the course of the rate is kept.
PROFILE = RELATIVE.replace("id: mean,", "id: load_requested_concurrency,").replace("id: rate,", "id: rate, key: true,")
INFO = f"{NAMESPACE}/services/my-temporal-frontend:7243/proxy/api/v1/cluster-info"
BEGAN = {"name": "began", "title": "it began", "time": float(BASE)}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Prometheus over the samples of test_kept_samples."""
    folder = tmp_path_factory.mktemp("prometheus")
    make_blocks(folder, openmetrics("student-01", SERIES, BASE))
    with running_prometheus(program("prometheus"), folder, CONFIG) as address:
        # It finds its targets some seconds after it is ready.
        until = time.monotonic() + 240
        while not requests.get(f"{address}/api/v1/targets", timeout=60).json()["data"]["activeTargets"]:
            assert time.monotonic() < until
            time.sleep(0.2)
        yield address


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    """A cluster with Temporal in it."""
    server = ScriptedApi()
    server.on("GET", f"{NAMESPACE}/services/my-temporal-frontend", {"spec": {"ports": [{"port": 7243}]}})
    server.on("GET", INFO, {"historyShardCount": 512, "serverVersion": "1.31.2"})
    yield server
    server.close()


Measure = Callable[..., dict[str, Any]]


@pytest.fixture
def measure(tmp_path: Path, api: ScriptedApi) -> Measure:
    """Runs the task as Ansible would: baseline, with a window of a minute that is over, unless it is told otherwise."""

    def run(
        url: str, check: bool = False, shown: list[str] | None = None, profile: str = PROFILE, **options: Any
    ) -> dict[str, Any]:
        given = {
            "kubeconfig": str(write_kubeconfig(tmp_path / "kubeconfig", api.url)),
            "namespace": "student-01",
            "url": url,
            "results_dir": str(tmp_path / "results"),
            "student": "student-01",
            "run": "run",
            "stage": "baseline",
            "started": BASE - 5,
            "windows": [window("idle", BASE)],
            "profile": str(tmp_path / "profile.yml"),
            **options,
        }
        (tmp_path / "profile.yml").write_text(profile)
        checked = ArgumentSpecValidator(lab_measure.SPEC, mutually_exclusive=VALIDATION["mutually_exclusive"]).validate(
            given
        )
        assert checked.error_messages == []
        show = (shown if shown is not None else []).append
        return lab_measure.run(checked.validated_parameters, Context(check_mode=check, show=show))

    return run


def window(name: str, start: float, duration: float = 60.0) -> dict[str, Any]:
    return {"name": name, "title": f"the {name} one", "start": start, "duration": duration}


def files(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "results").rglob("*") if path.is_file())


def reanalyse(tmp_path: Path, **options: Any) -> dict[str, Any]:
    given = {"results_dir": str(tmp_path / "results"), "student": "student-01", **options}
    checked = ArgumentSpecValidator(lab_reanalyse.SPEC).validate(given)
    assert checked.error_messages == []
    return lab_reanalyse.run(checked.validated_parameters, Context())


def figures(record: dict[str, Any], number: int = 0) -> dict[str, dict[str, Any]]:
    return {figure["id"]: figure for figure in record["windows"][number]["figures"]}


def test_a_stage_is_measured_and_written(tmp_path: Path, prometheus: str, measure: Measure) -> None:
    began = time.time()
    shown: list[str] = []
    result = measure(
        prometheus,
        shown=shown,
        events=[BEGAN],
        settings={"concurrent_workflows": 3, "load": "soak"},
        facts={"seen": [1, None]},
        windows=[window("idle", BASE), window("next", BASE + 60, 90)],
    )
    run = tmp_path / "results" / "student-01" / "run"
    assert files(tmp_path) == ["baseline-1.json", "baseline-1.samples.json.gz"]
    told = {name: value for name, value in result.items() if name not in ("figures", "findings", "notes", "waited")}
    assert told == {
        "changed": True,
        "run": "run",
        "stages": {},
        "path": str(run / "baseline-1.json"),
        "attempt": 1,
        "samples": str(run / "baseline-1.samples.json.gz"),
    }
    record = stage_file.read_stage(run / "baseline-1.json")
    assert (record["stage"], record["state"], record["message"]) == ("baseline", "done", "")
    assert record["started"] == BASE - 5
    assert began - 0.001 <= record["finished"] <= time.time() + 0.001
    assert record["samples"] == "baseline-1.samples.json.gz"
    assert record["events"] == [BEGAN]

    # -- its windows: 2 a second up to second 80, then 6
    assert [(one["name"], one["title"], one["start"], one["end"]) for one in record["windows"]] == [
        ("idle", "the idle one", BASE, BASE + 60),
        ("next", "the next one", BASE + 60, BASE + 150),
    ]
    assert [figures(record, number)["total"]["value"] for number in (0, 1)] == [120, 20 * 2 + 70 * 6]
    assert result["figures"] == stage_file.window_values(record["windows"])
    assert result["figures"]["idle"]["total"] == 120

    # -- the course of the figures begins with the stage
    course = next(one for one in record["series"] if one["figure"] == "rate")
    assert course["points"][0][0] == BASE - 5
    assert course["points"][-1][0] >= BASE + 145

    # -- versions, settings and findings
    assert record["versions"]["collection"] == VERSION
    assert record["versions"]["temporal_server"] == "1.31.2"
    assert record["versions"]["prometheus"].count(".") == 2
    assert record["settings"] == {
        "concurrent_workflows": 3,
        "load": "soak",
        "history_shards": 512,
        "window": 60,
        "scrape_interval": 5,
    }
    sentence = "The soak test was told to keep 7 in flight on average, not 3"
    assert [(one["id"], one["state"], one["title"]) for one in result["findings"]] == [
        ("load_requested", "warn", f"the {name} one: {sentence}") for name in ("idle", "next")
    ]
    assert record["facts"] == {"seen": [1, None], "findings": result["findings"]}
    assert [line for line in shown if line.startswith(f"warn: the idle one: {sentence}; ")] != []

    # -- the samples say the same of the stage, but for what is known only in the end
    about = samples_file.load(run / record["samples"]).about
    assert about["settings"] == {name: of for name, of in record["settings"].items() if name != "scrape_interval"}
    assert about["versions"] == {"temporal_server": "1.31.2"}
    assert (about["events"], about["facts"], about["started"]) == ([BEGAN], {"seen": [1, None]}, BASE - 5)


def test_visibility_is_asked_once_for_each_window_with_a_load(
    tmp_path: Path, prometheus: str, api: ScriptedApi, measure: Measure
) -> None:
    path = INFO.replace("cluster-info", "namespaces/load/workflow-count")
    group = {"groupValues": [{"data": "IkNvbXBsZXRlZCI="}], "count": "120"}
    api.on("GET", path, {"count": "120", "groups": [group]}, status(403, "no list", "Forbidden"))
    profile = PROFILE.replace("id: rate,", "id: workflow_successes,")
    load = {
        "profile": profile,
        "settings": {"concurrent_workflows": 3},
        "temporal_namespace": "load",
        "windows": [window("idle", BASE), window("next", BASE + 60)],
    }
    result = measure(prometheus, **load)
    assert [asked.query["query"].partition(" AND")[0] for asked in api.asked if asked.path == path] == [
        "(CloseTime > '2023-11-14T22:13:20.000+00:00'",
        "(CloseTime > '2023-11-14T22:14:20.000+00:00'",
    ]
    record = stage_file.read_stage(Path(result["path"]))
    server, visibility = record["windows"][0]["completions"]
    assert (server["witness"], server["value"], server["interval"]) == ("server", 120, [120, 120])
    assert (visibility["value"], visibility["by"]) == (120, {"Completed": 120})
    _server, unknown = record["windows"][1]["completions"]
    assert (unknown["value"], "403" in unknown["reason"]) == (None, True)
    found = [one for one in result["findings"] if one["id"] == "completions_agree"]
    assert [(one["state"], one["title"].partition(";")[0]) for one in found] == [
        ("pass", "the idle one: Completed workflows: 120 by the server's metrics, 120 by Temporal's Visibility"),
        ("warn", "the next one: Completed workflows: 280 by the server's metrics"),
    ]
    # The samples have the answers, so that the same comes of them.
    assert [one["result"] for one in reanalyse(tmp_path)["stages"]] == ["same"]
    Path(result["path"]).unlink()
    assert [one["result"] for one in reanalyse(tmp_path)["stages"]] == ["recovered"]
    assert stage_file.read_stage(Path(result["path"]))["windows"] == record["windows"]

    # -- not of an idle server, and not for a profile that counts no completions
    asked = len([one for one in api.asked if one.path == path])
    measure(prometheus, **{**load, "settings": {"concurrent_workflows": 0}, "run": "idle"})
    measure(prometheus, **{**load, "profile": PROFILE, "run": "other"})
    assert len([one for one in api.asked if one.path == path]) == asked


def test_a_stage_is_compared_with_the_one_before(tmp_path: Path, prometheus: str, measure: Measure) -> None:
    measure(prometheus)
    load = {"stage": "benchmark", "windows": [window("load", BASE + 90)], "started": BASE + 80}
    assert measure(prometheus, **load)["figures"]["load"]["total"] == 360
    total = figures(stage_file.read_stage(tmp_path / "results/student-01/run/benchmark-1.json"))["total"]
    assert (total["state"], total["compared"]) == ("warn", {"window": "idle", "value": 120, "ratio": 3})

    # -- measured again, it is compared with the other stage and not with itself
    again = measure(prometheus, **load)
    assert (again["attempt"], Path(again["samples"]).name) == (2, "benchmark-2.samples.json.gz")
    total = figures(stage_file.read_stage(tmp_path / "results/student-01/run/benchmark-2.json"))["total"]
    assert total["compared"] == {"window": "idle", "value": 120, "ratio": 3}


def test_the_latest_run_goes_on(prometheus: str, measure: Measure) -> None:
    first = measure(prometheus, run=None)
    second = measure(prometheus, run=None, stage="benchmark", windows=[window("load", BASE + 90)])
    assert first["run"] == second["run"]
    assert Path(second["path"]).name == "benchmark-1.json"
    # What the run had before.
    assert {name: stage["state"] for name, stage in second["stages"].items()} == {"baseline": "done"}


def test_samples_that_are_not_to_be_kept(tmp_path: Path, prometheus: str, measure: Measure) -> None:
    result = measure(prometheus, keep_samples=False)
    assert (result["samples"], result["figures"]["idle"]["total"]) == (None, 120)
    assert files(tmp_path) == ["baseline-1.json"]
    assert stage_file.read_stage(Path(result["path"])).get("samples") is None
    with pytest.raises(LabError, match="has no samples"):
        reanalyse(tmp_path)


def test_the_same_comes_of_the_samples(tmp_path: Path, prometheus: str, measure: Measure) -> None:
    measure(prometheus)
    load = {"stage": "benchmark", "windows": [window("load", BASE + 90), window("more", BASE + 150, 40)]}
    facts = {"settings": {"concurrent_workflows": 3}, "facts": {"seen": [1]}, "events": [BEGAN]}
    path = Path(measure(prometheus, **load, **facts)["path"])
    whole = stage_file.read_stage(path)
    assert [one["result"] for one in reanalyse(tmp_path)["stages"]] == ["same", "same"]
    path.unlink()
    assert [one["result"] for one in reanalyse(tmp_path)["stages"]] == ["same", "recovered"]
    record = stage_file.read_stage(path)
    assert record["windows"] == whole["windows"]
    assert figures(record)["total"]["compared"]["ratio"] == 3
    assert record["facts"].pop("reanalysed")["samples"] == "benchmark-1.samples.json.gz"
    assert record["facts"]["findings"] != []
    assert record.pop("finished") == pytest.approx(whole.pop("finished"), abs=30)
    assert record == whole


# -- nothing is written -----------------------------------------------------


def test_check_mode_asks_nothing_of_prometheus_and_writes_nothing(
    tmp_path: Path, api: ScriptedApi, measure: Measure
) -> None:
    # Nobody is there: it would fail if it asked.
    result = measure(f"http://127.0.0.1:{free_port()}", check=True)
    assert result == {
        "changed": True,
        "run": "run",
        "stages": {},
        "path": None,
        "attempt": None,
        "samples": str(tmp_path / "results" / "student-01" / "run" / "baseline-1.samples.json.gz"),
        "figures": {},
        "findings": [],
        "notes": [],
        "waited": 0.0,
    }
    assert not (tmp_path / "results").exists()
    assert api.calls()[-1] == f"GET {INFO}"
    assert measure(f"http://127.0.0.1:{free_port()}", check=True, keep_samples=False)["samples"] is None


def test_check_mode_checks_the_profile_and_the_windows(measure: Measure) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(LabError, match="Two windows are named 'idle'"):
        measure(nobody, check=True, windows=[window("idle", BASE), window("idle", BASE + 60)])
    with pytest.raises(LabError, match="There is no window to read"):
        measure(nobody, check=True, windows=[])
    with pytest.raises(LabError, match="profile"):
        measure(nobody, check=True, profile="figures: []")


def test_a_window_that_is_too_short_is_refused_before_it_is_waited_for(
    tmp_path: Path, prometheus: str, measure: Measure
) -> None:
    began = time.time()
    shown: list[str] = []
    with pytest.raises(LabError) as failure:
        measure(prometheus, shown=shown, windows=[window("idle", began + 300, 10)], started=began)
    assert failure.value.msg == (
        "The window 'idle' of 10 s is too short for a scrape every 5 s: make it at least 20 s, or let Prometheus "
        "scrape more often."
    )
    assert time.time() - began < 200
    assert (shown, files(tmp_path)) == ([], [])


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"stage": "../x"}, r"The stage name '\.\./x' cannot be part of a file's name"),
        ({"events": [{"name": "x"}]}, r"cannot be written down .*: events\[0\] "),
        ({"facts": {"x": math.nan}}, r"cannot be written down .*: facts\.x is nan"),
        ({"results_dir": __file__}, "Not a directory|is a file"),
    ],
)
def test_what_could_not_be_kept_is_refused_before_the_wait(
    prometheus: str, measure: Measure, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], told: str
) -> None:
    monkeypatch.setattr(measuring, "wait", lambda *_: pytest.fail("it waits"))
    with pytest.raises(LabError, match=told):
        measure(prometheus, windows=[window("idle", time.time(), 600)], started=time.time(), **more)


@pytest.mark.parametrize("fails", ["course", "figures"])
def test_samples_are_kept_whatever_goes_wrong_after_they_were_read(
    tmp_path: Path, prometheus: str, measure: Measure, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    def refused(*_: Any) -> Any:
        raise LabError("It went wrong.")

    with monkeypatch.context() as patched:
        patched.setattr(client.Prometheus if fails == "course" else lab_measure, fails, refused)
        with pytest.raises(LabError, match=r"It went wrong\."):
            measure(prometheus)
    assert files(tmp_path) == ["baseline-1.samples.json.gz"]
    # The stage is recovered from them.
    assert [one["result"] for one in reanalyse(tmp_path)["stages"]] == ["recovered"]
    record = stage_file.read_stage(tmp_path / "results/student-01/run/baseline-1.json")
    assert figures(record)["total"]["value"] == 120
    assert (record["series"] == []) == (fails == "course")


def test_without_a_frontend_nothing_is_measured(tmp_path: Path, measure: Measure, api: ScriptedApi) -> None:
    api.script.clear()
    api.on("GET", f"{NAMESPACE}/pods", {"items": [], "metadata": {}})
    with pytest.raises(NotFound) as failure:
        measure(f"http://127.0.0.1:{free_port()}")
    assert failure.value.msg == (
        "There is no Temporal frontend of release my-temporal in student-01: is release my-temporal installed there?"
    )
    assert files(tmp_path) == []


def test_without_prometheus_no_stage_is_written(tmp_path: Path, measure: Measure, api: ScriptedApi) -> None:
    # Something else answers there.
    with pytest.raises(LabError, match=rf"Prometheus at {api.url} .*404 to GET /api/v1/targets"):
        measure(api.url)
    assert files(tmp_path) == []


# -- what is not of this stage ----------------------------------------------


def earlier(window_start: float) -> dict[str, Any]:
    return {"stage": "scale", "windows": [window("first", window_start)], "started": BASE + 90}


def test_a_window_from_before_the_stage_is_refused(tmp_path: Path, measure: Measure) -> None:
    # Nobody is there: it would fail if it asked.
    nobody = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(LabError) as failure:
        measure(nobody, **earlier(BASE))
    assert failure.value.msg.startswith("The window 'first' would begin 1 min 30 s before the stage scale began, ")
    assert "--tags reset" in failure.value.msg
    # In a run that has nothing yet, and where the change is older than the run, nothing else counts.
    with pytest.raises(LabError, match="would begin 1 min 30 s before the stage scale began"):
        measure(nobody, **earlier(BASE), changed_at=BASE - 1)
    assert files(tmp_path) == []


def test_a_change_that_an_earlier_attempt_of_the_run_made_is_of_the_stage(prometheus: str, measure: Measure) -> None:
    measure(prometheus, started=BASE - 60)
    # The lab scaled after the run had begun: a stage that was cut off is measured again.
    assert measure(prometheus, **earlier(BASE), changed_at=BASE - 1)["attempt"] == 1
    with pytest.raises(LabError, match="would begin 29 s before the stage scale began"):
        measure(prometheus, **earlier(BASE - 30), changed_at=BASE - 1)
    # The clock of the cluster has whole seconds: the window is the one that the attempt which scaled had.
    measure(prometheus, **{**earlier(BASE + 0.25), "started": BASE + 0.25})
    again = measure(prometheus, **earlier(BASE), changed_at=float(BASE))
    assert stage_file.read_stage(Path(again["path"]))["windows"][0]["start"] == BASE + 0.25
    # Before this run: by another one.
    with pytest.raises(LabError, match="would begin 1 min 30 s before the stage scale began"):
        measure(prometheus, **earlier(BASE), changed_at=BASE - 120)


# -- what something changed -------------------------------------------------

HELD = [{"name": "my-temporal-history", "replicas": 2}]
DEPLOYMENT = "/apis/apps/v1/namespaces/student-01/deployments/my-temporal-history"


@pytest.fixture
def scaled(api: ScriptedApi) -> ScriptedApi:
    """History has two replicas."""
    api.on("GET", DEPLOYMENT, deployment(replicas=2))
    api.on("GET", f"{NAMESPACE}/pods", {"items": [pod("a"), pod("b")], "metadata": {}})
    return api


def test_what_stayed_is_measured(prometheus: str, measure: Measure, scaled: ScriptedApi) -> None:
    assert measure(prometheus, held=HELD)["attempt"] == 1
    assert scaled.calls().count(f"GET {DEPLOYMENT}") == 2


def test_what_was_undone_before_is_not_waited_for(
    tmp_path: Path, measure: Measure, scaled: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "wait", lambda *_: pytest.fail("it waits"))
    scaled.on("GET", DEPLOYMENT, deployment(replicas=1))
    with pytest.raises(Undone, match=r"^The Deployment my-temporal-history in .* has 1 replica, and had 2 before"):
        measure(f"http://127.0.0.1:{free_port()}", held=HELD)
    assert files(tmp_path) == []


def test_nothing_is_written_of_windows_in_which_something_was_undone(
    tmp_path: Path, prometheus: str, measure: Measure, scaled: ScriptedApi
) -> None:
    scaled.on("GET", DEPLOYMENT, deployment(replicas=2), deployment(replicas=1))
    with pytest.raises(Undone, match=r"^While the windows ran, the Deployment .* has 1 replica, and had 2 before"):
        measure(prometheus, held=HELD)
    # Not even samples, of which a stage could be recovered.
    assert files(tmp_path) == []


def test_samples_are_kept_where_nobody_could_be_asked_in_the_end(
    tmp_path: Path, prometheus: str, measure: Measure, scaled: ScriptedApi
) -> None:
    scaled.on("GET", DEPLOYMENT, deployment(replicas=2), status(403, "deployments is forbidden: no more", "Forbidden"))
    with pytest.raises(Refused):
        measure(prometheus, held=HELD)
    assert files(tmp_path) == ["baseline-1.samples.json.gz"]
    assert [one["result"] for one in reanalyse(tmp_path)["stages"]] == ["recovered"]
    record = stage_file.read_stage(tmp_path / "results/student-01/run/baseline-1.json")
    assert "no more" in record["facts"]["not_read_back"]


def test_a_pod_in_the_place_of_another_is_a_finding(prometheus: str, measure: Measure, scaled: ScriptedApi) -> None:
    result = measure(prometheus, held=[{**HELD[0], "pods": ["a", "old"]}])
    (found,) = [one for one in result["findings"] if one["id"] == "pods_replaced"]
    assert (found["state"], "(b)" in found["title"]) == ("warn", True)


def test_windows_are_glanced_at_while_they_run() -> None:
    class Still:
        """A clock that goes on only when somebody sleeps."""

        time = 1000.0

        def now(self) -> float:
            return self.time

        def sleep(self, seconds: float) -> None:
            self.time += seconds

    clock = Still()
    looks: list[float] = []
    measuring.wait(None, [], [], 1060.0, clock, silent, lambda: looks.append(clock.now()))
    assert looks == [1015, 1030, 1045]

    def undone() -> None:
        raise Undone("It was undone.")

    with pytest.raises(Undone):
        measuring.wait(None, [], [], 1120.0, clock, silent, undone)
    assert clock.now() == 1075
