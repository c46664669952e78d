# SPDX-License-Identifier: GPL-3.0-or-later
"""Which permissions the lab needs, and which are missing."""

from __future__ import annotations

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.permissions import (
    Permission,
    judge_permissions,
)


def test_missing_permissions_are_named_together() -> None:
    missing = [
        Permission("create", "deployments", "apps"),
        Permission("patch", "deployments", "apps"),
        Permission("patch", "deployments", "apps", "scale"),
        Permission("get", "pods", subresource="proxy"),
    ]
    result = judge_permissions(missing, 30)
    assert result["state"] == "fail"
    assert result["title"] == (
        "4 of 30 permissions are missing: create patch deployments.apps; patch deployments.apps/scale; get pods/proxy"
    )
    assert judge_permissions([], 30)["state"] == "pass"
