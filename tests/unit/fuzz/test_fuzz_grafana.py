# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboards in files and in Grafana, and Grafana's answers, each damaged at a place."""

from __future__ import annotations

import base64
import copy
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana import (
    connect,
    dashboard_changes,
    dashboard_export,
    dashboard_file,
    dashboard_resource,
    folder_permissions,
    grafana_annotations,
    grafana_datasource,
    grafana_service_account,
    marks,
    missing_panels,
    normal_form,
    resolver,
    schema_v2,
    selections,
    token_store,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.client import Grafana
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.dashboard_store import DashboardStore
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana.data_sources import DataSources
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.message import (
    Answer,
    Request,
    json_value,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.http.service import Service
from ansible_collections.temporal_lab.benchmarking.tests.unit.fuzz.fuzz_cluster import FuzzCluster, metadata
from ansible_collections.temporal_lab.benchmarking.tests.unit.fuzz.fuzzing import TEXTS, as_json, damaged, fuzz, values
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_recorder import V2
from hypothesis import strategies as st

OWN = Path(__file__).parents[3] / "files" / "dashboards" / "temporal-benchmarking.json"
ROWS = [{"uid": "p", "name": "Prometheus", "type": "prometheus", "isDefault": True}]
SOURCES = DataSources(ROWS)


def small_dashboard() -> dict[str, Any]:
    """The lab's own dashboard, with few panels."""
    found: dict[str, Any] = json.loads(OWN.read_text(encoding="utf-8"))
    found["panels"] = found["panels"][:3]
    found["templating"]["list"] = [
        {"name": "s", "type": "datasource", "query": "prometheus", "regex": "/Prom.*/i", "current": {"value": "p"}},
        *found["templating"]["list"][:2],
    ]
    return found


DASHBOARD = small_dashboard()


@fuzz(st.one_of(damaged(DASHBOARD), damaged({"dashboard": DASHBOARD, "inputs": [{"name": "a", "value": "b"}]})))
def test_fuzz_dashboard_files(value: Any) -> None:
    loaded = dashboard_file.load(json.dumps(value), "d.json")
    resolved = resolver.resolve(loaded, SOURCES, {}, None).dashboard
    normal_form.comparable(resolved, SOURCES)
    needs = missing_panels.panel_needs(resolved)
    missing_panels.missing_panels(needs, "d.json", lambda _type: False, lambda _uid: False)
    dashboard_file.stable_uid(loaded["title"], "")
    dashboard_file.written(resolved).encode()


JSONISH = st.text(alphabet='[]{}",:NaInfity-1 \n\\', max_size=50)


@fuzz(st.one_of(JSONISH, st.sampled_from(TEXTS), st.just("[" * 100_000)))
def test_fuzz_texts_of_dashboard_files(text: str) -> None:
    dashboard_file.load(text, "d.json")


@fuzz(damaged(DASHBOARD))
def test_fuzz_stored_dashboards(stored: Any) -> None:
    """What somebody saved in Grafana, against what a file wants."""
    stored = json_value(as_json(stored))
    if not isinstance(stored, dict):
        return
    wanted = selections.keep_selections(copy.deepcopy(DASHBOARD), stored, SOURCES, frozenset())
    found = dashboard_changes.changes(normal_form.comparable(stored, SOURCES), normal_form.comparable(wanted, SOURCES))
    "".join(dashboard_changes.lines(found).values()).encode()
    dashboard_file.written(dashboard_export.exported(stored, SOURCES)).encode()


def small_resource() -> dict[str, Any]:
    """A dashboard of the schema v2 with all that is looked at."""
    spec = copy.deepcopy(V2)
    query = {"kind": "DataQuery", "group": "prometheus", "datasource": {"name": "gone"}, "spec": {"expr": "up"}}
    spec["elements"]["panel-1"]["spec"]["data"]["spec"]["queries"] = [{"kind": "PanelQuery", "spec": {"query": query}}]
    spec["variables"] = [
        {"kind": "DatasourceVariable", "spec": {"name": "s", "pluginId": "prometheus", "current": {"value": "p"}}},
        {"kind": "CustomVariable", "spec": {"name": "q", "query": "a,b", "current": {"value": "a"}, "options": []}},
    ]
    row = {"kind": "RowsLayoutRow", "spec": {"title": "R", "collapse": True, "layout": spec["layout"]}}
    spec["layout"] = {"kind": "RowsLayout", "spec": {"rows": [row]}}
    spec["timeSettings"] = {"from": "now-1h", "to": "now"}
    return {"apiVersion": "dashboard.grafana.app/v2", "kind": "Dashboard", "metadata": {"name": "d"}, "spec": spec}


RESOURCE = small_resource()


@fuzz(st.one_of(damaged(RESOURCE), damaged({"dashboard": RESOURCE["spec"]})))
def test_fuzz_files_of_the_schema_v2(value: Any) -> None:
    loaded = dashboard_resource.load_resource(json.dumps(value), "d.json")
    if loaded is None:
        return
    resolved = schema_v2.resolve_v2(loaded.spec, SOURCES, {}, None).dashboard
    needs = schema_v2.panel_needs_v2(resolved)
    missing_panels.missing_panels(needs, "d.json", lambda _type: False, lambda _uid: False)
    json.dumps(dashboard_resource.body("v2", "d", schema_v2.normal_v2(resolved), "f"))


@fuzz(damaged({"spec": RESOURCE["spec"], "metadata": {"generation": 1, "annotations": {"grafana.app/folder": "f"}}}))
def test_fuzz_stored_dashboards_of_the_schema_v2(stored: Any) -> None:
    stored = json_value(as_json(stored))
    if not isinstance(stored, dict) or not all(isinstance(stored.get(key), dict) for key in ("spec", "metadata")):
        # The client takes no such answer.
        return
    found = dashboard_resource.StoredResource(stored["spec"], stored["metadata"])
    json.dumps([found.version, found.folder, found.managed_by])
    wanted = schema_v2.keep_selections_v2(RESOURCE["spec"], found.spec, SOURCES, {})
    dashboard_changes.changes(schema_v2.normal_v2(found.spec), schema_v2.normal_v2(wanted))


PATTERNS = st.sampled_from([*TEXTS, "/(a|a)*$/", "/(a+)+$/"])


@fuzz(st.tuples(PATTERNS, st.sampled_from([*TEXTS, "a" * 60 + "b"])))
def test_fuzz_filters_of_data_sources(given: tuple[str, str]) -> None:
    selections.offers(*given)


ANNOTATION = {
    "id": 7,
    "time": 1795453270000,
    "timeEnd": 1795453330000,
    "text": "load",
    "tags": [*marks.run_tags("anna", "r"), "stage:benchmark", "window"],
    "dashboardUID": "d",
}
ACCOUNT = {
    "id": 3,
    "name": "temporal-lab",
    "login": "sa-lab",
    "role": "Editor",
    "isDisabled": False,
    "tokens": 1,
}
TOKEN = {
    "id": 5,
    "name": "temporal-lab-20261123T170102Z-0123abcd",
    "expiration": "2026-12-23T17:01:02Z",
    "secondsUntilExpiration": 0,
    "hasExpired": False,
}
WORLD: dict[str, Any] = {
    "/api/health": {"database": "ok", "version": "12.3.0"},
    "/api/user": {"uid": "service-account:3", "login": "sa-lab"},
    "/api/datasources": ROWS,
    "/api/search": [{"uid": "x"}],
    "/api/folders/f": {"uid": "f", "title": "F"},
    "/api/folders": {"uid": "f"},
    "/api/dashboards/uid/d": {"meta": {"folderUid": "f", "url": "/d/d/x", "version": 3}, "dashboard": {"uid": "d"}},
    "/api/dashboards/db": {"uid": "d", "version": 4},
    "/api/annotations": [ANNOTATION],
    "/api/serviceaccounts/search": {"serviceAccounts": [ACCOUNT], "totalCount": 1},
    "/api/serviceaccounts": ACCOUNT,
    "/api/serviceaccounts/3/tokens": [TOKEN],
    "/api/org": {"id": 1, "name": "Main Org."},
    "/api/folders/f/permissions": [
        {"userId": 3, "userLogin": "sa-lab", "permission": 2},
        {"role": "Viewer", "permission": 1},
    ],
    "/api/org/users/lookup": [{"userId": 7, "login": "ada"}],
    "/api/teams/search": {"teams": [{"id": 2, "name": "instructors"}]},
    "/api/datasources/uid/p": {"uid": "p", "name": "Prometheus", "jsonData": {}, "secureJsonFields": {"a": True}},
    "/apis/dashboard.grafana.app": {"versions": [{"version": "v2"}, {"version": "v1"}]},
    "/apis/dashboard.grafana.app/v2/namespaces/default/dashboards/d": {"metadata": {"generation": 1}, "spec": {}},
}


class Answers:
    """The way to a Grafana that answers a path with what the world has."""

    service = Service("Grafana at http://g")

    def __init__(self, world: Any) -> None:
        self.world = world if isinstance(world, dict) else {}

    def send(self, request: Request, seconds: float) -> Answer:
        if request.path in self.world:
            return Answer(request, 200, {}, as_json(self.world[request.path]))
        return Answer(request, 404, {}, b'{"message": "not found"}')

    def close(self) -> None:
        """Nothing is open."""


def grafana(world: Any) -> Grafana:
    return Grafana(Answers(world), "http://g", "Bearer hunter2", deadline=0.0, sleep=lambda _seconds: None)


@fuzz(st.one_of(damaged(WORLD), st.dictionaries(st.sampled_from(sorted(WORLD)), values)))
def test_fuzz_answers(world: Any) -> None:
    client = grafana(world)
    store = DashboardStore(client, lambda _line: None)
    for call in (
        lambda: client.version,
        lambda: DataSources(client.datasources()).listed().encode(),
        client.sees_anything,
        lambda: client.get_folder("f"),
        lambda: client.create_folder("f", "F"),
        lambda: client.save_dashboard({"uid": "d"}, "f"),
        lambda: client.create_annotation({}),
        lambda: client.create_account("temporal-lab", "Editor"),
        lambda: _stored(store),
        lambda: _marked(client),
        lambda: _account(client),
        lambda: folder_permissions.listed(client.folder_permissions("f"), {"sa-lab": "temporal-lab"}),
        lambda: client.find_user("ada"),
        lambda: client.find_team("instructors"),
        lambda: grafana_datasource.changed_fields({"jsonData": {"a": 1}}, {"a": ""}, client.datasource("p"), False),
        client.organisation_number,
        client.dashboard_api_versions,
        lambda: client.dashboard_resource("v2", "default", "d"),
    ):
        with suppress(LabError):
            call()


def _stored(store: DashboardStore) -> None:
    found = store.read("d")
    if found is not None:
        json.dumps([found.version, found.url, found.folder, found.folder_text, found.provisioned_from]).encode()


def _marked(client: Grafana) -> None:
    there = grafana_annotations.look(client, "d", "anna", "r", (), True, [])
    change = marks.difference([], there)
    marks.as_text(one.mark for one in change.delete).encode()


def _account(client: Grafana) -> None:
    account = client.find_account("temporal-lab")
    grafana_service_account.account_view(account)
    for token in client.tokens(3):
        grafana_service_account.seconds_left(token, grafana_service_account._now())
        grafana_service_account.is_ours(str(token.get("name")), "temporal-lab")
    if account is not None:
        grafana_service_account.belongs(client.user(), account)


ENCODED = base64.b64encode(b"admin").decode()
NOTES = {"temporal-lab/grafana-account": "temporal-lab", "temporal-lab/grafana-token-name": "n"}
SECRETS = {
    "secrets/lab-grafana-token": {
        "metadata": metadata("lab-grafana-token", annotations=NOTES, resourceVersion="1"),
        "data": {"token": ENCODED},
    },
    "secrets/lab-grafana": {
        "metadata": metadata("lab-grafana"),
        "data": {"admin-user": ENCODED, "admin-password": ENCODED},
    },
}


@fuzz(damaged(SECRETS))
def test_fuzz_secrets(world: Any) -> None:
    cluster = FuzzCluster(world)
    with suppress(LabError):
        token_store.SecretStore(cluster, "lab-grafana-token").read()
    connect._release_admin(cluster)


def test_fuzz_token_files(tmp_path: Path) -> None:
    path = tmp_path / "token.json"
    good = {"schema": token_store.SCHEMA, "account": "a", "name": "n", "expires": "", "token": "t"}

    @fuzz(st.one_of(damaged(good).map(as_json), st.binary(max_size=60), st.just(b"[" * 60_000)))
    def target(content: bytes) -> None:
        path.write_bytes(content)
        path.chmod(0o600)
        token_store.FileStore(str(path)).read()

    target()
