# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers, lengths of time, flags and words of users: what is taken, and how the rest is refused."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.settings import (
    SETTINGS,
    Count,
    Duration,
    Flag,
    Names,
    Share,
    Word,
    refusals,
    setting,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import ROOT
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("lab_settle", "20s", 20),
        ("lab_settle", 0, 0),
        ("lab_timeout", "5m", 300),
        ("lab_timeout", "1h30m", 5400),
        ("lab_timeout", 90, 90),
        ("lab_timeout", "90", 90),
        ("lab_timeout", " 90s ", 90),
        ("lab_window", 2.5, 2.5),
        ("lab_window", "2.5", 2.5),
        ("lab_window", "1.5m", 90),
        ("students_token_lifetime", "30d", 2592000),
        ("grafana_token_lifetime", "0", 0),
        # For an operator who empties it, as for 0, Prometheus is asked.
        ("measure_prometheus_scrape_interval", "", 0),
        ("lab_history_replicas", "3", 3),
        ("lab_history_replicas", 3.0, 3),
        ("report_table", "false", False),
        ("report_table", "No", False),
        ("report_table", 1, True),
        ("report_table", True, True),
        ("temporal_grafana", "auto", "auto"),
        ("temporal_grafana", "off", False),
        ("temporal_mend", "rollback", "rollback"),
        ("lab_companions", ["database"], ["database"]),
        ("compare_threshold", "0.1", 0.1),
        ("compare_threshold", 0, 0.0),
    ],
)
def test_what_is_taken(name: str, value: Any, read: Any) -> None:
    found = setting(name, value)
    assert (found, type(found)) == (read, type(read))


WRONG: dict[str, list[Any]] = {
    "lab_settle": ["20 sec", "soon", "", -1, "-1s", "nan", "inf", float("nan"), float("inf"), True, None, [20], "1e3"],
    "lab_window": [0, "0s", "0.5", "2d", "٣", "1" * 400, "1" * 400 + "s", "2 m", "+5"],
    "lab_timeout": [0, "5M", "m", "1m30"],
    "lab_history_replicas": [0, -1, 2.5, "2.5", "two", True, "1_000", "", None, "9" * 30, float("inf"), "0x3"],
    "report_table": ["maybe", "", 2, None, "flase", [], "auto"],
    "grafana_validate_certs": ["flase"],
    "temporal_mend": ["Rollback", "", None, ["none"]],
    "compare_threshold": ["5 %", -0.1, "much", "", None, True, 101, "1" * 400, [0.1]],
    "lab_companions": ["grafana", [1], [""], {"a": 1}, None],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_what_is_refused_is_named(name: str, value: Any) -> None:
    with pytest.raises(LabError) as error:
        setting(name, value)
    assert error.value.msg.startswith(f"{name} is ")
    assert f"; it must be {SETTINGS[name].takes}" in error.value.msg
    assert len(error.value.msg) < 400
    assert error.value.msg.isprintable()


def test_a_sentence_says_what_was_given_and_what_is_taken() -> None:
    with pytest.raises(LabError) as error:
        setting("lab_settle", "20 sec")
    assert error.value.msg == (
        "lab_settle is '20 sec'; it must be a length of time from 0 to 24h, in seconds or as text such as 90s, 2m or "
        "1h30m."
    )
    with pytest.raises(LabError, match="--tags reset stops the load"):
        setting("benchmark_concurrent_workflows", 0)


@given(
    st.sampled_from(sorted(SETTINGS)), st.one_of(st.text(), st.floats(), st.integers(), st.none(), st.lists(st.text()))
)
def test_whatever_is_given_is_taken_or_refused(name: str, value: Any) -> None:
    with suppress(LabError):
        found, kind = setting(name, value), SETTINGS[name]
        if isinstance(kind, (Count, Duration)):
            assert kind.least <= found <= kind.most


def test_what_all_students_have_wrong_is_said_once() -> None:
    students = {f"student-{number:03}": {"lab_window": "2 min"} for number in range(300)}
    (line,) = refusals({"lab_window": "2 min"}, students)
    assert line.startswith("lab_window is '2 min'; it must be")


def test_who_has_a_wrong_value_is_named() -> None:
    students: dict[str, dict[str, Any]] = {f"student-{number}": {"lab_window": "2m"} for number in range(9)}
    students["student-4"] = {"lab_window": "long", "lab_settle": "short", "lab_student": "soon"}
    assert [line.partition("; ")[0] for line in refusals({"lab_window": "2m"}, students)] == [
        "lab_settle is 'short' for student-4",
        "lab_window is 'long' for student-4",
    ]
    for name in list(students)[:8]:
        students[name] = {"lab_window": "long"}
    assert refusals({}, students)[0].startswith(
        "lab_window is 'long' for student-0, student-1, student-2 and 5 more; it must be"
    )


def test_what_the_play_alone_has_is_checked() -> None:
    assert refusals({"lab_timeout": "5 min", "lab_settle": None}, {"ann": {}})[0].startswith("lab_timeout is '5 min'; ")


def specs() -> dict[str, dict[str, Any]]:
    """The options of all roles, by name."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(ROOT.glob("roles/*/meta/argument_specs.yml")):
        for entry in yaml.safe_load(path.read_text())["argument_specs"].values():
            found |= entry["options"]
    return found


#: Options of type raw that are no length of time: Kubernetes' own quantities.
QUANTITIES = {"preflight_cpu", "preflight_memory"}
#: What other roles and playbooks give, and no user sets.
BY_ROLES = {"temporal_stage", "node_state", "measure_changed_at"}


def test_every_option_that_is_no_text_is_checked() -> None:
    """A number, length of time, flag or choice that a role gains belongs into SETTINGS."""
    for name, option in specs().items():
        kind = SETTINGS.get(name)
        if option["type"] == "bool":
            assert isinstance(kind, Flag), name
            assert not kind.words, name
        elif option["type"] in ("int", "float"):
            assert isinstance(kind, Count), name
        elif option["type"] == "raw" and name not in QUANTITIES | BY_ROLES:
            assert isinstance(kind, (Duration, Flag, Share)), name
        elif "choices" in option and name not in BY_ROLES:
            assert isinstance(kind, Word), name
            assert list(kind.words) == option["choices"], name
    unknown = set(SETTINGS) - set(specs())
    assert not unknown, unknown


def test_the_defaults_are_taken() -> None:
    for name, option in specs().items():
        if name in SETTINGS and "{{" not in str(option.get("default", "{{")):
            setting(name, option["default"])


def test_no_role_reads_them_with_a_filter_that_takes_everything() -> None:
    """`| int` makes 0 of 20s, and `| bool` false of flase."""
    names = "|".join(SETTINGS)
    for path in [*ROOT.glob("roles/*/*/*.yml"), *ROOT.glob("playbooks/*.yml")]:
        assert not re.findall(rf"\b(?:{names}) \| (?:int|float|bool|string)\b", path.read_text()), path


def test_a_list_of_names_is_a_list() -> None:
    assert isinstance(SETTINGS["lab_companions"], Names)


def test_every_name_that_roles_read_by_is_known() -> None:
    named = {
        name
        for path in [*ROOT.glob("roles/*/*/*.yml"), *ROOT.glob("roles/*/templates/*")]
        for name in re.findall(r"benchmarking\.setting\('(\w+)'\)", path.read_text())
    }
    assert len(named) > 10
    assert named <= set(SETTINGS)
