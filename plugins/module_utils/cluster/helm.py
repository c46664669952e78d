# SPDX-License-Identifier: GPL-3.0-or-later
"""The program helm on the control node, and whether it is a version that the lab can use."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from ..bounded_json import Limits, parse_json
from ..findings import Finding, finding
from .chart import numbers

#: Of the manifest of a collection.
LIMITS = Limits(size=2**20, values=10_000)
#: The oldest kubernetes.core that can use helm 4, by its changelog.
CORE_FOR_HELM_4 = (6, 4)


def judge_helm(helm: str, version: str | None, core: str | None) -> Finding:
    """Whether the lab can use this helm.

    version: what the program says, None when there is no such program.
    core: the version of kubernetes.core, None when it is not known.
    """
    if version is None:
        return finding(
            "helm",
            "fail",
            f"There is no program {helm}",
            "The chart cannot be installed.",
            "Install helm 3, or give its path.",
        )
    found = re.match(r"v?(\d+)\.", version)
    major = found[1] if found else ""
    if major == "3" or (major == "4" and core is not None and numbers(core) >= CORE_FOR_HELM_4):
        return finding("helm", "pass", f"helm is {version}")
    if major == "4" and core is None:
        return finding(
            "helm",
            "warn",
            f"helm is {version}, and the version of kubernetes.core is not known",
            "Before kubernetes.core 6.4 it cannot use helm 4.",
            "Check it with: ansible-galaxy collection list kubernetes.core",
        )
    if major == "4":
        return finding(
            "helm",
            "fail",
            f"helm is {version}, which kubernetes.core {core} cannot use",
            "The chart cannot be installed.",
            "Install kubernetes.core 6.4 or newer, or helm 3, or give the path of a helm 3.",
        )
    return finding(
        "helm",
        "fail",
        f"{helm} is neither helm 3 nor helm 4 but {version or 'something else'}",
        "The chart cannot be installed.",
        "Install helm 3, or give its path.",
    )


def core_version() -> str | None:
    """The version of kubernetes.core beside this collection, None where that is not known."""
    try:
        # Ansible's loader knows where it is installed
        spec = importlib.util.find_spec("ansible_collections.kubernetes.core")
        places = list(spec.submodule_search_locations or ()) if spec else []
        version = parse_json((Path(places[0]) / "MANIFEST.json").read_bytes(), LIMITS)["collection_info"]["version"]
    except (ImportError, OSError, ValueError, LookupError, TypeError):
        return None
    return version if isinstance(version, str) and numbers(version) else None


def helm_version(helm: str) -> str | None:
    """What ``helm version`` says, None when there is no such program."""
    program = shutil.which(helm)
    if program is None:
        return None
    try:
        # pylint: disable-next=ansible-bad-function
        done = subprocess.run(
            [program, "version", "--template", "{{.Version}}"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
