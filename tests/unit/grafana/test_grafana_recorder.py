# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorder asks a Grafana and writes what grafana_replay plays, without a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana import grafana_recorder, grafana_replay
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_memory import grafana_served
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_replay import EDITOR, PASSWORD


def test_a_recording_has_every_answer_and_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "recording.json"
    monkeypatch.setenv("GRAFANA_PASSWORD", PASSWORD)
    with grafana_served(version="13.0") as grafana:
        grafana_recorder.main(["--url", grafana.address, "--output", str(file)])
        keys = list(grafana.keys)
        assert grafana.accounts == []
        assert grafana.folders == {}
    text = file.read_text()
    recording: list[dict[str, Any]] = json.loads(text)
    assert len(recording) == len(list(grafana_recorder.questions()))
    assert [entry["number"] for entry in recording[:2]] == ["r13.0-0", "r13.0-1"]
    assert keys == []
    assert PASSWORD not in text
    assert "madeInTheTest" not in text
    assert grafana.address.removeprefix("http://") not in text
    assert {entry["status"] for entry in recording} >= {200, 201, 403, 404, 406, 409, 412}

    # A test plays it like the others.
    rows = {entry["number"]: entry for entry in recording}
    monkeypatch.setattr(grafana_replay, "exchanges", lambda: rows)
    asked = next(entry for entry in recording if entry["title"] == "EDITOR: a folder that does not exist")
    with grafana_replay.replay(asked["number"]) as server:
        assert server.client(EDITOR).get_folder("rec-none") is None


def test_what_cannot_be_recorded_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GRAFANA_PASSWORD", raising=False)
    with pytest.raises(SystemExit, match="set GRAFANA_PASSWORD"):
        grafana_recorder.main(["--url", "http://127.0.0.1:9"])
    monkeypatch.setenv("GRAFANA_PASSWORD", "wrong-password")
    with grafana_served() as grafana, pytest.raises(SystemExit, match="correct its name or password"):
        grafana_recorder.main(["--url", grafana.address, "--output", str(tmp_path / "none.json")])
    assert not (tmp_path / "none.json").exists()
