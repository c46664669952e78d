# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage files of others, damaged at a place, up to the reports that are made of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana import marks
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import (
    class_markdown,
    class_terminal,
    run_markdown,
    run_terminal,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.merged_class import build_class
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.merged_run import build_report
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.runs import read_run
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.stage_file import to_json
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.student_results import read_student
from ansible_collections.temporal_lab.benchmarking.tests.unit.fuzz.fuzzing import as_json, damaged, fuzz
from ansible_collections.temporal_lab.benchmarking.tests.unit.results.results_lab import (
    RUN,
    START,
    STUDENT,
    Lab,
    full,
    series,
    window,
)
from hypothesis import strategies as st


def written(folder: Path) -> tuple[Path, Any]:
    """A stage file, and what is in it."""
    lab = Lab(folder)
    path = lab.write(
        "benchmark",
        windows=[window("load", START, full("work", 40.0, key=True), full("wait", None))],
        series=[series("work", [[START, 1.0], [START + 5, None]])],
        events=[{"name": "begun", "title": "begun", "time": START}],
        settings={"concurrent_workflows": 3, "window": 120.0},
        facts={"shards": {"before": {"a": 512}}},
        versions={"temporal_server": "1.31.2"},
    )
    return path, json.loads(path.read_text(encoding="utf-8"))


def test_fuzz_stage_files(tmp_path: Path) -> None:
    path, content = written(tmp_path)

    @fuzz(st.one_of(damaged(content).map(as_json), st.binary(max_size=60), st.just(b"[" * 100_000)))
    def target(text: bytes) -> None:
        path.write_bytes(text)
        run = read_run(tmp_path, STUDENT, RUN)
        report = build_report(run)
        to_json(report).encode()
        run_markdown.to_markdown(report).encode()
        run_terminal.to_terminal(report, "p").encode()
        marks.wanted(run)

    target()


def test_fuzz_class(tmp_path: Path) -> None:
    path, content = written(tmp_path)

    @fuzz(damaged(content).map(as_json))
    def target(text: bytes) -> None:
        path.write_bytes(text)
        report = build_class([read_student([tmp_path], STUDENT)], [], [], [])
        to_json(report).encode()
        class_markdown.to_markdown(report).encode()
        class_terminal.to_terminal(report, "p").encode()

    target()
