# SPDX-License-Identifier: GPL-3.0-or-later
"""Revisions of a release, and what is done about one that helm did not finish."""

from __future__ import annotations

import re

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.cluster import Cluster
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.revisions import (
    Revision,
    good_revision,
    judge_earlier,
    read_revisions,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.findings import sentence
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.chart_lab import (
    NAMESPACE,
    secret,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import ScriptedApi


def revisions(*states: str) -> list[Revision]:
    return [Revision("my-temporal", number, state, 100.0 * number) for number, state in enumerate(states, 1)]


@pytest.mark.parametrize(
    ("states", "good"),
    [
        (["failed"], None),
        (["superseded", "deployed"], 2),
        (["superseded", "deployed", "failed"], 2),
        (["superseded", "superseded", "failed", "pending-upgrade"], 2),
        (["pending-install"], None),
    ],
)
def test_the_revision_to_go_back_to(states: list[str], good: int | None) -> None:
    assert good_revision(revisions(*states)) == good


@pytest.mark.parametrize(
    ("states", "mend", "state", "said"),
    [
        (["deployed"], "none", None, ""),
        (["failed", "deployed"], "none", None, ""),
        ([], "none", None, ""),
        (["failed"], "none", "fail", "no good revision to go back to) or uninstall (which installs it again"),
        (["deployed", "failed"], "none", "fail", "rollback (goes back to revision 1)"),
        (["deployed", "failed"], "rollback", "warn", "it is rolled back to revision 1 first"),
        (["deployed", "failed"], "uninstall", "warn", "it is uninstalled first"),
        (["failed"], "rollback", "fail", "set temporal_mend to uninstall"),
        (["pending-install"], "none", "fail", "wait for a helm that may still be running"),
        (["deployed", "pending-upgrade"], "rollback", "warn", "revision 1"),
        (["uninstalling"], "uninstall", "warn", "uninstalled"),
    ],
)
def test_an_earlier_release(states: list[str], mend: str, state: str | None, said: str) -> None:
    found = judge_earlier(revisions(*states), mend, 100.0 * len(states) + 725)
    assert (found["state"] if found else None) == state
    if found:
        told = sentence(found)
        assert f"Release my-temporal has been {states[-1]} for 12 min 5 s (revision {len(states)})" in told
        assert said in told
        if mend == "none":
            assert re.search(r"set temporal_mend to rollback \(.+\) or uninstall", told)


def test_revisions_by_the_labels_of_helm(cluster: Cluster, api: ScriptedApi) -> None:
    """The time is the latest that is known: helm gives a new revision the label of the one before it."""
    made = 1795626000
    items = [
        secret("a", 1, "superseded", createdAt=str(made), modifiedAt=str(made + 100)),
        secret("a", 2, "failed", modifiedAt=str(made - 100)),
        secret("b", 1, "pending-install", createdAt=str(made + 1)),
        {"metadata": {"name": "odd", "labels": {"owner": "helm", "name": "odd"}}},
    ]
    api.on("GET", f"{NAMESPACE}/secrets", {"items": items})
    assert read_revisions(cluster) == [
        Revision("a", 1, "superseded", made + 100.0),
        Revision("a", 2, "failed", float(made)),
        Revision("b", 1, "pending-install", made + 1.0),
    ]
