# SPDX-License-Identifier: GPL-3.0-or-later
"""A Grafana with a memory for all that the lab makes in it, with the answers that real Grafanas gave.

Accounts and tokens are those of grafana_replay; folders, dashboards, data sources, permissions and annotations are
here. It behaves as one version: 11.6 and 12.3 as recorded, 13.0 as 12.3 and, for dashboards of the schema v2, as
documented. Its clock goes on only by ``pause``, which a client gets instead of sleep.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_replay import (
    ADMIN,
    Accounts,
    accounts_served,
    body_of,
)

#: Seconds that Grafana keeps the permissions of an account in its cache.
PERMISSION_CACHE = 60.0
#: What the Grafana of each version says of itself, and which versions of the dashboards' API it has.
VERSIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "11.6": ("11.6.2", ("v0alpha1",)),
    "12.3": ("12.3.0", ("v1beta1", "v0alpha1", "v2alpha1", "v2beta1")),
    "13.0": ("13.0.2", ("v2", "v2beta1", "v2alpha1", "v0alpha1", "v1", "v1beta1")),
}
APIS = "/apis/dashboard.grafana.app"
PERMISSIONS = {1: "View", 2: "Edit", 4: "Admin"}


def grafana_served(host: str = "127.0.0.1", version: str = "12.3") -> AbstractContextManager[Grafana]:
    """Serve it at an address of this machine."""
    return accounts_served(Grafana(version), host)


class Grafana(Accounts):
    """A Grafana that remembers all that the lab makes in it. ``refuse``: paths that are answered with 400."""

    def __init__(self, version: str = "12.3") -> None:
        super().__init__()
        self.version = version
        self.folders: dict[str, Any] = {}
        self.dashboards: dict[str, Any] = {}
        #: Dashboards of the schema v2, as resources.
        self.resources: dict[str, Any] = {}
        self.annotations: dict[int, Any] = {}
        self.datasources: list[Any] = body_of("A10")
        self.permissions: dict[str, list[Any]] = {}
        self.refuse: tuple[str, ...] = ()
        self.writes: list[str] = []
        self.now = 0.0
        #: When the permissions of an account were read last, by its id, and until when a folder is not in them.
        self._cached: dict[int, float] = {}
        self._late: dict[tuple[int, str], float] = {}

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def answer(self, method: str, path: str, authorization: str, sent: Any) -> tuple[int, Any]:
        parts = urlsplit(path)
        status, body = self._answer(method, parts.path, parse_qs(parts.query), path, authorization, sent)
        if method != "GET" and status < 300:
            self.writes.append(f"{method} {parts.path}")
        return status, body

    def _answer(
        self, method: str, path: str, query: dict[str, list[str]], whole: str, authorization: str, sent: Any
    ) -> tuple[int, Any]:
        steps = path.strip("/").split("/")[1:]
        match [method, *steps]:
            case ["GET", "health"]:
                return 200, {**body_of("1"), "version": VERSIONS[self.version][0]}
            case [_, "serviceaccounts" | "user", *_rest]:
                return super().answer(method, whole, authorization, sent)
        who: int | None = None
        if authorization != ADMIN:
            status, user = super().answer("GET", "/api/user", authorization, None)
            if status != 200:
                return status, user
            who = int(user["uid"].rpartition(":")[2])
            if self.now - self._cached.get(who, -PERMISSION_CACHE) >= PERMISSION_CACHE:
                self._cached[who] = self.now
        if any(path.startswith(refused) for refused in self.refuse):
            return 400, body_of("56")
        if path.startswith(APIS):
            return self._apis(method, path.removeprefix(APIS).strip("/").split("/"), sent)
        match [method, *steps]:
            case ["GET", "search"]:
                return 200, [{"uid": uid} for uid in (*self.folders, *self.dashboards) if self._sees(who, uid)][:1]
            case ["GET", "org"]:
                return 200, body_of("21")
            case ["GET", "org", "users", "lookup"]:
                return 200, [{"userId": 1, "login": "admin", "avatarUrl": ""}, {"userId": 70, "login": "ada"}]
            case ["GET", "teams", "search"]:
                teams = [{"id": 3, "name": "instructors"}]
                return 200, {"totalCount": 1, "teams": [one for one in teams if one["name"] == query["name"][0]]}
            case [_, "datasources", *rest]:
                return self._datasources(method, rest, who, sent)
            case [_, "folders", *rest]:
                return self._folders(method, rest, who, sent)
            case ["GET", "library-elements", _uid]:
                return 404, {"message": "library element could not be found"}
            case ["GET", "plugins"]:
                return 200, [{"id": kind, "type": "panel"} for kind in ("timeseries", "stat", "text", "row", "heatmap")]
            case ["GET", "dashboards", "uid", uid]:
                return self._dashboard(who, uid)
            case ["DELETE", "dashboards", "uid", uid] if uid in self.dashboards:
                del self.dashboards[uid]
                return 200, body_of("99")
            case ["POST", "dashboards", "db"]:
                return self._save(who, sent)
            case ["GET", "annotations"]:
                return 200, self._found(parse_qsl(urlsplit(whole).query))
            case ["POST", "annotations"]:
                number = max(self.annotations, default=0) + 1
                self.annotations[number] = {"id": number, **sent}
                return 200, {"id": number, "message": "Annotation added"}
            case ["PATCH", "annotations", number] if int(number) in self.annotations:
                self.annotations[int(number)] |= sent
                return 200, {"message": "Annotation patched"}
            case ["DELETE", "annotations", number]:
                self.annotations.pop(int(number), None)
                return 200, {"message": "Annotation deleted"}
        return 404, body_of("102")

    # -- who sees what --------------------------------------------------------

    def _made(self, folder: str, who: int | None) -> None:
        """A folder was made, or who may use it was changed: accounts whose permissions are cached see it later.

        Before Grafana 12 that holds for the account that made it, too.
        """
        for account, read in self._cached.items():
            if account != who or self.version.startswith("11"):
                self._late[account, folder] = read + PERMISSION_CACHE

    def _sees(self, who: int | None, uid: str) -> bool:
        """Whether an account may read a folder, or the dashboard that is in one; None is the administrator."""
        if who is None:
            return True
        folder = self.dashboards[uid]["meta"]["folderUid"] if uid in self.dashboards else uid
        if folder and folder not in self.folders:
            return False
        if self.now < self._late.get((who, folder), 0.0):
            return False
        items = self.permissions.get(folder)
        return items is None or any(item.get("userId") == who or item.get("role") == "Editor" for item in items)

    # -- folders --------------------------------------------------------------

    def _folders(self, method: str, rest: list[str], who: int | None, sent: Any) -> tuple[int, Any]:
        match [method, *rest]:
            case ["POST"] if sent["uid"] in self.folders:
                return 412, body_of("5")
            case ["POST"]:
                self.folders[sent["uid"]] = {**body_of("4"), **sent}
                self._made(sent["uid"], who)
                return 200, self.folders[sent["uid"]]
            case [_, uid, *_more] if uid not in self.folders:
                return (404, {"message": "folder not found"}) if who is None else (403, body_of("105"))
            case [_, uid, *_more] if not self._sees(who, uid):
                return 403, body_of("105")
            case ["GET", uid]:
                return 200, self.folders[uid]
            case ["PUT", uid]:
                self.folders[uid] = {**self.folders[uid], "title": sent["title"]}
                return 200, self.folders[uid]
            case ["DELETE", uid]:
                del self.folders[uid]
                self.permissions.pop(uid, None)
                for one in [one for one, found in self.dashboards.items() if found["meta"]["folderUid"] == uid]:
                    del self.dashboards[one]
                return 200, body_of("106")
            case ["GET", uid, "permissions"]:
                return 200, self._permissions(uid)
            case ["POST", uid, "permissions"]:
                self.permissions[uid] = sent["items"]
                self._made(uid, None)
                return 200, {"message": "Folder permissions updated"}
        return 404, body_of("102")

    def _permissions(self, uid: str) -> list[Any]:
        items = self.permissions.get(uid)
        if items is None:
            items = [
                {"userId": 1, "permission": 4},
                {"role": "Editor", "permission": 2},
                {"role": "Viewer", "permission": 1},
            ]
        logins = {1: "admin", 70: "ada", **{one["id"]: one["login"] for one in self.accounts}}
        teams = {3: "instructors"}
        return [
            {
                "userId": item.get("userId", 0),
                "userLogin": logins.get(item.get("userId"), ""),
                "teamId": item.get("teamId", 0),
                "team": teams.get(item.get("teamId"), ""),
                **({"role": item["role"]} if "role" in item else {}),
                "permission": item["permission"],
                "permissionName": PERMISSIONS[item["permission"]],
                "uid": uid,
                "isFolder": True,
                "inherited": False,
            }
            for item in items
        ]

    # -- data sources -----------------------------------------------------------

    def _datasources(self, method: str, rest: list[str], who: int | None, sent: Any) -> tuple[int, Any]:
        def known(uid: str) -> Any:
            return next((one for one in self.datasources if one["uid"] == uid), None)

        def stored(before: Any) -> Any:
            secure = {**(before or {}).get("secureJsonFields", {})}
            secure |= {name: True for name in sent.get("secureJsonData") or {}}
            rest_of = {key: value for key, value in sent.items() if key != "secureJsonData"}
            return {**body_of("30"), "isDefault": False, **rest_of, "secureJsonFields": secure}

        match [method, *rest]:
            case ["GET"]:
                return 200, self.datasources
            case _ if who is not None:
                return 403, body_of("25")
            case ["GET", "uid", uid]:
                return (404, body_of("31")) if known(uid) is None else (200, {**body_of("30"), **known(uid)})
            case ["POST"]:
                if known(sent["uid"]) or any(one["name"] == sent["name"] for one in self.datasources):
                    return 409, body_of("27")
                self.datasources.append(stored(None))
                return 200, {"datasource": self.datasources[-1], "id": 9, "message": "Datasource added"}
            case ["PUT", "uid", uid] if known(uid) is not None:
                self.datasources[self.datasources.index(known(uid))] = stored(known(uid))
                return 200, {"datasource": known(uid), "id": 9, "message": "Datasource updated"}
            case ["DELETE", "uid", uid] if known(uid) is not None:
                self.datasources.remove(known(uid))
                return 200, {"message": "Data source deleted"}
        return 404, body_of("31")

    # -- dashboards -------------------------------------------------------------

    def _dashboard(self, who: int | None, uid: str) -> tuple[int, Any]:
        if uid in self.resources:
            version = self.resources[uid]["apiVersion"].rpartition("/")[2]
            url = f"{APIS}/{version}/namespaces/default/dashboards/{uid}"
            return 406, {"message": f"dashboard api version not supported, use {url} instead"}
        nothing = not any(self._sees(who, one) for one in (*self.folders, *self.dashboards))
        hidden = uid in self.dashboards and not self._sees(who, uid)
        if hidden or (uid not in self.dashboards and who is not None and nothing and self.version.startswith("11")):
            return 403, json.loads(json.dumps(body_of("105")).replace("folders:read", "dashboards:read"))
        return (200, self.dashboards[uid]) if uid in self.dashboards else (404, body_of("91"))

    def _save(self, who: int | None, sent: Any) -> tuple[int, Any]:
        dashboard, folder = sent["dashboard"], sent["folderUid"]
        uid = dashboard["uid"]
        if folder and folder not in self.folders:
            return 400, body_of("72")
        if folder and not self._sees(who, folder):
            return (500, body_of("11.6-45")) if self.version.startswith("11") else (403, body_of("12.3-55"))
        before = self.dashboards.get(uid)
        is_at = before["meta"]["version"] if before else self._generation(uid)
        if is_at and not sent.get("overwrite") and dashboard.get("version") != is_at:
            return 412, body_of("43")
        self.resources.pop(uid, None)
        version = 1 + (is_at or 0)
        meta = {**body_of("38")["meta"], "url": f"/d/{uid}/x", "folderUid": folder, "version": version}
        self.dashboards[uid] = {"meta": meta, "dashboard": {**dashboard, "id": 4, "version": version}}
        return 200, {**body_of("37"), "folderUid": folder, "uid": uid, "version": version}

    def _generation(self, uid: str) -> int | None:
        return self.resources[uid]["metadata"]["generation"] if uid in self.resources else None

    # -- resources of the new API, as documented ------------------------------------

    def _apis(self, method: str, rest: list[str], sent: Any) -> tuple[int, Any]:
        has = VERSIONS[self.version][1]
        match [method, *rest]:
            case ["GET", ""]:
                versions = [{"groupVersion": f"dashboard.grafana.app/{one}", "version": one} for one in has]
                return 200, {"kind": "APIGroup", "name": "dashboard.grafana.app", "versions": versions}
            case [_, version, "namespaces", "default", "dashboards", *_name] if version in has:
                return self._resource(method, version, rest[4:], sent)
        return 404, _status(404, "NotFound", "the server could not find the requested resource")

    def _resource(self, method: str, version: str, name: list[str], sent: Any) -> tuple[int, Any]:
        uid = name[0] if name else sent["metadata"]["name"]
        found = self.resources.get(uid)
        if method == "POST" and found is None and uid not in self.dashboards:
            return 201, self._stored(version, uid, sent, 1)
        if method == "POST":
            return 409, _status(409, "AlreadyExists", f'dashboards.dashboard.grafana.app "{uid}" already exists')
        if found is None:
            return 404, _status(404, "NotFound", f'dashboards.dashboard.grafana.app "{uid}" not found')
        match method:
            case "GET":
                return 200, {**found, "apiVersion": f"dashboard.grafana.app/{version}"}
            case "PUT" if sent["metadata"].get("resourceVersion") not in (None, found["metadata"]["resourceVersion"]):
                return 409, _status(409, "Conflict", "the object has been modified")
            case "PUT":
                return 200, self._stored(version, uid, sent, found["metadata"]["generation"] + 1)
            case "DELETE":
                del self.resources[uid]
                return 200, {"kind": "Status", "status": "Success"}
        return 405, _status(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")

    def _stored(self, version: str, uid: str, sent: Any, generation: int) -> Any:
        metadata = {
            **sent["metadata"],
            "namespace": "default",
            "resourceVersion": str(1000 + generation),
            "generation": generation,
        }
        self.resources[uid] = {
            "kind": "Dashboard",
            "apiVersion": f"dashboard.grafana.app/{version}",
            "metadata": metadata,
            "spec": _defaulted(sent["spec"]),
            "status": {},
        }
        return self.resources[uid]

    def _found(self, query: list[tuple[str, str]]) -> list[Any]:
        tags = {value for name, value in query if name == "tags"}
        uid = dict(query)["dashboardUID"]
        return [one for one in self.annotations.values() if tags <= set(one["tags"]) and one["dashboardUID"] == uid]


def _status(code: int, reason: str, message: str) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }


def _defaulted(spec: Any) -> Any:
    """A specification with some of the defaults that the schema v2 has for what is left out."""
    defaults: dict[str, Any] = {"annotations": [], "links": [], "preload": False, "tags": [], "variables": []}
    defaults |= {"cursorSync": "Off", "editable": True, "liveNow": False}
    times = {"from": "now-6h", "to": "now", "autoRefresh": "", "hideTimepicker": False, "fiscalYearStartMonth": 0}
    times |= {
        "timezone": "browser",
        "autoRefreshIntervals": ["5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h", "2h", "1d"],
    }
    return {**defaults, **spec, "timeSettings": {**times, **spec.get("timeSettings", {})}}
