# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorded runs of the demo, and what their reports answer.

As a program it prints the answers in the form of demo_answers.yml, for who recorded the runs anew: read each of them
before you keep it.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.report import lab_report
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.tests.unit.processes import ROOT

DEMO = ROOT / "files" / "demo"
NAMES = ("normal", "killed-pod", "saturated", "stopped-load", "not-scaled")
ANSWERS = Path(__file__).with_name("demo_answers.yml")


def copied(to: Path) -> Path:
    """A copy of the recorded results, to write reports into."""
    for name in NAMES:
        shutil.copytree(DEMO / name, to / name)
    return to


def reported(results: Path, name: str) -> dict[str, Any]:
    """Make the report of a run, and return it with its page and its text."""
    params = {"results_dir": str(results), "student": name, "run": None, "questions": None, "table": False}
    paths = lab_report.run(params, Context())["paths"]
    report = json.loads(Path(paths["json"]).read_text())
    return {**report, **{form: Path(paths[form]).read_text() for form in ("html", "markdown")}}


def answered(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Verdict and numbers of each answer."""
    return {
        answer["id"]: {"verdict": answer["verdict"], "numbers": [one["text"] for one in answer["evidence"]]}
        for answer in report["answers"]
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        folder = copied(Path(place))
        answers = {name: answered(reported(folder, name)) for name in NAMES}
    sys.stdout.write("# SPDX-License-Identifier: GPL-3.0-or-later\n")
    sys.stdout.write(
        "# What the reports of the demo's runs answer: verdict and numbers of each question (demo_runs.py).\n---\n"
    )
    yaml.safe_dump(answers, sys.stdout, allow_unicode=True, sort_keys=False, width=110, default_flow_style=None)
