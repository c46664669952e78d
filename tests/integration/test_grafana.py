# SPDX-License-Identifier: GPL-3.0-or-later
"""The stage dashboard where Grafana is a pod of the release; run by the molecule scenario `lab`.

No image of Grafana can be had here, so its Deployment runs a pod that passes connections on to a Grafana with a memory
in this process. All else is real: the Deployment that is looked for and waited for, the administrator's Secret, the
port-forward through the API server, and the Secret that keeps the token.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from ansible_collections.temporal_lab.benchmarking.tests.integration.scenario import (
    FOLDER,
    KUBECONFIG,
    RUN,
    kubectl,
    lab,
)
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_memory import Grafana, grafana_served
from ansible_collections.temporal_lab.benchmarking.tests.unit.grafana.grafana_replay import PASSWORD

IMAGE = "localhost/temporal-lab/benchmark:0.1.0"
NAME = "my-temporal-grafana"
UID = "temporal-lab-benchmarking"

#: Passes connections on; {host} and {port} say where to.
PASS_ON = """
import asyncio
async def copy(source, sink):
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    sink.close()
async def pass_on(reader, writer):
    theirs, ours = await asyncio.open_connection("{host}", {port})
    await asyncio.gather(copy(reader, ours), copy(theirs, writer), return_exceptions=True)
async def main():
    async with await asyncio.start_server(pass_on, "0.0.0.0", 3000) as server:
        await server.serve_forever()
asyncio.run(main())
"""


def objects(grafana: Grafana) -> str:
    host, port = grafana.address.removeprefix("http://").split(":")
    labels = {"app.kubernetes.io/name": "grafana", "app.kubernetes.io/instance": "my-temporal"}
    pod = {
        # In the node's own network: this machine has no way back to a pod's address.
        "hostNetwork": True,
        "terminationGracePeriodSeconds": 1,
        "containers": [
            {
                "name": "grafana",
                "image": IMAGE,
                "imagePullPolicy": "Never",
                "command": ["python3", "-u", "-c", PASS_ON.format(host=host, port=port)],
                "ports": [{"name": "http", "containerPort": 3000}],
                "readinessProbe": {"tcpSocket": {"port": "http"}, "periodSeconds": 1},
            }
        ],
    }
    metadata = {"name": NAME, "labels": labels}
    template = {"metadata": {"labels": labels}, "spec": pod}
    kinds = [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "spec": {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "stringData": {"admin-user": "admin", "admin-password": PASSWORD},
        },
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [{**kind, "metadata": metadata} for kind in kinds]})


@pytest.fixture(scope="module")
def grafana() -> Iterator[Grafana]:
    # The node's address is the second of its network, and this machine's is the first.
    server = yaml.safe_load(KUBECONFIG.read_text())["clusters"][0]["cluster"]["server"]
    host = ipaddress.ip_address(urlsplit(server).hostname) - 1
    with grafana_served(str(host)) as served:
        kubectl("apply", "-f", "-", text=objects(served))
        yield served
        kubectl("delete", "deployment,service,secret", NAME, "--ignore-not-found")
        kubectl("delete", "secret", f"{NAME}-token", "--ignore-not-found")


def changed(run: subprocess.CompletedProcess[str]) -> int:
    assert run.returncode == 0, run.stdout + run.stderr
    return int(re.search(r"^student-01 .* changed=(\d+)", run.stdout, re.MULTILINE)[1])


def secret(name: str) -> dict[str, Any]:
    return json.loads(kubectl("get", "secret", name, "-o", "json"))


def nothing_secret(grafana: Grafana, *runs: subprocess.CompletedProcess[str]) -> None:
    """Neither in what runs printed, nor in results and report."""
    (key,) = grafana.keys
    written = b"".join(path.read_bytes() for path in (FOLDER / "results").rglob("*") if path.is_file())
    for text in (written, *(stream.encode() for run in runs for stream in (run.stdout, run.stderr))):
        for hidden in (key, PASSWORD):
            assert hidden.encode() not in text
            assert base64.b64encode(hidden.encode()) not in text
        assert not re.search(rb"glsa_\w", text)


def test_the_stage_imports_the_dashboard_once_and_keeps_its_token_in_a_secret(grafana: Grafana) -> None:
    first = lab("--tags", "dashboard", "-vvvv")
    assert changed(first) == 3
    assert [account["name"] for account in grafana.accounts] == ["temporal-lab-student-01"]
    assert grafana.dashboards[UID]["meta"]["version"] == 1
    (key,) = grafana.keys
    kept = secret(f"{NAME}-token")
    assert base64.b64decode(kept["data"]["token"]).decode() == key

    second = lab("--tags", "dashboard", "-vvvv")
    assert changed(second) == 0
    assert list(grafana.keys) == [key]
    assert grafana.dashboards[UID]["meta"]["version"] == 1

    nothing_secret(grafana, first, second)
    # So that it can fail at all: what may be shown is there.
    assert "temporal-lab-student-01" in first.stdout


def test_the_marks_are_those_of_the_run(grafana: Grafana) -> None:
    """Of the real run that converge made: regions for what was measured, points for what happened."""
    texts = {mark["text"]: mark for mark in grafana.annotations.values()}
    regions = [text for text, mark in texts.items() if mark.get("timeEnd", 0) > mark["time"]]
    for begin in ("baseline", "benchmark", "concurrency", "scale: first", "scale: 20 s after"):
        assert any(text.startswith(begin) for text in regions), (begin, regions)
    assert any("6 in flight, 2 history pods" in text for text in regions)
    first = json.loads((RUN / "scale-1.json").read_text())["windows"][0]
    (mark,) = (texts[text] for text in regions if text.startswith("scale: first"))
    assert (mark["time"], mark["timeEnd"]) == (round(first["start"] * 1000), round(first["end"] * 1000))
    assert {"temporal-lab", "student:student-01", "run:molecule", "stage:scale"} <= set(mark["tags"])


def test_a_measured_stage_marks_itself(grafana: Grafana) -> None:
    """Done again it reads the same window: its mark stays, and one that somebody took away comes back."""
    (number,) = (one for one, mark in grafana.annotations.items() if mark["text"].startswith("scale: first"))
    taken = grafana.annotations.pop(number)
    run = lab("--tags", "scale,report", "-vvvv", "-e", "lab_window=20s")
    assert changed(run) == 0
    marks = [(mark["time"], mark["text"]) for mark in grafana.annotations.values()]
    assert (taken["time"], taken["text"]) in marks
    assert len(set(marks)) == len(marks)
    nothing_secret(grafana, run)


def test_a_token_that_grafana_lost_is_made_anew(grafana: Grafana) -> None:
    (lost,) = grafana.keys
    grafana.keys.clear()
    assert changed(lab("--tags", "dashboard")) == 1
    (key,) = grafana.keys
    assert key != lost
    assert base64.b64decode(secret(f"{NAME}-token")["data"]["token"]).decode() == key
