# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads the node's images into its containerd."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from ..errors import LabError
from .layout import Layout
from .pki import write_private
from .supervisor import wait_until
from .system import command


def import_images(layout: Layout, images: Mapping[str, Path], show: Callable[[str], None]) -> None:
    """Import the images that containerd does not have yet."""
    ctr = ["ctr", f"--address={layout.containerd_socket}", "--namespace=k8s.io", "images"]

    def answers() -> bool:
        try:
            command([*ctr, "list", "--quiet"], timeout=5)
        except LabError:
            return False
        return True

    wait_until("containerd", layout, answers)
    present = set(command([*ctr, "check", "--quiet"]).split())
    stamps = layout.state / "images.json"
    try:
        imported = json.loads(stamps.read_text())
    except (FileNotFoundError, ValueError):
        imported = {}
    for name, archive in images.items():
        key = archive.parent.name
        if name in present and imported.get(name) == key:
            continue
        show(f"importing the image {name}")
        # Forgotten first: an import that is cut off is done again at the next start.
        imported.pop(name, None)
        write_private(stamps, json.dumps(imported))
        command([*ctr, "import", str(archive)], timeout=120)
        imported[name] = key
        write_private(stamps, json.dumps(imported))
