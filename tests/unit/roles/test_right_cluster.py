# SPDX-License-Identifier: GPL-3.0-or-later
"""All that a stage does is done on the student's cluster, whatever the environment says of others.

A stage runs as a playbook, with a helm that keeps what it was told, beside an API server that may not be asked.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.cluster_lab import ScriptedApi, write_kubeconfig
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import run_playbook

#: A helm that keeps which cluster it was told of.
HELM = """#!/usr/bin/env python3
import json, os, stat, sys
words = sys.argv[1:]
if words[:1] == ["version"]:
    print('version.BuildInfo{Version:"v3.19.0", GitCommit:"", GitTreeState:"", GoVersion:""}')
    sys.exit()
seen = {name: value for name, value in os.environ.items() if value and name.startswith(("HELM_KUBE", "K8S_AUTH"))}
with open(os.environ["KUBECONFIG"]) as file:
    content = json.load(file)
with open(os.environ["HELM_LOG"], "a") as log:
    log.write(json.dumps({"words": words, "seen": seen, "content": content}) + "\\n")
print("[]")
"""

#: What a stage does: a task of the collection, helm, another program, and the record.
TASKS = """
- name: Look for Deployments
  temporal_lab.benchmarking.cluster_objects:
    kind: deployments
    names: [a]

- name: Uninstall a release
  kubernetes.core.helm:
    release_namespace: "{{ lab_namespace }}"
    release_name: a
    release_state: absent
  environment: "{{ lab_helm_environment }}"

- name: Show what programs see
  ansible.builtin.command: printenv KUBECONFIG
  register: seen
  changed_when: false
  check_mode: false

- name: Note it
  ansible.builtin.copy:
    dest: "{{ noted }}-{{ inventory_hostname }}"
    content: "{{ seen.stdout }} {{ lab_cluster.kubeconfig }}"
    mode: "0600"
  check_mode: false
  diff: false

- name: Record the results
  temporal_lab.benchmarking.lab_stage:
    stage: reset
    state: done
    started: "{{ lab_began }}"
  changed_when: false
"""

#: What else chooses a cluster for some client.
HOSTILE = {
    "K8S_AUTH_HOST": "{other}",
    "K8S_AUTH_API_KEY": "other-token",
    "K8S_AUTH_KUBECONFIG": "{other_kubeconfig}",
    "K8S_AUTH_CONTEXT": "other",
    "HELM_KUBECONTEXT": "other",
    "HELM_KUBEAPISERVER": "{other}",
    "HELM_KUBETOKEN": "other-token",
    "KUBERNETES_SERVICE_HOST": "127.0.0.1",
}


@pytest.fixture
def other() -> Iterator[ScriptedApi]:
    api = ScriptedApi()
    try:
        yield api
    finally:
        api.close()


class Stages:
    """Plays a stage as a playbook. ``told`` is what helm was told, ``noted`` what a program saw, by host."""

    def __init__(self, folder: Path, api: ScriptedApi, other: ScriptedApi) -> None:
        self.folder = folder
        self.kubeconfig = write_kubeconfig(folder / "student.yml", api.url)
        self.other_kubeconfig = write_kubeconfig(folder / "other.yml", other.url)
        (folder / "helm").write_text(HELM)
        (folder / "helm").chmod(0o700)
        (folder / "tasks.yml").write_text(TASKS)
        (folder / "ansible").mkdir()
        self.environment = {"HELM_LOG": str(folder / "log"), "ANSIBLE_LOCAL_TEMP": str(folder / "ansible")}
        self.hostile = {
            name: value.format(other=other.url, other_kubeconfig=self.other_kubeconfig)
            for name, value in HOSTILE.items()
        }
        api.on("GET", "/apis/apps/v1/namespaces/default/deployments", {"items": []})

    def play(self, *arguments: str, hosts: str = "student-01,", plays: int = 1, **variables: Any) -> str:
        task = {
            "ansible.builtin.import_role": {
                "name": "temporal_lab.benchmarking.lab",
                "tasks_from": "stage",
                "rolespec_validate": False,
                "public": False,
            },
            "vars": {"lab_stage_name": "reset", "lab_stage_tasks": str(self.folder / "tasks.yml")},
        }
        one = {"hosts": "all", "gather_facts": False, "tasks": [task]}
        (self.folder / "play.yml").write_text(json.dumps([one] * plays))
        given = {
            "lab_results_dir": str(self.folder / "results"),
            "lab_helm": str(self.folder / "helm"),
            "noted": str(self.folder / "noted"),
            "ansible_python_interpreter": sys.executable,
            **{name: value for name, value in variables.items() if name.startswith("lab_")},
        }
        environment = {name: value for name, value in variables.items() if not name.startswith("lab_")}
        done = run_playbook(
            self.folder, hosts, "-e", json.dumps(given), *arguments, "play.yml", **self.environment, **environment
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    @property
    def told(self) -> list[dict[str, Any]]:
        log = self.folder / "log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def noted(self, host: str = "student-01") -> list[str]:
        return (self.folder / f"noted-{host}").read_text().split()

    def servers(self) -> list[str]:
        """The servers that helm was told of."""
        return [told["content"]["clusters"][0]["cluster"]["server"] for told in self.told]

    def recorded(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("results/*/*/*-?.json"))]


@pytest.fixture
def stages(tmp_path: Path, api: ScriptedApi, other: ScriptedApi) -> Stages:
    return Stages(tmp_path, api, other)


def test_no_client_of_a_stage_sees_another_cluster(stages: Stages, api: ScriptedApi, other: ScriptedApi) -> None:
    shown = stages.play(
        lab_kubeconfig=str(stages.kubeconfig), **stages.hostile, KUBECONFIG=str(stages.other_kubeconfig)
    )
    assert "failed=0" in shown, shown
    assert set(stages.servers()) == {api.url}
    assert {tuple(told["content"]["contexts"][0]) for told in stages.told} == {("name", "context")}
    assert all(told["seen"] == {} or set(told["seen"]) == {"HELM_NAMESPACE"} for told in stages.told)
    assert api.asked
    assert other.asked == []
    seen, given = stages.noted()
    assert seen == given
    # In the end the stage says where it was, and nothing private is left.
    (record,) = stages.recorded()
    assert (record["state"], record["facts"]) == ("done", {"server": api.url})
    assert list((stages.folder / "ansible").rglob("*")) == []


def test_of_several_kubeconfigs_all_clients_take_the_same(stages: Stages, api: ScriptedApi, other: ScriptedApi) -> None:
    shown = stages.play(KUBECONFIG=os.pathsep.join([str(stages.kubeconfig), str(stages.other_kubeconfig)]))
    assert "failed=0" in shown, shown
    assert set(stages.servers()) == {api.url}
    assert other.asked == []


def test_each_of_several_students_plays_and_forks_has_a_cluster_of_its_own(
    stages: Stages, api: ScriptedApi, other: ScriptedApi
) -> None:
    other.on("GET", "/apis/apps/v1/namespaces/default/deployments", {"items": []})
    folder = stages.folder
    write_kubeconfig(folder / "kubeconfig-a", api.url)
    write_kubeconfig(folder / "kubeconfig-b", other.url)
    shown = stages.play(
        "--forks=3", hosts="a,b,", plays=2, lab_kubeconfig=f"{folder}/kubeconfig-{{{{ inventory_hostname }}}}"
    )
    assert shown.count("failed=0") == 2, shown
    assert sorted(set(stages.servers())) == sorted([api.url, other.url])
    assert sorted(
        (record["student"], record["attempt"], record["facts"]["server"]) for record in stages.recorded()
    ) == [("a", 1, api.url), ("a", 2, api.url), ("b", 1, other.url), ("b", 2, other.url)]
    assert stages.noted("a") != stages.noted("b")


def test_check_mode_acts_on_the_same_cluster(stages: Stages, api: ScriptedApi) -> None:
    shown = stages.play("--check", lab_kubeconfig=str(stages.kubeconfig), **stages.hostile)
    assert "failed=0" in shown, shown
    assert set(stages.servers()) == {api.url}


def test_what_cannot_be_taken_away_is_made_harmless_or_refused(stages: Stages, api: ScriptedApi) -> None:
    shown = stages.play(lab_kubeconfig=str(stages.kubeconfig), K8S_AUTH_VERIFY_SSL="no")
    assert "failed=0" in shown, shown
    assert set(stages.servers()) == {api.url}
    shown = stages.play(lab_kubeconfig=str(stages.kubeconfig), K8S_AUTH_VERIFY_SSL="no", K8S_AUTH_CONTEXT="other")
    assert "both K8S_AUTH_CONTEXT and K8S_AUTH_VERIFY_SSL" in " ".join(shown.split())


def test_without_the_task_that_finds_the_cluster_helm_finds_none(stages: Stages, other: ScriptedApi) -> None:
    shown = stages.play(
        "--start-at-task=Uninstall a release",
        lab_kubeconfig=str(stages.kubeconfig),
        KUBECONFIG=str(stages.other_kubeconfig),
    )
    assert "the-first-task-of-the-stage-was-left-out" in "".join(shown.split())
    assert stages.told == []
    assert other.asked == []


def test_what_a_stage_destroys_is_announced_with_its_server(stages: Stages, api: ScriptedApi) -> None:
    shown = stages.play(lab_kubeconfig=str(stages.kubeconfig), lab_stage_destroys="deletes all")
    assert f"student-01: deletes all at {api.url} (context lab of {stages.kubeconfig})" in shown


def test_a_run_that_goes_on_elsewhere_is_told(stages: Stages, api: ScriptedApi, other: ScriptedApi) -> None:
    other.on("GET", "/apis/apps/v1/namespaces/default/deployments", {"items": []})
    stages.play(lab_kubeconfig=str(stages.other_kubeconfig), lab_run="mine")
    shown = stages.play(lab_kubeconfig=str(stages.kubeconfig), lab_run="mine")
    assert f"were on {other.url}, this one is on {api.url}" in shown


def test_a_refused_kubeconfig_is_recorded_in_the_run_that_it_was_for(stages: Stages) -> None:
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": ["ran"]}}
    write_kubeconfig(stages.kubeconfig, "http://127.0.0.1:1", user)
    shown = stages.play(lab_kubeconfig=str(stages.kubeconfig), lab_run="mine")
    (record,) = stages.recorded()
    assert (record["run"], record["state"]) == ("mine", "failed")
    assert "lab_kubeconfig_exec=true" in record["message"]
    assert "lab_kubeconfig_exec=true" in " ".join(shown.split())
    assert list(stages.folder.rglob("ran")) == []
    assert stages.told == []


def test_the_file_is_private_while_the_stage_runs(stages: Stages) -> None:
    (stages.folder / "tasks.yml").write_text(
        "- ansible.builtin.command: cp -p {{ lab_cluster.kubeconfig }} {{ noted }}\n"
        "- ansible.builtin.command: stat -c %a {{ lab_cluster.kubeconfig | dirname }}\n"
        "  register: folder\n"
        "- ansible.builtin.assert: {that: folder.stdout == '700'}\n"
    )
    old = os.umask(0)
    try:
        shown = stages.play(lab_kubeconfig=str(stages.kubeconfig))
    finally:
        os.umask(old)
    assert "failed=0" in shown, shown
    assert stat.S_IMODE((stages.folder / "noted").stat().st_mode) == 0o600
