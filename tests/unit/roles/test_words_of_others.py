# SPDX-License-Identifier: GPL-3.0-or-later
"""Where text of others ends: the terminal of a class, its results, its reports.

Each student has one source that says something hostile and repeats a secret, and each stage fails by it.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import ROOT, run_ansible, run_playbook

#: What each source says, before the secret that it repeats.
HOSTILE = (
    "PLANTED\x1b]0;title\x07\x1b[2J\x9b31m\u202e\u200b\x00\ud800\u2028\nCLASS: 9 students, 9 done\r"
    "anna  done  all: fine\n{{ lookup('ansible.builtin.pipe', 'touch ran') }} "
)
SECRETS = {
    "cluster": "kube-token-0123456789",
    "prometheus": "prom/token+0123456789==",
    "grafana": "graf&pass wörd-0123456789",
    "repo": "repo-pass-0123456789",
    "vault": "vaulted-pass-0123456789",
}
COLLECTION = "temporal_lab.benchmarking"

#: A stage whose only task is the student's source. It has what the task of each role is given.
SOURCES: list[dict[str, Any]] = [
    {"when": "source == 'cluster'", f"{COLLECTION}.lab_status": None},
    {
        "when": "source == 'module'",
        # No role uses it; a play of a user's own may.
        "kubernetes.core.k8s_info": {
            "api_version": "v1",
            "kind": "Namespace",
            "name": "shop",
            "kubeconfig": "{{ lab_cluster.kubeconfig }}",
        },
    },
    {
        "when": "source == 'prometheus'",
        f"{COLLECTION}.prometheus_info": {"url": "{{ server }}", "url_token": SECRETS["prometheus"]},
    },
    {
        "when": "source == 'grafana'",
        f"{COLLECTION}.grafana_dashboard": {
            "url": "{{ server }}",
            "username": "admin",
            "password": SECRETS["grafana"],
            "state": "absent",
            "uid": "lab",
        },
    },
    {
        "when": "source in ['helm', 'repo']",
        f"{COLLECTION}.temporal_release": {
            "chart": "temporal",
            "version": "0.73.2",
            "repo": "https://bob:" + SECRETS["repo"] + "@127.0.0.1:9/charts",
            "helm": "{{ helm }}",
        },
        "no_log": True,
    },
    {
        "when": "source == 'release'",
        "kubernetes.core.helm": {
            "release_name": "my-temporal",
            "release_namespace": "shop",
            "chart_ref": "temporal",
            "chart_repo_url": "https://bob:" + SECRETS["repo"] + "@127.0.0.1:9/charts",
            "binary_path": "{{ helm }}",
        },
        "no_log": True,
    },
    {"when": "source == 'vault'", "ansible.builtin.fail": {"msg": "{{ said }} {{ vaulted }}"}},
    {
        "when": "source == 'items'",
        "ansible.builtin.fail": {"msg": "{{ item }}"},
        "loop": ["{{ said }} {{ vaulted }}"],
    },
]
STUDENTS = ("cluster", "module", "prometheus", "grafana", "helm", "repo", "release", "vault", "items")


class Echo(BaseHTTPRequestHandler):
    """Refuses whatever is asked, and repeats what was sent to be let in, in several encodings."""

    def do_GET(self) -> None:
        sent = self.headers.get("Authorization") or ""
        credentials = sent.partition(" ")[2]
        decoded = base64.b64decode(credentials).decode() if sent.startswith("Basic") else credentials
        echoes = [sent, credentials, decoded, decoded.partition(":")[2], quote(decoded, safe="")]
        echoes += [base64.b64encode(decoded.encode()).decode(), json.dumps(decoded)]
        message = HOSTILE + " ".join(echoes)
        body = json.dumps({"kind": "Status", "apiVersion": "v1", "code": 403, "message": message, "error": message})
        self.send_response(403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{found.server_address[1]}"
        found.shutdown()


@pytest.fixture
def lab(tmp_path: Path, server: str) -> Path:
    """A class, its playbook, and a helm that says something hostile of the arguments that it is given."""
    said = HOSTILE.replace("\x00", "").replace("\ud800", "")
    (tmp_path / "said").write_text(said)
    helm = tmp_path / "helm"
    helm.write_text(f'#!/bin/sh\ncat "{tmp_path}/said" >&2\necho "$@" >&2\nexit 1\n')
    helm.chmod(0o755)
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": SECRETS["cluster"]}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    (tmp_path / "password").write_text("of the vault")
    encrypted = run_ansible(
        "ansible-vault", tmp_path, "encrypt_string", "--vault-password-file", "password", SECRETS["vault"]
    ).stdout
    (tmp_path / "vault.yml").write_text(f"vaulted: {encrypted.strip()}\n")
    (tmp_path / "vars.json").write_text(
        json.dumps(
            {
                "ansible_python_interpreter": sys.executable,
                "server": server,
                "helm": str(helm),
                "said": {"__ansible_unsafe": said},
                "lab_kubeconfig": str(tmp_path / "kubeconfig"),
                "lab_results_dir": str(tmp_path / "results"),
            }
        )
    )
    (tmp_path / "sources.yml").write_text(json.dumps(SOURCES))
    stage = {"name": f"{COLLECTION}.lab", "tasks_from": "stage", "rolespec_validate": False}
    tasks = [
        {
            "ansible.builtin.import_role": stage,
            "vars": {"lab_stage_name": "baseline", "lab_stage_tasks": str(tmp_path / "sources.yml")},
        }
    ]
    report = {"ansible.builtin.import_role": {"name": f"{COLLECTION}.report", "tasks_from": "class"}}
    block = [{"block": tasks, "always": [{**report, "when": "ansible_play_hosts_all | length > 1"}]}]
    play = [{"hosts": "all", "gather_facts": False, "vars": {"source": "{{ inventory_hostname }}"}, "tasks": block}]
    (tmp_path / "play.yml").write_text(json.dumps(play))
    (tmp_path / "ansible.cfg").write_text((ROOT / "ansible.cfg").read_text().replace("inventory = ", "#"))
    return tmp_path


def seen(text: str) -> list[str]:
    """The secrets in a text, in any encoding."""
    found = []
    for name, secret in SECRETS.items():
        encoded = [secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1]]
        encoded += [base64.b64encode(whole.encode()).decode() for whole in (secret, f"admin:{secret}")]
        found += [f"{name}: {form}" for form in encoded if form in text]
    return found


def test_no_sink_has_a_secret_or_a_character_that_is_not_seen(lab: Path) -> None:
    arguments = ["-v", "-e", "@vars.json", "-e", "@vault.yml", "--vault-password-file", "password"]
    done = run_playbook(lab, ",".join(STUDENTS) + ",", "play.yml", *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    files = {path: path.read_bytes().decode() for path in (lab / "results").rglob("*") if path.is_file()}
    assert {path.suffix for path in files} >= {".json", ".html", ".md", ".retry"}
    sinks = {
        **{str(path.relative_to(lab)): text for path, text in files.items()},
        "terminal": done.stdout + done.stderr,
    }
    # Each source was heard, in the class summary and in its student's results.
    for student in STUDENTS:
        line = re.search(rf"^{student} +failed  baseline: .*", done.stdout, re.MULTILINE)
        assert "PLANTED" in (line[0] if line else ""), student
        (record,) = (lab / "results" / student).glob("*/baseline-1.json")
        assert "PLANTED" in json.loads(files[record])["message"], student
    for name, text in sinks.items():
        assert seen(text) == [], name
        assert not [sign for sign in text if not sign.isprintable() and sign not in "\n\t"], name
    lines = sinks["terminal"].splitlines()
    assert [line for line in lines if line.startswith("CLASS:")] == [
        f"CLASS: {len(STUDENTS)} students, 0 done, 9 failed"
    ]
    assert not [line for line in lines if line.startswith("anna")]
    assert not os.path.exists(lab / "ran")
