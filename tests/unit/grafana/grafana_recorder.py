# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a Grafana what the lab asks it, and write what it answered as a recording for grafana_replay.

    GRAFANA_PASSWORD=… python tests/unit/grafana/grafana_recorder.py --url http://127.0.0.1:3000

tests/fixtures/grafana/README.md says which Grafana to ask. It makes accounts, folders, data sources and dashboards
whose names begin with rec-, and removes them at its end. Secrets, times and addresses are replaced before anything is
written. It uses nothing but Python's own library, so it runs wherever the Grafana is.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "grafana"
#: Seconds that one answer may take.
PATIENCE = 120
#: What a recording says instead of the address that was asked.
ADDRESS = "http://grafana.example"
DAY = 86400
PANEL = {"id": 1, "type": "timeseries", "title": "P", "gridPos": {"h": 8, "w": 12, "x": 0, "y": 0}}
DASHBOARD = {"uid": "rec-d", "title": "Rec", "panels": [PANEL], "schemaVersion": 39}
#: The smallest dashboard of the schema v2, by its documentation.
V2: dict[str, Any] = {
    "title": "Rec v2",
    "elements": {
        "panel-1": {
            "kind": "Panel",
            "spec": {
                "id": 1,
                "title": "P",
                "data": {"kind": "QueryGroup", "spec": {"queries": [], "transformations": [], "queryOptions": {}}},
                "vizConfig": {
                    "kind": "VizConfig",
                    "group": "timeseries",
                    "version": "",
                    "spec": {"options": {}, "fieldConfig": {"defaults": {}, "overrides": []}},
                },
            },
        }
    },
    "layout": {
        "kind": "GridLayout",
        "spec": {
            "items": [
                {
                    "kind": "GridLayoutItem",
                    "spec": {
                        "x": 0,
                        "y": 0,
                        "width": 12,
                        "height": 8,
                        "element": {"kind": "ElementReference", "name": "panel-1"},
                    },
                }
            ]
        },
    },
}
PROMETHEUS = {
    "name": "rec-prom",
    "uid": "rec-prom",
    "type": "prometheus",
    "access": "proxy",
    "url": "http://127.0.0.1:9",
}
APIS = "/apis/dashboard.grafana.app"


@dataclass(frozen=True)
class Question:
    """A request to make. ``{name}`` in a path and in texts of a body is what an answer before it gave.

    who: "anonymous", "admin", or the name of a token. keep: what to remember of the answer, by its key there.
    """

    title: str
    who: str
    method: str
    path: str
    body: Any = None
    keep: tuple[tuple[str, str], ...] = ()


def questions() -> Iterator[Question]:
    """All requests, in their order. Those at the end remove what the others made."""
    admin, editor, viewer = "admin", "EDITOR", "VIEWER"
    yield Question("health", "anonymous", "GET", "/api/health")
    yield Question("no credentials", "anonymous", "GET", "/api/org")
    yield Question("no such account", admin, "GET", "/api/serviceaccounts/search?query=rec-none&perpage=100&page=1")
    for name, token in (("rec-editor", editor), ("rec-viewer", viewer)):
        role = token.capitalize()
        account = {"name": name, "role": role, "isDisabled": False}
        yield Question(f"account, {role}", admin, "POST", "/api/serviceaccounts", account, ((f"{token}_ID", "id"),))
        path = f"/api/serviceaccounts/{{{token}_ID}}/tokens"
        month = {"name": f"{name}-1", "secondsToLive": 30 * DAY}
        yield Question("token of 30 days", admin, "POST", path, month, ((token, "key"), (f"{token}_TOKEN", "id")))
    tokens = "/api/serviceaccounts/{EDITOR_ID}/tokens"
    yield Question(
        "same account again", admin, "POST", "/api/serviceaccounts", {"name": "rec-editor", "role": "Editor"}
    )
    yield Question("same token again", admin, "POST", tokens, {"name": "rec-editor-1"})
    yield Question(
        "token of one day", admin, "POST", tokens, {"name": "rec-short", "secondsToLive": DAY}, (("SHORT", "key"),)
    )
    yield Question("token without an end", admin, "POST", tokens, {"name": "rec-ever"}, (("EVER", "key"),))
    yield Question("tokens of an account", admin, "GET", tokens)
    yield Question("account by name", admin, "GET", "/api/serviceaccounts/search?query=rec-editor&perpage=100&page=1")

    for who in (admin, editor, viewer):
        yield Question(f"{who}: a dashboard that does not exist", who, "GET", "/api/dashboards/uid/rec-none")
        yield Question(f"{who}: a folder that does not exist", who, "GET", "/api/folders/rec-none")
        yield Question(f"{who}: anything there", who, "GET", "/api/search?limit=1")
        yield Question(f"{who}: which user", who, "GET", "/api/user")
        yield Question(f"{who}: which organisation", who, "GET", "/api/org")
        yield Question(f"{who}: data sources", who, "GET", "/api/datasources")
        yield Question(f"{who}: panel types", who, "GET", "/api/plugins?type=panel&core=1")

    yield Question("editor makes a folder", editor, "POST", "/api/folders", {"uid": "rec-f", "title": "Rec folder"})
    yield Question("same folder again", editor, "POST", "/api/folders", {"uid": "rec-f", "title": "Rec folder"})
    yield Question("its maker reads it at once", editor, "GET", "/api/folders/rec-f")
    save = {"dashboard": DASHBOARD, "folderUid": "rec-f"}
    yield Question("its maker saves into it at once", editor, "POST", "/api/dashboards/db", save)
    yield Question("admin saves into it", admin, "POST", "/api/dashboards/db", {**save, "overwrite": True})
    yield Question("read back", admin, "GET", "/api/dashboards/uid/rec-d")
    yield Question("editor reads it", editor, "GET", "/api/dashboards/uid/rec-d")
    yield Question("again without version", admin, "POST", "/api/dashboards/db", save)
    changed = {"dashboard": {**DASHBOARD, "title": "Rec changed", "version": 99}, "folderUid": "rec-f"}
    yield Question("on top of a version that is not there", admin, "POST", "/api/dashboards/db", changed)
    yield Question("viewer saves", viewer, "POST", "/api/dashboards/db", {**save, "overwrite": True})

    yield Question("admin makes a folder", admin, "POST", "/api/folders", {"uid": "rec-g", "title": "Rec other"})
    yield Question("editor reads it at once", editor, "GET", "/api/folders/rec-g")
    other = {"dashboard": {**DASHBOARD, "uid": "rec-e"}, "folderUid": "rec-g"}
    yield Question("editor saves into it at once", editor, "POST", "/api/dashboards/db", other)
    permissions = "/api/folders/rec-g/permissions"
    yield Question("permissions of a folder", admin, "GET", permissions)
    items = [{"userId": "{EDITOR_ID}", "permission": 2}, {"role": "Viewer", "permission": 1}]
    yield Question("other permissions", admin, "POST", permissions, {"items": items})
    yield Question("permissions then", admin, "GET", permissions)
    yield Question("users by login", admin, "GET", "/api/org/users/lookup?query=admin&limit=10")
    yield Question("teams by name", admin, "GET", "/api/teams/search?name=rec-none")
    yield Question("title of a folder", admin, "PUT", "/api/folders/rec-g", {"title": "Rec third", "overwrite": True})

    secret = {"httpHeaderValue1": "Bearer rec-secret"}
    source = {**PROMETHEUS, "jsonData": {"httpHeaderName1": "Authorization"}, "secureJsonData": secret}
    yield Question("data source", admin, "POST", "/api/datasources", source)
    yield Question("data source again", admin, "POST", "/api/datasources", source)
    yield Question("data source by uid", admin, "GET", "/api/datasources/uid/rec-prom")
    yield Question("data source that is not there", admin, "GET", "/api/datasources/uid/rec-none")
    moved = {**PROMETHEUS, "url": "http://127.0.0.1:10"}
    yield Question("data source with another address", admin, "PUT", "/api/datasources/uid/rec-prom", moved)
    yield Question("data source then", admin, "GET", "/api/datasources/uid/rec-prom")
    yield Question("editor makes a data source", editor, "POST", "/api/datasources", {**PROMETHEUS, "uid": "rec-p2"})
    yield Question("library panel that is not there", editor, "GET", "/api/library-elements/rec-none")

    yield Question("versions of the dashboards' API", editor, "GET", APIS)
    for version in ("v1beta1", "v1", "v2alpha1", "v2beta1", "v2"):
        path = f"{APIS}/{version}/namespaces/default/dashboards"
        yield Question(f"a classic dashboard as {version}", admin, "GET", f"{path}/rec-d")
        if version.startswith("v2"):
            resource = {
                "apiVersion": f"dashboard.grafana.app/{version}",
                "kind": "Dashboard",
                "metadata": {"name": f"rec-{version}", "annotations": {"grafana.app/folder": "rec-g"}},
                "spec": V2,
            }
            yield Question(f"save {version}", admin, "POST", path, resource)
            yield Question(f"save {version} again", admin, "POST", path, resource)
            yield Question(f"read {version}", admin, "GET", f"{path}/rec-{version}")
            yield Question(f"read {version} by the old route", admin, "GET", f"/api/dashboards/uid/rec-{version}")
            yield Question(f"remove {version}", admin, "DELETE", f"{path}/rec-{version}")

    mark = {"dashboardUID": "rec-d", "time": 1764500000000, "timeEnd": 1764500060000, "text": "w", "tags": ["rec"]}
    yield Question("annotation", admin, "POST", "/api/annotations", mark, (("MARK", "id"),))
    yield Question("annotations", admin, "GET", "/api/annotations?dashboardUID=rec-d&tags=rec&limit=10")
    yield Question("change an annotation", admin, "PATCH", "/api/annotations/{MARK}", {"text": "w2"})
    yield Question("remove an annotation", admin, "DELETE", "/api/annotations/{MARK}")

    yield Question("disable the account", admin, "PATCH", "/api/serviceaccounts/{EDITOR_ID}", {"isDisabled": True})
    yield Question("a token just disabled", editor, "GET", "/api/user")
    yield Question("enable it", admin, "PATCH", "/api/serviceaccounts/{EDITOR_ID}", {"isDisabled": False})
    yield Question("remove the token", admin, "DELETE", f"{tokens}/{{EDITOR_TOKEN}}")
    yield Question("the removed token", editor, "GET", "/api/user")

    yield Question("remove a dashboard", admin, "DELETE", "/api/dashboards/uid/rec-d")
    yield Question("remove it again", admin, "DELETE", "/api/dashboards/uid/rec-d")
    yield Question("remove the data source", admin, "DELETE", "/api/datasources/uid/rec-prom")
    yield Question("remove the folder", admin, "DELETE", "/api/folders/rec-f")
    yield Question("remove the other folder", admin, "DELETE", "/api/folders/rec-g")
    yield Question("remove the account", admin, "DELETE", "/api/serviceaccounts/{EDITOR_ID}")
    yield Question("remove the other account", admin, "DELETE", "/api/serviceaccounts/{VIEWER_ID}")


@dataclass
class Recorder:
    """Asks one Grafana. user, password: its administrator. ``recording`` is what was asked and answered."""

    url: str
    user: str
    password: str
    recording: list[dict[str, Any]] = field(default_factory=list)
    #: What answers gave: ids, and the texts of tokens by their names.
    kept: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def run(self, asked: Iterator[Question]) -> str:
        """Ask everything; the version of the Grafana, such as 13.0."""
        for question in asked:
            self._ask(question)
        health = self.recording[0]["body"]
        found = re.match(r"\d+\.\d+", str(health.get("version") or "") if isinstance(health, dict) else "")
        if not found:
            raise SystemExit(f"{self.url} does not say which Grafana it is: let it show its version, and ask again")
        for number, entry in enumerate(self.recording):
            entry["number"] = f"r{found[0]}-{number}"
        return found[0]

    def _ask(self, question: Question) -> None:
        path, body = self._filled(question.path), self._filled(question.body)
        status, kind, answer = self._send(question.method, path, question.who, body)
        for name, key in question.keep:
            value = answer.get(key) if isinstance(answer, dict) else None
            if value is None:
                raise SystemExit(
                    f"{self.url} answered {question.method} {path} with {status} and without {key}: it was asked as "
                    f"administrator {self.user}; correct its name or password, remove what begins with rec-, and ask "
                    f"again"
                )
            self.kept[name] = value
            if key == "key":
                self.secrets[value] = f"glsa_<{name}>"
        who = {"admin": "admin, basic auth", "anonymous": "anonymous"}.get(
            question.who, f"Bearer glsa_<{question.who}>"
        )
        headers = {} if body is None else {"Content-Type": "application/json"}
        request = {"method": question.method, "path": path, "auth": who, "headers": headers, "body": body}
        entry = {
            "number": "",
            "title": question.title,
            "request": request,
            "status": status,
            "content_type": kind,
            "body": answer,
        }
        self.recording.append(self._without_secrets(entry))

    def _send(self, method: str, path: str, who: str, body: Any) -> tuple[int, str, Any]:
        request = urllib.request.Request(
            self.url.rstrip("/") + path, None if body is None else json.dumps(body).encode(), method=method
        )
        request.add_header("Accept", "application/json")
        if body is not None:
            request.add_header("Content-Type", "application/json")
        if who == "admin":
            request.add_header(
                "Authorization", "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            )
        elif who != "anonymous":
            request.add_header("Authorization", f"Bearer {self.kept[who]}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())
        try:
            with opener.open(request, timeout=PATIENCE) as answer:
                status, kind, content = answer.status, answer.headers.get("Content-Type", ""), answer.read()
        except urllib.error.HTTPError as error:
            status, kind, content = error.code, error.headers.get("Content-Type", ""), error.read()
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise SystemExit(f"{self.url} did not answer {method} {path}: {error}") from None
        try:
            return status, kind, json.loads(content)
        except ValueError:
            return status, kind, content.decode("utf-8", "replace") or None

    def _filled(self, value: Any) -> Any:
        """The value with what answers gave in the place of ``{name}``; a text that is only that keeps its type."""
        if isinstance(value, dict):
            return {key: self._filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner) for inner in value]
        if not isinstance(value, str):
            return value
        whole = re.fullmatch(r"\{([A-Z_]+)\}", value)
        if whole:
            return self.kept[whole[1]]
        return re.sub(r"\{([A-Z_]+)\}", lambda found: str(self.kept[found[1]]), value)

    def _without_secrets(self, entry: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(entry, ensure_ascii=False)
        for secret, name in self.secrets.items():
            text = text.replace(secret, name)
        text = text.replace(self.url.rstrip("/"), ADDRESS).replace(urlsplit(self.url).netloc, urlsplit(ADDRESS).netloc)
        found: dict[str, Any] = json.loads(text)
        return found


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other: credentials go to the Grafana that was named, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def main(arguments: list[str] | None = None) -> None:
    """Record a Grafana into ``recorded-<version>.json``."""
    parser = argparse.ArgumentParser(description="Record what a Grafana answers to the lab's requests.")
    parser.add_argument("--url", required=True, help="its address, with the path before /api if there is one")
    parser.add_argument("--user", default="admin", help="its administrator")
    parser.add_argument(
        "--output", type=Path, help="the file to write; recorded-<version>.json beside the others if absent"
    )
    given = parser.parse_args(arguments)
    password = os.environ.get("GRAFANA_PASSWORD")
    if not password:
        raise SystemExit("set GRAFANA_PASSWORD to the administrator's password")
    recorder = Recorder(given.url, given.user, password)
    version = recorder.run(questions())
    output = given.output or FIXTURES / f"exchanges-recorded-{version}.json"
    output.write_text(json.dumps(recorder.recording, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(recorder.recording)} answers of Grafana {version} are in {output}\n")


if __name__ == "__main__":
    main()
