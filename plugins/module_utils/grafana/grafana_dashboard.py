# SPDX-License-Identifier: GPL-3.0-or-later
"""Task grafana_dashboard: one dashboard of a Grafana, from a file, or into one.

The same routes serve Grafana 11 to 13: /api/dashboards, always with folderUid, because without it a dashboard is
moved to the root. Grafana 13 calls them old and keeps them; /apis/dashboard.grafana.app differs between versions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from ..errors import LabError
from ..files import put_file
from ..task import Context, Params, Result
from .client import Grafana, GrafanaError
from .connect import (
    GRAFANA,
    connect_token,
)
from .connect import VALIDATION as CONNECTION
from .dashboard import (
    Change,
    Json,
    changes,
    check_uid,
    difference,
    exported,
    keep_selections,
    lines,
    load,
    normal,
    refuse_angular,
    resolve,
    selected,
    with_uids,
    written,
)
from .transport import Unreachable

SPEC: dict[str, Any] = {
    **GRAFANA,
    "state": {"type": "str", "choices": ["present", "absent", "exported"], "default": "present"},
    "path": {"type": "path"},
    # What Jinja makes of a JSON text may be an object already.
    "content": {"type": "jsonarg"},
    "uid": {"type": "str"},
    "folder_uid": {"type": "str"},
    "folder_title": {"type": "str"},
    "move": {"type": "bool", "default": False},
    "datasource": {"type": "str"},
    "inputs": {"type": "dict", "default": {}},
    "version_message": {"type": "str", "default": ""},
    "overwrite": {"type": "bool", "default": False},
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
#: How Grafana's own words begin when the role may save dashboards, but not this one or not there.
NOT_THERE = "Access denied"
#: Differences between what was sent and what is stored that a warning tells, and characters of a value in one.
TOLD = 5
LONGEST = 100

T = TypeVar("T")


def run(params: Params, context: Context) -> Result:
    """Make a dashboard as a file says, remove it, or write it to a file. Raises LabError.

    What is wrong with the file is said before Grafana is asked.
    """
    dashboard = from_arguments(params)
    uid = params["uid"] or (dashboard or {}).get("uid")
    if not uid:
        raise LabError(
            f"The dashboard in {_name(params)} has no uid, by which it is known again: give it a `uid`, in the file or "
            f"as an option."
        )
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


def from_arguments(params: Params) -> Json | None:
    """The dashboard that the arguments hold, None without one. Raises LabError with what is wrong with it."""
    if params["content"] is None and params["path"] is None:
        return None
    text = read_text(params["path"]) if params["content"] is None else params["content"]
    dashboard = load(text, _name(params))
    if params["state"] == "present":
        refuse_angular(dashboard, _name(params))
    return dashboard


def _name(params: Params) -> str:
    return str(params["path"] or "content")


# -- present ----------------------------------------------------------------


def present(params: Params, context: Context, grafana: Grafana, dashboard: Json) -> Result:
    """Read, compare, and save when it differs or is to be moved."""
    uid = dashboard["uid"]
    sources = grafana.datasources()
    chosen = {str(name): str(value) for name, value in params["inputs"].items()}
    wanted = resolve(dashboard, sources, chosen, params["datasource"])
    found = read(grafana, uid, context)
    folder = None if params["folder_uid"] is None else _root(params["folder_uid"])
    where = None if found is None else folder_of(found)
    target = where if folder is None else folder
    if found is not None and target != where and not params["move"]:
        raise LabError(
            f"The dashboard {uid} is in {_said(found)} of Grafana at {grafana.address} and not in the folder "
            f"{_folder(folder)}: leave `folder_uid` out to let it stay, or set `move`.",
            folder_uid=where,
        )
    if found is not None:
        asked = selected(wanted, sources, chosen, params["datasource"])
        wanted = keep_selections(wanted, found["dashboard"], sources, asked)
    before = None if found is None else comparable(found["dashboard"], sources)
    after = comparable(wanted, sources)
    differing = [] if before is None else changes(before, after)
    if before is not None and target != where:
        differing.insert(0, Change("folder", where, target))
    changed = found is None or bool(differing)
    result: Result = {
        "changed": changed,
        "uid": uid,
        "url": None if found is None else found["meta"].get("url"),
        "version": None if found is None else _version(found),
        "folder_uid": target or "",
        "folder_created": False,
        "changed_paths": [one.path for one in differing],
        "altered": [],
    }
    if context.diff:
        texts = difference(None, after) if before is None else lines(differing)
        result["diff"] = {"before_header": f"dashboard {uid}", "after_header": f"dashboard {uid}", **texts}
    if not changed:
        return result
    if found is not None:
        refuse_provisioned(grafana, uid, found, "changed")
    if target and target != where:
        result["folder_created"] = make_folder(grafana, target, params["folder_title"], context)
    if context.check_mode:
        return result
    try:
        sent = wanted if found is None else {**wanted, "version": _version(found)}
        stored = save(grafana, sent, target or "", params, context, sources)
    except LabError as error:
        # The folder stays, and doing the task again does the rest.
        error.details.setdefault("changed", result["folder_created"])
        raise
    result.update(url=stored["meta"].get("url"), version=_version(stored))
    result["altered"] = altered(comparable(sent, sources), comparable(stored["dashboard"], sources))
    if result["altered"]:
        told = "; ".join(result["altered"][:TOLD])
        more = len(result["altered"]) - TOLD
        rest = f" and {more} more" if more > 0 else ""
        result["warnings"] = [
            f"Grafana stored the dashboard {uid} otherwise than it was sent, so the next run will find it changed: "
            f"{told}{rest}."
        ]
    return result


def comparable(dashboard: Json, sources: Sequence[Mapping[str, Any]]) -> Json:
    """A dashboard in normal form, with the uids of data sources that it has by name."""
    return normal(with_uids(dashboard, sources))


def read(grafana: Grafana, uid: str, context: Context) -> Json | None:
    """``meta`` and ``dashboard``, None when there is none. Waits for the permissions of one that was just made."""
    try:
        return grafana.patient_403(lambda: grafana.dashboard(uid), show=context.show)
    except GrafanaError as error:
        if error.status == 406:
            raise LabError(
                f"The dashboard {uid} of Grafana at {grafana.address} has the schema v2, which this task does not "
                f"know: save it with the classic model there, or choose another `uid`."
            ) from None
        raise


def make_folder(grafana: Grafana, uid: str, title: str | None, context: Context) -> bool:
    """See that there is a folder, which is made when it has a title. Return whether it was or would be made.

    With the same token: a folder of somebody else is 403 to it until Grafana's permission cache is renewed.
    """
    if grafana.get_folder(uid) is not None:
        return False
    if title is not None:
        if context.check_mode:
            return True
        try:
            grafana.create_folder(uid, title)
        except GrafanaError as error:
            # It is there all the same, but the token does not know it yet.
            if error.status not in (409, 412):
                raise
        else:
            return True
    path = f"/api/folders/{quote(uid, safe='')}"
    try:
        grafana.patient_403(lambda: grafana.request("GET", path), show=context.show)
    except GrafanaError as error:
        if error.status not in (403, 404):
            raise
        raise LabError(
            f"There is no folder {uid} in Grafana at {grafana.address} that the token may read ({error.status} to GET "
            f"{path}): correct `folder_uid`, or give a `folder_title` to have it made.",
            **error.details,
        ) from None
    return False


def save(
    grafana: Grafana,
    sent: Json,
    folder: str,
    params: Params,
    context: Context,
    sources: Sequence[Mapping[str, Any]],
) -> Json:
    """Save a dashboard and return what Grafana has then. Raises LabError.

    To save a second time does no harm: the version in it, or that there was none, makes it 412 when it had been
    saved the first time.
    """
    uid, overwrite = sent["uid"], params["overwrite"]
    wanted = comparable(sent, sources)

    def once() -> None:
        grafana.save_dashboard(sent, folder, params["version_message"], overwrite)

    def look(failure: LabError) -> Json | None:
        """What is there after a failure, when that is what was sent."""
        try:
            found = read(grafana, uid, context)
        except LabError:
            raise failure from None
        if found is None or folder_of(found) != folder or comparable(found["dashboard"], sources) != wanted:
            return None
        return found

    try:
        try:
            once()
        except GrafanaError as error:
            if error.status == 403 and error.api_message.startswith(NOT_THERE):
                grafana.patient_403(once, show=context.show)
            elif error.status >= 500:
                if (found := look(error)) is not None:
                    return found
                once()
            else:
                raise
        except Unreachable as error:
            if (found := look(error)) is not None:
                return found
            once()
    except GrafanaError as error:
        if error.status not in (409, 412):
            raise
        if (found := look(error)) is not None:
            return found
        raise conflict(grafana, uid, context, error) from None
    stored = read(grafana, uid, context)
    if stored is None:
        raise LabError(
            f"Grafana at {grafana.address} took the dashboard {uid} and does not have it: see whether somebody deletes "
            f"it, and do the task again.",
            changed=True,
        )
    if folder_of(stored) != folder:
        raise LabError(
            f"Grafana at {grafana.address} put the dashboard {uid} into {_said(stored)} and not into the folder "
            f"{_folder(folder)}, as it was told: move it there by hand.",
            changed=True,
            folder_uid=folder_of(stored),
        )
    return stored


def conflict(grafana: Grafana, uid: str, context: Context, error: GrafanaError) -> LabError:
    """The error for a dashboard that was saved by somebody else since it was read."""
    found = read(grafana, uid, context)
    meta = found["meta"] if found else {}
    by = f" by {meta['updatedBy']}" if meta.get("updatedBy") else ""
    when = f" at {meta['updated']}" if meta.get("updated") else ""
    return LabError(
        f"The dashboard {uid} of Grafana at {grafana.address} was saved{by}{when}, after it was read ({error.status}): "
        f"do the task again to see the difference, or set `overwrite` to save all the same.",
        **{**error.details, "version": _version(found) if found else None},
    )


def altered(sent: Json, stored: Json) -> list[str]:
    """How what Grafana stored differs from what was sent, in lines."""
    told = []
    for one in changes(sent, stored):
        texts = lines([one])
        was, is_now = (texts[key].removeprefix(f"{one.path}: ").strip() or "nothing" for key in ("before", "after"))
        told.append(f"{one.path} was {_short(was)} and is {_short(is_now)}")
    return told


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def refuse_provisioned(grafana: Grafana, uid: str, found: Json, done: str) -> None:
    """Raise LabError for a dashboard that Grafana reads from files of its own."""
    meta = found["meta"]
    if meta.get("provisioned"):
        source = f" {meta['provisionedExternalId']}" if meta.get("provisionedExternalId") else ""
        raise LabError(
            f"The dashboard {uid} of Grafana at {grafana.address} is provisioned from a file{source} there, which "
            f"would undo it, and cannot be {done}: change that file, or take another `uid`."
        )


# -- absent, exported -------------------------------------------------------


def absent(context: Context, grafana: Grafana, uid: str) -> Result:
    """Remove a dashboard, with its annotations."""
    found = read(grafana, uid, context)
    result: Result = {"changed": found is not None, "uid": uid}
    if context.diff:
        texts = difference(None if found is None else normal(found["dashboard"]), None)
        result["diff"] = {"before_header": f"dashboard {uid}", "after_header": f"dashboard {uid}", **texts}
    if found is not None:
        refuse_provisioned(grafana, uid, found, "removed")
        result.update(version=_version(found), folder_uid=folder_of(found))
        if not context.check_mode:
            grafana.delete_dashboard(uid)
    return result


def export(context: Context, grafana: Grafana, uid: str, dest: Path) -> Result:
    """Write a dashboard to a file from which it can be imported, whole or not at all."""
    found = read(grafana, uid, context)
    if found is None:
        raise LabError(f"Grafana at {grafana.address} has no dashboard {uid} to export: correct `uid`.")
    content = exported(found["dashboard"], grafana.datasources())
    try:
        old = _json(dest.read_text(encoding="utf-8"))
    except FileNotFoundError:
        old = None
    except UnicodeDecodeError:
        old = None
    except OSError as error:
        raise _not_written(dest, error) from None
    differing = changes(old or {}, content)
    result: Result = {
        "changed": old is None or bool(differing),
        "uid": uid,
        "url": found["meta"].get("url"),
        "version": _version(found),
        "folder_uid": folder_of(found),
        "dest": str(dest),
        "changed_paths": [] if old is None else [one.path for one in differing],
    }
    if context.diff:
        result["diff"] = {"before_header": str(dest), "after_header": str(dest), **difference(old, content)}
    if result["changed"] and not context.check_mode:
        try:
            put_file(dest, written(content).encode())
        except OSError as error:
            raise _not_written(dest, error) from None
    return result


def _not_written(dest: Path, error: OSError) -> LabError:
    return LabError(
        f"The dashboard cannot be written to {dest}: {error.strerror}; give `dest` a file in a folder that is there "
        f"and may be written to."
    )


def _json(text: str) -> Json | None:
    """The object in a JSON text, None when it is none."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


# -- what an answer says ----------------------------------------------------


def folder_of(found: Json) -> str:
    """The uid of the folder that a dashboard is in, empty for none."""
    return _root(str(found["meta"].get("folderUid") or ""))


def _root(uid: str) -> str:
    """Grafana also calls it general where there is no folder."""
    return "" if uid == "general" else uid


def _version(found: Json) -> Any:
    return found["dashboard"].get("version", found["meta"].get("version"))


def _folder(uid: str | None) -> str:
    return uid or "General"


def _said(found: Json) -> str:
    uid, title = folder_of(found), found["meta"].get("folderTitle")
    return f"the folder {uid} ({title})" if uid and title and title != uid else f"the folder {_folder(uid)}"
