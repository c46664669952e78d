# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of charts and releases are built with."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.chart import (
    Chart,
)

OWN = Chart("temporal-lab", "0.1.0", "1.31.2")
GOOD = Chart("temporal", "0.73.2", "1.29.1")
NEXT = Chart("temporal", "0.74.0", "1.30.3")
NEW = Chart("temporal", "1.6.0", "1.31.2")
NAMESPACE = "/api/v1/namespaces/default"


def installed_helm() -> str:
    beside = Path(sys.executable).with_name("helm")
    found = str(beside) if beside.exists() else shutil.which("helm")
    if not found:
        pytest.fail("helm was not found: put it on PATH")
    return found


def write_chart(folder: Path, version: str, name: str = "temporal", app: str = "1.29.1") -> str:
    folder.mkdir(exist_ok=True)
    about = {"apiVersion": "v2", "name": name, "version": version, "appVersion": app}
    (folder / "Chart.yaml").write_text(yaml.safe_dump(about), encoding="utf-8")
    return str(folder)


def secret(name: str, version: int, state: str, **times: str) -> dict[str, Any]:
    labels = {"owner": "helm", "name": name, "version": str(version), "status": state, **times}
    return {
        "metadata": {"name": f"sh.helm.{name}.{version}", "labels": labels, "creationTimestamp": "2026-11-25T17:00:00Z"}
    }
