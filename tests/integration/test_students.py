# SPDX-License-Identifier: GPL-3.0-or-later
"""Students of a shared cluster, as the role `students` makes them and as they work, on a real cluster.

LAB_KUBECONFIG is the kubeconfig of an embedded node's administrator, LAB_FOLDER a folder for what is written. By hand,
after `make node-up`::

    LAB_KUBECONFIG=.node/kubeconfig LAB_FOLDER=/tmp/students .venv/bin/python -m pytest -p no:cacheprovider \
        tests/integration/test_students.py

The tests go on from each other, in their order. The node's network plugin enforces no NetworkPolicy: that there is
one is tested here, and not what it does.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.tests.integration import playbooks
from ansible_collections.temporal_lab.benchmarking.tests.integration.playbooks import run

BIN = Path(sys.executable).parent
KUBECONFIG = Path(os.environ["LAB_KUBECONFIG"]).resolve()
FOLDER = Path(os.environ["LAB_FOLDER"]).resolve() / f"students-{secrets.token_hex(3)}"
ANNE, BOB = STUDENTS = [f"{FOLDER.name}-{name}" for name in ("anne", "bob")]
MANAGED = "app.kubernetes.io/managed-by=temporal-lab"
MADE = {"resourcequota", "limitrange", "networkpolicy", "serviceaccount", "role", "rolebinding"}

ABSENT = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.import_role:
        name: temporal_lab.benchmarking.students
        tasks_from: absent
"""

PRIORITY = "system-node-critical"
POLICIES = "validatingadmissionpolicies,validatingadmissionpolicybindings"

#: What kubectl auth can-i is asked, and the answer: in the student's own namespace unless it says another one.
MAY = [
    ("get namespaces/{own}", True),
    ("create deployments.apps", True),
    ("patch deployments.apps --subresource=scale", True),
    ("get secrets", True),
    ("update secrets", True),
    ("create pods --subresource=portforward", True),
    ("get pods --subresource=portforward", True),
    ("create services --subresource=proxy", True),
    ("get pods --subresource=log", True),
    ("watch pods", True),
    ("create rolebindings.rbac.authorization.k8s.io", True),
    ("list persistentvolumeclaims", True),
    ("create pods --subresource=exec", False),
    ("create serviceaccounts --subresource=token", False),
    ("update resourcequotas", False),
    ("patch limitranges", False),
    ("delete networkpolicies.networking.k8s.io", False),
    ("escalate roles.rbac.authorization.k8s.io", False),
    ("bind roles.rbac.authorization.k8s.io", False),
    ("impersonate serviceaccounts", False),
    ("create daemonsets.apps", False),
    ("patch namespaces/{own}", False),
    ("delete namespaces/{own}", False),
    ("list namespaces", False),
    ("create namespaces", False),
    ("list nodes", False),
    ("get namespaces/{other}", False),
    ("get secrets --namespace={other}", False),
    ("list pods --namespace={other}", False),
    ("create pods --subresource=portforward --namespace={other}", False),
    ("get services --subresource=proxy --namespace={other}", False),
    ("list secrets --all-namespaces", False),
    ("get secrets --namespace=kube-system", False),
    ("create clusterroles.rbac.authorization.k8s.io", False),
    ("create clusterrolebindings.rbac.authorization.k8s.io", False),
    ("create persistentvolumes", False),
    ("get nodes --subresource=proxy", False),
    ("get priorityclasses.scheduling.k8s.io", False),
    ("create validatingadmissionpolicies.admissionregistration.k8s.io", False),
    ("create endpoints", False),
    ("create endpointslices.discovery.k8s.io", False),
    ("update pods --subresource=status", False),
    ("patch pods --subresource=ephemeralcontainers", False),
    ("create ingresses.networking.k8s.io", False),
    ("create networkpolicies.networking.k8s.io", False),
    ("list events", True),
    ("list events --namespace={other}", False),
    ("get pods --subresource=log --namespace={other}", False),
]

#: What the policies refuse: of each object its specification, and words of the sentence.
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "NodePort": ("Service", {"spec": {"ports": [{"port": 80}], "type": "NodePort"}}, "ClusterIP only"),
    "LoadBalancer": ("Service", {"spec": {"ports": [{"port": 80}], "type": "LoadBalancer"}}, "ClusterIP only"),
    "ExternalName": ("Service", {"spec": {"type": "ExternalName", "externalName": "a.test"}}, "ClusterIP only"),
    "token": (
        "Secret",
        {
            "metadata": {"annotations": {"kubernetes.io/service-account.name": "student"}},
            "type": "kubernetes.io/service-account-token",
        },
        "a token that never ends",
    ),
    "finalizer": ("ConfigMap", {"metadata": {"finalizers": ["example.org/hold"]}}, "may not set finalizers"),
    "nfs": (
        "Pod",
        {"spec": {"volumes": [{"name": "v", "nfs": {"server": "a", "path": "/"}}]}},
        "volumes of a student's",
    ),
    "gitRepo": (
        "Pod",
        {"spec": {"volumes": [{"name": "v", "gitRepo": {"repository": "a"}}]}},
        "volumes of a student's",
    ),
    "node": ("Pod", {"spec": {"nodeName": "lab"}}, "may not set nodeName"),
    "every taint": ("Pod", {"spec": {"tolerations": [{"operator": "Exists"}]}}, "tolerate neither every taint"),
    "control plane": (
        "Pod",
        {"spec": {"tolerations": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}]}},
        "that of control plane nodes",
    ),
    "a long end": ("Pod", {"spec": {"terminationGracePeriodSeconds": 601}}, "may be 600 at most"),
}
#: What they permit, as it is close to that.
PERMITTED: dict[str, tuple[str, dict[str, Any]]] = {
    "headless": ("Service", {"spec": {"ports": [{"port": 80}], "clusterIP": "None"}}),
    "secret": ("Secret", {"type": "kubernetes.io/tls", "stringData": {"tls.crt": "", "tls.key": ""}}),
    "protected claim": (
        "PersistentVolumeClaim",
        {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
    ),
    "pod": (
        "Pod",
        {
            "spec": {
                "volumes": [{"name": "a"}, {"name": "b", "configMap": {"name": "b"}}],
                "tolerations": [{"key": "example.org/lab", "operator": "Exists"}],
                "terminationGracePeriodSeconds": 600,
            }
        },
    ),
}


def document(kind: str, given: dict[str, Any], namespace: str) -> str:
    """An object of a kind in a namespace; a pod with a container. given: what else it has."""
    metadata = {"name": "a", "namespace": namespace, **given.get("metadata", {})}
    spec = given.get("spec", {})
    if kind == "Pod":
        spec = {"containers": [{"name": "a", "image": "a"}], **spec}
    return json.dumps(
        {"apiVersion": "v1", "kind": kind, **given, "metadata": metadata, **({"spec": spec} if spec else {})}
    )


def try_to_create(kubeconfig: Path, text: str) -> subprocess.CompletedProcess[str]:
    return try_kubectl(kubeconfig, "create", "--dry-run=server", "--filename=-", text=text)


def try_kubectl(kubeconfig: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return run([BIN / "kubectl", f"--kubeconfig={kubeconfig}", *arguments], text)


def kubectl(*arguments: str, kubeconfig: Path = KUBECONFIG, text: str = "") -> str:
    done = try_kubectl(kubeconfig, *arguments, text=text)
    assert done.returncode == 0, done.stderr
    return done.stdout


def file_of(student: str) -> Path:
    return FOLDER / "kubeconfigs" / f"{student}.kubeconfig"


def token_of(student: str) -> str:
    return yaml.safe_load(file_of(student).read_text())["users"][0]["user"]["token"]


def playbook(*arguments: str, play: Path | str = "lab.yml", timeout: int = 120) -> subprocess.CompletedProcess[str]:
    return run([BIN / "ansible-playbook", play, "--inventory", FOLDER / "hosts.json", *arguments], timeout=timeout)


def changed(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """How many tasks changed something, by student."""
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: int(count) for name, count in re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+)", done.stdout, re.M)}


def message(done: subprocess.CompletedProcess[str]) -> str:
    """What a failed run tells: the msg of its last task that failed, on one line."""
    assert done.returncode == 2, done.stdout + done.stderr
    return playbooks.message(done)


def is_there(student: str) -> bool:
    return bool(kubectl("get", "namespace", student, "--ignore-not-found", "-o", "name"))


def objects(student: str) -> set[str]:
    found = kubectl("get", ",".join(MADE), f"--namespace={student}", f"--selector={MANAGED}", "-o", "name")
    return {line.partition("/")[0].partition(".")[0] for line in found.split()}


@pytest.fixture(scope="module", autouse=True)
def class_of_two() -> Iterator[None]:
    FOLDER.mkdir(parents=True)
    hosts = {student: {"lab_namespace": student, "lab_kubeconfig": str(file_of(student))} for student in STUDENTS}
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "students_kubeconfig": str(KUBECONFIG),
        # Whose images the node has.
        "lab_distribution": "embedded",
        "lab_results_dir": str(FOLDER / "results"),
    }
    (FOLDER / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}))
    (FOLDER / "absent.yml").write_text(ABSENT)
    yield
    for student in STUDENTS:
        kubectl("delete", "namespace", student, "--ignore-not-found", "--wait=false")


# ------------------------------------------------------------ making students


def test_a_check_of_the_first_run_makes_nothing() -> None:
    assert changed(playbook("--tags", "students", "--check")) == {ANNE: 2, BOB: 2}
    assert not is_there(ANNE)
    assert not file_of(ANNE).parent.exists()


def test_two_students_are_made_and_no_secret_is_told() -> None:
    done = playbook("--tags", "students", "-vvvv", "--diff")
    assert changed(done) == {ANNE: 2, BOB: 2}
    assert "expires: '20" in done.stdout
    for student in STUDENTS:
        assert objects(student) == MADE
        assert file_of(student).stat().st_mode & 0o777 == 0o600
        # Of a JWT the last part is the secret one, without which the others are worth nothing.
        assert token_of(student).rpartition(".")[2] not in done.stdout + done.stderr
    assert file_of(ANNE).parent.stat().st_mode & 0o777 == 0o700
    labels = json.loads(kubectl("get", "namespace", ANNE, "-o", "json"))["metadata"]["labels"]
    assert labels["app.kubernetes.io/managed-by"] == "temporal-lab"
    user = yaml.safe_load(KUBECONFIG.read_text())["users"][0]["user"]
    for name, value in user.items():
        assert str(value) not in file_of(ANNE).read_text(), f"the instructor's {name} is in a student's file"


def test_a_second_run_changes_nothing() -> None:
    before = file_of(ANNE).read_bytes()
    assert changed(playbook("--tags", "students")) == {ANNE: 0, BOB: 0}
    assert file_of(ANNE).read_bytes() == before


def test_what_is_not_wanted_any_more_is_told_by_check_and_diff() -> None:
    settings = json.dumps({"students_isolated": False, "students_pod_security": "restricted"})
    done = playbook("--tags", "students", "--check", "--diff", "--limit", ANNE, "--extra-vars", settings)
    assert changed(done) == {ANNE: 1}
    assert re.search(r"^- +NetworkPolicy student:", done.stdout, re.M)
    assert re.search(r"^\+ +pod-security.kubernetes.io/enforce: restricted", done.stdout, re.M)
    assert "networkpolicy" in objects(ANNE)


# ------------------------------------------------------- what a student may do


@pytest.mark.parametrize(("own", "other"), [(ANNE, BOB), (BOB, ANNE)], ids=["anne", "bob"])
def test_what_a_student_may_and_may_not(own: str, other: str) -> None:
    # What is about the student's own namespace is the same for both.
    table = {asked: may for asked, may in MAY if own == ANNE or "{" in asked}
    answers = {}
    for asked in table:
        words = asked.format(own=own, other=other).split()
        answers[asked] = try_kubectl(file_of(own), "auth", "can-i", *words).stdout.strip() == "yes"
    assert answers == table


def test_a_student_cannot_read_what_is_another_students() -> None:
    for student in STUDENTS:
        kubectl("create", "secret", "generic", "diary", f"--namespace={student}", "--from-literal=text=mine")
    # The context of the file has the student's own namespace.
    assert kubectl("get", "secret", "diary", "-o", "name", kubeconfig=file_of(ANNE)) == "secret/diary\n"
    for arguments in (["secret", "diary"], ["secrets"], ["pods"], ["namespace", BOB]):
        scope = [] if arguments[0] == "namespace" else [f"--namespace={BOB}"]
        refused = try_kubectl(file_of(ANNE), "get", *arguments, *scope)
        assert refused.returncode == 1
        assert "(Forbidden)" in refused.stderr
        assert "bWluZQ" not in refused.stdout + refused.stderr


def test_a_student_cannot_leave_the_namespace_by_other_ways() -> None:
    privileged = {"containers": [{"name": "a", "image": "a", "securityContext": {"privileged": True}}]}
    folder = {
        "containers": [{"name": "a", "image": "a"}],
        "volumes": [{"name": "node", "hostPath": {"path": "/"}}],
    }
    run_pod = ["run", "a", "--image=a", "--dry-run=server", "--overrides"]
    ways = {
        "violates PodSecurity": [*run_pod, json.dumps({"spec": privileged})],
        "hostPath volumes": [*run_pod, json.dumps({"spec": folder})],
        "exceeded quota: student-priority": [*run_pod, json.dumps({"spec": {"priorityClassName": PRIORITY}})],
        "attempting to grant RBAC permissions not currently held": [
            "create",
            "rolebinding",
            "a",
            "--clusterrole=cluster-admin",
            f"--serviceaccount={ANNE}:student",
            "--dry-run=server",
        ],
    }
    for why, arguments in ways.items():
        refused = try_kubectl(file_of(ANNE), *arguments)
        assert refused.returncode == 1, arguments
        assert why in refused.stderr


# ------------------------------------------------- what the policies hold off


def test_policies_hold_students() -> None:
    """The API server enforces a policy a moment after it was made, and from then on."""
    kind, given, words = REFUSED["NodePort"]
    deadline = time.monotonic() + 60
    while words not in try_to_create(file_of(ANNE), document(kind, given, ANNE)).stderr:
        assert time.monotonic() < deadline
        time.sleep(1)


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_with_a_sentence(what: str) -> None:
    kind, given, words = REFUSED[what]
    refused = try_to_create(file_of(ANNE), document(kind, given, ANNE))
    assert refused.returncode == 1, refused.stdout
    assert "ValidatingAdmissionPolicy 'temporal-lab-students-" in refused.stderr
    assert words in refused.stderr


@pytest.mark.parametrize("what", PERMITTED)
def test_what_is_permitted(what: str) -> None:
    kind, given = PERMITTED[what]
    done = try_to_create(file_of(ANNE), document(kind, given, ANNE))
    assert done.returncode == 0, done.stderr


def test_external_ips_are_refused() -> None:
    """On the embedded node to everybody, by its API server, before any policy is asked."""
    taking = {"spec": {"ports": [{"port": 80}], "externalIPs": ["192.0.2.7"]}}
    for kubeconfig in (file_of(ANNE), KUBECONFIG):
        refused = try_to_create(kubeconfig, document("Service", taking, ANNE))
        assert refused.returncode == 1
        assert "external IPs is denied" in refused.stderr


def test_nobody_whom_a_student_lets_in_is_exempt() -> None:
    kubectl(
        "create", "rolebinding", "guest", "--role=student", f"--serviceaccount={BOB}:student", kubeconfig=file_of(ANNE)
    )
    plain = document("Service", {"spec": {"ports": [{"port": 80}]}}, ANNE)
    assert try_to_create(file_of(BOB), plain).returncode == 0
    for what in ("LoadBalancer", "token", "finalizer"):
        kind, given, words = REFUSED[what]
        assert words in try_to_create(file_of(BOB), document(kind, given, ANNE)).stderr
    kubectl("delete", "rolebinding", "guest", kubeconfig=file_of(ANNE))


def test_an_instructor_may_give_a_student_an_address() -> None:
    kind, given, _words = REFUSED["LoadBalancer"]
    # What is between this and the instructor's wish is the quota, which the instructor sets too.
    assert "exceeded quota" in try_to_create(KUBECONFIG, document(kind, given, ANNE)).stderr
    other = document(kind, given, "default")
    assert try_to_create(KUBECONFIG, other).returncode == 0


def test_a_pod_has_its_share_of_the_nodes_disk() -> None:
    done = try_kubectl(
        file_of(ANNE), "create", "--dry-run=server", "--filename=-", "--output=json", text=document("Pod", {}, ANNE)
    )
    resources = json.loads(done.stdout)["spec"]["containers"][0]["resources"]
    assert resources["limits"]["ephemeral-storage"] == "2Gi"
    assert resources["requests"]["ephemeral-storage"] == "32Mi"


# ------------------------------------------------------------------ the stages


def test_a_student_installs_alone() -> None:
    """With nothing but the file: the instructor's kubeconfig is not to be had."""
    alone = ["--limit", ANNE, "--extra-vars", json.dumps({"students_kubeconfig": "/dev/null"})]
    assert changed(playbook("--tags", "install", *alone, timeout=300))[ANNE] >= 1
    pods = json.loads(kubectl("get", "pods", f"--namespace={ANNE}", "-o", "json"))["items"]
    assert {pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in pods} >= {
        "frontend",
        "history",
        "server",
    }
    # The chart's containers have limits of their own, which the LimitRange leaves alone: none of CPU.
    history = next(pod for pod in pods if pod["metadata"]["labels"]["app.kubernetes.io/component"] == "history")
    assert history["spec"]["containers"][0]["resources"]["limits"] == {"memory": "1Gi", "ephemeral-storage": "2Gi"}
    used = json.loads(kubectl("get", "resourcequota", "student", f"--namespace={ANNE}", "-o", "json"))["status"]["used"]
    assert int(used["pods"]) == len([pod for pod in pods if pod["status"]["phase"] == "Running"])


# ---------------------------------------------------------------- tokens, files


def test_a_revoked_token_is_renewed() -> None:
    old = token_of(ANNE)
    other = token_of(BOB)
    kubectl("delete", "serviceaccount", "student", f"--namespace={ANNE}")
    # The API server remembers for some seconds that a token was good.
    deadline = time.monotonic() + 30
    while try_kubectl(file_of(ANNE), "get", "pods").returncode == 0:
        assert time.monotonic() < deadline
        time.sleep(1)
    assert changed(playbook("--tags", "students")) == {ANNE: 2, BOB: 0}
    assert token_of(ANNE) != old
    assert token_of(BOB) == other
    kubectl("get", "pods", kubeconfig=file_of(ANNE))


def test_a_file_of_somebody_else_is_left_alone() -> None:
    mine = FOLDER / "mine.kubeconfig"
    mine.write_bytes(KUBECONFIG.read_bytes())
    done = playbook("--tags", "students", "--limit", ANNE, "--extra-vars", f"lab_kubeconfig={mine}")
    assert re.fullmatch(
        rf"The file {mine} is not a kubeconfig that the lab made, and is left as it is: .*", message(done)
    )
    assert mine.read_bytes() == KUBECONFIG.read_bytes()


@pytest.mark.parametrize("play", ["lab.yml", FOLDER / "absent.yml"], ids=["present", "absent"])
def test_a_namespace_of_somebody_else_is_left_alone(play: Path | str) -> None:
    only = ["--tags", "students"] if play == "lab.yml" else []
    done = playbook(*only, "--limit", ANNE, "--extra-vars", "lab_namespace=default", play=play)
    assert message(done).startswith("Namespace default was not made for a student")
    found = json.loads(kubectl("get", "namespace", "default", "-o", "json"))["metadata"]
    assert "deletionTimestamp" not in found
    assert "app.kubernetes.io/managed-by" not in found["labels"]


# ---------------------------------------------------------------------- the end


def test_what_holds_a_namespace_is_told() -> None:
    held = {"name": "held", "namespace": BOB, "finalizers": ["example.org/hold"]}
    kubectl("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": held}))
    try:
        # The API server says what remains a few seconds after the rest is gone.
        done = playbook("--limit", BOB, "--extra-vars", "students_timeout=20", play=FOLDER / "absent.yml")
        told = message(done)
        assert told.startswith(f"Namespace {BOB} still exists 20 s after")
        assert "example.org/hold in 1 resource instances" in told
        assert file_of(BOB).exists()
        again = playbook("--tags", "students", "--limit", BOB)
        assert message(again).startswith(f"Namespace {BOB} is being deleted")
    finally:
        body = json.dumps({"metadata": {"finalizers": None}})
        kubectl("patch", "configmap", "held", f"--namespace={BOB}", "--type=merge", f"--patch={body}")


def test_all_of_it_goes_once() -> None:
    absent = FOLDER / "absent.yml"
    assert changed(playbook("--check", "--limit", ANNE, play=absent)) == {ANNE: 2}
    assert is_there(ANNE)
    assert file_of(ANNE).exists()
    token = token_of(ANNE)
    # The namespace of the second was deleted before. The last one to go takes the policies along.
    done = changed(playbook(play=absent, timeout=300))
    assert done[ANNE] >= 2
    assert done[BOB] >= 1
    assert sum(done.values()) >= 4
    assert "temporal-lab-students" not in kubectl("get", POLICIES, "-o", "name")
    for student in STUDENTS:
        assert not is_there(student)
        assert not file_of(student).exists()
    for kind in ("clusterroles", "clusterrolebindings", "persistentvolumes"):
        assert FOLDER.name not in kubectl("get", kind, "-o", "json")
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    answer = json.loads(kubectl("create", "-f", "-", "-o", "json", text=json.dumps(review)))
    assert answer["status"].get("authenticated") is not True
    assert changed(playbook(play=absent)) == {ANNE: 0, BOB: 0}
