# SPDX-License-Identifier: GPL-3.0-or-later
"""Task grafana_folder: a folder of Grafana, and who may see and change what is in it."""

from __future__ import annotations

from typing import Any

from ..errors import LabError
from ..http.errors import RequestFailed
from ..task import Context, Params, Result, Task, as_given
from .client import Grafana
from .connect import GRAFANA, VALIDATION, connect_admin
from .dashboard_file import check_uid
from .folder_permissions import LEVELS, FolderPermission, asked, items, listed, same_permissions
from .json_values import Json

SPEC: dict[str, Any] = {
    **GRAFANA,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "uid": {"type": "str", "required": True},
    "title": {"type": "str"},
    "permissions": {
        "type": "list",
        "elements": "dict",
        "options": {
            "role": {"type": "str", "choices": ["Viewer", "Editor"]},
            "team": {"type": "str"},
            "user": {"type": "str"},
            "account": {"type": "str"},
            "permission": {"type": "str", "choices": list(LEVELS), "required": True},
        },
    },
}


def run(params: Params, context: Context) -> Result:
    """Create, rename or delete a folder, and set its permissions. Raises LabError.

    Returns ``uid``, ``title`` (None without one), ``created`` and ``permissions``, each a sentence.
    """
    uid = params["uid"]
    check_uid(uid, "the option `uid`")
    permissions = None if params["permissions"] is None else asked(params["permissions"])
    with connect_admin(params) as grafana:
        found = grafana.get_folder(uid)
        if params["state"] == "absent":
            return _absent(context, grafana, uid, found)
        return _present(params, context, grafana, found, permissions)


def _present(
    params: Params, context: Context, grafana: Grafana, found: Json | None, permissions: list[FolderPermission] | None
) -> Result:
    uid, title = params["uid"], params["title"]
    if found is None and title is None:
        raise LabError(f"There is no folder {uid} in Grafana at {grafana.address}: give a `title` to have it created.")
    before = None if found is None else found.get("title")
    renamed = found is not None and title is not None and before != title
    # In check mode, and before anything is made, so that a name that is not there leaves nothing behind.
    numbers = _Numbers(grafana, context.check_mode)
    had, permitted, differ = [], [], False
    if permissions is not None:
        numbers.accounts(permissions)
        had = [] if found is None else listed(grafana.folder_permissions(uid), numbers.logins)
        differ = found is None or not same_permissions(permissions, had)
        permitted = items(permissions, numbers) if differ else []
    if not context.check_mode:
        if found is None:
            _create(grafana, uid, title)
        elif renamed:
            grafana.rename_folder(uid, title)
        if differ:
            grafana.set_folder_permissions(uid, permitted)
    now = before if title is None else title
    result: Result = {
        "changed": found is None or renamed or differ,
        "uid": uid,
        "title": now,
        "created": found is None,
        "permissions": [str(one) for one in permissions or []],
    }
    if context.diff:
        result["diff"] = {
            "before": {"title": before, "permissions": [str(one) for one in had]},
            "after": {"title": now, "permissions": result["permissions"]},
        }
    return result


def _create(grafana: Grafana, uid: str, title: str) -> None:
    try:
        grafana.create_folder(uid, title)
    except RequestFailed as error:
        if error.status not in (409, 412):
            raise
        raise LabError(
            f"There is something with the uid {uid} in Grafana at {grafana.address} that is no folder which this "
            f"administrator may read ({error.status}): choose another `uid`, or give an administrator of its "
            f"organisation.",
            **error.details,
        ) from None


class _Numbers:
    """Grafana's numbers of teams, users and accounts, by their names.

    guess: whether an account that is not there yet is none of our business, as in check mode.
    """

    def __init__(self, grafana: Grafana, guess: bool) -> None:
        self._grafana = grafana
        self._guess = guess
        self._accounts: dict[str, int] = {}
        #: Names of service accounts by their logins.
        self.logins: dict[str, str] = {}

    def accounts(self, permissions: list[FolderPermission]) -> None:
        """Look for the accounts among them. Raises LabError for one that is not there."""
        for one in permissions:
            if one.kind != "account":
                continue
            found = self._grafana.find_account(one.name)
            if found is not None:
                self._accounts[one.name] = found["id"]
                self.logins[str(found.get("login"))] = one.name
            elif not self._guess:
                raise self._nobody(one, "create it with grafana_service_account first")

    def __call__(self, one: FolderPermission) -> int:
        if one.kind == "account":
            return self._accounts.get(one.name, 0)
        number = self._grafana.find_team(one.name) if one.kind == "team" else self._grafana.find_user(one.name)
        if number is None:
            raise self._nobody(one, f"correct `{one.kind}` in `permissions`")
        return number

    def _nobody(self, one: FolderPermission, cure: str) -> LabError:
        what = {"account": "service account", "team": "team", "user": "user with the login"}[one.kind]
        return LabError(
            f"There is no {what} {one.name} in the organisation of Grafana at {self._grafana.address}: {cure}."
        )


def _absent(context: Context, grafana: Grafana, uid: str, found: Json | None) -> Result:
    if found is not None and not context.check_mode:
        grafana.delete_folder(uid)
    result: Result = {"changed": found is not None, "uid": uid, "title": None, "created": False, "permissions": []}
    if context.diff:
        title = None if found is None else found.get("title")
        result["diff"] = {"before": {"title": title}, "after": {"title": None}}
    return result


TASK = Task(SPEC, run, VALIDATION, elsewhere=as_given)
