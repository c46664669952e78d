# SPDX-License-Identifier: GPL-3.0-or-later
"""Task grafana_dashboard: import a dashboard from a file, remove one, or export one to a file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import LabError
from ..files import put_file
from ..task import Context, Params, Result, Task
from .angular import angular_warning, refuse_angular
from .client import Grafana
from .connect import GRAFANA, connect_token
from .connect import VALIDATION as CONNECTION
from .dashboard_changes import DashboardChange, changes, difference, lines
from .dashboard_export import exported
from .dashboard_file import check_uid, load, stable_uid, written
from .dashboard_resource import DashboardResource, load_resource, may_be_resource
from .dashboard_store import DashboardStore
from .data_sources import DataSources
from .json_values import Json
from .missing_panels import missing_panels, panel_needs
from .normal_form import comparable, normal
from .present_v2 import Wish, present_v2
from .resolver import resolve
from .selections import chosen_variables, keep_selections
from .stored_dashboard import StoredDashboard, folder_name, folder_uid, page_link

SPEC: dict[str, Any] = {
    **GRAFANA,
    "state": {"type": "str", "choices": ["present", "absent", "exported"], "default": "present"},
    "path": {"type": "path"},
    # What Jinja makes of a JSON text may be an object already.
    "content": {"type": "jsonarg"},
    "uid": {"type": "str"},
    "uid_by_folder": {"type": "bool", "default": False},
    "title": {"type": "str"},
    "folder_uid": {"type": "str"},
    "folder_title": {"type": "str"},
    "move": {"type": "bool", "default": False},
    "datasource": {"type": "str"},
    "inputs": {"type": "dict", "default": {}},
    "version_message": {"type": "str", "default": ""},
    "overwrite": {"type": "bool", "default": False},
    "angular_panels": {"type": "str", "choices": ["warn", "refuse"], "default": "warn"},
    "dest": {"type": "path"},
}
VALIDATION: dict[str, Any] = {
    **CONNECTION,
    "required_if": [
        ("state", "present", ("path", "content"), True),
        ("state", "absent", ("uid", "path", "content"), True),
        ("state", "exported", ("uid", "path", "content"), True),
        ("state", "exported", ("dest",)),
    ],
    "required_by": {**CONNECTION["required_by"], "folder_title": ("folder_uid",)},
}
#: Differences between what was sent and what is stored that a warning shows, and characters of a value in one.
SHOWN = 5
LONGEST = 100


def run(params: Params, context: Context) -> Result:
    """Make a dashboard what a file says, remove it, or write it to a file. Raises LabError.

    The file is checked before Grafana is asked.
    """
    resource = resource_from_arguments(params)
    if resource is not None and params["state"] == "present":
        return _present_resource(params, context, resource)
    dashboard: Json | None
    # Which one it is, is all that removing and exporting needs.
    dashboard = from_arguments(params) if resource is None else {"uid": resource.uid, "title": resource.title}
    uid = params["uid"] or (None if params["uid_by_folder"] and dashboard else (dashboard or {}).get("uid"))
    if not uid:
        # Without a dashboard the arguments have a uid: VALIDATION.
        uid = stable_uid((dashboard or {})["title"], folder_uid(params["folder_uid"] or ""))
    check_uid(uid, "the option `uid`" if params["uid"] else f"the dashboard in {_name(params)}")
    with connect_token(params) as grafana:
        if params["state"] == "present" and dashboard is not None:
            return present(params, context, grafana, {**dashboard, "uid": uid})
        if params["state"] == "absent":
            return absent(context, grafana, uid)
        return export(context, grafana, uid, Path(params["dest"]).expanduser())


def read_text(path: str | Path) -> str:
    """Text of a dashboard's file. Raises LabError when it cannot be read."""
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except FileNotFoundError:
        raise LabError(f"There is no dashboard file {path}: give the path of a dashboard's JSON.") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise LabError(f"The dashboard file {path} cannot be read: {reason}.") from None


def with_content(arguments: Params) -> Params:
    """A task's arguments with the text of the dashboard's file, for a host that has no such file. Raises LabError."""
    if not arguments.get("path") or arguments.get("content") is not None:
        return arguments
    return {**arguments, "content": read_text(arguments["path"])}


def from_arguments(params: Params) -> Json | None:
    """The dashboard in the arguments, None without one. Raises LabError for what is wrong with it."""
    if params["content"] is None and params["path"] is None:
        return None
    text = read_text(params["path"]) if params["content"] is None else params["content"]
    dashboard = load(text, _name(params))
    if params["title"]:
        dashboard["title"] = params["title"]
    if params["state"] == "present" and params["angular_panels"] == "refuse":
        refuse_angular(dashboard, _name(params))
    return dashboard


def resource_from_arguments(params: Params) -> DashboardResource | None:
    """The dashboard in the arguments if it has the schema v2, else None. Raises LabError for what is wrong with it."""
    if params["content"] is None and params["path"] is None:
        return None
    text = read_text(params["path"]) if params["content"] is None else params["content"]
    found = load_resource(text, _name(params)) if may_be_resource(text) else None
    if found is None or not params["title"]:
        return found
    return replace(found, title=params["title"], spec={**found.spec, "title": params["title"]})


def _present_resource(params: Params, context: Context, resource: DashboardResource) -> Result:
    folder = None if params["folder_uid"] is None else folder_uid(params["folder_uid"])
    uid = params["uid"] or (None if params["uid_by_folder"] else resource.uid)
    uid = uid or stable_uid(resource.title, folder or "")
    check_uid(uid, "the option `uid`" if params["uid"] else f"the dashboard in {_name(params)}")
    wish = Wish(
        name=_name(params),
        uid=uid,
        folder_uid=folder,
        folder_title=params["folder_title"],
        move=params["move"],
        datasource=params["datasource"],
        inputs={str(name): str(value) for name, value in params["inputs"].items()},
        message=params["version_message"],
        overwrite=params["overwrite"],
        url=params["url"],
    )
    with connect_token(params) as grafana:
        return present_v2(wish, context, grafana, resource)


def _name(params: Params) -> str:
    return str(params["path"] or "content")


# -- present ----------------------------------------------------------------


def present(params: Params, context: Context, grafana: Grafana, dashboard: Json) -> Result:
    """Read, compare, and save when it differs or moves."""
    store = DashboardStore(grafana, context.show)
    uid = dashboard["uid"]
    sources = DataSources(grafana.datasources())
    chosen = {str(name): str(value) for name, value in params["inputs"].items()}
    resolved = resolve(dashboard, sources, chosen, params["datasource"])
    wanted = resolved.dashboard
    for gone, uid_used in resolved.mapped.items():
        context.show(f"using the data source {uid_used} for {gone}, which is not in Grafana at {grafana.address}")
    found = store.read(uid)
    folder = target_folder(params, grafana, uid, found)
    if found is not None:
        asked = chosen_variables(wanted, sources, chosen, params["datasource"])
        wanted = keep_selections(wanted, found.model, sources, asked)
    differing = [] if found is None else differences(wanted, folder, found, sources)
    changed = found is None or bool(differing)
    result: Result = {
        "changed": changed,
        "uid": uid,
        "url": None if found is None else found.url,
        "link": _link(params, found),
        "version": None if found is None else found.version,
        "folder_uid": folder,
        "folder_created": False,
        "changed_paths": [one.path for one in differing],
        "altered": [],
        "datasources_mapped": resolved.mapped,
    }
    warnings = [
        *angular_warning(wanted, _name(params)),
        *missing_panels(panel_needs(wanted), _name(params), grafana.has_plugin, grafana.has_library_panel),
    ]
    if warnings:
        result["warnings"] = warnings
    if context.diff:
        texts = difference(None, comparable(wanted, sources)) if found is None else lines(differing)
        result["diff"] = {"before_header": f"dashboard {uid}", "after_header": f"dashboard {uid}", **texts}
    if not changed:
        return result
    if found is not None:
        store.refuse_provisioned(found, uid, "changed")
    if folder and (found is None or folder != found.folder):
        result["folder_created"] = store.ensure_folder(folder, params["folder_title"], context.check_mode)
    if context.check_mode:
        return result
    try:
        sent = wanted if found is None else {**wanted, "version": found.version}
        stored = store.save(sent, folder, sources, params["version_message"], params["overwrite"])
    except LabError as error:
        # The folder stays, and the next run does the rest.
        error.details.setdefault("changed", result["folder_created"])
        raise
    result.update(url=stored.url, link=_link(params, stored), version=stored.version)
    result["altered"] = altered(comparable(sent, sources), comparable(stored.model, sources))
    if result["altered"]:
        result["warnings"] = [*warnings, _warning(uid, result["altered"])]
    return result


def _link(params: Params, found: StoredDashboard | None) -> str | None:
    """The address of the dashboard's page; None for a Grafana without an address, and without a dashboard."""
    return page_link(params["url"], found.url) if params["url"] and found is not None and found.url else None


def target_folder(params: Params, grafana: Grafana, uid: str, found: StoredDashboard | None) -> str:
    """The uid of the folder that the dashboard goes to, empty for none. Raises LabError for a move without `move`."""
    folder = None if params["folder_uid"] is None else folder_uid(params["folder_uid"])
    if found is None:
        return folder or ""
    if folder is None:
        return found.folder
    if folder != found.folder and not params["move"]:
        raise LabError(
            f"The dashboard {uid} is in {found.folder_text} of Grafana at {grafana.address} and not in the folder "
            f"{folder_name(folder)}: leave `folder_uid` out to let it stay, or set `move`.",
            folder_uid=found.folder,
        )
    return folder


def differences(wanted: Json, folder: str, found: StoredDashboard, sources: DataSources) -> list[DashboardChange]:
    """What saving changes in a dashboard that exists. A move is a change of ``folder``."""
    moved = [DashboardChange("folder", found.folder, folder)] if folder != found.folder else []
    return [*moved, *changes(comparable(found.model, sources), comparable(wanted, sources))]


def altered(sent: Json, stored: Json) -> list[str]:
    """How what Grafana stored differs from what was sent, in lines."""
    told = []
    for one in changes(sent, stored):
        texts = lines([one])
        was, is_now = (texts[key].removeprefix(f"{one.path}: ").strip() or "nothing" for key in ("before", "after"))
        told.append(f"{one.path} was {_short(was)} and is {_short(is_now)}")
    return told


def _warning(uid: str, differing: list[str]) -> str:
    more = len(differing) - SHOWN
    rest = f" and {more} more" if more > 0 else ""
    return (
        f"Grafana did not store the dashboard {uid} as it was sent, so the next run will find it changed: "
        f"{'; '.join(differing[:SHOWN])}{rest}."
    )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


# -- absent, exported -------------------------------------------------------


def absent(context: Context, grafana: Grafana, uid: str) -> Result:
    """Remove a dashboard with its annotations."""
    store = DashboardStore(grafana, context.show)
    found = store.read(uid)
    result: Result = {"changed": found is not None, "uid": uid}
    if context.diff:
        texts = difference(None if found is None else normal(found.model), None)
        result["diff"] = {"before_header": f"dashboard {uid}", "after_header": f"dashboard {uid}", **texts}
    if found is not None:
        store.delete(found, uid, context.check_mode)
        result.update(version=found.version, folder_uid=found.folder)
    return result


def export(context: Context, grafana: Grafana, uid: str, dest: Path) -> Result:
    """Write a dashboard to a file from which it can be imported, whole or not at all."""
    found = DashboardStore(grafana, context.show).read(uid)
    if found is None:
        raise LabError(f"Grafana at {grafana.address} has no dashboard {uid} to export: correct `uid`.")
    content = exported(found.model, DataSources(grafana.datasources()))
    old = _old_export(dest)
    differing = changes(old or {}, content)
    result: Result = {
        "changed": old is None or bool(differing),
        "uid": uid,
        "url": found.url,
        "version": found.version,
        "folder_uid": found.folder,
        "dest": str(dest),
        "changed_paths": [] if old is None else [one.path for one in differing],
    }
    if context.diff:
        result["diff"] = {"before_header": str(dest), "after_header": str(dest), **difference(old, content)}
    if result["changed"] and not context.check_mode:
        try:
            put_file(dest, written(content).encode(), mode=None)
        except OSError as error:
            raise _not_written(dest, error) from None
    return result


def _old_export(dest: Path) -> Json | None:
    """The object in a JSON file, None when there is no such file or it holds anything else. Raises LabError."""
    try:
        data = json.loads(dest.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    except OSError as error:
        raise _not_written(dest, error) from None
    return data if isinstance(data, dict) else None


def _not_written(dest: Path, error: OSError) -> LabError:
    return LabError(
        f"The dashboard cannot be written to {dest}: {error.strerror}; give `dest` a file in a folder that exists and "
        f"is writable."
    )


TASK = Task(SPEC, run, VALIDATION, elsewhere=with_content)
