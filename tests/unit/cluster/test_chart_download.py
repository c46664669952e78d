# SPDX-License-Identifier: GPL-3.0-or-later
"""A chart of a repository with a password."""

from __future__ import annotations

import base64
import stat
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.chart_download import (
    download_chart,
    has_password,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.tests.unit.cluster.chart_lab import installed_helm, write_chart

PASSWORD = "p@ss/word-0123456789"
WRITTEN = "p%40ss%2Fword-0123456789"


class Guarded(SimpleHTTPRequestHandler):
    """Serves a folder to one user."""

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != "Basic " + base64.b64encode(f"bob:{PASSWORD}".encode()).decode():
            self.send_error(401)
            return
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[str]:
    """Host, port and path of a repository with the chart temporal 0.73.2."""
    folder = tmp_path / "charts"
    folder.mkdir()
    helm = installed_helm()
    packed = write_chart(tmp_path / "temporal", "0.73.2")
    subprocess.run([helm, "package", packed, "--destination", str(folder)], check=True, capture_output=True)
    subprocess.run([helm, "repo", "index", str(folder)], check=True, capture_output=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Guarded, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def helm(tmp_path: Path) -> str:
    """helm, which notes its arguments, and the mode and names of what it finds of repositories."""
    program = tmp_path / "helm"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> "{tmp_path}/arguments"\nstat -c %a "$HELM_REPOSITORY_CONFIG" >> "{tmp_path}/modes"\n'
        f'exec "{installed_helm()}" "$@"\n'
    )
    program.chmod(0o755)
    return str(program)


def test_the_password_is_in_no_arguments_and_in_no_file_that_stays(tmp_path: Path, repository: str, helm: str) -> None:
    private = tmp_path / "private"
    private.mkdir()
    found = Path(download_chart(helm, "temporal", f"http://bob:{WRITTEN}@{repository}", "0.73.2", private))
    assert found.name == "temporal-0.73.2.tgz"
    assert stat.S_IMODE(found.parent.stat().st_mode) == 0o700
    arguments = (tmp_path / "arguments").read_text()
    assert PASSWORD not in arguments
    assert WRITTEN not in arguments
    assert set((tmp_path / "modes").read_text().split()) == {"600"}
    for path in private.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert PASSWORD.encode() not in content
        assert WRITTEN.encode() not in content


@pytest.mark.parametrize(
    ("user", "chart", "version", "why"),
    [
        ("bob:wrong-pass-0123", "temporal", "0.73.2", "401"),
        (f"bob:{WRITTEN}", "temporal", "9.9.9", "9.9.9"),
        (f"bob:{WRITTEN}", "other", "", "other"),
    ],
)
def test_what_helm_says_is_shown_without_the_password(
    tmp_path: Path, repository: str, helm: str, user: str, chart: str, version: str, why: str
) -> None:
    with pytest.raises(LabError, match=why) as failed:
        download_chart(helm, chart, f"http://{user}@{repository}", version, tmp_path)
    assert f"http://bob:********@{repository}" in failed.value.msg
    assert user.partition(":")[2] not in failed.value.msg
    assert not list(tmp_path.glob("chart-*/repositories.yaml"))


def test_an_address_that_is_none_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="correct temporal_chart_repo") as failed:
        download_chart("helm", "temporal", "http://bob:hunter2@[::1/", "", tmp_path)
    assert "hunter2" not in failed.value.msg


@pytest.mark.parametrize(
    ("repo", "has"),
    [("", False), ("https://charts.example/team@home", False), ("https://bob:x@charts.example", True)],
)
def test_whether_an_address_has_a_password(repo: str, has: bool) -> None:
    assert has_password(repo) is has
