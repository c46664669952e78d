# SPDX-License-Identifier: GPL-3.0-or-later
"""The task lab_reanalyse: figures worked out again from files of samples, without Prometheus."""

from __future__ import annotations

import gzip
import importlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.testing import patch_module_args
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import (
    kept_samples,
    profile_file,
    samples_file,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.query import FoundMetrics
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.question import Question
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.reading import (
    Reading,
    Samples,
    Window,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.series import Pool
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results import (
    lab_stage,
    stage_file,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages import lab_reanalyse
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    RUN,
    START,
    STUDENT,
    Lab,
    series,
)

COLLECTION = "ansible_collections.temporal_lab.benchmarking.plugins"
PROFILE = """\
schema: temporal_lab.benchmarking/profile/1
title: Work
variables: {job: pods}
filters: ['job="$job"']
components: {app: app-.+}
figures:
  - id: work
    title: Work
    question: How much is done?
    unit: 1/s
    kind: rate
    components: [app]
    sources: [{metric: m_total}]
    where: ['kind="a"']
"""
#: With another figure, of series that were read.
MORE = (
    PROFILE
    + """\
  - {id: sum, title: Sum, question: '?', unit: "1", kind: total, key: true, components: [app],
     sources: [{metric: m_total}], where: ['kind="a"']}
"""
)
#: Compared with the window of the stage baseline.
RELATIVE = MORE.replace(
    'unit: "1", kind', 'direction: lower, thresholds: {relative: {window: baseline, fail: 1.5}}, unit: "1", kind'
)


def do(
    folder: Path, check: bool = False, shown: list[str] | None = None, profile_text: str = "", **arguments: Any
) -> dict[str, Any]:
    """Run the task with its arguments checked as Ansible does it. profile_text: what the profile's file holds."""
    given = {"results_dir": str(folder), "student": STUDENT, **arguments}
    if profile_text:
        given["profile"] = str(folder.with_name("profile.yml"))
        Path(given["profile"]).write_text(profile_text)
    checked = ArgumentSpecValidator(lab_reanalyse.SPEC).validate(given)
    assert checked.error_messages == []
    show = (shown if shown is not None else []).append
    result: dict[str, Any] = lab_reanalyse.run(checked.validated_parameters, Context(check_mode=check, show=show))
    return result


def outcome(result: dict[str, Any]) -> dict[str, tuple[str, int | None]]:
    return {one["stage"]: (one["result"], one["attempt"]) for one in result["stages"]}


def kept(stage: str, at: float = 0.0, rate: float = 2.0, **fields: Any) -> kept_samples.Kept:
    """Samples of a counter that grows evenly, for a window of a minute that begins ``at`` seconds after the start."""
    begin = START + at
    times = tuple(begin + second for second in range(-10, 71, 5))
    pool = Pool()

    def samples(metric: str, values: list[float], **labels: str) -> Samples:
        texts = [f"{value:g}" for value in values]
        labels = {"__name__": metric, "job": "pods", "instance": "10.0.0.1:9090", "pod": "app-1", **labels}
        return Samples(
            f"{metric}[80s]", ('kind="a"',) if labels.get("kind") else (), [pool.series(labels, times, texts)]
        )

    window = Window(stage, f"the {stage} one", begin, 60.0)
    reading = Reading(
        windows=[window],
        interval=5.0,
        skew=0.0,
        begin=begin - 12.5,
        end=begin + 72.5,
        found=FoundMetrics(frozenset({"up", "m_total", "other_total"})),
        up=samples("up", [1.0] * len(times)),
        starts=Samples("", (), []),
        metrics={"m_total": samples("m_total", [rate * (time - begin) + 100 for time in times], kind="a")},
        answers={stage: {"work": rate + 0.01}},
    )
    about = {
        "stage": stage,
        "started": begin - 5.00049,
        "events": [{"name": "began", "title": "it began", "time": begin}],
        "versions": {"temporal_server": "1.31.2"},
        "settings": {"window": 60.0, "load": 3},
        "facts": {"seen": [1, None]},
    }
    asked = Question(PROFILE, "own.yml", "default", "my-temporal", {}, "1.31.2", [window], {})
    told = {"scrape_interval": 5.0, "prometheus_version": "3.16.0", "clock_skew": 0.0, "frameworks": [], "notes": []}
    course = [series("work", [[begin, rate]], query="rate(…)", step=5)]
    about = fields.pop("about", about)
    return kept_samples.Kept(replace(asked, **fields), [reading], begin + 66, course, told, about)


def keep(lab: Lab, stage: str, *arguments: Any, **fields: Any) -> Path:
    return samples_file.save_new(lab.path, stage, kept(stage, *arguments, **fields))


def measure(lab: Lab, stage: str, *arguments: Any, **fields: Any) -> Path:
    """Keep a stage's samples and write its file, as role measure does."""
    path = keep(lab, stage, *arguments, **fields)
    return write(lab, path)


def write(lab: Lab, path: Path, **more: Any) -> Path:
    """Write the stage file of a file of samples, as role measure does."""
    of = samples_file.load(path)
    about = {**of.about, **more}
    given = {
        **about,
        "results_dir": str(lab.folder),
        "student": STUDENT,
        "run": RUN,
        "state": "done",
        "finished": of.read + 0.5,
        "windows": kept_samples.figures(of),
        "series": list(of.series),
        "samples": path.name,
        "versions": {**about["versions"], "prometheus": "3.16.0"},
        "settings": {**about["settings"], "scrape_interval": 5.0},
    }
    checked = ArgumentSpecValidator(lab_stage.SPEC).validate(given)
    assert checked.error_messages == []
    return Path(lab_stage.run(checked.validated_parameters, Context())["path"])


def files(lab: Lab) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in lab.path.iterdir()}


def figures(lab: Lab, file: str) -> dict[str, dict[str, Any]]:
    return {figure["id"]: figure for figure in stage_file.read_stage(lab.path / file)["windows"][0]["figures"]}


# --- the same, and what was cut off --------------------------------------------------------------


def test_what_is_the_same_is_left_alone(lab: Lab) -> None:
    measure(lab, "baseline")
    measure(lab, "benchmark", 100)
    lab.write("scale", state="failed")
    before = files(lab)
    shown: list[str] = []
    result = do(lab.folder, shown=shown)
    assert (result["changed"], result["run"], result["path"], result["problems"]) == (False, RUN, str(lab.path), [])
    assert outcome(result) == {"baseline": ("same", 1), "benchmark": ("same", 1)}
    assert result["stages"][0]["samples"] == "baseline-1.samples.json.gz"
    assert result["stages"][0]["file"] == str(lab.path / "baseline-1.json")
    assert files(lab) == before
    assert shown == [
        f"run {RUN}\n"
        "baseline: the same figures from baseline-1.samples.json.gz\n"
        "benchmark: the same figures from benchmark-1.samples.json.gz"
    ]


def test_a_stage_that_was_cut_off_is_written_as_it_would_have_been(lab: Lab) -> None:
    path = measure(lab, "baseline")
    whole = stage_file.read_stage(path)
    path.unlink()
    assert outcome(do(lab.folder)) == {"baseline": ("recovered", 1)}
    record = stage_file.read_stage(path)
    told = {"samples": "baseline-1.samples.json.gz", "profile": "own.yml"}
    assert record["facts"] == {"seen": [1, None], "findings": [], "reanalysed": told}
    # When its samples were read, not today.
    assert record["finished"] == START + 66
    assert {**record, "facts": 0, "finished": 0} == {**whole, "facts": 0, "finished": 0}
    before = files(lab)
    again = do(lab.folder)
    assert (again["changed"], outcome(again)) == (False, {"baseline": ("same", 1)})
    assert files(lab) == before


def test_a_stage_that_failed_after_its_samples_were_kept_is_recovered(lab: Lab) -> None:
    keep(lab, "baseline")
    lab.write("baseline", state="failed")
    assert outcome(do(lab.folder)) == {"baseline": ("recovered", 2)}
    assert lab.report()["stages"][3]["state"] == "done"


def test_a_repetition_that_was_cut_off_is_recovered_also_when_its_figures_are_the_same(lab: Lab) -> None:
    measure(lab, "baseline")
    assert keep(lab, "baseline", about={**kept("baseline").about, "started": START + 200}).name == (
        "baseline-2.samples.json.gz"
    )
    assert outcome(do(lab.folder)) == {"baseline": ("recovered", 2)}
    assert stage_file.read_stage(lab.path / "baseline-2.json")["started"] == START + 200
    assert outcome(do(lab.folder)) == {"baseline": ("same", 2)}


def test_a_broken_stage_file_is_made_up_for(lab: Lab) -> None:
    measure(lab, "baseline").write_text("{")
    assert outcome(do(lab.folder)) == {"baseline": ("recovered", 2)}


def test_older_samples_do_not_take_the_place_of_a_newer_measurement(lab: Lab) -> None:
    measure(lab, "baseline")
    lab.write(
        "baseline",
        at=300,
        windows=[{"name": "baseline", "title": "", "start": START + 300, "end": START + 360, "figures": []}],
    )
    measure(lab, "benchmark", 100)
    result = do(lab.folder)
    assert (result["changed"], outcome(result)) == (False, {"benchmark": ("same", 1), "baseline": ("unkept", 2)})


def test_check_mode_writes_nothing(lab: Lab) -> None:
    keep(lab, "baseline")
    before = files(lab)
    result = do(lab.folder, check=True)
    assert (result["changed"], outcome(result)) == (True, {"baseline": ("recovered", 1)})
    assert result["stages"][0]["file"] == str(lab.path / "baseline-1.json")
    assert files(lab) == before


# --- another profile -----------------------------------------------------------------------------


def test_a_new_figure_is_in_the_next_attempt_and_in_the_report(lab: Lab, tmp_path: Path) -> None:
    first = stage_file.read_stage(measure(lab, "baseline"))
    mine = tmp_path / "mine.yml"
    mine.write_text(MORE)
    result = do(lab.folder, profile=str(mine))
    assert (result["changed"], outcome(result)) == (True, {"baseline": ("again", 2)})
    record = stage_file.read_stage(lab.path / "baseline-2.json")
    assert record["facts"]["reanalysed"]["profile"] == str(mine)
    for name in ("started", "finished", "events", "settings", "versions", "series", "samples"):
        assert record[name] == first[name]
    work, total = record["windows"][0]["figures"]
    assert work == first["windows"][0]["figures"][0]
    assert (work["promql"], total["value"], total["state"]) == (2.01, 120, "pass")
    assert (total["promql"], total["promql_difference"], total["promql_reason"]) == (None, None, kept_samples.NOT_ASKED)
    assert [row["id"] for row in lab.report()["figures"]] == ["work", "sum"]
    assert outcome(do(lab.folder, profile=str(mine))) == {"baseline": ("same", 2)}
    # Without it the kept profile counts again.
    assert outcome(do(lab.folder)) == {"baseline": ("again", 3)}
    assert [row["id"] for row in lab.report()["figures"]] == ["work"]


def test_another_profile_takes_the_place_of_the_kept_one(lab: Lab) -> None:
    measure(lab, "baseline")
    assert outcome(do(lab.folder, profile_text=PROFILE)) == {"baseline": ("same", 1)}
    assert outcome(do(lab.folder, profile_text=MORE)) == {"baseline": ("again", 2)}
    told = stage_file.read_stage(lab.path / "baseline-2.json")["facts"]["reanalysed"]
    assert told["profile"] == str(lab.folder.with_name("profile.yml"))


def test_the_answer_to_another_question_is_not_taken_for_promqls(lab: Lab) -> None:
    measure(lab, "baseline")
    do(lab.folder, profile_text=PROFILE.replace("kind: rate", "kind: total"))
    work = figures(lab, "baseline-2.json")["work"]
    assert (work["value"], work["promql"], work["promql_reason"]) == (120, None, kept_samples.NOT_ASKED)


@pytest.mark.parametrize(
    ("source", "where", "value", "state", "reason"),
    [
        # Prometheus had it, but it was not read: that is not zero, whatever the profile says of absent series.
        ("other_total", "", None, "inconclusive", "not all series of other_total that it needs were read"),
        # Of this one only some series were read.
        ("m_total", "", None, "inconclusive", "not all series of m_total that it needs were read"),
        ("m_total", "where: ['kind=\"b\"'], ", None, "inconclusive", "not all series of m_total"),
        # Prometheus had none of it, so the profile's word counts.
        ("never_total", "", 0, "pass", ""),
        ("m_total", "where: ['kind=\"a\"', 'pod=\"app-1\"'], ", 120, "pass", ""),
        ("m_total", "where: ['kind=\"a\"', 'pod=\"app-2\"'], ", 0, "pass", ""),
    ],
)
def test_series_that_were_not_read_are_not_zero(
    lab: Lab, source: str, where: str, value: float | None, state: str, reason: str
) -> None:
    measure(lab, "baseline")
    figure = (
        f"  - {{id: new, title: New, question: '?', unit: '1', kind: total, by: pod, absent: zero, {where}"
        f"components: [app], direction: lower, thresholds: {{warn: 200}}, sources: [{{metric: {source}}}]}}\n"
    )
    do(lab.folder, profile_text=PROFILE + figure)
    new = figures(lab, "baseline-2.json")["new"]
    assert (new["value"], new["state"], new["thresholds"]) == (value, state, {"warn": 200})
    assert new["reason"].startswith(reason)
    assert (new["by"] == {"app-1": 120}) == (value == 120)


def test_other_filters_are_refused_and_nothing_is_written(lab: Lab) -> None:
    keep(lab, "baseline")
    keep(lab, "benchmark", 100, variables={"job": "other"})
    before = files(lab)
    with pytest.raises(
        LabError, match=r'with job="pods", and these samples were read with job="other": give it the same'
    ):
        do(lab.folder, profile_text=PROFILE.replace("variables: {job: pods}\n", "").replace("$job", "pods"))
    with pytest.raises(LabError, match="no variable 'jobs'"):
        do(lab.folder, variables={"jobs": "pods"})
    with pytest.raises(LabError, match="There is no profile"):
        do(lab.folder, profile="/no/such.yml")
    with pytest.raises(LabError, match="is not a number"):
        do(lab.folder, profile_text=PROFILE.replace("metric: m_total", "metric: m_total, scale: x"))
    assert files(lab) == before
    # Those that it was measured with count, where the profile has them.
    assert outcome(do(lab.folder, profile_text=MORE)) == {
        "baseline": ("recovered", 1),
        "benchmark": ("recovered", 1),
    }


def test_variables_change_what_the_filters_do_not_have(lab: Lab) -> None:
    measure(lab, "baseline")
    with_pods = MORE.replace("{job: pods}", "{job: pods, pods: app-.+}").replace("app: app-.+", "app: $pods")
    assert outcome(do(lab.folder, profile_text=with_pods, variables={"pods": "other-.+"})) == {"baseline": ("again", 2)}
    assert figures(lab, "baseline-2.json")["work"]["reason"] == "app was scraped 0 times in this window, of 12"


# --- earlier windows -----------------------------------------------------------------------------


def test_windows_are_compared_with_earlier_ones_in_the_order_of_time(lab: Lab) -> None:
    """By name the stage after it comes first; and no window is compared with a later one."""
    measure(lab, "after", 200, 4.0)
    measure(lab, "baseline", 100, 2.0)
    measure(lab, "zero", 0, 1.0)
    result = do(lab.folder, profile_text=RELATIVE)
    assert [one["stage"] for one in result["stages"]] == ["zero", "baseline", "after"]
    after = figures(lab, "after-2.json")["sum"]
    assert (after["state"], after["compared"]) == ("fail", {"window": "baseline", "value": 120, "ratio": 2})
    assert figures(lab, "baseline-2.json")["sum"]["state"] == "pass"
    zero = figures(lab, "zero-2.json")["sum"]
    assert (zero["state"], zero["reason"]) == (
        "inconclusive",
        "there is no value of the window baseline to compare with",
    )
    assert not do(lab.folder, profile_text=RELATIVE)["changed"]


def test_values_that_were_given_when_it_was_measured_count_where_there_are_no_newer_ones(lab: Lab) -> None:
    earlier = {"baseline": {"sum": 60.0}}
    measure(lab, "after", 200, 2.0, profile=RELATIVE, earlier=earlier)
    assert outcome(do(lab.folder)) == {"after": ("same", 1)}
    assert figures(lab, "after-1.json")["sum"]["compared"]["value"] == 60
    # A stage without samples counts with the values in its file.
    window = {"name": "baseline", "title": "", "start": START, "end": START + 60, "figures": []}
    figure = {**figures(lab, "after-1.json")["sum"], "value": 90.0}
    lab.write("baseline", windows=[{**window, "figures": [figure]}])
    assert outcome(do(lab.folder)) == {"baseline": ("unkept", 1), "after": ("again", 2)}
    assert figures(lab, "after-2.json")["sum"]["compared"]["value"] == 90


# --- what cannot be used -------------------------------------------------------------------------

WHOLE = "cannot be read: it is no file of samples, or not whole"


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda content: content[: len(content) // 2], WHOLE),
        (flipped, WHOLE),
        (lambda content: content[:10] + b"\xff" * 20, WHOLE),
        (lambda content: b"", WHOLE),
        (lambda content: b"{}", WHOLE),
        (lambda content: gzip.compress(b"[1]"), WHOLE),
        (lambda content: gzip.compress(b"[" * 100000), WHOLE),
        (lambda content: gzip.compress(b'{"schema": "temporal_lab.benchmarking/samples/1"}'), WHOLE),
        (lambda content: gzip.compress(b'{"schema": "other"}'), "has the schema 'other', and this version reads"),
        (
            lambda content: gzip.compress(gzip.decompress(content).replace(b'"about":{', b'"about":null,"x":{')),
            "without `about`",
        ),
        (
            lambda content: gzip.compress(gzip.decompress(content).replace(b'"stage":"baseline"', b'"stage":"scale"')),
            "baseline-1.samples.json.gz contains samples of stage scale: rename it to match",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_told_and_the_others_are_worked_out(lab: Lab, damage: Any, told: str) -> None:
    path = keep(lab, "baseline")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(LabError) as caught:
        do(lab.folder)
    assert told in caught.value.msg
    assert "baseline-1.samples.json.gz" in caught.value.msg
    keep(lab, "benchmark", 100)
    lab.write("baseline", windows=[{"name": "a", "title": "", "start": START, "end": START + 1, "figures": []}])
    shown: list[str] = []
    result = do(lab.folder, shown=shown)
    assert outcome(result) == {"baseline": ("unkept", 1), "benchmark": ("recovered", 1)}
    [problem] = result["problems"]
    assert told in problem
    assert shown[0].splitlines()[-1] == problem


@pytest.mark.parametrize(
    ("part", "wrong", "told"),
    [
        (b'"series":[{', b'"series":["a",{', "no stage can be made of what it says besides its samples (TypeError: "),
        (b'"figure":"work"', b'"figure":5', "The result of stage baseline of student-01 was not written: series[0]"),
        (b'"events":[', b'"events":[7,', "was not written: events[0] is not of schema"),
        (b'"load":3', b'"concurrent_workflows":"x"', "no figures can be worked out from its samples (ValueError: "),
        (b'"load":3', b'"concurrent_workflows":[]', "no figures can be worked out from its samples (TypeError: "),
    ],
)
def test_what_a_file_says_besides_its_samples_costs_that_file_alone(
    lab: Lab, part: bytes, wrong: bytes, told: str
) -> None:
    path = keep(lab, "baseline")
    content = gzip.decompress(path.read_bytes())
    assert content.count(part) == 1
    path.write_bytes(gzip.compress(content.replace(part, wrong)))
    keep(lab, "benchmark", 100)
    result = do(lab.folder)
    assert outcome(result) == {"baseline": ("unkept", None), "benchmark": ("recovered", 1)}
    [problem] = result["problems"]
    assert problem.startswith("baseline-1.samples.json.gz is left out: ")
    assert told in problem


def test_without_samples_it_says_what_is_missing(lab: Lab) -> None:
    with pytest.raises(LabError, match=r"There is no run of student-01 in .* to work out again; measure a stage"):
        do(lab.folder)
    lab.write("baseline")
    with pytest.raises(LabError, match=r"has no samples .*measure_keep_samples=true"):
        do(lab.folder)
    with pytest.raises(LabError, match="The run absent of student-01 has no samples"):
        do(lab.folder, run="absent")


# --- as Ansible runs it --------------------------------------------------------------------------


def test_as_a_module(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    keep(lab, "baseline")
    module = importlib.import_module(f"{COLLECTION}.modules.lab_reanalyse")
    with patch_module_args({"results_dir": str(lab.folder), "student": STUDENT}), pytest.raises(SystemExit):
        module.main()
    assert outcome(json.loads(capsys.readouterr().out)) == {"baseline": ("recovered", 1)}


def test_the_profiles_of_these_tests_are_profiles() -> None:
    for text in (PROFILE, MORE, RELATIVE):
        profile_file.parse(text, "test")
