# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a dashboard of the schema v2 what a file says: read, compare, and save when it differs or moves."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import LabError
from ..task import Context, Result
from .client import Grafana
from .dashboard_changes import DashboardChange, changes, difference, lines
from .dashboard_resource import DashboardResource, StoredResource
from .dashboard_store import DashboardStore
from .data_sources import DataSources
from .json_values import Json
from .missing_panels import missing_panels
from .resource_store import ResourceStore
from .schema_v2 import keep_selections_v2, normal_v2, panel_needs_v2, resolve_v2
from .stored_dashboard import folder_name, page_link


@dataclass(frozen=True)
class Wish:
    """What is asked for besides the dashboard itself; the options of grafana_dashboard of the same names.

    name: what messages call the dashboard's text.
    """

    name: str
    uid: str
    folder_uid: str | None
    folder_title: str | None
    move: bool
    datasource: str | None
    inputs: dict[str, str]
    message: str
    overwrite: bool
    url: str | None


def present_v2(wish: Wish, context: Context, grafana: Grafana, dashboard: DashboardResource) -> Result:
    """The result of the task, with ``altered`` as paths. Raises LabError."""
    store = ResourceStore(grafana, context.show)
    version = store.version_for(dashboard)
    sources = DataSources(grafana.datasources())
    resolved = resolve_v2(dashboard.spec, sources, wish.inputs, wish.datasource)
    for gone, used in resolved.mapped.items():
        context.show(f"using the data source {used} for {gone}, which is not in Grafana at {grafana.address}")
    wanted, found = resolved.dashboard, store.read(wish.uid, version)
    folder = _folder(wish, grafana, found)
    if found is not None:
        wanted = keep_selections_v2(wanted, found.spec, sources, wish.inputs, wish.datasource)
    differing = [] if found is None else _differences(wanted, folder, found)
    page = f"/d/{wish.uid}"
    result: Result = {
        "changed": found is None or bool(differing),
        "uid": wish.uid,
        "url": None if found is None else page,
        "link": page_link(wish.url, page) if wish.url and found is not None else None,
        "version": None if found is None else found.version,
        "folder_uid": folder,
        "folder_created": False,
        "changed_paths": [one.path for one in differing],
        "altered": [],
        "datasources_mapped": resolved.mapped,
    }
    warnings = missing_panels(panel_needs_v2(wanted), wish.name, grafana.has_plugin, grafana.has_library_panel)
    if warnings:
        result["warnings"] = warnings
    if context.diff:
        texts = difference(None, normal_v2(wanted)) if found is None else lines(differing)
        title = f"dashboard {wish.uid}"
        result["diff"] = {"before_header": title, "after_header": title, **texts}
    if not result["changed"]:
        return result
    if found is not None and found.managed_by:
        raise LabError(
            f"The dashboard {wish.uid} of Grafana at {grafana.address} is written by something else "
            f"({found.managed_by}), which would undo it, and cannot be changed: change it there, or choose another "
            f"`uid`."
        )
    if folder and (found is None or folder != found.folder):
        folders = DashboardStore(grafana, context.show)
        result["folder_created"] = folders.ensure_folder(folder, wish.folder_title, context.check_mode)
    if context.check_mode:
        return result
    try:
        stored = store.save(wish.uid, version, wanted, folder, wish.message, found, wish.overwrite)
    except LabError as error:
        error.details.setdefault("changed", result["folder_created"])
        raise
    result.update(url=page, link=page_link(wish.url, page) if wish.url else None, version=stored.version)
    altered = [one.path for one in _differences(wanted, folder, stored)]
    if altered:
        result["altered"] = altered
        result["warnings"] = [
            *warnings,
            f"Grafana did not store the dashboard {wish.uid} as it was sent, so the next run will find it changed: "
            f"{', '.join(altered[:5])}.",
        ]
    return result


def _folder(wish: Wish, grafana: Grafana, found: StoredResource | None) -> str:
    """The uid of the folder that the dashboard goes to. Raises LabError for a move without ``move``."""
    if found is None:
        return wish.folder_uid or ""
    if wish.folder_uid is None:
        return found.folder
    if wish.folder_uid != found.folder and not wish.move:
        raise LabError(
            f"The dashboard {wish.uid} is in the folder {folder_name(found.folder)} of Grafana at {grafana.address} "
            f"and not in the folder {folder_name(wish.folder_uid)}: leave `folder_uid` out to let it stay, or set "
            f"`move`.",
            folder_uid=found.folder,
        )
    return wish.folder_uid


def _differences(wanted: Json, folder: str, found: StoredResource) -> list[DashboardChange]:
    moved = [DashboardChange("folder", found.folder, folder)] if folder != found.folder else []
    return [*moved, *changes(normal_v2(found.spec), normal_v2(wanted))]
