# SPDX-License-Identifier: GPL-3.0-or-later
"""What the chart renders, checked on the objects that the API server would get."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).resolve().parents[3] / "files" / "charts" / "temporal-lab"
RELEASE = "my-temporal"
LAB_FLAGS = ("server.replicaCount=1", "prometheus.enabled=true", "grafana.enabled=true")
EVERYTHING = (*LAB_FLAGS, "web.enabled=true", "postgresql.persistence.enabled=true", "server.history.replicaCount=2")
ROLES = {
    "frontend": {"rpc": 7233, "membership": 6933, "http": 7243, "metrics": 9090},
    "history": {"rpc": 7234, "membership": 6934, "metrics": 9090},
    "matching": {"rpc": 7235, "membership": 6935, "metrics": 9090},
    "worker": {"rpc": 7239, "membership": 6939, "metrics": 9090},
}
# The names that the server registers with its gRPC health service (service/*/ of its source).
HEALTH = {
    "frontend": "temporal.api.workflowservice.v1.WorkflowService",
    "history": "temporal.api.workflowservice.v1.HistoryService",
    "matching": "temporal.api.workflowservice.v1.MatchingService",
    "worker": "temporal.api.workflowservice.v1.WorkerService",
}

Objects = dict[tuple[str, str], dict[str, Any]]


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    beside = Path(sys.executable).with_name("helm")
    program = os.environ.get("HELM") or (str(beside) if beside.exists() else shutil.which("helm"))
    if not program:
        pytest.fail("helm was not found: put it on PATH or name it in the environment variable HELM")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=30, check=False)


def template(*flags: str, release: str = RELEASE) -> subprocess.CompletedProcess[str]:
    sets = [part for flag in flags for part in ("--set", flag)]
    return helm("template", release, str(CHART), "--namespace", "student-01", *sets)


def render(*flags: str, release: str = RELEASE) -> Objects:
    done = template(*flags, release=release)
    assert done.returncode == 0, done.stderr
    documents = [document for document in yaml.safe_load_all(done.stdout) if document]
    objects = {(document["kind"], document["metadata"]["name"]): document for document in documents}
    assert len(objects) == len(documents), "two objects have the same kind and name"
    return objects


def refusal(*flags: str, release: str = RELEASE) -> str:
    done = template(*flags, release=release)
    assert done.returncode != 0
    return done.stderr


@pytest.fixture(scope="module")
def default() -> Objects:
    return render()


@pytest.fixture(scope="module")
def everything() -> Objects:
    return render(*EVERYTHING)


def pods(objects: Objects) -> dict[str, dict[str, Any]]:
    """Pod templates by `Kind/name`."""
    return {
        f"{kind}/{name}": thing["spec"]["template"]
        for (kind, name), thing in objects.items()
        if kind in ("Deployment", "StatefulSet", "Job")
    }


def containers(template_: dict[str, Any]) -> list[dict[str, Any]]:
    return [*template_["spec"].get("initContainers", []), *template_["spec"]["containers"]]


def container(objects: Objects, kind: str, name: str) -> dict[str, Any]:
    (only,) = objects[kind, name]["spec"]["template"]["spec"]["containers"]
    return only


def ports(thing: dict[str, Any], key: str) -> dict[str, int]:
    return {port["name"]: port[key] for port in thing["ports"]}


def milli(quantity: str) -> int:
    return int(quantity[:-1]) if quantity.endswith("m") else int(quantity) * 1000


def mebi(quantity: str) -> int:
    return int(quantity[:-2]) * {"Mi": 1, "Gi": 1024}[quantity[-2:]]


def prometheus_config(objects: Objects) -> dict[str, Any]:
    return yaml.safe_load(objects["ConfigMap", f"{RELEASE}-prometheus-server"]["data"]["prometheus.yml"])


def server_config(objects: Objects) -> dict[str, Any]:
    """The server's configuration, with a text in place of what the server fills in itself."""
    text = objects["ConfigMap", f"{RELEASE}-config"]["data"]["config.yaml"]
    assert text.startswith("# enable-template\n")
    return yaml.safe_load(re.sub(r'\{\{ env "(\w+)" \| toJson \}\}', r'"from \1"', text))


# Names and labels.


def test_default_values_render_exactly_the_objects_of_the_lab(default: Objects) -> None:
    roles = [f"{RELEASE}-{role}" for role in ROLES]
    assert set(default) == {
        *(("Deployment", name) for name in roles),
        *(("Service", f"{name}-headless") for name in roles),
        ("Service", f"{RELEASE}-frontend"),
        ("ConfigMap", f"{RELEASE}-config"),
        ("ConfigMap", f"{RELEASE}-dynamic-config"),
        ("Job", f"{RELEASE}-schema-1"),
        *((kind, f"{RELEASE}-postgresql") for kind in ("StatefulSet", "Service", "Secret", "ConfigMap")),
        *(
            (kind, f"{RELEASE}-prometheus-server")
            for kind in ("Deployment", "Service", "ConfigMap", "ServiceAccount", "Role", "RoleBinding")
        ),
    }


def test_the_flags_of_the_lab_add_grafana_only(default: Objects) -> None:
    added = set(render(*LAB_FLAGS)) - set(default)
    assert added == {(kind, f"{RELEASE}-grafana") for kind in ("Deployment", "Service", "Secret", "ConfigMap")}


def test_names_begin_with_the_release_and_labels_say_what_a_thing_is(everything: Objects) -> None:
    for (_kind, name), thing in everything.items():
        assert name.startswith(f"{RELEASE}-")
        labels = thing["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == RELEASE
        assert labels["helm.sh/chart"] == "temporal-lab-0.1.0"
        assert labels["app.kubernetes.io/name"]
        assert labels["app.kubernetes.io/component"]


def test_each_service_chooses_the_pods_of_one_workload(everything: Objects) -> None:
    templates = pods(everything)
    for (kind, name), thing in everything.items():
        if kind != "Service":
            continue
        selector = thing["spec"]["selector"].items()
        chosen = [owner for owner, pod in templates.items() if selector <= pod["metadata"]["labels"].items()]
        assert [owner.split("/")[1] for owner in chosen] == [name.removesuffix("-headless")]


def test_labels_of_pods_do_not_change_with_the_version_of_the_chart(everything: Objects) -> None:
    for template_ in pods(everything).values():
        assert set(template_["metadata"]["labels"]) == {
            "app.kubernetes.io/name",
            "app.kubernetes.io/instance",
            "app.kubernetes.io/component",
        }


def test_the_longest_release_name_gives_valid_names() -> None:
    longest = "a" * 45
    assert max(len(name) for _kind, name in render(*EVERYTHING, release=longest)) <= 63
    assert "leaves room for 45: choose a shorter one." in refusal(release=longest + "a")


# The server's roles.


@pytest.mark.parametrize("role", ROLES)
def test_role(default: Objects, role: str) -> None:
    deployment = default["Deployment", f"{RELEASE}-{role}"]
    assert deployment["spec"]["replicas"] == 1
    pod = deployment["spec"]["template"]
    assert pod["metadata"]["labels"] == {
        "app.kubernetes.io/name": "temporal",
        "app.kubernetes.io/instance": RELEASE,
        "app.kubernetes.io/component": role,
    }
    assert pod["metadata"]["annotations"]["prometheus.io/scrape"] == "true"
    assert pod["metadata"]["annotations"]["prometheus.io/port"] == "9090"

    server = container(default, "Deployment", f"{RELEASE}-{role}")
    assert server["name"] == f"temporal-{role}"
    assert server["image"] == "localhost/temporal-lab/server:1.31.2"
    assert server["command"][0] == "/usr/local/bin/temporal-server"
    assert server["command"][-2:] == ["start", f"--service={role}"]
    assert ports(server, "containerPort") == ROLES[role]
    environment = {variable["name"]: variable for variable in server["env"]}
    assert environment["POD_IP"]["valueFrom"]["fieldRef"]["fieldPath"] == "status.podIP"
    assert environment["TEMPORAL_ROLE"]["value"] == role
    assert environment["POSTGRESQL_PASSWORD"]["valueFrom"]["secretKeyRef"] == {
        "name": f"{RELEASE}-postgresql",
        "key": "password",
    }

    service = default["Service", f"{RELEASE}-{role}-headless"]["spec"]
    assert service["clusterIP"] == "None"
    assert ports(service, "port") == ROLES[role]


@pytest.mark.parametrize("role", ROLES)
def test_role_is_ready_when_it_says_so(default: Objects, role: str) -> None:
    server = container(default, "Deployment", f"{RELEASE}-{role}")
    startup = server["startupProbe"]
    assert startup["grpc"] == {"port": ROLES[role]["rpc"], "service": HEALTH[role]}
    assert startup["periodSeconds"] == 1
    assert startup["failureThreshold"] >= 180
    # Each gRPC health check would count as a request of the service that is measured.
    assert "grpc" not in server["readinessProbe"]
    assert "grpc" not in server["livenessProbe"]
    liveness = server["livenessProbe"]
    assert liveness["periodSeconds"] * liveness["failureThreshold"] >= 120


@pytest.mark.parametrize("role", ROLES)
def test_role_waits_for_the_schema_of_both_databases(role: str) -> None:
    objects = render("schema.versions.temporal_visibility=1.15")
    (wait,) = objects["Deployment", f"{RELEASE}-{role}"]["spec"]["template"]["spec"]["initContainers"]
    assert wait["image"] == "localhost/temporal-lab/postgresql:15"
    assert wait["command"][0] == "sh"
    script = Path(wait["command"][1])
    # One server alone makes the record of the cluster: of several at once all but one would fail.
    first = [] if role == "history" else ["temporal:cluster"]
    assert wait["command"][2:] == ["temporal=1.19", "temporal_visibility=1.15", *first]
    assert script.name in objects["ConfigMap", f"{RELEASE}-postgresql"]["data"]
    assert str(script.parent) in [mount["mountPath"] for mount in wait["volumeMounts"]]


def test_replicas_are_those_of_the_role_or_of_all_roles() -> None:
    objects = render("server.replicaCount=3", "server.history.replicaCount=2", "server.worker.replicaCount=0")
    replicas = {role: objects["Deployment", f"{RELEASE}-{role}"]["spec"]["replicas"] for role in ROLES}
    assert replicas == {"frontend": 3, "history": 2, "matching": 3, "worker": 0}
    noted = objects["Deployment", f"{RELEASE}-history"]["metadata"]["annotations"]["temporal-lab/replicas"]
    assert noted == "2"


def test_server_configuration(default: Objects) -> None:
    config = server_config(default)
    assert config["log"]["level"] == "warn"
    assert config["persistence"]["numHistoryShards"] == 512
    assert config["global"]["membership"]["broadcastAddress"] == "from POD_IP"
    assert config["global"]["metrics"] == {
        "tags": {"type": "from TEMPORAL_ROLE"},
        "prometheus": {"timerType": "histogram", "listenAddress": "0.0.0.0:9090"},
        # Upper bounds of latencies' buckets: most waits for a lock are a hundredth of Temporal's own smallest.
        "perUnitHistogramBoundaries": {
            "milliseconds": [
                *(digit * 10.0**power for power in (-2, -1) for digit in (2, 5, 10)),
                *(digit * 10**power for power in range(5) for digit in (2, 5, 10)),
            ]
        },
    }
    for role, expected in ROLES.items():
        rpc = config["services"][role]["rpc"]
        assert (rpc["grpcPort"], rpc["membershipPort"]) == (expected["rpc"], expected["membership"])
        assert rpc.get("httpPort") == expected.get("http")
    assert config["publicClient"]["hostPort"] == f"{RELEASE}-frontend:7233"
    databases = {store["sql"]["databaseName"] for store in config["persistence"]["datastores"].values()}
    assert databases == {"temporal", "temporal_visibility"}
    for store in config["persistence"]["datastores"].values():
        assert store["sql"]["connectAddr"] == f"{RELEASE}-postgresql:5432"
        assert store["sql"]["password"] == "from POSTGRESQL_PASSWORD"
    dynamic = Path(config["dynamicConfigClient"]["filepath"])
    assert dynamic.name in default["ConfigMap", f"{RELEASE}-dynamic-config"]["data"]
    mounts = container(default, "Deployment", f"{RELEASE}-history")["volumeMounts"]
    assert str(dynamic.parent) in [mount["mountPath"] for mount in mounts]


def test_postgresql_has_connections_for_two_processes_of_each_role(default: Objects) -> None:
    stores = server_config(default)["persistence"]["datastores"].values()
    settings = default["ConfigMap", f"{RELEASE}-postgresql"]["data"]["settings.conf"]
    allowed = int(re.search(r"max_connections = '(\d+)'", settings)[1])
    assert sum(store["sql"]["maxConns"] for store in stores) * 2 * len(ROLES) < allowed


def test_a_change_of_the_configuration_rolls_the_pods_and_one_of_the_dynamic_does_not(default: Objects) -> None:
    def checksum(objects: Objects) -> str:
        return pods(objects)[f"Deployment/{RELEASE}-history"]["metadata"]["annotations"]["checksum/config"]

    assert checksum(render("server.config.numHistoryShards=4")) != checksum(default)
    dynamic = render("server.dynamicConfig.history\\.shutdownDrainDuration[0].value=1s")
    assert checksum(dynamic) == checksum(default)
    text = dynamic["ConfigMap", f"{RELEASE}-dynamic-config"]["data"]["dynamic_config.yaml"]
    assert yaml.safe_load(text) == {"history.shutdownDrainDuration": [{"value": "1s"}]}


def test_a_history_pod_that_ends_is_scraped_once_more(default: Objects) -> None:
    """What it counted after its last scrape would be lost to every figure."""
    text = default["ConfigMap", f"{RELEASE}-dynamic-config"]["data"]["dynamic_config.yaml"]
    (drain,) = yaml.safe_load(text)["history.shutdownDrainDuration"]
    config = yaml.safe_load(default["ConfigMap", f"{RELEASE}-prometheus-server"]["data"]["prometheus.yml"])
    interval = float(config["global"]["scrape_interval"].rstrip("s"))
    grace = pods(default)[f"Deployment/{RELEASE}-history"]["spec"].get("terminationGracePeriodSeconds", 30)
    assert interval < float(drain["value"].rstrip("s")) < grace - 10


def test_frontend_service(default: Objects) -> None:
    service = default["Service", f"{RELEASE}-frontend"]["spec"]
    assert ports(service, "port") == {"rpc": 7233, "http": 7243}
    assert "clusterIP" not in service


# The schema.


def test_schema_job_is_a_plain_resource_with_one_step_per_container(default: Objects) -> None:
    job = default["Job", f"{RELEASE}-schema-1"]
    assert "annotations" not in job["metadata"]
    assert job["spec"]["ttlSecondsAfterFinished"] > 0
    wait, *steps = containers(job["spec"]["template"])
    assert wait["image"] == "localhost/temporal-lab/postgresql:15"
    done = []
    for step in steps:
        environment = {variable["name"]: variable for variable in step["env"]}
        assert step["image"] == "localhost/temporal-lab/server:1.31.2"
        assert environment["SQL_PLUGIN"]["value"] == "postgres12"
        assert environment["SQL_HOST"]["value"] == f"{RELEASE}-postgresql"
        assert environment["SQL_PASSWORD"]["valueFrom"]["secretKeyRef"]["key"] == "password"
        assert step["command"][0] == "/usr/local/bin/temporal-sql-tool"
        done.append((environment["SQL_DATABASE"]["value"], *step["command"][1:]))
    assert done == [
        ("temporal", "create-database"),
        ("temporal", "setup-schema", "--version", "0.0"),
        ("temporal", "update-schema", "--schema-name", "postgresql/v12/temporal"),
        ("temporal_visibility", "create-database"),
        ("temporal_visibility", "setup-schema", "--version", "0.0"),
        ("temporal_visibility", "update-schema", "--schema-name", "postgresql/v12/visibility"),
    ]


def test_images_are_the_values() -> None:
    objects = render(
        "server.image.repository=example/server",
        "server.image.tag=1.2",
        "schema.image.repository=example/admin-tools",
        "schema.image.tag=1.3",
        "postgresql.image.repository=example/postgres",
        "prometheus.server.image.tag=9",
        "imagePullPolicy=Never",
        "imagePullSecrets[0].name=pull",
    )
    used = {thing["image"] for pod in pods(objects).values() for thing in containers(pod)}
    assert used == {
        "example/server:1.2",
        "example/admin-tools:1.3",
        "example/postgres:15",
        "localhost/temporal-lab/prometheus:9",
    }
    for pod in pods(objects).values():
        assert pod["spec"]["imagePullSecrets"] == [{"name": "pull"}]
        assert {thing["imagePullPolicy"] for thing in containers(pod)} == {"Never"}


# PostgreSQL and secrets.


def test_password_is_generated_anew_for_each_release_and_long() -> None:
    first, second = (
        base64.b64decode(objects["Secret", f"{RELEASE}-postgresql"]["data"]["password"])
        for objects in (render(), render())
    )
    assert first != second
    assert re.fullmatch(rb"[A-Za-z0-9]{32}", first)


def test_passwords_stand_in_their_secrets_only() -> None:
    objects = render(*EVERYTHING, "postgresql.auth.password=hunter-two", "grafana.adminPassword=hunter-three")
    database = objects.pop(("Secret", f"{RELEASE}-postgresql"))["data"]
    assert base64.b64decode(database["password"]) == b"hunter-two"
    grafana = objects.pop(("Secret", f"{RELEASE}-grafana"))["data"]
    assert base64.b64decode(grafana["admin-password"]) == b"hunter-three"
    rest = json.dumps(list(objects.values()))
    for secret in (b"hunter-two", b"hunter-three"):
        assert secret.decode() not in rest
        assert base64.b64encode(secret).decode() not in rest


def test_an_existing_secret_takes_the_place_of_the_generated_one() -> None:
    objects = render("postgresql.auth.existingSecret=mine")
    assert not [name for kind, name in objects if kind == "Secret"]
    named = [
        variable["valueFrom"]["secretKeyRef"]["name"]
        for pod in pods(objects).values()
        for thing in containers(pod)
        for variable in thing.get("env", [])
        if "secretKeyRef" in variable.get("valueFrom", {})
    ]
    assert len(named) == 4 + 4 + 1 + 1 + 6, "each role and its wait, the database, the wait and the steps of the Job"
    assert set(named) == {"mine"}


def test_postgresql_without_a_volume_is_not_restarted_by_an_upgrade(default: Objects) -> None:
    spec = default["StatefulSet", f"{RELEASE}-postgresql"]["spec"]
    assert spec["updateStrategy"] == {"type": "OnDelete"}
    assert "volumeClaimTemplates" not in spec
    assert {"name": "data", "emptyDir": {}} in spec["template"]["spec"]["volumes"]


def test_postgresql_with_a_volume() -> None:
    objects = render(
        "postgresql.persistence.enabled=true",
        "postgresql.persistence.size=3Gi",
        "postgresql.persistence.storageClass=fast",
    )
    spec = objects["StatefulSet", f"{RELEASE}-postgresql"]["spec"]
    assert spec["updateStrategy"] == {"type": "RollingUpdate"}
    assert spec["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Delete"
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "data"
    assert claim["spec"]["storageClassName"] == "fast"
    assert claim["spec"]["resources"]["requests"]["storage"] == "3Gi"
    assert "data" not in [volume["name"] for volume in spec["template"]["spec"]["volumes"]]
    security = spec["template"]["spec"]["securityContext"]
    assert (security["fsGroup"], security["fsGroupChangePolicy"]) == (999, "OnRootMismatch")


def test_postgresql_container(default: Objects) -> None:
    database = container(default, "StatefulSet", f"{RELEASE}-postgresql")
    scripts = default["ConfigMap", f"{RELEASE}-postgresql"]["data"]
    assert Path(database["command"][1]).name in scripts
    for probe in ("startupProbe", "readinessProbe"):
        query = database[probe]["exec"]["command"]
        assert query[0].endswith("/psql")
        assert query[query.index("-h") + 1] == "127.0.0.1", "over TCP, not over the socket"
        assert query[-1] == "SELECT 1"
    assert database["lifecycle"]["preStop"]["exec"]["command"][-1] == "kill -INT 1"
    assert default["StatefulSet", f"{RELEASE}-postgresql"]["spec"]["template"]["spec"]["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 999,
        "runAsGroup": 999,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_settings_of_postgresql_are_lines_of_its_configuration(default: Objects) -> None:
    assert "jit = 'off'\n" in default["ConfigMap", f"{RELEASE}-postgresql"]["data"]["settings.conf"]
    objects = render("postgresql.settings.log_line_prefix=it's %m", "postgresql.settings.max_connections=400")
    settings = objects["ConfigMap", f"{RELEASE}-postgresql"]["data"]["settings.conf"]
    assert "log_line_prefix = 'it''s %m'\n" in settings
    assert "max_connections = '400'\n" in settings


def test_a_setting_of_postgresql_cannot_be_two() -> None:
    objects = render(r"postgresql.settings.search_path=a\\b\\'")
    assert r"search_path = 'a\\b\\'''" + "\n" in objects["ConfigMap", f"{RELEASE}-postgresql"]["data"]["settings.conf"]
    for flag in ("postgresql.settings.x=a\nfsync = off", "postgresql.settings.x\ny=1", "postgresql.settings.a b=1"):
        assert "settings" in refusal(flag)


@pytest.mark.parametrize("text", ["a: b", "a #b", '"a', "'a", "a}\n---\nkind: Pod", "&a"])
def test_text_of_a_value_stays_one_value(text: str) -> None:
    images = {
        "server.image": ("Deployment", "frontend"),
        "postgresql.image": ("StatefulSet", "postgresql"),
        "prometheus.server.image": ("Deployment", "prometheus-server"),
    }
    objects = render(*(f"{image}.repository={text}" for image in images))
    for kind, name in images.values():
        assert container(objects, kind, f"{RELEASE}-{name}")["image"].startswith(f"{text}:")


@pytest.mark.parametrize("release", ["007", "true"])
def test_a_release_whose_name_is_no_text_in_yaml(release: str) -> None:
    objects = render("grafana.enabled=true", "web.enabled=true", release=release)
    assert all(document["metadata"]["name"].startswith(f"{release}-") for document in objects.values())
    for document in objects.values():
        assert document["metadata"]["labels"]["app.kubernetes.io/instance"] == release
    for pod in pods(objects).values():
        assert pod["metadata"]["labels"]["app.kubernetes.io/instance"] == release


def test_the_log_level_is_a_word() -> None:
    """The server takes its configuration for a template."""
    assert "logLevel" in refusal('server.config.logLevel=warn{{ env "POSTGRESQL_PASSWORD" }}')


@pytest.mark.parametrize("script", sorted((CHART / "files").glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_rendered_as_they_are_and_parse(default: Objects, script: Path) -> None:
    rendered = default["ConfigMap", f"{RELEASE}-postgresql"]["data"][script.name]
    assert rendered.rstrip() == script.read_text().rstrip()
    subprocess.run(["sh", "-n", str(script)], check=True, timeout=10)


# Security and room.


def test_pods_keep_to_the_restricted_standard(everything: Objects) -> None:
    for owner, pod in pods(everything).items():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, owner
        assert spec["securityContext"]["runAsUser"] > 0, owner
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, owner
        assert spec["automountServiceAccountToken"] is owner.endswith("prometheus-server"), owner
        assert spec["enableServiceLinks"] is False, owner
        for thing in containers(pod):
            security = thing["securityContext"]
            assert security["allowPrivilegeEscalation"] is False, owner
            assert security["capabilities"] == {"drop": ["ALL"]}, owner
            assert security["readOnlyRootFilesystem"] is not owner.endswith("-web"), owner


def test_every_container_asks_for_room_and_has_no_limit_of_cpu(everything: Objects) -> None:
    for owner, pod in pods(everything).items():
        for thing in containers(pod):
            resources = thing["resources"]
            # What keeps data on the node's disk says how much.
            keeps = thing["name"] in ("postgresql", "prometheus-server")
            disk = {"ephemeral-storage"} if keeps else set()
            assert set(resources["requests"]) == {"cpu", "memory"} | disk, owner
            assert set(resources["limits"]) == {"memory"} | disk, owner
            assert mebi(resources["limits"]["memory"]) >= 2 * mebi(resources["requests"]["memory"]), owner


@pytest.mark.parametrize("flags", [(), ("server.history.replicaCount=2",)], ids=["one history pod", "two"])
def test_two_releases_fit_on_a_node_with_two_cores(flags: tuple[str, ...]) -> None:
    cpu = memory = 0
    for (kind, _name), thing in render(*flags).items():
        if kind in ("Deployment", "StatefulSet"):
            for part in thing["spec"]["template"]["spec"]["containers"]:
                cpu += thing["spec"]["replicas"] * milli(part["resources"]["requests"]["cpu"])
                memory += thing["spec"]["replicas"] * mebi(part["resources"]["requests"]["memory"])
    assert 0 < cpu <= 600
    assert 0 < memory <= 1.2 * 1024


# Prometheus.


def test_prometheus_workload(default: Objects) -> None:
    name = f"{RELEASE}-prometheus-server"
    assert ports(default["Service", name]["spec"], "port") == {"http": 80}
    server = container(default, "Deployment", name)
    assert server["image"] == "localhost/temporal-lab/prometheus:3.16.0"
    assert ports(server, "containerPort") == {"http": 9090}
    assert server["command"][0] == "/bin/prometheus"
    assert "--storage.tsdb.retention.time=1d" in server["command"]
    assert not [argument for argument in server["command"] if "enable" in argument]
    assert server["readinessProbe"]["httpGet"]["path"] == "/-/ready"
    assert "prometheus.io/scrape" not in pods(default)[f"Deployment/{name}"]["metadata"]["annotations"]


def test_prometheus_sees_the_pods_of_its_own_kubernetes_namespace_only(default: Objects) -> None:
    name = f"{RELEASE}-prometheus-server"
    assert default["Role", name]["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}
    ]
    (subject,) = default["RoleBinding", name]["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": name, "namespace": "student-01"}
    assert pods(default)[f"Deployment/{name}"]["spec"]["serviceAccountName"] == name
    assert not [kind for kind, _name in default if kind.startswith("Cluster")]
    (job,) = prometheus_config(default)["scrape_configs"]
    assert job["kubernetes_sd_configs"] == [{"role": "pod", "namespaces": {"own_namespace": True}}]


def test_prometheus_has_one_job_with_each_pod_once(default: Objects) -> None:
    config = prometheus_config(default)
    assert config["global"]["scrape_interval"] == "5s"
    (job,) = config["scrape_configs"]
    assert job["job_name"] == "kubernetes-pods"
    rules = job["relabel_configs"]
    assert {rule["target_label"] for rule in rules if "target_label" in rule} == {
        "__address__",
        "pod",
        "kubernetes_namespace",
        "app_kubernetes_io_name",
        "app_kubernetes_io_component",
    }
    # Equal targets are merged, and what tells a pod's ports and containers apart would keep them unequal.
    sources = {source for rule in rules for source in rule["source_labels"]}
    assert not [source for source in sources if "container" in source or source == "__address__"]
    kept = {rule["source_labels"][0]: rule["regex"] for rule in rules if rule.get("action") == "keep"}
    assert kept == {
        "__meta_kubernetes_pod_annotation_prometheus_io_scrape": "true",
        "__meta_kubernetes_pod_phase": "Running",
    }


KUBELET = "prometheus.server.kubelet.enabled=true"


def kept_rows(objects: Objects, rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """What the job that asks the kubelet keeps of what it is told."""
    job = prometheus_config(objects)["scrape_configs"][1]
    for rule in job["metric_relabel_configs"]:
        assert rule["action"] == "keep"
        rows = [
            row
            for row in rows
            if re.fullmatch(rule["regex"], ";".join(row.get(label, "") for label in rule["source_labels"]))
        ]
    return rows


def test_prometheus_asks_the_kubelets_of_its_own_pods_only_where_it_is_told_to(default: Objects) -> None:
    assert not [name for kind, name in default if kind.startswith("Cluster")]
    objects = render(KUBELET)
    name = f"student-01-{RELEASE}-prometheus-server"
    # Not nodes/proxy, by which a command could be run in any pod of the node.
    assert objects["ClusterRole", name]["rules"] == [
        {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]}
    ]
    binding = objects["ClusterRoleBinding", name]
    assert binding["roleRef"]["name"] == name
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": f"{RELEASE}-prometheus-server", "namespace": "student-01"}
    ]
    job = prometheus_config(objects)["scrape_configs"][1]
    assert (job["job_name"], job["scheme"], job["metrics_path"]) == (
        "kubernetes-cadvisor",
        "https",
        "/metrics/cadvisor",
    )
    # Its samples keep the times that they were made at.
    assert job.get("honor_timestamps", True)
    assert job["tls_config"]["insecure_skip_verify"] is False
    # Nodes are not listed: those of the own pods are asked.
    assert job["kubernetes_sd_configs"] == [{"role": "pod", "namespaces": {"own_namespace": True}}]
    assert [name for kind, name in render(KUBELET, "prometheus.server.kubelet.rbac=false") if "Cluster" in kind] == []


def test_prometheus_keeps_of_a_node_its_own_pods_and_the_machine() -> None:
    pod = {
        "__name__": "container_cpu_usage_seconds_total",
        "id": "/kubepods/pod1",
        "namespace": "student-01",
        "pod": "a",
    }
    machine = {"__name__": "container_cpu_usage_seconds_total", "id": "/"}
    cores = {"__name__": "machine_cpu_cores", "boot_id": "1"}
    others = [
        {**pod, "namespace": "student-010"},
        {**pod, "namespace": "kube-system"},
        {**pod, "container": "history"},
        {**machine, "id": "/kubepods"},
        {**machine, "id": "/system.slice/sshd.service"},
        {**pod, "__name__": "container_network_receive_bytes_total"},
    ]
    assert kept_rows(render(KUBELET), [pod, *others, machine, cores]) == [pod, machine, cores]


def test_prometheus_settings_are_the_values() -> None:
    objects = render("prometheus.server.global.scrape_interval=15s", "prometheus.server.retention=2h")
    assert prometheus_config(objects)["global"]["scrape_interval"] == "15s"
    command = container(objects, "Deployment", f"{RELEASE}-prometheus-server")["command"]
    assert "--storage.tsdb.retention.time=2h" in command


def test_without_prometheus_nothing_of_it_is_rendered() -> None:
    objects = render("prometheus.enabled=false", "grafana.enabled=true")
    assert not [name for _kind, name in objects if "prometheus" in name]
    sources = yaml.safe_load(objects["ConfigMap", f"{RELEASE}-grafana"]["data"]["datasources.yaml"])
    assert sources["datasources"] == []


# Web UI and Grafana.


def test_web(everything: Objects) -> None:
    assert ports(everything["Service", f"{RELEASE}-web"]["spec"], "port") == {"http": 8080}
    web = container(everything, "Deployment", f"{RELEASE}-web")
    assert {"name": "TEMPORAL_ADDRESS", "value": f"{RELEASE}-frontend:7233"} in web["env"]


def test_grafana(everything: Objects) -> None:
    name = f"{RELEASE}-grafana"
    assert ports(everything["Service", name]["spec"], "port") == {"http": 80}
    assert ports(container(everything, "Deployment", name), "containerPort") == {"http": 3000}
    secret = everything["Secret", name]["data"]
    assert base64.b64decode(secret["admin-user"]) == b"admin"
    assert len(base64.b64decode(secret["admin-password"])) == 32
    (source,) = yaml.safe_load(everything["ConfigMap", name]["data"]["datasources.yaml"])["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", f"http://{RELEASE}-prometheus-server")


# What the chart refuses.


def test_values_for_another_database_are_refused_in_one_sentence() -> None:
    told = refusal(
        "server.replicaCount=1", "cassandra.config.cluster_size=1", "elasticsearch.replicas=1", "grafana.enabled=true"
    )
    assert (
        "This chart runs PostgreSQL and cannot honour cassandra.*, elasticsearch.*: leave these values out, "
        "or install the upstream chart (temporalio/temporal 0.73.2) instead." in told
    )
    assert "mysql.*" in refusal("mysql.enabled=true")


def test_another_database_may_be_turned_off() -> None:
    render("cassandra.enabled=false", "elasticsearch.enabled=false", "mysql.enabled=false")


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        ("foo=1", "(root): Additional property foo is not allowed"),
        ("server.replicas=2", "server: Additional property replicas is not allowed"),
        ("server.history.replicas=2", "server.history: Additional property replicas is not allowed"),
        ("prometheus.nodeExporter.enabled=false", "prometheus: Additional property nodeExporter is not allowed"),
        ("server.replicaCount=two", "server.replicaCount: Invalid type. Expected: integer, given: string"),
        ("server.config.numHistoryShards=0", "server.config.numHistoryShards: Must be greater than or equal to 1"),
        ("schema.versions.temporal=1'", "schema.versions.temporal: Does not match pattern"),
    ],
)
def test_unknown_keys_and_wrong_types_are_refused(flag: str, told: str) -> None:
    assert told in refusal(flag)


def test_two_sources_for_the_password_are_refused() -> None:
    told = refusal("postgresql.auth.password=hunter-two", "postgresql.auth.existingSecret=mine")
    assert "are both set: give one of them." in told
    assert "hunter-two" not in told


# The chart as a whole.


@pytest.mark.parametrize("flags", [(), EVERYTHING], ids=["default", "everything"])
def test_lint(flags: tuple[str, ...]) -> None:
    done = helm("lint", "--strict", str(CHART), *(part for flag in flags for part in ("--set", flag)))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readme_names_values_that_exist() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    rows = re.findall(r"^\| (`[^|]+`) \|", (CHART / "README.md").read_text(), re.MULTILINE)
    assert len(rows) > 10
    for row in rows:
        for key in re.findall(r"`([a-z][^`]*)`", row):
            here = values
            for part in key.replace("<role>", "history").split("."):
                assert part in here, key
                here = here[part]


def test_postgresql_alone() -> None:
    """For a chart that brings no database: nothing of the server, and the same PostgreSQL."""
    alone = render("server.enabled=false", "prometheus.enabled=false", "postgresql.auth.password=x")
    name = f"{RELEASE}-postgresql"
    assert set(alone) == {(kind, name) for kind in ("Secret", "ConfigMap", "Service", "StatefulSet")}
    whole = render("postgresql.auth.password=x")
    assert alone["StatefulSet", name] == whole["StatefulSet", name]
    assert template("server.enabled=maybe").returncode != 0
