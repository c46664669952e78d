# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of namespaces and releases: nothing that a path, a selector or an argument would take for more than a name."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.kubernetes_names import (
    check_companions,
    check_names,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.settings import setting


@pytest.mark.parametrize("name", ["a", "0", "student-01", "a" * 53])
def test_names_that_can_be(name: str) -> None:
    check_names(name, name)
    check_names("a" * 63, "my.temporal")


NO_NAMES = [
    *("", "A", "-a", "a-", "a_b", "é", "a" * 64, "a/../b", "a b", "a,b", "a\n", "a\x00", "{{ a }}", "$(id)"),
    *("x), app in (prod", "x --post-renderer=/tmp/p", "--kube-context=b", "a/pods?limit=1", "..", "a..b"),
]


@pytest.mark.parametrize("name", NO_NAMES)
def test_names_that_cannot_be_are_refused_by_their_variables(name: str) -> None:
    with pytest.raises(LabError, match="lab_namespace") as caught:
        check_names(name, "my-temporal")
    assert caught.value.msg.isprintable()
    with pytest.raises(LabError, match="lab_release") as caught:
        check_names("default", name)
    assert caught.value.msg.isprintable()
    with pytest.raises(LabError, match="lab_companions, temporal_companions") as caught:
        check_companions(["my-temporal-grafana", name])
    assert caught.value.msg.isprintable()
    # Before anything is done, where all are checked.
    with pytest.raises(LabError, match="lab_companions is "):
        setting("lab_companions", ["grafana", name])


def test_a_cluster_is_not_asked_in_the_name_of_another() -> None:
    with pytest.raises(LabError, match="lab_namespace"):
        Cluster(SimpleNamespace(), "a/pods?limit=1")
