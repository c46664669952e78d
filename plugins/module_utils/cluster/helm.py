# SPDX-License-Identifier: GPL-3.0-or-later
"""The program helm on the control node, and whether it is a version that the lab can use."""

from __future__ import annotations

import re
import shutil
import subprocess

from ..findings import Finding, finding


def judge_helm(helm: str, version: str | None) -> Finding:
    """version: what the program says, None when there is no such program."""
    if version is None:
        return finding(
            "helm",
            "fail",
            f"There is no program {helm}",
            "The chart cannot be installed.",
            "Install helm 3, or give its path.",
        )
    found = re.match(r"v?(\d+)\.", version)
    if found and found[1] == "3":
        return finding("helm", "pass", f"helm is {version}")
    return finding(
        "helm",
        "fail",
        f"{helm} is not helm 3 but {version or 'something else'}",
        "kubernetes.core 6 cannot use it.",
        "Install helm 3, or give its path.",
    )


def helm_version(helm: str) -> str | None:
    """What ``helm version`` says, None when there is no such program."""
    program = shutil.which(helm)
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "version", "--template", "{{.Version}}"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
