# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles: what is wrong in one is said with path, line and reason."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import profile, profile_file, query

GOOD = """\
schema: temporal_lab.benchmarking/profile/1
title: A profile
variables:
  job: pods
  place: kubernetes_namespace
filters:
  - job="$job"
  - $place="$namespace"
components:
  history: $release-history-.+
figures:
  - id: latency
    title: Latency
    question: How long?
    unit: s
    kind: quantile
    quantile: 0.95
    components: [history]
    direction: lower
    sources:
      - {metric: latency_bucket}
  - id: pods
    title: Pods
    question: How many?
    unit: "1"
    kind: gauge
    take: last
    by: pod
    components: [history]
    sources:
      - {framework: tally, metric: pods}
    where:
      - operation!~"Poll.*"
"""

#: What stands before its figures.
HEAD = GOOD.partition("figures:")[0]

NAMINGS = """\
namings:
  timer:
    - {framework: tally, metric: "{name}_bucket", smallest_bucket: 0.001}
    - {framework: opentelemetry, metric: "{name}_milliseconds_bucket", scale: 0.001, smallest_bucket: 1}
figures:
"""
NAMED = GOOD.replace("figures:\n", NAMINGS).replace("{metric: latency_bucket}", "{timer: latency}")


def test_the_collections_own_profile_has_the_labs_figures() -> None:
    own = profile_file.load(profile_file.default_path())
    assert [figure.id for figure in own.figures if not figure.distribution] == [
        "state_transitions",
        "workflow_successes",
        "workflow_failures",
        "workflow_timeouts",
        "transitions_per_success",
        "signal_requests",
        "persistence_requests",
        "persistence_operations",
        "persistence_errors",
        "service_requests",
        "service_errors",
        "errors_by_type",
        "call_errors_by_type",
        "resource_exhausted",
        "shards_per_pod",
        "membership_changes",
        "pods_started",
        "shards_acquired",
        "shards_closed",
        "poll_sync_rate",
        "load_started",
        "load_completed",
        "load_failed",
        "load_request_errors",
        "load_in_flight",
        "load_requested_concurrency",
        "load_achieved_concurrency",
        "load_workflow_pollers",
        "load_activity_pollers",
        "worker_slots",
        "machine_cpu",
        "machine_cores",
        "cpu",
        "cpu_throttled",
        "memory",
        "heap",
        "goroutines",
    ]
    every = ["mean", "p50", "p95", "p99", "largest"]
    distributions: dict[str, list[str]] = {}
    for figure in own.figures:
        if figure.distribution:
            distributions.setdefault(figure.distribution, []).append(figure.id.removeprefix(f"{figure.distribution}_"))
    assert list(distributions) == [
        "persistence_latency",
        "service_latency",
        "shard_lock_latency",
        "lock_latency",
        "workflow_lock_latency",
        "acquire_shards_latency",
        "schedule_to_start",
        "load_end_to_end",
    ]
    assert all(set(every) <= set(parts) for parts in distributions.values())
    # A change anywhere in the distribution is seen among the key figures.
    assert {figure.id for figure in own.figures if figure.key and figure.distribution == "shard_lock_latency"} == {
        f"shard_lock_latency_{part}" for part in ("mean", "above_10ms", "p99", "p999")
    }
    assert own.figure("signal_requests").absent == "zero"
    assert [figure.short for figure in own.figures if figure.key and figure.short] == [
        "state transitions",
        "successes",
        "shard lock mean",
        "shard lock p99",
        "shards",
    ]


def test_every_selector_of_the_own_profile_counts_one_job_and_one_namespace() -> None:
    own = profile_file.load(profile_file.default_path()).bind("student-01", "my-temporal")
    for figure in own.figures:
        text = query.instant(figure, query.FoundMetrics(), own.filters, 120, 5)
        selectors = re.findall(r"\{[^}]*\}", text)
        assert selectors, figure.id
        for one in selectors:
            assert 'job=~"kubernetes-pods"' in one, text
            assert 'kubernetes_namespace="student-01"' in one, text


def test_variables_give_labels_their_names_and_values() -> None:
    bound = profile_file.parse(GOOD, "p.yml").bind("student-01", "my.release", {"place": "namespace"})
    assert bound.filters == ('job="pods"', 'namespace="student-01"')
    assert bound.components == {"history": "my.release-history-.+"}
    hostile = profile_file.parse(GOOD, "p.yml").bind('a"b\\', "r")
    assert hostile.filters[1] == 'kubernetes_namespace="a\\"b\\\\"'
    with pytest.raises(LabError, match=r"no variable 'plce' \(did you mean 'place'\?\)"):
        profile_file.parse(GOOD, "p.yml").bind("n", "r", {"plce": "x"})
    with pytest.raises(LabError, match=r"'a-b', which is no label name"):
        profile_file.parse(GOOD, "p.yml").bind("n", "r", {"place": "a-b"})


def test_a_naming_stands_for_several_names() -> None:
    source = profile.Source
    seconds = source("x_bucket", "tally", 1, "", 0.001, histogram=True)
    milliseconds = source("x", "opentelemetry", 0.001, "", 1, histogram=True)
    assert profile_file.parse(NAMED, "p.yml").figure("latency").selection.sources == (
        replace(seconds, metric="latency_bucket"),
        replace(milliseconds, metric="latency_milliseconds_bucket"),
    )
    text = NAMED.replace("{timer: latency}", '{timer: latency, server: ">=1.23"}')
    assert [one.server for one in profile_file.parse(text, "p.yml").figure("latency").selection.sources] == [
        ">=1.23"
    ] * 2


@pytest.mark.parametrize(
    ("version", "metric"),
    [
        ("1.31.2", "semaphore_latency_bucket"),
        ("1.23.0", "semaphore_latency_bucket"),
        ("2.0", "semaphore_latency_bucket"),
        ("1.22.7", "lock_latency_bucket"),
        ("1.9", "lock_latency_bucket"),
        # Of a version that is not known the first that Prometheus has.
        ("", "lock_latency_bucket"),
        ("unknown", "lock_latency_bucket"),
    ],
)
def test_the_server_chooses_the_metric_of_the_shard_lock(version: str, metric: str) -> None:
    """Also while only the other one is there: it would answer another question."""
    own = profile_file.load(profile_file.default_path()).bind("student-01", "my-temporal", server_version=version)
    found = query.FoundMetrics(frozenset({"lock_latency_bucket"}))
    assert query.choose(own.figure("shard_lock_latency_p95").selection, found).metric == metric


FAULTS = [
    ("schema: temporal_lab.benchmarking/profile/1", "schema: other/2", 1, "'other/2' is not 'temporal_lab"),
    ("title: A profile\n", "", 1, "the key `title` is missing"),
    ("  job: pods", "  namespace: pods", 4, "`variables.namespace`: is set by the task"),
    ("  job: pods", "  Job: pods", 4, "'Job' is not a name"),
    ("  job: pods", "  job: 7", 4, "7 is not text"),
    ('  - job="$job"', "  - job=$job", 7, "`filters[0]`: 'job=$job' is not a label matcher"),
    (
        '  - job="$job"',
        '  - job="$jab"',
        7,
        "uses the variable $jab, which the profile does not have (did you mean 'job'?)",
    ),
    ('  - job="$job"', '  - job="a$"', 7, "has a `$` that begins no variable"),
    ("$release-history-.+", "$release-history-(", 10, "`components.history`: 'r-history-(' is no regular"),
    ("  - id: latency", "  - id: Latency", 12, "figure 'Latency', `id`: 'Latency' is not an id"),
    ("  - id: latency", "  - id: pods", 22, "figure 'pods', `id`: is the id of an earlier figure too"),
    ("    title: Latency\n", "", 12, "figure 'latency': the key `title` is missing"),
    (
        "    title: Latency",
        "    titel: Latency",
        13,
        "`titel`: is no key at this place (did you mean 'title'?)",
    ),
    ("    kind: quantile", "    kind: percentile", 16, "`kind`: 'percentile' is none of: rate, total"),
    ("    kind: quantile", "    kind: rate", 17, "`quantile`: is no key at this place"),
    ("    quantile: 0.95", "    quantile: 95", 17, "`quantile`: 95.0 is not between 0 and 1"),
    ("    quantile: 0.95", "    quantile: high", 17, "`quantile`: 'high' is not a number"),
    (
        "    components: [history]\n    direction",
        "    components: [historie]\n    direction",
        18,
        "'historie' is none of: history",
    ),
    (
        "    components: [history]\n    direction",
        "    components: []\n    direction",
        18,
        "must be a list with at least one",
    ),
    ("    direction: lower", "    direction: down", 19, "'down' is none of: lower, higher, none"),
    ("    direction: lower", "    direction: lower\n    absent: nothing", 20, "'nothing' is none of: error, zero"),
    ("    direction: lower", "    direction: lower\n    key: maybe", 20, "`key`: 'maybe' is neither true nor false"),
    (
        "    direction: lower",
        "    direction: lower\n    thresholds: {warn: 2, fail: 1}",
        20,
        "further on the wrong side",
    ),
    (
        "    direction: lower",
        "    direction: lower\n    thresholds: {relative: {window: before}}",
        20,
        "`thresholds.relative`: needs `warn`, `fail` or both",
    ),
    (
        "    direction: lower",
        "    direction: lower\n    thresholds: {relative: {warn: 2}}",
        20,
        "`thresholds.relative`: the key `window` is missing",
    ),
    (
        "    direction: lower",
        "    direction: lower\n    thresholds: {relative: {window: before, warn: 3, fail: 2}}",
        20,
        "`thresholds.relative`: `fail` must be further on the wrong side than `warn`",
    ),
    ("    direction: lower", "    direction: lower\n    thresholds: {bad: 2}", 20, "`thresholds.bad`: is no key"),
    ("    direction: lower", "    thresholds: {warn: 2}", 19, "`thresholds`: needs `direction: lower`"),
    ("    direction: lower", "    direction: lower\n    by: pod", 20, "`by`: is no key at this place"),
    ("{metric: latency_bucket}", "{metric: latency}", 21, "`sources[0].metric`: 'latency' does not end in _bucket"),
    ("{metric: latency_bucket}", "{metric: 'rate(x_bucket'}", 21, "is not a metric's name"),
    ("{metric: latency_bucket}", "{metric: latency_bucket, scale: 0}", 21, "`sources[0].scale`: must be above zero"),
    ("{metric: latency_bucket}", "{metric: latency_bucket, server: 1.23}", 21, "1.23 is not versions of the server"),
    ("{metric: latency_bucket}", "{metric: latency_bucket, smallest_bucket: 0}", 21, "must be above zero"),
    ("metric: pods}", "metric: pods, smallest_bucket: 1}", 31, "'pods' does not end in _bucket"),
    ("{metric: latency_bucket}", "{timer: latency}", 21, "`sources[0].timer`: is no key"),
    ("figures:\n", "namings: {timer: [{metric: x}]}\nfigures:\n", 11, "'x' does not say where the name stands"),
    ("figures:\n", "namings: {metric: [{metric: x}]}\nfigures:\n", 11, "`namings.metric`: is a key of a source"),
    ("figures:\n", "namings: [x]\nfigures:\n", 11, "`namings`: must be a mapping"),
    (
        "{framework: tally, metric: pods}",
        "{framework: statsd, metric: pods}",
        31,
        "'statsd' is none of: tally, opentel",
    ),
    ("    take: last\n", "", 22, "figure 'pods': the key `take` is missing"),
    ("    take: last", "    take: first", 27, "`take`: 'first' is none of: last, mean"),
    ("    by: pod", "    by: a-b", 28, "`by`: 'a-b' is not a label's name"),
    (
        '      - operation!~"Poll.*"',
        "      - operation!~Poll",
        33,
        "`where[0]`: 'operation!~Poll' is not a label matcher",
    ),
    ("    title: Pods", "    title: Pods\n    title: More", 24, "figure 'pods', `title`: is there twice"),
    ("    title: Pods", "    title: [Pods", 24, "is not YAML"),
    ("figures:\n", "figures: {}\nothers:\n", 12, "`others`: is no key"),
]


DISTRIBUTION = """\
    kind: distribution
    quantiles: [0.5, 0.999]
    above: [0.001, 2.5]
"""


def test_a_distribution_is_several_figures_of_one_histogram() -> None:
    text = GOOD.replace("    kind: quantile\n    quantile: 0.95\n", DISTRIBUTION)
    text = text.replace("{metric: latency_bucket}", "{metric: latency_bucket, scale: 0.001}")
    parts = "    parts: {mean: {key: true}, p999: {short: tail, thresholds: {warn: 1}}}\n"
    found = profile_file.parse(text.replace(DISTRIBUTION, DISTRIBUTION + parts), "p.yml")
    figures = {figure.id: figure for figure in found.figures if figure.distribution == "latency"}
    assert {name: (figure.kind, figure.title, figure.unit) for name, figure in figures.items()} == {
        "latency_mean": ("mean", "Latency, mean", "s"),
        "latency_p50": ("quantile", "Latency, p50", "s"),
        "latency_p999": ("quantile", "Latency, p99.9", "s"),
        "latency_above_1ms": ("share", "Latency, share above 1 ms", "ratio"),
        "latency_above_2_5s": ("share", "Latency, share above 2.5 s", "ratio"),
        "latency_largest": ("quantile", "Latency, largest", "s"),
    }
    assert {name for name, figure in figures.items() if figure.key} == {"latency_mean"}
    assert (figures["latency_p999"].short, dict(figures["latency_p999"].thresholds)) == ("tail", {"warn": 1})
    mean = figures["latency_mean"]
    assert mean.denominator is not None
    assert [(one.metric, one.scale, one.buckets) for one in mean.selection.sources] == [
        ("latency_sum", 0.001, "latency_bucket")
    ]
    assert [(one.metric, one.scale) for one in mean.denominator.sources] == [("latency_bucket", 1.0)]
    assert mean.denominator.where[-1] == 'le="+Inf"'


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        ("[0.5, 0.999]", "[0.5, 95]", "`quantiles[1]`: 95 is not between 0 and 1"),
        ("[0.001, 2.5]", "[0]", "`above[0]`: must be above zero"),
        ("[0.001, 2.5]", "[x]", "`above[0]`: 'x' is not a number"),
        ("    above: [0.001, 2.5]\n", "", "the key `above` is missing"),
        (
            "2.5]\n",
            "2.5]\n    parts: {p99: {key: true}}\n",
            "`parts.p99`: is no part of this distribution (did you mean",
        ),
        ("2.5]\n", "2.5]\n    parts: {p50: {unit: ms}}\n", "`parts.p50.unit`: is no key"),
        ("2.5]\n", "2.5]\n    key: true\n", "`key`: is no key"),
    ],
)
def test_a_fault_of_a_distribution(good: str, bad: str, reason: str) -> None:
    text = GOOD.replace("    kind: quantile\n    quantile: 0.95\n", DISTRIBUTION)
    profile_file.parse(text, "p.yml")
    with pytest.raises(LabError) as raised:
        profile_file.parse(text.replace(good, bad, 1), "p.yml")
    assert "figure 'latency'" in raised.value.msg
    assert reason in raised.value.msg


@pytest.mark.parametrize(("good", "bad", "line", "reason"), FAULTS, ids=[fault[3][:40] for fault in FAULTS])
def test_a_fault_is_told_with_path_line_and_reason(good: str, bad: str, line: int, reason: str) -> None:
    assert good in GOOD
    profile_file.parse(GOOD, "p.yml")
    with pytest.raises(LabError) as raised:
        profile_file.parse(GOOD.replace(good, bad, 1), "my/p.yml")
    assert raised.value.msg.startswith(f"my/p.yml:{line}: "), raised.value.msg
    assert reason in raised.value.msg
    assert raised.value.msg.endswith(".")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.yml:1: must be a mapping"),
        ("- a list", "p.yml:1: must be a mapping"),
        ("a: [x]\n\tb: 1", "p.yml:2: the profile is not YAML"),
        ("a: &x [*x]", "p.yml:1: the profile has an alias that leads to itself"),
        ("schema: !!python/object:os.system x", "p.yml:1: the profile is not YAML"),
        ("a: \x00", "p.yml:1: the profile is not YAML"),
        (HEAD + "figures: text", "p.yml:11: `figures`: must be a list"),
        (HEAD + "figures:\n  - text", "p.yml:12: figure number 1: must be a mapping"),
    ],
)
def test_what_is_no_profile_at_all(text: str, message: str) -> None:
    with pytest.raises(LabError) as raised:
        profile_file.parse(text, "p.yml")
    assert raised.value.msg.startswith(message), raised.value.msg


def test_a_file_that_cannot_be_read(tmp_path) -> None:
    with pytest.raises(LabError, match=r"There is no profile .*none\.yml: give the path"):
        profile_file.load(tmp_path / "none.yml")
    with pytest.raises(LabError, match="is not a regular file"):
        profile_file.load(tmp_path)
    (tmp_path / "latin.yml").write_bytes(b"title: \xe9")
    with pytest.raises(LabError, match="it is not UTF-8 text"):
        profile_file.load(tmp_path / "latin.yml")


CHANGES = """\
server_changes:
  - server: "1.32"
    figures: [latency, pods]
    what: it counts something else
    source: a page
"""


def test_server_changes_name_figures_and_a_version() -> None:
    [change] = profile_file.parse(GOOD + CHANGES, "p.yml").server_changes
    assert (change.server, change.figures) == ("1.32", ("latency", "pods"))
    assert [change.holds_for(version) for version in ("1.31.9", "1.32.0", "1.32", "1.100.0", "2.0", "", "main")] == [
        False,
        True,
        True,
        True,
        True,
        None,
        None,
    ]
    # Binding and leaving components out keep them.
    bound = profile_file.parse(GOOD + CHANGES, "p.yml").bind("ns", "rel").without(["history"])
    assert bound.server_changes == (change,)


@pytest.mark.parametrize(
    ("good", "bad", "line", "reason"),
    [
        (
            "[latency, pods]",
            "[latency, pod]",
            36,
            "`server_changes[0].figures[1]`: 'pod' is no figure (did you mean 'pods'",
        ),
        ('"1.32"', "1.32", 35, "`server_changes[0].server`: 1.32 is not a version in quotes"),
        ("    what: it counts something else\n", "", 35, "the key `what` is missing"),
    ],
)
def test_a_fault_of_server_changes(good: str, bad: str, line: int, reason: str) -> None:
    with pytest.raises(LabError) as raised:
        profile_file.parse((GOOD + CHANGES).replace(good, bad, 1), "p.yml")
    assert reason in raised.value.msg
    assert raised.value.msg.startswith(f"p.yml:{line}: "), raised.value.msg


def test_the_own_profile_says_what_1_32_changes() -> None:
    found = profile_file.load(profile_file.default_path())
    changed = {name for change in found.server_changes if change.server == "1.32" for name in change.figures}
    assert {"state_transitions", "transitions_per_success", "persistence_requests"} <= changed
    # How many workflows complete, and how long that takes, means what it meant.
    assert changed.isdisjoint({"workflow_successes", "load_completed", "load_end_to_end", "service_latency"})


def test_a_definition_is_the_same_for_what_is_worked_out_in_the_same_way() -> None:
    def definitions(text: str = GOOD) -> dict[str, str]:
        return {figure.id: figure.definition for figure in profile_file.parse(text, "p.yml").figures}

    good = definitions()
    assert len(set(good.values())) == 2
    for shown in (
        ("title: Latency", "title: Wait"),
        ("question: How long?", "question: How slow?"),
        ("direction: lower", "direction: none"),
        # Each run names the metrics of its figures.
        ("latency_bucket", "wait_bucket"),
    ):
        assert definitions(GOOD.replace(*shown)) == good, shown
    for meant in (("0.95", "0.9"), ("unit: s", "unit: ms"), ("$release-history-.+", "history-.+")):
        assert definitions(GOOD.replace(*meant))["latency"] != good["latency"], meant
    for meant in (("take: last", "take: mean"), ("by: pod", "by: host"), ('"Poll.*"', '"Get.*"')):
        changed = definitions(GOOD.replace(*meant))
        assert (changed["latency"], changed["pods"] != good["pods"]) == (good["latency"], True), meant
    # Whoever's Temporal it is.
    bound = profile_file.parse(GOOD, "p.yml").bind("ns", "rel", {"job": "other"})
    assert {figure.id: figure.definition for figure in bound.figures} == good


def test_each_figure_of_a_distribution_has_a_definition_of_its_own() -> None:
    figures = profile_file.load(profile_file.default_path()).figures
    parts = [figure.definition for figure in figures if figure.distribution == "service_latency"]
    assert len(set(parts)) == len(parts) > 5
    assert all(figure.definition for figure in figures)
