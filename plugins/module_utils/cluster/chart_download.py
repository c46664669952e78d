# SPDX-License-Identifier: GPL-3.0-or-later
"""A chart from a repository that asks for a password, without the password among any program's arguments.

helm takes a repository's password from a file of its own, which only this user can read, and everybody on the machine
can see the arguments of a program. What is downloaded is installed as a file.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import LabError
from ..foreign_text import keep_secret, plain, secrets_of_url, without_password

#: Seconds that helm may take for the index of a repository, and for a chart.
FETCH = 120.0
#: What the repository is called in the file of helm.
NAME = "lab"


def has_password(repo: str) -> bool:
    """Whether the address of a repository says who asks."""
    return "@" in repo.partition("://")[2].partition("/")[0]


def download_chart(program: str, chart: str, repo: str, version: str, private: Path) -> str:
    """The path of a packed chart, of a repository with user and password in its address. Raises LabError.

    program: helm. private: a folder of this user alone; what is written there stays for who installs the chart.
    """
    secrets = secrets_of_url(repo)
    keep_secret(*secrets)
    try:
        parts = urlsplit(repo)
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
    except ValueError:
        raise LabError(
            "The address of the chart's repository is none, or its password holds characters that must be encoded "
            "there: correct temporal_chart_repo."
        ) from None
    folder = Path(tempfile.mkdtemp(prefix="chart-", dir=private))
    repositories = folder / "repositories.yaml"
    entry = {"name": NAME, "url": bare, "username": user, "password": password}
    handle = os.open(repositories, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"apiVersion": "v1", "generated": "2026-01-01T00:00:00Z", "repositories": [entry]}, file)
    try:
        wanted = ["--version", version] if version else []
        for command in (
            ["repo", "update", NAME, "--fail-on-repo-update-fail"],
            ["pull", f"{NAME}/{chart}", *wanted, "--destination", str(folder)],
        ):
            said = _run([program, *command], folder)
            if said is not None:
                where = f"The chart {plain(chart)} of {without_password(repo)}"
                raise LabError(
                    f"{where} cannot be read ({plain(said, secrets) or 'no output from helm'}): check temporal_chart, "
                    f"its version, and the address and password in temporal_chart_repo."
                )
    finally:
        repositories.unlink()
    return str(next(folder.glob("*.tgz")))


def _run(command: list[str], folder: Path) -> str | None:
    """Run helm with files of its own; return None, or what it said where it failed."""
    environment = os.environ | {
        "HELM_REPOSITORY_CONFIG": str(folder / "repositories.yaml"),
        "HELM_REPOSITORY_CACHE": str(folder / "cache"),
    }
    try:
        # pylint: disable-next=ansible-bad-function
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH, check=False, env=environment)
    except subprocess.TimeoutExpired:
        return f"helm did not get it in {FETCH:.0f} s"
    except OSError as failure:
        return f"helm cannot be run: {failure.strerror}"
    return None if done.returncode == 0 else (done.stderr + done.stdout).removeprefix("Error: ")
