# SPDX-License-Identifier: GPL-3.0-or-later
"""What asks a student's API server: the collection's own client, which follows no redirects, and helm."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MODULE = re.compile(r"^[ -]*(kubernetes\.core\.\w+):", re.MULTILINE)


def test_of_kubernetes_core_only_helm_is_used() -> None:
    """Its other modules send requests of this machine wherever a student's server redirects them."""
    files = [path for folder in ("roles", "playbooks") for path in (ROOT / folder).rglob("*.yml")]
    used = {name for path in files for name in MODULE.findall(path.read_text(encoding="utf-8"))}
    assert used == {"kubernetes.core.helm"}
