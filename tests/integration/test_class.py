# SPDX-License-Identifier: GPL-3.0-or-later
"""A class on a real cluster: two students who do the whole lab at once, among students whose clusters are broken.

LAB_KUBECONFIG is the kubeconfig of an embedded node's administrator, LAB_FOLDER a folder for what is written. By hand,
after `make node-up`::

    LAB_KUBECONFIG=.node/kubeconfig LAB_FOLDER=/tmp/class .venv/bin/python -m pytest -p no:cacheprovider \
        tests/integration/test_class.py

The tests go on from each other, in their order.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.tests.integration.playbooks import run

BIN = Path(sys.executable).parent
ADMIN = Path(os.environ["LAB_KUBECONFIG"]).resolve()
FOLDER = Path(os.environ["LAB_FOLDER"]).resolve() / "class"
KUBECONFIGS = FOLDER / "kubeconfigs"
INVENTORY = FOLDER / "class.students.yml"

HEALTHY = ("ada", "bob")
#: Of each broken student the stage that fails, and what is said of it.
BROKEN = {
    "closed-port": ("preflight", r"does not answer \(connection refused\)"),
    "wrong-ca": ("preflight", "No trusted connection to the API server"),
    "expired": ("preflight", r"rejected the credentials .*\(401\)"),
    "leaving": ("preflight", "Namespace class-leaving is being deleted"),
    # Said when it is clear, and not when the time is over.
    "cramped": ("install", r"cannot roll out \(after ([3-9]\d|[12]\d\d) s\): .* exceeded quota"),
}
MEASURED = {"baseline": 0, "benchmark": 3, "concurrency": 6, "scale": 6}
#: What a container image that is there is called for, without starting anything.
HELD = """
apiVersion: v1
kind: ConfigMap
metadata: {name: held, namespace: class-leaving, finalizers: [example.org/held]}
"""


def kubectl(*arguments: str, text: str = "") -> str:
    done = run([BIN / "kubectl", f"--kubeconfig={ADMIN}", *arguments], text, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook lab.yml for the class from the repository's root, as README says."""
    settings = {
        "lab_results_dir": str(FOLDER / "results"),
        "lab_run": "class",
        # Four scrapes: the shortest window that is not refused.
        "lab_window": "20s",
        # Both students wait for the same two cores.
        "lab_timeout": 600,
    }
    command = [BIN / "ansible-playbook", "lab.yml", "-i", INVENTORY, "-e", json.dumps(settings), *arguments]
    return run(command, timeout=900, ANSIBLE_RETRY_FILES_SAVE_PATH=str(FOLDER))


def stage(student: str, name: str, attempt: int = 1) -> dict[str, Any]:
    return json.loads((FOLDER / "results" / student / "class" / f"{name}-{attempt}.json").read_text())


def summary(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines from the class summary on."""
    lines = done.stdout.splitlines()
    return lines[next(number for number, line in enumerate(lines) if line.startswith("CLASS: ")) :]


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module", autouse=True)
def class_of_students() -> None:
    """The class's inventory, and the students on the shared cluster provisioned; then one after the other breaks."""
    KUBECONFIGS.mkdir(parents=True)
    KUBECONFIGS.chmod(0o700)
    INVENTORY.write_text(
        yaml.safe_dump(
            {
                "plugin": "temporal_lab.benchmarking.students",
                "roster": [{"name": name, "namespace": f"class-{name}"} for name in (*HEALTHY, *BROKEN)],
                "kubeconfig": str(ADMIN),
                "student_kubeconfigs": str(KUBECONFIGS),
                "vars": {"lab_distribution": "embedded"},
            }
        )
    )
    done = lab("--tags", "students", "--limit", ",".join((*HEALTHY, "cramped")))
    assert done.returncode == 0, done.stdout + done.stderr
    # So all stages are done under the policies.
    assert "temporal-lab-students-pods" in kubectl("get", "validatingadmissionpolicybindings", "-o=name")
    kubectl("--namespace=class-cramped", "patch", "resourcequota", "student", "-p", '{"spec": {"hard": {"pods": "0"}}}')

    kubectl("create", "namespace", "class-leaving")
    kubectl("create", "-f", "-", text=HELD)
    kubectl("delete", "namespace", "class-leaving", "--wait=false")
    (KUBECONFIGS / "leaving.kubeconfig").write_text(ADMIN.read_text())

    for name in ("closed-port", "wrong-ca", "expired"):
        broken = yaml.safe_load((KUBECONFIGS / "ada.kubeconfig").read_text())
        cluster, user = broken["clusters"][0]["cluster"], broken["users"][0]["user"]
        if name == "closed-port":
            cluster["server"] = f"https://127.0.0.1:{closed_port()}"
        elif name == "wrong-ca":
            cluster["certificate-authority-data"] = base64.b64encode(another_authority()).decode()
        else:
            user["token"] = "x" * len(user["token"])
        (KUBECONFIGS / f"{name}.kubeconfig").write_text(yaml.safe_dump(broken))


def another_authority() -> bytes:
    """The certificate of an authority that signed nothing here."""
    made = run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", os.devnull, "-subj", "/CN=another"]
    )
    assert made.returncode == 0, made.stderr
    return made.stdout.encode()


@pytest.fixture(scope="module")
def whole() -> subprocess.CompletedProcess[str]:
    """All stages of the lab but the last two, for the whole class in one command."""
    return lab("--skip-tags", "cleanup,recreate")


def test_the_run_fails_and_says_of_each_why(whole: subprocess.CompletedProcess[str]) -> None:
    assert whole.returncode == 2, whole.stdout + whole.stderr
    first, *lines = summary(whole)
    assert first == "CLASS: 7 students, 2 done, 5 failed"
    for name, (where, why) in BROKEN.items():
        [line] = [line for line in lines if re.match(rf"{name} +failed ", line)]
        assert re.search(rf"failed +{where}: .*{why}", line), line
    assert not [line for line in lines if line.startswith(HEALTHY)]
    assert f"--limit @{FOLDER}/lab.retry" in lines[len(BROKEN)]
    assert sorted((FOLDER / "lab.retry").read_text().split()) == sorted(BROKEN)
    assert "Traceback" not in whole.stdout + whole.stderr


def test_a_failure_is_in_the_results_of_its_student(whole: subprocess.CompletedProcess[str]) -> None:
    for name, (where, why) in BROKEN.items():
        failed = stage(name, where)
        assert failed["state"] == "failed"
        assert re.search(why, failed["message"]), failed["message"]


@pytest.mark.parametrize("student", HEALTHY)
@pytest.mark.parametrize("name", MEASURED)
def test_the_healthy_have_their_figures(whole: subprocess.CompletedProcess[str], student: str, name: str) -> None:
    found = stage(student, name)
    assert found["state"] == "done"
    assert len(found["windows"]) == (2 if name == "scale" else 1)
    for window in found["windows"]:
        figures = {figure["id"]: figure for figure in window["figures"]}
        assert len(figures) > 20
        assert [figure["id"] for figure in figures.values() if figure["state"] == "error"] == []
        if window is found["windows"][-1]:
            # In the first window of scale the new pod may not have been scraped yet.
            assert sum(figures["shards_per_pod"]["by"].values()) == 512
        if MEASURED[name]:
            assert figures["load_requested_concurrency"]["value"] == MEASURED[name]
            assert figures["state_transitions"]["value"] > 0
    if MEASURED[name]:
        in_flight = [
            figure["value"]
            for window in found["windows"]
            for figure in window["figures"]
            if figure["id"] == "load_achieved_concurrency"
        ]
        # Both wait for the same two cores, and a window of 20 s cuts what takes long.
        assert sum(in_flight) / len(in_flight) == pytest.approx(MEASURED[name], rel=0.5)


def test_each_was_measured_by_their_own(whole: subprocess.CompletedProcess[str]) -> None:
    """Figures of one student are not those of the other, nor of both."""
    pods = {}
    for student in HEALTHY:
        windows = stage(student, "scale")["windows"]
        pods[student] = {
            pod
            for window in windows
            for figure in window["figures"]
            if figure["id"] == "shards_per_pod"
            for pod in figure["by"]
        }
        there = kubectl(
            f"--namespace=class-{student}", "get", "pods", "-o=name", "--selector=app.kubernetes.io/component=history"
        )
        assert pods[student] <= {line.removeprefix("pod/") for line in there.split()}
        assert len(pods[student]) == 2
    assert not pods["ada"] & pods["bob"]


def test_just_the_failed_are_done_again(whole: subprocess.CompletedProcess[str]) -> None:
    """The cluster of one is mended; the others stay as they are."""
    kubectl("--namespace=class-cramped", "delete", "resourcequota", "student")
    # That this student's Temporal comes up too is not needed to see who is asked.
    again = lab("--tags", "preflight", "--limit", f"@{FOLDER}/lab.retry")
    assert again.returncode == 2
    first = summary(again)[0]
    assert first == "CLASS: 5 students, 1 done, 4 failed"
    assert stage("cramped", "preflight", 2)["state"] == "done"
    for student in HEALTHY:
        assert not (FOLDER / "results" / student / "class" / "preflight-2.json").exists()


def test_the_last_stages(whole: subprocess.CompletedProcess[str]) -> None:
    done = lab("--tags", "cleanup,recreate", "--limit", ",".join(HEALTHY))
    assert done.returncode == 0, done.stdout + done.stderr
    assert summary(done) == ["CLASS: 2 students, 2 done"]
    for student in HEALTHY:
        assert stage(student, "cleanup")["state"] == "done"
        assert stage(student, "recreate")["facts"]["fresh_database"] is True


def test_teardown_takes_all_of_it_away() -> None:
    kubectl("--namespace=class-leaving", "patch", "configmap", "held", "-p", '{"metadata": {"finalizers": null}}')
    provisioned = (*HEALTHY, "cramped")
    done = lab("--tags", "teardown", "--limit", ",".join(provisioned))
    assert done.returncode == 0, done.stdout + done.stderr
    left = kubectl("get", "namespaces", "-o=name").split()
    assert [name for name in left if name.startswith("namespace/class-") and "leaving" not in name] == []
    assert [path.name for path in KUBECONFIGS.iterdir() if path.stem in provisioned] == []
    # They went with the last student.
    policies = kubectl("get", "validatingadmissionpolicies,validatingadmissionpolicybindings", "-o=name")
    assert "temporal-lab" not in policies
    for student in HEALTHY:
        assert stage(student, "scale")["state"] == "done"
