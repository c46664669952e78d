# SPDX-License-Identifier: GPL-3.0-or-later
"""Which stages a run will do, about how long they take, and tags that do not exist."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.names import STAGES
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.settings import SETTINGS
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.stages import lab_plan
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import ROOT, ansible_environment

ALL = [name for name, stage in lab_plan.STAGES.items() if not stage.on_request]


def tagged() -> Iterator[set[str]]:
    """The tags of each task of the lab's playbook."""
    (play,) = yaml.safe_load((ROOT / "playbooks/lab.yml").read_text())
    for task in play["tasks"]:
        for entry in [*task.get("block", [task]), *task.get("always", [])]:
            yield set(entry["tags"])


def run(**given: Any) -> tuple[dict[str, Any], list[str]]:
    lines: list[str] = []
    check = given.pop("check", False)
    params: dict[str, Any] = {name: option.get("default") for name, option in lab_plan.SPEC.items()} | given
    return lab_plan.run(params, Context(check_mode=check, show=lines.append)), lines


def test_a_run_of_all_stages_is_the_one_that_results_know() -> None:
    assert tuple(ALL) == STAGES
    assert set(lab_plan.COSTS) == set(STAGES)


def test_the_stages_are_the_tags_of_the_playbook_in_its_order() -> None:
    found: dict[str, bool] = {}
    for tags in tagged():
        for tag in tags - lab_plan.SPECIAL:
            found.setdefault(tag, "never" in tags)
    # The class report has no stage of its own in a run of all stages: report makes it.
    assert found.pop("class") is False
    assert list(found.items()) == [(n, stage.on_request) for n, stage in lab_plan.STAGES.items() if n != "class"]


@pytest.mark.parametrize(
    ("tags", "skip_tags", "stages"),
    [
        (["all"], [], ALL),
        (["tagged"], ["recreate", "cleanup"], ALL[:-2]),
        (["scale", "benchmark"], [], ["benchmark", "scale"]),
        (["all", "check"], ["report"], [name for name in ALL if name != "report"] + ["check"]),
        (
            ["never"],
            ["teardown"],
            ["predict", "students", "reanalyse", "compare", "status", "check", "solve", "reset", "class"],
        ),
        (["untagged"], [], []),
        (["scale"], ["scale"], []),
        (["scale"], ["all"], []),
    ],
)
def test_the_stages_are_those_that_ansible_selects(tags: list[str], skip_tags: list[str], stages: list[str]) -> None:
    assert run(tags=tags, skip_tags=skip_tags)[0]["stages"] == stages


@pytest.mark.parametrize(
    ("given", "nearest"),
    [
        ({"tags": ["scal"]}, "no tag scal (did you mean scale?)"),
        ({"tags": ["report", "benchmrk"]}, "no tag benchmrk (did you mean benchmark?)"),
        ({"skip_tags": ["clean-up"]}, "no tag clean-up (did you mean cleanup?)"),
        ({"tags": ["zzz"]}, "no tag zzz: its tags are preflight, install,"),
        ({"tags": ["scal", "zzz", "scal"]}, "no tag scal (did you mean scale?) and no tag zzz:"),
    ],
)
def test_a_tag_that_does_not_exist_is_refused_with_the_nearest(given: dict[str, Any], nearest: str) -> None:
    with pytest.raises(LabError) as error:
        run(**given)
    assert nearest in error.value.msg


def test_tags_of_other_plays_are_right() -> None:
    assert run(tags=["network"], other_tags=["network"]) == ({"changed": False, "stages": [], "seconds": 0.0}, [])
    assert run(tags=["network", "scale"], other_tags=["network"])[0]["stages"] == ["scale"]


def test_the_plan_names_stages_and_duration() -> None:
    result, lines = run(window=30.0)
    assert lines[0] == f"stages: {', '.join(ALL)}"
    assert "5 windows of 30 s" in lines[1]
    # As docs/costs.md has it: five minutes, and thirteen with windows of two minutes.
    assert result["seconds"] == pytest.approx(305, rel=0.15)
    assert run(window=120.0)[0]["seconds"] == pytest.approx(790, rel=0.15)
    assert run(tags=["report"])[1] == ["stage: report", "about 10 s"]
    assert "1 window of 120 s" in run(tags=["baseline"])[1][1]


def test_a_class_waits_for_a_window_once() -> None:
    one, many = (run(tags=["scale"], students=students, window=24.0) for students in (1, 300))
    assert many[1][0] == "stage for 300 students: scale"
    # As docs/costs.md has it.
    assert many[0]["seconds"] == pytest.approx(209, rel=0.25)
    assert one[0]["seconds"] == pytest.approx(52, rel=0.25)


def test_check_mode_waits_for_no_window() -> None:
    result, lines = run(tags=["scale"], check=True)
    assert result["seconds"] < 60
    assert "window" not in lines[1]


@pytest.mark.parametrize(
    ("seconds", "text"), [(3, "10 s"), (76, "80 s"), (95, "2 min"), (3600, "60 min"), (9000, "2.5 h")]
)
def test_a_duration_is_told_as_roughly_as_it_is_known(seconds: float, text: str) -> None:
    assert lab_plan.about(seconds) == text


def test_wrong_settings_are_refused_together() -> None:
    given = {
        "play": {"lab_window": "2m", "scaling_history_replicas": "many"},
        "students": {"ann": {"lab_window": "2m"}, "bob": {"lab_window": "long", "lab_settle": "20s"}},
    }
    with pytest.raises(LabError) as error:
        run(settings=given)
    assert error.value.msg.startswith("Nothing was done: lab_window is 'long' for bob; it must be")
    assert "; scaling_history_replicas is 'many'; it must be a whole number" in error.value.msg
    assert len(error.value.details["wrong"]) == 2
    given["play"] = {name: "?" for name in SETTINGS}
    with pytest.raises(LabError, match=rf"; {len(SETTINGS) + 1 - lab_plan.NAMED} more are wrong\.$"):
        run(settings=given)


def test_a_misspelt_variable_of_the_command_line_is_refused_with_wrong_settings() -> None:
    given = {"play": {"lab_window": "long"}, "misspelt": {"command_line": {"lab_setle": "lab_settle"}}}
    with pytest.raises(LabError) as error:
        run(settings=given)
    assert error.value.msg.startswith(
        "Nothing was done: the lab has no variable lab_setle (did you mean lab_settle?); lab_window is 'long'; "
    )


def test_a_misspelt_variable_of_the_inventory_is_told_of() -> None:
    """It may belong to a role of somebody else."""
    shown = run(settings={"misspelt": {"elsewhere": {"grafana_user": "grafana_url"}}})[1]
    assert shown[0] == "grafana_user is ignored: the lab has no variable grafana_user (did you mean grafana_url?)"


def test_a_window_as_text_is_planned() -> None:
    assert run(tags=["baseline"], window="90s")[0] == run(tags=["baseline"], window=90)[0]


def test_earlier_results_are_told_of(tmp_path: Path) -> None:
    now, earlier, other = tmp_path / "now", tmp_path / "earlier", tmp_path / "other"
    (earlier / "ann" / "20261123T170102Z").mkdir(parents=True)
    (other / "ann" / "notes").mkdir(parents=True)
    places = [str(place) for place in (earlier, other, now, tmp_path / "missing")]
    told = run(tags=["report"], results_dir=str(now), earlier_results=places)[1][2:]
    assert told == [
        f"results go to {now}; those of earlier runs are in {earlier}: move them, or go on there with "
        f"-e lab_results_dir={earlier}"
    ]
    # Where they are now is no earlier place, whichever way leads there.
    (tmp_path / "link").symlink_to(earlier)
    assert run(tags=["report"], results_dir=str(earlier), earlier_results=[str(tmp_path / "link")])[1][2:] == []


def playbook(folder: Path, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "ann,bob,", "-c", "local", name]
    return subprocess.run(
        [*command, "-e", f"lab_results_dir={folder}/results", *arguments],
        env=ansible_environment(folder) | {"ANSIBLE_CALLBACKS_ENABLED": "temporal_lab.benchmarking.class_summary"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("name", ["temporal_lab.benchmarking.lab", str(ROOT / "lab.yml")])
def test_the_playbook_refuses_a_tag_that_does_not_exist(name: str, tmp_path: Path) -> None:
    done = playbook(tmp_path, name, "--tags", "scal")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "did you mean scale?" in done.stdout
    # Once, and no student failed by it.
    assert done.stdout.count("fatal: ") == 1
    assert "CLASS:" not in done.stdout
    assert not (tmp_path / "results").exists()


def test_the_playbook_shows_its_plan_once(tmp_path: Path) -> None:
    (tmp_path / "results" / "ann" / "run").mkdir(parents=True)
    done = playbook(tmp_path, "temporal_lab.benchmarking.lab", "--tags", "report")
    assert done.stdout.count("stage for 2 students: report") == 1
    assert done.stdout.index("stage for 2 students") < done.stdout.index("Find the run")
