# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the tests of a molecule scenario work: its folder, and its namespace on the node that scenarios share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.temporal_lab.benchmarking.tests.integration.playbooks import run

BIN = Path(sys.executable).parent
#: Results and whatever the tests write.
FOLDER = Path(os.environ["LAB_FOLDER"])
#: Its context has the scenario's namespace.
KUBECONFIG = Path(os.environ["LAB_KUBECONFIG"])
NAMESPACE = os.environ["LAB_NAMESPACE"]
#: The results of converge.
RUN = FOLDER / "results" / "student-01" / "molecule"
#: Paths in the API server that lead to Prometheus and to Temporal's HTTP API.
SERVICES = f"/api/v1/namespaces/{NAMESPACE}/services"
PROMETHEUS = f"{SERVICES}/my-temporal-prometheus-server:80/proxy/api/v1"
TEMPORAL = f"{SERVICES}/my-temporal-frontend:7243/proxy/api/v1"


def kubectl(*arguments: str, text: str = "") -> str:
    """Return what kubectl prints, in the scenario's namespace."""
    done = run([BIN / "kubectl", f"--kubeconfig={KUBECONFIG}", *arguments], text)
    assert done.returncode == 0, done.stderr
    return done.stdout


def lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook lab.yml for the scenario's student from the repository's root, as README says."""
    settings = {
        "lab_kubeconfig": str(KUBECONFIG),
        "lab_namespace": NAMESPACE,
        "lab_results_dir": str(FOLDER / "results"),
        "lab_run": "molecule",
        "lab_window": "20s",
    }
    return run([BIN / "ansible-playbook", "lab.yml", "--extra-vars", json.dumps(settings), *arguments], timeout=600)
