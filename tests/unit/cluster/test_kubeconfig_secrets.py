# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a kubeconfig is masked where others repeat it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.kubeconfig_secrets import (
    kubeconfig_secrets,
)


def written(folder: Path, *users: Any, **cluster: str) -> str:
    path = folder / "kubeconfig"
    content = {
        "clusters": [{"name": "c", "cluster": {"server": "https://kube.example", **cluster}}],
        "users": [{"name": f"u{number}", "user": user} for number, user in enumerate(users)],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u0"}}],
    }
    path.write_text(json.dumps(content))
    return str(path)


@pytest.mark.parametrize(
    ("user", "secrets"),
    [
        ({"token": "token-1"}, ["token-1"]),
        ({"username": "ann", "password": "word-1"}, ["word-1"]),
        ({"client-key-data": "a2V5", "client-certificate-data": "Y2VydA=="}, ["a2V5"]),
        ({"tokenFile": "token.txt"}, ["token-in-a-file"]),
        ({"auth-provider": {"name": "oidc", "config": {"id-token": "id-1", "client-id": "lab"}}}, ["id-1"]),
        (
            {"exec": {"command": "aws", "env": [{"name": "AWS_SECRET_ACCESS_KEY", "value": "key-1"}, {"name": "A"}]}},
            ["key-1"],
        ),
    ],
)
def test_what_lets_somebody_in_is_a_secret(tmp_path: Path, user: dict[str, Any], secrets: list[str]) -> None:
    (tmp_path / "token.txt").write_text("token-in-a-file\n")
    assert kubeconfig_secrets(written(tmp_path, user)) == secrets
    assert kubeconfig_secrets(written(tmp_path, {}, user)) == secrets


def test_passwords_in_addresses_are_secrets(tmp_path: Path) -> None:
    addresses = {"server": "https://a:server-pass@kube.example", "proxy-url": "http://b:proxy-pass@proxy.example"}
    assert kubeconfig_secrets(written(tmp_path, {}, **addresses)) == ["server-pass", "proxy-pass"]


@pytest.mark.parametrize(
    "user", [None, 5, "a", [], {"token": 5}, {"exec": []}, {"exec": {"env": {"a": 1}}}, {"exec": {"env": [None, "a"]}}]
)
def test_what_is_no_kubeconfig_has_no_secrets(tmp_path: Path, user: Any) -> None:
    assert kubeconfig_secrets(written(tmp_path, user)) == []


@pytest.mark.parametrize("content", ["", "[", "[" * 100_000, "a: &a [*a]", "users: 5", "\x00"])
def test_a_file_that_cannot_be_read_has_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "kubeconfig").write_text(content)
    assert kubeconfig_secrets(str(tmp_path / "kubeconfig")) == []
    assert kubeconfig_secrets(str(tmp_path / "missing")) == []


def test_files_of_whoever_runs_the_lab_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "own-token").write_text("of-the-instructor")
    assert kubeconfig_secrets(written(tmp_path / "theirs", {"tokenFile": "../own-token"})) == []
