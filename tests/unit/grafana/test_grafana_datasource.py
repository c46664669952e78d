# SPDX-License-Identifier: GPL-3.0-or-later
"""The task grafana_datasource on a Grafana with a memory: what it writes, and that its secrets are never shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.grafana import grafana_datasource as task
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import Context
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_memory import Grafana, grafana_served
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_replay import PASSWORD

UID = "temporal-lab-student-01"
TOKEN = "eyJ-token-of-student-01"
CLUSTER = {
    "name": "Prometheus of student-01",
    "address": "https://k8s.example.org:6443/api/v1/namespaces/student-01/services/prometheus:80/proxy",
    "bearer_token": TOKEN,
    "ca_certificate": "-----BEGIN CERTIFICATE-----",
    "json_data": {"timeInterval": "5s"},
}


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with grafana_served() as served:
        yield served


def do(grafana: Grafana, check: bool = False, diff: bool = False, **given: Any) -> dict[str, Any]:
    options = {"url": grafana.address, "username": "admin", "password": PASSWORD, "uid": UID, **given}
    checked = ArgumentSpecValidator(task.SPEC, **task.VALIDATION).validate(options)
    assert not checked.error_messages
    result = task.run(checked.validated_parameters, Context(check, diff, lambda line: None))
    assert TOKEN not in json.dumps(result)
    return result


def stored(grafana: Grafana) -> dict[str, Any]:
    (found,) = (one for one in grafana.datasources if one["uid"] == UID)
    return found


def test_a_data_source_is_made_once(grafana: Grafana) -> None:
    first = do(grafana, diff=True, **CLUSTER)
    assert (first["changed"], first["created"], first["name"]) == (True, True, "Prometheus of student-01")
    assert first["diff"]["before"] is None
    assert first["diff"]["after"]["secrets"] == ["httpHeaderValue1", "tlsCACert"]
    found = stored(grafana)
    assert (found["type"], found["access"], found["url"]) == ("prometheus", "proxy", CLUSTER["address"])
    assert found["jsonData"] == {
        "timeInterval": "5s",
        "httpHeaderName1": "Authorization",
        "tlsAuthWithCACert": True,
    }
    assert not found["isDefault"]
    wrote = list(grafana.writes)
    second = do(grafana, **CLUSTER)
    assert (second["changed"], second["changed_fields"], grafana.writes) == (False, [], wrote)


def test_what_differs_is_written_and_the_rest_stays(grafana: Grafana) -> None:
    do(grafana, **CLUSTER)
    stored(grafana)["jsonData"]["manageAlerts"] = False
    changed = do(
        grafana, diff=True, **{**CLUSTER, "address": "http://127.0.0.1:9", "json_data": {"timeInterval": "15s"}}
    )
    assert changed["changed_fields"] == ["jsonData.timeInterval", "url"]
    assert changed["diff"]["before"]["jsonData"]["timeInterval"] == "5s"
    found = stored(grafana)
    assert (found["url"], found["jsonData"]["timeInterval"]) == ("http://127.0.0.1:9", "15s")
    assert found["jsonData"]["manageAlerts"] is False
    assert set(found["secureJsonFields"]) == {"httpHeaderValue1", "tlsCACert"}


def test_a_secret_is_written_when_it_is_missing_or_to_be_renewed(grafana: Grafana) -> None:
    basic = {"address": "http://127.0.0.1:9", "basic_user": "reader", "basic_password": "of-the-reader"}
    do(grafana, **basic)
    assert (stored(grafana)["basicAuth"], stored(grafana)["basicAuthUser"]) == (True, "reader")
    assert not do(grafana, **basic)["changed"]
    stored(grafana)["secureJsonFields"].clear()
    assert do(grafana, **basic)["changed_fields"] == ["basicAuthPassword"]
    assert do(grafana, **basic, renew_secrets=True)["changed_fields"] == ["basicAuthPassword"]


def test_check_mode_and_absent(grafana: Grafana) -> None:
    assert do(grafana, check=True, **CLUSTER)["changed"]
    assert grafana.writes == []
    do(grafana, **CLUSTER, default=True)
    assert stored(grafana)["isDefault"]
    assert do(grafana, check=True, state="absent")["changed"]
    assert do(grafana, diff=True, state="absent")["diff"]["before"] == {"name": CLUSTER["name"]}
    assert not do(grafana, state="absent")["changed"]


def test_what_cannot_be_is_told_in_a_sentence(grafana: Grafana) -> None:
    with pytest.raises(LabError, match=r"is called prom \(409\): choose another `name`, or give that one's `uid`\.$"):
        do(grafana, address="http://127.0.0.1:9", name="prom")
    do(grafana, **CLUSTER)
    stored(grafana)["readOnly"] = True
    with pytest.raises(LabError, match=r"is provisioned from a file there and cannot be changed"):
        do(grafana, **CLUSTER)
    with pytest.raises(LabError, match=r"is provisioned from a file there"):
        do(grafana, state="absent")
