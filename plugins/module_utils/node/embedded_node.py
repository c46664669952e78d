# SPDX-License-Identifier: GPL-3.0-or-later
"""The task behind the module and action embedded_node."""

from __future__ import annotations

import time
from pathlib import Path

from ..errors import LabError
from ..task import Context, Params, Result, Spec, Task
from . import builds, lifecycle
from .go import find_go
from .layout import Layout, cache_home
from .network import parse_network
from .parts import Part, parts
from .prerequisites import require_root_and_tools

SPEC: Spec = {
    "state": {"type": "str", "default": "started", "choices": ["built", "started", "stopped", "absent", "queried"]},
    "folder": {"type": "path", "required": True},
    "files": {"type": "path"},
    "network": {"type": "str"},
}


def image_archives(all_parts: tuple[Part, ...], folders: dict[str, Path]) -> dict[str, Path]:
    """Return image name to the path of its archive."""
    return {part.image: folders[part.name] / "image.tar" for part in all_parts if part.image}


def run(params: Params, context: Context) -> Result:
    """Bring the node into the requested state; see the module's documentation for what is returned."""
    layout = Layout.of(params["folder"])
    link = Path(params["folder"]).resolve() / ".node"
    began = time.monotonic()
    state = params["state"]
    changed = False
    if state in ("stopped", "absent"):
        changed = lifecycle.down(layout, state == "absent", link, context.check_mode, context.show)
    elif state in ("built", "started"):
        changed = _build_and_start(params, layout, link, context)
    status = lifecycle.status(layout)
    return {
        "changed": changed,
        "seconds": round(time.monotonic() - began, 1),
        "context": layout.name,
        "state_folder": str(layout.state),
        **status,
    }


def _build_and_start(params: Params, layout: Layout, link: Path, context: Context) -> bool:
    if params["state"] == "started":
        # Said before the minutes of building, not after.
        require_root_and_tools(layout)
        if params["network"]:
            parse_network(params["network"])
    if not params["files"]:
        raise LabError(f"embedded_node with state {params['state']} needs files, the folder `files` of the collection")
    files = Path(params["files"]).resolve()
    all_parts = parts()
    go, go_version = find_go()
    workshop = builds.Workshop(cache_home(), files, go, go_version)
    missing = builds.missing(all_parts, workshop)
    if missing and context.check_mode:
        return True
    folders = builds.build(all_parts, workshop, context.show)
    if params["state"] == "built":
        return bool(missing)
    return lifecycle.up(
        layout,
        binaries=folders["node"],
        images=image_archives(all_parts, folders),
        manifests=files / "node" / "manifests",
        network=params["network"],
        link=link,
        check_mode=context.check_mode,
        show=context.show,
    )


TASK = Task(SPEC, run)
