# SPDX-License-Identifier: GPL-3.0-or-later
"""A Helm chart: its name and versions, and which of Temporal's charts it is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ..errors import LabError
from ..foreign_text import keep_secret, plain, secrets_of_url, without_password
from ..yaml_file import read_yaml
from .chart_download import download_chart, has_password

#: Seconds that helm may take to fetch a chart.
FETCH = 120.0


@dataclass(frozen=True)
class ChartSource:
    """Where helm gets a chart: a reference, and for a repository's chart its address and a version."""

    chart: str
    repo: str = ""
    version: str = ""


@dataclass(frozen=True)
class Chart:
    """A chart as its Chart.yaml says.

    generation: ``lab`` for the collection's own; of upstream's, ``bundled`` for those before 1.0, which bring
    databases, Prometheus and Grafana, and ``separate`` for those that are the server alone.
    """

    name: str
    version: str
    app_version: str

    @property
    def generation(self) -> str:
        if self.name == "temporal-lab":
            return "lab"
        return "bundled" if numbers(self.version)[:1] == (0,) else "separate"


def numbers(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with: ``v1.30.3-rc.1`` is (1, 30, 3), and ``latest`` is ()."""
    found = re.match(r"v?([0-9]{1,9}(?:\.[0-9]{1,9})*)", version)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def is_pinned(reference: str, version: str) -> bool:
    """Whether it is the same chart another day: a file, or a whole version and not a range of them."""
    return is_path(reference) or re.fullmatch(r"v?\d+\.\d+\.\d+\S*", version) is not None


def is_path(reference: str) -> bool:
    return not reference.startswith("oci://") and os.path.exists(os.path.expanduser(reference))


def find_source(helm: str, reference: str, repo: str, version: str, private: Path | None) -> ChartSource:
    """Where helm gets a chart; one of a repository with a password is downloaded first. Raises LabError.

    private: a folder of this user alone, None where there is none.
    """
    program = shutil.which(helm)
    if private is None or program is None or not has_password(repo) or is_path(reference):
        return ChartSource(reference, repo, version)
    return ChartSource(download_chart(program, reference, repo, version, private))


def read_chart(helm: str, reference: str, repo: str, version: str) -> Chart:
    """What Chart.yaml says, of a folder, a packed chart, an OCI reference or a repository's chart. Raises LabError."""
    secrets = secrets_of_url(repo)
    keep_secret(*secrets)
    where = f"The chart {reference}" + (f" {version}" if version else "")
    where += f" of {without_password(repo)}" if repo else ""
    other = "give temporal_chart a folder or a packed chart, or an address that this machine reaches"
    program = shutil.which(helm)
    if program is None:
        raise LabError(f"{where} cannot be read, as there is no program {helm}: install helm 3, or give its path.")
    options = [*(("--repo", repo) if repo else ()), *(("--version", version) if version else ())]
    command = [program, "show", "chart", os.path.expanduser(reference), *options]
    try:
        # pylint: disable-next=ansible-bad-function
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH, check=False)
    except subprocess.TimeoutExpired:
        raise LabError(f"{where} cannot be read, as helm did not get it in {FETCH:.0f} s: {other}.") from None
    except OSError as failure:
        raise LabError(f"{where} cannot be read, as {helm} cannot be run ({failure.strerror}): {other}.") from None
    if done.returncode != 0:
        said = plain(done.stderr, secrets).removeprefix("Error: ") or "no output from helm"
        raise LabError(f"{where} cannot be read ({said}): {other}.")
    try:
        found = read_yaml(done.stdout, where, other)
        chart = Chart(str(found["name"]), str(found["version"]), str(found.get("appVersion", "")))
    except (KeyError, TypeError, AttributeError):
        raise LabError(f"{where} is not a chart that helm can read: {other}.") from None
    if chart.name not in ("temporal", "temporal-lab"):
        raise LabError(f"{where} is the chart {chart.name}, but the lab has values only for temporal and temporal-lab.")
    return chart
