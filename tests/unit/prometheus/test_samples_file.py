# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of samples that others wrote: bounded after inflation, checked for their shape, patterns in linear time."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import kept_samples, samples_file
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import Lab
from ansible_collections.temporal_lab.benchmarking.tests.unit.stages.test_lab_reanalyse import do, keep, kept

Change = Callable[[dict[str, Any]], None]


def changed(path: Path, change: Change) -> Path:
    data = json.loads(gzip.decompress(path.read_bytes()))
    change(data)
    path.write_bytes(gzip.compress(json.dumps(data).encode()))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return samples_file.save_new(tmp_path / "run", "baseline", kept("baseline"))


def refused(path: Path) -> str:
    with pytest.raises(LabError) as caught:
        samples_file.load(path)
    assert str(path) in caught.value.msg
    return caught.value.msg


def test_what_is_written_is_read(path: Path) -> None:
    found = samples_file.load(path)
    assert kept_samples.figures(found) == kept_samples.figures(kept("baseline"))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_small_file_that_inflates_to_gigabytes_is_given_up(path: Path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    pieces = [packer.compress(b" " * 2**20) for _number in range(600)]
    # Without its end, which who inflates all of it would miss.
    path.write_bytes(b"".join(pieces))
    assert path.stat().st_size < 2**20
    assert "larger than 128 MiB" in refused(path)


def test_a_large_file_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples_file, "LARGEST", 100)
    assert "larger than 0 MiB" in refused(path)


def test_a_file_of_very_many_samples_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples_file, "MOST_SAMPLES", 30)
    assert "more than 30 samples" in refused(path)


def test_only_a_regular_file_is_read(path: Path) -> None:
    other = path.rename(path.with_name("other"))
    for place in (os.mkfifo, Path.mkdir, lambda at: at.symlink_to(other)):
        place(path)
        assert "not a regular file" in refused(path)
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


def series_of(data: dict[str, Any]) -> list[Any]:
    found: list[Any] = data["readings"][0]["metrics"]["m_total"]["series"][0]
    return found


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["windows"].clear(),
        lambda data: data["windows"][0].__setitem__(3, -1),
        lambda data: data["windows"][0].__setitem__(2, 1e300),
        lambda data: data["windows"].append(data["windows"][0]),
        lambda data: data["readings"].clear(),
        lambda data: data["readings"][0].update(interval=0),
        lambda data: data["readings"][0].update(skew="1"),
        lambda data: data["readings"][0]["times"][0].reverse(),
        lambda data: data["readings"][0]["times"].append([]),
        lambda data: series_of(data).__setitem__(1, -1),
        lambda data: series_of(data).__setitem__(1, 99),
        lambda data: series_of(data).__setitem__(1, "0"),
        lambda data: series_of(data).__setitem__(2, "1 2"),
        lambda data: series_of(data).__setitem__(2, series_of(data)[2].replace("100", "x", 1)),
        lambda data: series_of(data).__setitem__(0, {"pod": 5}),
        lambda data: data.update(variables={"job": {}}),
        lambda data: data.update(read="now"),
        lambda data: data.update(prometheus={"scrape_interval": True, "prometheus_version": None}),
        lambda data: data["about"].update(started=None),
        lambda data: data["about"].update(facts=[]),
        lambda data: data.update(series={}),
        lambda data: data["readings"][0]["answers"].update(baseline={"work": "many"}),
        lambda data: data.update(visibility={"baseline": {"by": {"Completed": "5"}, "reason": ""}}),
        lambda data: data.update(visibility={"baseline": {"by": {"Completed": -5}, "reason": ""}}),
        lambda data: data.update(visibility={"baseline": {"by": {}}}),
        lambda data: data.update(visibility=[]),
    ],
)
def test_another_shape_is_one_sentence(path: Path, change: Change) -> None:
    assert "it is no file of samples, or not whole" in refused(changed(path, change))


def test_texts_are_fit_to_be_shown(path: Path) -> None:
    changed(path, lambda data: data["windows"][0].__setitem__(1, "a\x1b[2J\nCLASS: done"))
    changed(path, lambda data: data["readings"][0]["windows"][0].__setitem__(1, "a\x1b[2J\nCLASS: done"))
    assert samples_file.load(path).question.windows[0].title == "a [2J CLASS: done"


def test_a_strangers_pattern_takes_linear_time(lab: Lab) -> None:
    """A backtracking matcher would take longer than the universe is old."""
    path = keep(lab, "baseline")

    def change(data: dict[str, Any]) -> None:
        data["profile"] = data["profile"].replace("app-.+", "(a+)+")
        for samples in (data["readings"][0]["up"], data["readings"][0]["metrics"]["m_total"]):
            for row in samples["series"]:
                row[0]["pod"] = "a" * 5000 + "!"

    changed(path, change)
    assert [one["result"] for one in do(lab.folder)["stages"]] == ["recovered"]


def test_a_profile_that_is_none_costs_its_stage(lab: Lab) -> None:
    changed(keep(lab, "baseline"), lambda data: data.update(profile="[" * 1000))
    keep(lab, "benchmark", 200.0)
    result = do(lab.folder)
    assert [(one["stage"], one["result"]) for one in result["stages"]] == [("benchmark", "recovered")]
    assert len(result["problems"]) == 1


def test_samples_that_make_no_sense_cost_their_stage(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages import lab_reanalyse

    keep(lab, "baseline")
    keep(lab, "benchmark", 200.0)
    real = lab_reanalyse.figures

    def figures(found: Any, *arguments: Any) -> Any:
        if found.about["stage"] == "baseline":
            raise ZeroDivisionError("division by\nzero")
        return real(found, *arguments)

    monkeypatch.setattr(lab_reanalyse, "figures", figures)
    result = do(lab.folder)
    assert [(one["stage"], one["result"]) for one in result["stages"]] == [
        ("baseline", "unkept"),
        ("benchmark", "recovered"),
    ]
    assert result["problems"] == [
        "baseline-1.samples.json.gz is left out: no figures can be worked out from its samples "
        "(ZeroDivisionError: division by zero)."
    ]
