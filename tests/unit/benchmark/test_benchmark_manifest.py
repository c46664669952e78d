# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kubernetes manifest of the workload, rendered as the role does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from benchmark.settings import read_settings, split_endpoint
from benchmark.soak_test import LAST_REQUESTS_TIMEOUT
from jinja2 import Environment, StrictUndefined

ROLE = Path(__file__).resolve().parents[3] / "roles" / "benchmark"
TEMPLATE = ROLE / "templates" / "benchmark.yml.j2"
VARIABLES = {
    **yaml.safe_load((ROLE / "vars" / "main.yml").read_text()),
    "lab_load_distribution": "embedded",
    "benchmark_image": "localhost/temporal-lab/benchmark:0.1.0",
    "benchmark_image_pull_policy": "IfNotPresent",
    "benchmark_workers_replicas": 2,
    "benchmark_concurrent_workflows": 6,
    "benchmark_metrics_grace_period": 6,
    "benchmark_temporal_endpoint": "my-temporal-frontend:7233",
    "benchmark_temporal_namespace": "default",
    "benchmark_task_queue": "benchmark",
    "benchmark_workflow_task_pollers": 5,
    "benchmark_activity_task_pollers": 5,
    "lab_namespace": "student-01",
    "lab_student": "student-01",
}
NAMES = ["benchmark-workers", "benchmark-soak-test"]


def render(**variables: Any) -> dict[str, Any]:
    # As Ansible renders templates: a line that is a block is no line of the output.
    environment = Environment(undefined=StrictUndefined, trim_blocks=True)
    text = environment.from_string(TEMPLATE.read_text()).render(VARIABLES | variables)
    return {document["metadata"]["name"]: document for document in yaml.safe_load_all(text)}


@pytest.fixture(scope="module")
def deployments() -> dict[str, Any]:
    return render()


@pytest.fixture(scope="module")
def upstream() -> dict[str, Any]:
    return render(lab_load_distribution="upstream", benchmark_image="registry.example/benchmark-workers:v1.7.0")


def container(deployment: dict[str, Any]) -> dict[str, Any]:
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    return only


def environ(deployment: dict[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container(deployment)["env"]}


def test_names_and_labels(deployments: dict[str, Any]) -> None:
    assert list(deployments) == NAMES
    for name, deployment in deployments.items():
        labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "temporal-lab"}
        assert (deployment["kind"], deployment["metadata"]["namespace"]) == ("Deployment", "student-01")
        assert deployment["metadata"]["labels"] == labels
        assert deployment["spec"]["selector"]["matchLabels"] == labels
        assert deployment["spec"]["template"]["metadata"]["labels"] == labels


def test_the_programs_take_their_settings(deployments: dict[str, Any]) -> None:
    for deployment in deployments.values():
        settings = read_settings(environ(deployment))
        assert settings.endpoint == "my-temporal-frontend:7233"
        assert settings.task_queue == "benchmark"
    soak_test = read_settings(environ(deployments["benchmark-soak-test"]))
    assert (soak_test.concurrent_workflows, soak_test.metrics_grace) == (6, 6)
    assert deployments["benchmark-workers"]["spec"]["replicas"] == 2


def test_never_two_soak_tests_at_a_time(deployments: dict[str, Any]) -> None:
    assert deployments["benchmark-soak-test"]["spec"]["replicas"] == 1
    assert deployments["benchmark-soak-test"]["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("name", NAMES)
def test_ports_are_those_that_the_programs_listen_on(deployments: dict[str, Any], name: str) -> None:
    settings = read_settings(environ(deployments[name]))
    ports = {port["name"]: port["containerPort"] for port in container(deployments[name])["ports"]}
    assert ports["metrics"] == split_endpoint(settings.prometheus_endpoint)[1]
    assert ports["ready"] == split_endpoint(settings.readiness_endpoint)[1]
    annotations = deployments[name]["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {"prometheus.io/scrape": "true", "prometheus.io/port": str(ports["metrics"])}
    assert container(deployments[name])["readinessProbe"]["tcpSocket"] == {"port": "ready"}


@pytest.mark.parametrize("name", NAMES)
def test_a_pod_has_time_to_stop(deployments: dict[str, Any], name: str) -> None:
    settings = read_settings(environ(deployments[name]))
    needed = settings.shutdown_grace + LAST_REQUESTS_TIMEOUT.total_seconds() + settings.metrics_grace
    assert deployments[name]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > needed


@pytest.mark.parametrize("name", NAMES)
def test_pods_are_restricted(deployments: dict[str, Any], name: str) -> None:
    pod = deployments[name]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container(deployments[name])["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container(deployments[name])["resources"]["requests"]


# -- upstream's programs ----------------------------------------------------


def test_upstreams_programs(upstream: dict[str, Any]) -> None:
    """Both are static programs in an image without a shell, and v1.7.0 reads these settings (cmd/ of its source)."""
    worker, soak_test = (container(upstream[name]) for name in NAMES)
    assert worker["command"] == ["/usr/local/bin/worker"]
    assert soak_test["command"][:4] == ["/usr/local/bin/runner", "-w", "-c", "$(CONCURRENT_WORKFLOWS)"]
    assert soak_test["command"][4:6] == ["-t", "ExecuteActivity"]
    assert json.loads(soak_test["command"][6]) == {"Count": 3, "Activity": "Echo", "Input": {"Message": "test"}}
    assert len(soak_test["command"]) == 7
    assert environ(upstream["benchmark-workers"]) == {
        "TEMPORAL_GRPC_ENDPOINT": "my-temporal-frontend:7233",
        "TEMPORAL_NAMESPACE": "default",
        "TEMPORAL_TASK_QUEUE": "benchmark",
        "TEMPORAL_MAX_WORKFLOW_TASK_POLLERS": "5",
        "TEMPORAL_MAX_ACTIVITY_TASK_POLLERS": "5",
        "PROMETHEUS_ENDPOINT": "0.0.0.0:9090",
    }
    assert environ(upstream["benchmark-soak-test"]) == {
        "TEMPORAL_GRPC_ENDPOINT": "my-temporal-frontend:7233",
        "TEMPORAL_NAMESPACE": "default",
        "TEMPORAL_TASK_QUEUE": "benchmark",
        "CONCURRENT_WORKFLOWS": "6",
        "PROMETHEUS_ENDPOINT": "0.0.0.0:9090",
        "TEMPORAL_DISABLE_ERROR_BACKOFF": "true",
    }


@pytest.mark.parametrize("name", NAMES)
def test_upstreams_programs_have_one_port(upstream: dict[str, Any], name: str) -> None:
    assert container(upstream[name])["image"] == "registry.example/benchmark-workers:v1.7.0"
    assert container(upstream[name])["ports"] == [{"name": "metrics", "containerPort": 9090}]
    assert container(upstream[name])["readinessProbe"]["tcpSocket"] == {"port": "metrics"}


@pytest.mark.parametrize("distribution", ["embedded", "upstream"])
def test_images_are_pinned(distribution: str) -> None:
    image = VARIABLES["benchmark_distributions"][distribution]["image"]
    assert re.search(r":v?\d+\.\d+\.\d+$", image)


#: Text that would be more than a value: a quote of every kind, further documents, keys, anchors, comments.
WORDS = (
    "'",
    '"',
    "\\",
    "}",
    "{",
    "]",
    ", x: y",
    ": ",
    "# ",
    "- ",
    "&a",
    "*a",
    "!!int ",
    "{{ 1 }}",
    "%",
    "|",
    "𠮷",
    "é",
    "\t",
)
OWN = (
    *("lab_namespace", "lab_student", "benchmark_image", "benchmark_image_pull_policy", "benchmark_temporal_endpoint"),
    *("benchmark_temporal_namespace", "benchmark_task_queue", "benchmark_metrics_grace_period"),
    *("benchmark_workflow_task_pollers", "benchmark_activity_task_pollers", "benchmark_concurrent_workflows"),
)


@pytest.mark.parametrize("variable", OWN)
@pytest.mark.parametrize("word", [*WORDS, "".join(WORDS)])
def test_whatever_text_is_inserted_stays_one_value(variable: str, word: str) -> None:
    """The same manifest, with that text wherever the plain one was."""
    plain = json.dumps(render(**{variable: "plain-text"}))
    assert "plain-text" in plain
    text = f"a{word}b"
    assert render(**{variable: text}) == json.loads(plain.replace("plain-text", json.dumps(text)[1:-1]))


@pytest.mark.parametrize("variable", [*OWN, "benchmark_workers_replicas"])
@pytest.mark.parametrize("quote", ["", "'", '"', "'}", '"}'])
def test_no_text_begins_another_object(variable: str, quote: str) -> None:
    text = f"1{quote}\n---\nkind: ClusterRoleBinding\nmetadata: {{name: planted}}\n---\nspec:\n  x: {quote}1"
    try:
        rendered = render(**{variable: text})
    except yaml.YAMLError:
        return
    assert list(rendered) == NAMES


def test_replicas_that_are_no_number_are_no_replicas() -> None:
    """The API server refuses a negative number; zero would be a load without a worker."""
    assert render(benchmark_workers_replicas="many")["benchmark-workers"]["spec"]["replicas"] == -1
    assert render(benchmark_workers_replicas="3")["benchmark-workers"]["spec"]["replicas"] == 3
