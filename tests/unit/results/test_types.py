# SPDX-License-Identifier: GPL-3.0-or-later
"""Every list of the fields of a stage file is equal to the types in results/types.py.

A field that is added in one place only fails here, and CONTRIBUTING.md ("Add a field") names the others.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.kept_samples import without_samples
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results import lab_run, lab_stage
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.merged_figures import BESIDE
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.merged_run import build_report
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.report import FigureRow, Reading
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.runs import Run
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.schema import stage_schema
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.types import (
    Completions,
    CrossCheck,
    DistributionBucket,
    DistributionResult,
    Event,
    Evidence,
    FigureDetails,
    FigureResult,
    FindingRecord,
    Ledger,
    LedgerEntry,
    LedgerPod,
    LostWork,
    Machine,
    NamedFigure,
    Resources,
    SampledWindow,
    SeriesResult,
    StageAbout,
    StageRecord,
    WindowResult,
)
from ansible_collections.temporal_lab.benchmarking.plugins.modules import lab_measure, prometheus_sample
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import figure, window

ROOT = Path(__file__).resolve().parents[3]
STAGE = stage_schema()
WINDOW = STAGE["properties"]["windows"]["items"]
FIGURE = WINDOW["properties"]["figures"]["items"]
DISTRIBUTION = WINDOW["properties"]["distributions"]["items"]
LEDGER = STAGE["properties"]["ledger"]
RESOURCES = WINDOW["properties"]["resources"]


def fields(of: Any) -> set[str]:
    return set(get_type_hints(of))


def json_types(hint: Any) -> set[str]:
    """What a value of a type is in JSON, in the words of JSON Schema; the values themselves of a Literal."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return {one for part in get_args(hint) for one in json_types(part)}
    if origin is Literal:
        return set(get_args(hint))
    if is_typeddict(hint) or origin in (dict, Mapping):
        return {"object"}
    if origin is list:
        return {"array"}
    return {{str: "string", float: "number", int: "integer", bool: "boolean", type(None): "null"}[hint]}


def allowed(schema: Mapping[str, Any]) -> set[str]:
    """The same of an entry of the schema."""
    if "const" in schema:
        return {"string"}
    if "enum" in schema:
        return set(schema["enum"])
    return {schema["type"]} if isinstance(schema["type"], str) else set(schema["type"])


# -- the schema -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "schema"),
    [
        (StageRecord, STAGE),
        (WindowResult, WINDOW),
        (FigureResult, FIGURE),
        (SeriesResult, STAGE["properties"]["series"]["items"]),
        (Event, STAGE["properties"]["events"]["items"]),
        (DistributionResult, DISTRIBUTION),
        (DistributionBucket, DISTRIBUTION["properties"]["buckets"]["items"]),
        (Resources, RESOURCES),
        (Machine, RESOURCES["properties"]["machines"]["items"]),
        (Completions, WINDOW["properties"]["completions"]["items"]),
        (Ledger, LEDGER),
        (LedgerPod, LEDGER["properties"]["pods"]["items"]),
        (LedgerEntry, LEDGER["properties"]["entries"]["items"]),
        (LostWork, LEDGER["properties"]["lost"]),
    ],
    ids=[
        *(
            "stage",
            "window",
            "figure",
            "series",
            "event",
            "distribution",
            "bucket",
            "resources",
            "machine",
            "completions",
        ),
        *("ledger", "pod", "entry", "lost"),
    ],
)
def test_the_schema_has_the_fields_of_the_type(of: Any, schema: dict[str, Any]) -> None:
    hints = get_type_hints(of)
    assert {name: json_types(hint) for name, hint in hints.items()} == {
        name: allowed(entry) for name, entry in schema["properties"].items()
    }
    assert set(schema["required"]) == of.__required_keys__


def test_a_figure_has_the_fields_of_its_parts_alone() -> None:
    parts = [fields(of) for of in (NamedFigure, Evidence, CrossCheck, FigureDetails)]
    assert sum(map(len, parts)) == len(set.union(*parts))
    assert fields(FigureResult) - set.union(*parts) == {"question", "key", "coverage"}


# -- documentation ------------------------------------------------------------------


def contained(module: Any, *path: str) -> dict[str, Any]:
    """What a module's RETURN says is in an entry."""
    found = yaml.safe_load(module.RETURN)[path[0]]
    for name in path[1:]:
        found = found["contains"][name]
    contains: dict[str, Any] = found["contains"]
    return contains


@pytest.mark.parametrize(
    ("module", "path", "of"),
    [
        (prometheus_sample, ("windows",), SampledWindow),
        (prometheus_sample, ("windows", "figures"), FigureResult),
        (prometheus_sample, ("windows", "distributions"), DistributionResult),
        (prometheus_sample, ("windows", "distributions", "buckets"), DistributionBucket),
        (prometheus_sample, ("windows", "resources"), Resources),
        (prometheus_sample, ("windows", "resources", "machines"), Machine),
        (prometheus_sample, ("series",), SeriesResult),
        (lab_measure, ("findings",), FindingRecord),
    ],
    ids=["windows", "figures", "distributions", "buckets", "resources", "machines", "series", "findings"],
)
def test_a_modules_documentation_has_the_fields_of_the_type(module: Any, path: tuple[str, ...], of: Any) -> None:
    kinds = {"string": "str", "number": "float", "integer": "int", "boolean": "bool", "object": "dict", "array": "list"}
    documented = {name: entry["type"] for name, entry in contained(module, *path).items()}
    expected = {
        name: next((kinds[one] for one in sorted(json_types(hint) - {"null"}) if one in kinds), "str")
        for name, hint in get_type_hints(of).items()
    }
    assert documented == expected


def test_the_sample_of_a_figure_has_only_its_fields() -> None:
    [sample] = yaml.safe_load(prometheus_sample.RETURN)["windows"]["sample"]
    assert SampledWindow.__required_keys__ <= set(sample) <= fields(SampledWindow)
    assert NamedFigure.__required_keys__ <= set(sample["figures"][0]) <= fields(FigureResult)


@pytest.mark.parametrize(
    ("before", "of"),
    [
        ("| `schema` | `temporal_lab.benchmarking/stage/2`", StageRecord),
        ("A window:", WindowResult),
        ("A figure of a window:", FigureResult),
        ("A distribution of a window:", DistributionResult),
        ("What a window used up", Resources),
        ("Completed workflows of a window", Completions),
        ("The ledger of a stage", Ledger),
        ("What was lost", LostWork),
    ],
    ids=["stage", "window", "figure", "distribution", "resources", "completions", "ledger", "lost"],
)
def test_the_tables_of_the_results_page_have_the_fields_of_the_type(before: str, of: Any) -> None:
    text = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    table = text[text.index(before) :]
    table = table[table.index("| `") :].partition("\n\n")[0]
    names = [name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(names) == sorted(fields(of))


def test_the_results_page_has_the_fields_of_the_small_types() -> None:
    text = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    for start, of in (
        ("| `events` |", Event),
        ("| `buckets` |", DistributionBucket),
        ("| `pods` |", LedgerPod),
        ("| `entries` |", LedgerEntry),
        ("| any | `findings` |", FindingRecord),
    ):
        row = next(line for line in text.splitlines() if line.startswith(start))
        named = set(re.findall(r"`(\w+)`", row.split("|")[-2]))
        assert fields(of) <= named, start
    series = text[text.index("A series has ") :].partition("\n\n")[0]
    assert fields(SeriesResult) <= set(re.findall(r"`(\w+)`", series))


# -- code -----------------------------------------------------------------------------


def whole_figure() -> dict[str, Any]:
    """A figure with every field that there is."""
    values: dict[str, Any] = {"string": "x", "number": 1.5, "integer": 2, "boolean": True, "object": {}, "array": []}
    made = {
        name: next((values[one] for one in sorted(json_types(hint)) if one in values), sorted(json_types(hint))[0])
        for name, hint in get_type_hints(FigureResult).items()
    }
    return figure(
        "work", 1.5, **{name: value for name, value in made.items() if name not in NamedFigure.__annotations__}
    )


def test_the_report_takes_over_every_field_of_a_figure() -> None:
    record: Any = {
        **{"stage": "baseline", "attempt": 1, "state": "done", "message": "", "started": 0.0, "finished": 1.0},
        **{"events": [], "windows": [window("idle", 0.0, whole_figure())], "series": []},
        **{"versions": {}, "settings": {}, "facts": {}},
    }
    [row] = build_report(Run("student-01", "run", Path("run"), {"baseline": [record]}))["figures"]
    [reading] = row["readings"]
    assert fields(FigureResult) - set(row) - set(reading) == set()
    # And nothing else but what the report says itself.
    assert set(reading) - fields(FigureResult) == {"change"}
    assert set(BESIDE) <= fields(FigureResult)
    # As the report's types say.
    assert (set(row), set(reading)) == (fields(FigureRow), fields(Reading))


def test_a_figure_without_samples_says_nothing_of_samples() -> None:
    """What the samples said is left out; a new field is either among that or still said."""
    made: Any = whole_figure()
    gone = fields(Evidence) - {"metrics", "notes"} | {"promql_parts", "promql_smoothed"}
    assert set(without_samples(made, "they were not read")) == fields(FigureResult) - gone


def test_a_run_is_read_with_the_fields_that_every_figure_has() -> None:
    assert set(lab_run.NEEDED) == NamedFigure.__required_keys__ | {"by"}
    assert set(lab_run.WINDOW_NEEDED) == WindowResult.__required_keys__


def test_a_stage_can_be_written_down_with_every_field() -> None:
    given = {*lab_stage.SPEC, "message"} - {"results_dir", "reason", "cluster"}
    # What the collection itself says, and what comes of measuring.
    assert given | {"schema", "attempt", "ledger"} == fields(StageRecord)
    assert fields(StageAbout) <= given
