# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the collection importable by its full name, from any checkout folder."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = ROOT / "collections" / "ansible_collections" / "temporal_lab" / "benchmarking"

if "ansible_collections" not in ROOT.parts:
    if not LINK.exists():
        LINK.parent.mkdir(parents=True, exist_ok=True)
        LINK.symlink_to("../../..")
    sys.path.insert(0, str(ROOT / "collections"))
