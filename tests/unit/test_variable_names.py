# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that nothing in the lab reads: which are taken for one of the lab's, misspelt."""

from __future__ import annotations

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.settings import SETTINGS
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.variable_names import (
    PREFIXES,
    TYPO,
    misspelt,
    read_in,
    set_in,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import ROOT

READ = read_in(path.read_text() for pattern in ("roles/*/*/*", "playbooks/*.yml") for path in ROOT.glob(pattern))
SETTABLE = sorted(set_in(path.read_text() for path in ROOT.glob("roles/*/defaults/main.yml")))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("lab_setle", "lab_settle"),
        ("lab_windows", "lab_window"),
        ("lab_kubconfig", "lab_kubeconfig"),
        ("lab_namepsace", "lab_namespace"),
        ("lab_shards_timeout", "scaling_shards_timeout"),
        ("temporal_grafan", "temporal_grafana"),
        ("benchmark_replicas", "benchmark_workers_replicas"),
        ("measure_keep_sample", "measure_keep_samples"),
    ],
)
def test_a_misspelt_variable_is_found_with_the_one_that_was_meant(given: str, meant: str) -> None:
    assert misspelt([given], READ, SETTABLE) == {given: meant}


def test_every_variable_with_a_letter_left_out_or_doubled_is_a_typo() -> None:
    for name in SETTABLE:
        for given in (name[:-2] + name[-1], name + name[-1]):
            assert given in misspelt([given], READ, SETTABLE, TYPO) or given in READ, given


@pytest.mark.parametrize("name", ["temporal_version", "grafana_ini", "grafana_user", "lab_shards_timeout"])
def test_what_differs_by_more_than_a_letter_may_be_a_users_own(name: str) -> None:
    assert misspelt([name], READ, SETTABLE, TYPO) == {}


def test_no_variable_of_the_lab_is_misspelt() -> None:
    assert set(SETTINGS) <= set(SETTABLE) <= READ
    assert misspelt([*READ, *SETTABLE], READ, SETTABLE) == {}


@pytest.mark.parametrize(
    "name",
    # Those of other collections' roles, of users, and what is no variable's name.
    ["grafana_version", "grafana_address", "node_exporter_version", "lab_room", "setle", "ansible_user", "lab_", "", 5],
)
def test_what_is_like_none_of_the_labs_is_left_alone(name: object) -> None:
    assert misspelt([name], READ, SETTABLE) == {}


def test_the_prefixes_are_the_roles() -> None:
    roles = {f"{path.name}_" for path in (ROOT / "roles").iterdir() if path.is_dir()}
    assert set(PREFIXES) == roles
