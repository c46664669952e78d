# SPDX-License-Identifier: GPL-3.0-or-later
"""The embedded node as a user of this machine sees it; run by the molecule scenario `node`.

The node of LAB_FOLDER is up when this begins. What is looked at is looked at
with the machine's own commands, not with the collection's code.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
FOLDER = Path(os.environ["LAB_FOLDER"])
IMAGE = "localhost/temporal-lab/benchmark:0.1.0"
USER_KUBECONFIG = Path.home() / ".kube" / "config"


def sh(*arguments: str, check: bool = True) -> str:
    run = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0 or not check, f"{' '.join(arguments)}: {run.stderr}"
    return run.stdout


def node(state: str, folder: Path = FOLDER) -> dict:
    """Bring a folder's node to a state as a user would, and return what the playbook says of it."""
    # A user's shell, not molecule's: that one has settings of Ansible of its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment |= {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    script = f"""
    - hosts: localhost
      connection: local
      gather_facts: false
      tasks:
        - temporal_lab.benchmarking.embedded_node:
            state: {state}
            folder: {folder}
            files: {ROOT / "files"}
          register: done
        - ansible.builtin.copy:
            content: "{{{{ done | to_json }}}}"
            dest: {folder}/done.json
    """
    playbook = folder / "node.yml"
    playbook.write_text(script)
    run = subprocess.run(
        [BIN / "ansible-playbook", playbook], capture_output=True, text=True, check=False, env=environment, timeout=300
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return {**json.loads((folder / "done.json").read_text()), "stdout": run.stdout}


def kubectl(*arguments: str, folder: Path = FOLDER, check: bool = True) -> str:
    return sh(str(BIN / "kubectl"), f"--kubeconfig={folder}/.node/kubeconfig", *arguments, check=check)


def eventually(holds: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.2)


def processes(word: str) -> list[int]:
    """Return the processes of this machine whose command line holds a word."""
    lines = [line.strip().split(None, 1) for line in sh("ps", "-ww", "-eo", "pid=,args=").splitlines()]
    own = {os.getpid(), os.getppid()}
    return [int(pid) for pid, args in lines if word in args and int(pid) not in own and "ps -ww" not in args]


def name_of(folder: Path) -> str:
    return yaml.safe_load((folder / ".node" / "kubeconfig").read_text())["current-context"]


def traces(name: str) -> dict[str, list[str]]:
    """Return all that the machine shows of a node, by the command that shows it."""
    identity = name.removeprefix("temporal-lab-")

    def of(output: str, *words: str) -> list[str]:
        return [line for line in output.splitlines() if any(word in line for word in words)]

    return {
        "ps": [str(pid) for pid in processes(f"node-{identity}")],
        "mount": of(sh("mount"), name, f"node-{identity}"),
        "ip netns": of(sh("ip", "netns"), name),
        "ip link": of(sh("ip", "link"), f"tlab-{identity}"),
        "iptables-save": of(sh("iptables-save"), "KUBE-", "CNI-"),
        "cgroups": sh("find", "/sys/fs/cgroup", "-name", name).splitlines(),
    }


def test_up_again_changes_nothing():
    assert node("started")["changed"] is False


def test_the_node_is_ready_with_a_context_of_its_own():
    assert kubectl("get", "nodes", "-o", "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}") == "True"
    assert name_of(FOLDER).startswith("temporal-lab-")
    if USER_KUBECONFIG.exists():
        assert name_of(FOLDER) not in USER_KUBECONFIG.read_text()


def test_pods_find_each_other_by_name():
    """A pod reaches another one through a Service: images, DNS, Services and the pod network all work."""
    greeter = {
        "name": "greeter",
        "image": IMAGE,
        "command": ["python3", "-m", "http.server", "8000"],
        "readinessProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 1},
    }
    caller = {"name": "caller", "image": IMAGE, "command": ["sleep", "600"]}
    labels = {"app": "greeter"}
    objects = [
        {"kind": "Pod", "metadata": {"name": "greeter", "labels": labels}, "spec": {"containers": [greeter]}},
        {"kind": "Pod", "metadata": {"name": "caller"}, "spec": {"containers": [caller]}},
        {"kind": "Service", "metadata": {"name": "greeter"}, "spec": {"selector": labels, "ports": [{"port": 8000}]}},
    ]
    manifest = FOLDER / "pods.yml"
    manifest.write_text(yaml.safe_dump_all([{"apiVersion": "v1", **entry} for entry in objects]))
    kubectl("apply", "-f", str(manifest))
    kubectl("wait", "--for=condition=Ready", "pod/greeter", "pod/caller", "--timeout=60s")
    ask = "import urllib.request as u; print(u.urlopen('http://greeter:8000', timeout=5).status)"

    def answered() -> bool:
        return kubectl("exec", "caller", "--", "python3", "-c", ask, check=False).strip() == "200"

    # A pod is ready a moment before its Service sends to it.
    eventually(answered, 15, "the caller reaches the greeter by name")


def test_no_service_may_take_over_an_address():
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "taking"}}
    manifest = FOLDER / "taking.yml"
    manifest.write_text(yaml.safe_dump({**service, "spec": {"ports": [{"port": 80}], "externalIPs": ["192.0.2.7"]}}))
    refused = subprocess.run(
        [BIN / "kubectl", f"--kubeconfig={FOLDER}/.node/kubeconfig", "create", "-f", manifest],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert refused.returncode == 1
    assert "external IPs is denied" in refused.stderr


def test_a_component_that_dies_is_started_again():
    identity = name_of(FOLDER).removeprefix("temporal-lab-")
    (before,) = processes(f"node-{identity}/etc/scheduler.kubeconfig")
    os.kill(before, signal.SIGKILL)

    def another() -> bool:
        now = processes(f"node-{identity}/etc/scheduler.kubeconfig")
        return bool(now) and before not in now

    eventually(another, 20, "the scheduler is started again")


def supervisor() -> int:
    identity = name_of(FOLDER).removeprefix("temporal-lab-")
    found = [pid for pid in processes("supervisor.supervisord") if pid in processes(f"node-{identity}")]
    # The last is the supervisor itself; before it stand the commands that made its namespaces.
    return found[-1]


def test_a_node_whose_processes_were_killed_is_healed_and_keeps_its_pods():
    name = name_of(FOLDER)
    os.kill(supervisor(), signal.SIGKILL)
    eventually(lambda: not traces(name)["ps"], 10, "the kernel ends all processes of the node")
    assert traces(name)["ip netns"], "a killed node leaves its network namespace"
    again = node("started")
    assert again["changed"] is True
    assert "network namespace" in again["stdout"]
    eventually(
        lambda: kubectl("get", "pod", "caller", "-o", "jsonpath={.status.phase}") == "Running", 60, "the pods are back"
    )


def test_an_image_import_that_was_cut_off_is_done_again():
    """The stamp of an image goes before its import and comes back after it."""
    stamps = FOLDER / ".node" / "images.json"
    imported = json.loads(stamps.read_text())
    node("stopped")
    image = "localhost/temporal-lab/pause:1"
    stamps.write_text(json.dumps({name: key for name, key in imported.items() if name != image}))
    again = node("started")
    assert f"importing the image {image}" in again["stdout"]
    assert json.loads(stamps.read_text()) == imported


@pytest.fixture
def other_folder(tmp_path):
    yield tmp_path
    node("absent", tmp_path)


def test_two_folders_have_two_nodes_that_do_not_disturb_each_other(other_folder):
    node("started", other_folder)
    assert name_of(other_folder) != name_of(FOLDER)
    assert kubectl("get", "pods", "-o", "name", folder=other_folder) == ""
    assert "pod/caller" in kubectl("get", "pods", "-o", "name")
    node("stopped", other_folder)
    assert node("started")["changed"] is False, "the first node was disturbed by the second"


def test_down_leaves_no_trace_and_says_so_the_second_time():
    name = name_of(FOLDER)
    before = traces(name)
    assert all(before[command] for command in before if command != "iptables-save"), before
    assert node("stopped")["changed"] is True
    assert not any(traces(name).values()), traces(name)
    again = node("stopped")
    assert again["changed"] is False
    assert "nothing to do" in again["stdout"]


def test_a_kept_state_starts_again():
    assert node("started")["ready"] is True


def put_into_etcd(key: str, value: dict) -> None:
    """Write an object past the API server, as one that is there since another version of it."""
    coded = {
        name: base64.b64encode(text.encode()).decode() for name, text in (("key", key), ("value", json.dumps(value)))
    }
    ask = f"import urllib.request as u; u.urlopen('http://127.0.0.1:2379/v3/kv/put', {json.dumps(coded).encode()!r})"
    sh("ip", "netns", "exec", name_of(FOLDER), sys.executable, "-c", ask)


def test_an_api_server_whose_address_a_service_took_is_healed():
    address = node("queried")["address"]
    spec = {
        "type": "ClusterIP",
        "clusterIP": "10.96.77.77",
        "clusterIPs": ["10.96.77.77"],
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "selector": {"no": "pod"},
        "externalIPs": [address],
        "ports": [{"port": 6443, "targetPort": 9, "protocol": "TCP"}],
    }
    metadata = {"name": "taking", "namespace": "default", "uid": "5b1f0c1e-0000-4000-8000-000000000001"}
    put_into_etcd(
        "/registry/services/specs/default/taking",
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec},
    )
    eventually(lambda: not kubectl("get", "--raw=/readyz", "--request-timeout=3s", check=False), 60, "it is cut off")
    again = node("started")
    assert again["ready"] is True
    assert f"removed externalIPs {address} of Service taking in namespace default" in again["stdout"]
    assert kubectl("get", "service", "taking", "-o", "jsonpath={.spec.externalIPs}") == ""
