# SPDX-License-Identifier: GPL-3.0-or-later
"""The task lab_compare: what it writes, shows and fails with."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import profile_file
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import lab_compare
from ansible_collections.temporal_lab.benchmarking.tests.unit.answers.compared_lab import (
    LATER,
    load,
    noisy,
    write_run,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.report.test_run_page import Page
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import RUN, STUDENT, do


def compare(folder: Path, **given: Any) -> dict[str, Any]:
    return do(lab_compare, folder, **given)


def test_the_newest_run_is_compared_with_the_one_before(tmp_path: Path) -> None:
    write_run(tmp_path, RUN)
    write_run(tmp_path, LATER, *load(103.0, spread=0.05))
    shown: list[str] = []
    done = compare(tmp_path, show=shown)
    assert (done["outcome"], done["changed"], done["worse"]) == ("not_worse", True, [])
    assert (done["base"]["run"], done["other"]["run"]) == (RUN, LATER)
    files = {form: Path(path) for form, path in done["paths"].items()}
    assert {path.parent for path in files.values()} == {tmp_path / STUDENT}
    assert json.loads(files["json"].read_text())["schema"] == "temporal_lab.benchmarking/comparison/1"
    text = "\n".join(shown)
    assert "not worse: Nothing that decides is worse beyond noise and its threshold." in text
    assert re.search(r"Workflow successes +100/s +103/s +within ±\d", text)
    assert "# Temporal benchmarking lab: comparison: not worse" in files["markdown"].read_text()
    assert compare(tmp_path)["changed"] is False


def test_a_worse_run_fails_in_one_sentence(tmp_path: Path) -> None:
    write_run(tmp_path, RUN)
    write_run(tmp_path, LATER, *load(80.0))
    with pytest.raises(LabError) as caught:
        compare(tmp_path)
    assert caught.value.msg == (
        f"Run {LATER} of {STUDENT} is worse than run {RUN} of {STUDENT}: Workflow successes in benchmark, the load "
        f"one: −18 to −22 % (100/s to 80/s); see {tmp_path / STUDENT / 'comparison.html'}."
    )
    assert (caught.value.details["outcome"], caught.value.details["exit_code"]) == ("worse", 3)
    page = (tmp_path / STUDENT / "comparison.html").read_text()
    assert '<span class="state fail">worse</span>' in page
    assert compare(tmp_path, fail=False)["outcome"] == "worse"
    # The other way round it is better.
    assert compare(tmp_path, base=LATER, other=RUN)["outcome"] == "not_worse"


def test_what_is_not_known_fails_too_and_is_not_called_worse(tmp_path: Path) -> None:
    write_run(tmp_path, RUN)
    write_run(tmp_path, LATER, settings={"concurrent_workflows": 6})
    with pytest.raises(
        LabError, match=r"is not known: benchmark, the load one is not compared: .*compare_stages\.$"
    ) as caught:
        compare(tmp_path)
    assert "exit_code" not in caught.value.details
    assert compare(tmp_path, fail=False)["outcome"] == "undecided"


def test_runs_of_students_and_folders_are_compared_into_a_folder_of_choice(tmp_path: Path) -> None:
    write_run(tmp_path / "a", RUN, student="ann")
    write_run(tmp_path / "b", RUN, student="bob")
    dest = tmp_path / "out"
    done = compare(tmp_path / "a", base="ann", other=str(tmp_path / "b" / "bob"), dest=str(dest))
    assert (done["base"]["student"], done["other"]["student"]) == ("ann", "bob")
    assert sorted(path.name for path in dest.iterdir()) == ["comparison.html", "comparison.json", "comparison.md"]
    # No run is begun for the student of the play.
    assert not (tmp_path / "a" / STUDENT).exists()


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    write_run(tmp_path, RUN)
    write_run(tmp_path, LATER)
    done = compare(tmp_path, check=True)
    assert done["changed"] is True
    assert not Path(done["paths"]["html"]).exists()


def test_without_a_run_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=f"There is no run of {STUDENT} in "):
        compare(tmp_path)
    write_run(tmp_path, RUN)
    with pytest.raises(LabError, match="There is no earlier run"):
        compare(tmp_path)


@pytest.mark.parametrize("given", ["much", -1, None, True, float("nan"), 1e9, 10**400])
def test_a_threshold_that_is_none_is_refused(tmp_path: Path, given: object) -> None:
    with pytest.raises(LabError, match=r"The share workflow_successes is .*; it must be a share"):
        compare(tmp_path, thresholds={"workflow_successes": given})


def test_what_strangers_wrote_is_no_markup(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>|`x`"
    for name in (RUN, LATER):
        write_run(tmp_path, name, noisy("work", 1.0, title=evil), settings={"setting": f"{name}{evil}"})
    done = compare(tmp_path, fail=False)
    assert "<script" not in Path(done["paths"]["html"]).read_text()
    assert "<script>" not in Path(done["paths"]["markdown"]).read_text()


def test_the_page_has_every_window_and_figure(tmp_path: Path) -> None:
    figures = [*load(), noisy("more", 1.0, key=False), noisy("lost", None, key=False, unit="s")]
    write_run(tmp_path, RUN, *figures)
    other = write_run(tmp_path, LATER, *figures)
    other.write("concurrency", at=200, windows=[])
    done = compare(tmp_path)
    page = Path(done["paths"]["html"]).read_text()
    assert Page(page).faults == []
    for text in ("Workflow successes", "Service latency p95", "More", "Lost", "lower is better", "inconclusive"):
        assert text in page, text
    assert "More figures: 1 no difference, 1 not known" in page
    assert re.search(r"<link|<script|url\(|https?://", page) is None


def test_each_change_is_put_into_words(tmp_path: Path) -> None:
    def figures(**values: float) -> list[dict[str, Any]]:
        return [*load(values["work"]), noisy("service_errors", values["errors"], direction="lower")]

    write_run(tmp_path, RUN, *figures(work=100.0, errors=0.0))
    write_run(tmp_path, LATER, *figures(work=90.0, errors=3.0))
    shown: list[str] = []
    done = compare(tmp_path, show=shown, threshold=0.2, fail=False)
    text = "\n".join(shown)
    # Beyond noise and within the threshold; of neither direction; and from none, of which there is no share.
    assert re.search(r"Workflow successes +100/s +90/s +\S+ to \S+ % +worse by less than 20 %", text)
    assert re.search(r"Signal requests +100/s +90/s +\S+ to \S+ % +lower", text)
    assert re.search(r"Service errors +0/s +3/s +2\.94 to 3\.06/s higher +worse\n", text)
    assert done["worse"][0] == "Service errors in benchmark, the load one: 2.94 to 3.06/s higher (0/s to 3/s)"


def test_a_profile_of_ones_own_adds_to_what_server_versions_change(tmp_path: Path) -> None:
    own = tmp_path / "my-profile.yml"
    own.write_text(
        profile_file.default_path().read_text().partition("server_changes:")[0]
        + """
server_changes:
  - {server: "1.31.3", figures: [workflow_successes], what: it counts others too, source: us}
"""
    )
    figures = [*load(), noisy("state_transitions", 1.0)]
    for name, version in ((RUN, "1.31.2"), (LATER, "1.32.0")):
        write_run(tmp_path, name, *figures, versions={"temporal_server": version})

    def verdicts(**given: str) -> dict[str, str]:
        [window] = json.loads(Path(compare(tmp_path, **given)["paths"]["json"]).read_text())["windows"]
        return {figure["id"]: figure["verdict"] for figure in window["figures"]}

    assert verdicts()["workflow_successes"] == "same"
    found = verdicts(profile=str(own))
    assert (found["workflow_successes"], found["state_transitions"]) == ("not_comparable", "not_comparable")
    assert found["service_latency_p95"] == "same"


def test_noise_that_hides_too_much_is_said(tmp_path: Path) -> None:
    write_run(tmp_path, RUN, noisy("work", 100.0, spread=0.4))
    write_run(tmp_path, LATER, noisy("work", 90.0, spread=0.4))
    with pytest.raises(LabError, match=r"too little is known: Work: the noise would hide that it is \d\d % worse"):
        compare(tmp_path)
    done = compare(tmp_path, precision=0.8)
    assert done["outcome"] == "not_worse"
    assert "would hide" not in Path(done["paths"]["html"]).read_text()
    page = Path(compare(tmp_path, fail=False)["paths"]["html"]).read_text()
    assert re.search(r"no difference<span class=\"hint\">the noise would hide that it is \d\d % worse</span>", page)
