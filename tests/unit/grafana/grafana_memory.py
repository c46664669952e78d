# SPDX-License-Identifier: GPL-3.0-or-later
"""A Grafana with a memory for all that the lab makes in it, with the answers that a real Grafana 12.3 gave.

Accounts and tokens are those of grafana_replay; folders, dashboards, data sources and annotations are here.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_replay import (
    Accounts,
    accounts_served,
    body_of,
)


def grafana_served(host: str = "127.0.0.1") -> AbstractContextManager[Grafana]:
    """Serve it at an address of this machine."""
    return accounts_served(Grafana(), host)


class Grafana(Accounts):
    """A Grafana that remembers all that the lab makes in it. ``refuse``: paths that are answered with 400."""

    def __init__(self) -> None:
        super().__init__()
        self.folders: dict[str, Any] = {}
        self.dashboards: dict[str, Any] = {}
        self.annotations: dict[int, Any] = {}
        self.refuse: tuple[str, ...] = ()
        self.writes: list[str] = []

    def answer(self, method: str, path: str, authorization: str, sent: Any) -> tuple[int, Any]:
        parts = urlsplit(path)
        match [method, *parts.path.strip("/").split("/")[1:]]:
            case ["GET", "health"]:
                return 200, body_of("1")
            case [_, "serviceaccounts" | "user", *_rest]:
                return super().answer(method, path, authorization, sent)
        status, who = super().answer("GET", "/api/user", authorization, None)
        if status != 200:
            return status, who
        if any(parts.path.startswith(refused) for refused in self.refuse):
            return 400, body_of("56")
        if method != "GET":
            self.writes.append(f"{method} {parts.path}")
        match [method, *parts.path.strip("/").split("/")[1:]]:
            case ["GET", "datasources"]:
                return 200, body_of("A10")
            case ["GET", "folders", uid]:
                return (200, self.folders[uid]) if uid in self.folders else (403, body_of("105"))
            case ["POST", "folders"]:
                self.folders[sent["uid"]] = {**body_of("4"), **sent}
                return 200, self.folders[sent["uid"]]
            case ["GET", "dashboards", "uid", uid]:
                return (200, self.dashboards[uid]) if uid in self.dashboards else (404, body_of("91"))
            case ["POST", "dashboards", "db"]:
                return self._save(sent)
            case ["GET", "annotations"]:
                return 200, self._found(parse_qsl(parts.query))
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

    def _save(self, sent: Any) -> tuple[int, Any]:
        dashboard, folder = sent["dashboard"], sent["folderUid"]
        assert folder in self.folders, "a dashboard was sent without its folder"
        before = self.dashboards.get(dashboard["uid"])
        version = 1 + (before["meta"]["version"] if before else 0)
        meta = {**body_of("38")["meta"], "folderUid": folder, "version": version}
        self.dashboards[dashboard["uid"]] = {
            "meta": meta,
            "dashboard": {**dashboard, "id": 4, "version": version},
        }
        return 200, {**body_of("37"), "folderUid": folder, "uid": dashboard["uid"], "version": version}

    def _found(self, query: list[tuple[str, str]]) -> list[Any]:
        tags = {value for name, value in query if name == "tags"}
        uid = dict(query)["dashboardUID"]
        return [one for one in self.annotations.values() if tags <= set(one["tags"]) and one["dashboardUID"] == uid]
