# SPDX-License-Identifier: GPL-3.0-or-later
"""What a window used up, of the figures that say so."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus import profile_file
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.resources import (
    CPU_THROTTLED,
    NEEDED,
    resources_of,
)


def figure(name: str, by: dict[str, float], state: str = "pass", reason: str = "") -> Any:
    return {"id": name, "by": by, "value": sum(by.values()) if by else None, "state": state, "reason": reason}


def figures(used: float = 1.98, cores: float = 2.0, **more: Any) -> list[Any]:
    found = {
        "machine_cpu": figure("machine_cpu", {"n1": used}),
        "machine_cores": figure("machine_cores", {"n1": cores}),
        "cpu": figure("cpu", {"database": 0.41, "history": 0.7}),
        "cpu_throttled": figure("cpu_throttled", {}),
        **more,
    }
    return [one for one in found.values() if one]


def test_the_profile_has_the_figures_that_this_is_made_of() -> None:
    own = {one.id: one for one in profile_file.load(profile_file.default_path()).figures}
    assert {*NEEDED, CPU_THROTTLED} <= own.keys()
    assert all(own[name].by for name in (*NEEDED, CPU_THROTTLED))


def test_a_machine_without_a_free_core() -> None:
    assert resources_of(figures()) == {
        "state": "saturated",
        "reason": "",
        "saturated": ["machine"],
        "machines": [{"name": "n1", "used": 1.98, "cores": 2.0}],
        "cpu": {"history": 0.7, "database": 0.41},
        "throttled": {},
    }
    assert list(resources_of(figures())["cpu"]) == ["history", "database"]


@pytest.mark.parametrize(("used", "state"), [(1.8, "saturated"), (1.79, "free")])
def test_nine_tenths_of_the_cores_are_all_of_them(used: float, state: str) -> None:
    assert resources_of(figures(used))["state"] == state


def test_of_several_machines_the_busiest_is_first_and_named() -> None:
    found = resources_of(
        figures(
            machine_cpu=figure("machine_cpu", {"a": 1.0, "b": 3.9}),
            machine_cores=figure("machine_cores", {"a": 4.0, "b": 4.0}),
        )
    )
    assert found is not None
    assert [one["name"] for one in found["machines"]] == ["b", "a"]
    assert found["saturated"] == ["machine b"]


def test_a_component_at_its_limit() -> None:
    limits = figure("cpu_throttled", {"history": 0.12, "load": 0.04, "matching": 0.0})
    found = resources_of(figures(0.5, cpu_throttled=limits))
    assert found is not None
    assert (found["state"], found["saturated"]) == ("saturated", ["history"])
    assert found["throttled"] == {"history": 0.12, "load": 0.04}


def test_what_is_not_known_is_unknown_with_the_reason() -> None:
    why = "Prometheus has nothing of the kubelet"
    nothing = {name: figure(name, {}, "inconclusive", why) for name in NEEDED}
    assert resources_of(figures(**nothing)) == {
        "state": "unknown",
        "reason": why,
        "saturated": [],
        "machines": [],
        "cpu": {},
        "throttled": {},
    }
    # kube-prometheus-stack drops the row of the machine.
    half = resources_of(figures(machine_cpu=nothing["machine_cpu"]))
    assert half is not None
    assert (half["state"], half["reason"], half["machines"]) == ("unknown", why, [])
    assert half["cpu"]["history"] == 0.7


def test_a_figure_in_doubt_leaves_the_state_unknown_and_the_numbers_there() -> None:
    doubt = figure("machine_cpu", {"n1": 1.98}, "inconclusive", "kubelet was scraped 3 times")
    found = resources_of(figures(machine_cpu=doubt))
    assert found is not None
    assert (found["state"], found["reason"]) == ("unknown", "kubelet was scraped 3 times")
    assert found["machines"] == [{"name": "n1", "used": 1.98, "cores": 2.0}]


def test_a_machine_whose_cores_are_not_known() -> None:
    found = resources_of(figures(machine_cores=figure("machine_cores", {"n2": 2.0})))
    assert found is not None
    assert (found["state"], found["machines"]) == ("unknown", [{"name": "n1", "used": 1.98, "cores": None}])
    assert found["reason"] == "the number of cores is not known of each machine"


def test_a_profile_that_does_not_measure_it_has_nothing_to_say() -> None:
    assert resources_of(figures(cpu=None)) is None
