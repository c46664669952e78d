# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files, certificates and small predicates of the embedded node."""

from __future__ import annotations

import configparser
import json
import os
import shlex
import shutil
import ssl
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node import (
    config,
    lifecycle,
    network,
    pki,
    prerequisites,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node.api_server import image_names, ready_since
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node.configuration_files import (
    write_configuration,
)
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node.layout import Layout
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node.record import Record

LAYOUT = Layout("abc123", Path("/state/100% sure"))
ADDRESS = "10.99.0.2"


def test_containerd_keeps_to_the_nodes_own_folders():
    settings = tomllib.loads(config.containerd(LAYOUT))
    assert settings["root"] == "/state/100% sure/containerd"
    assert settings["grpc"]["address"] == str(LAYOUT.containerd_socket)
    assert settings["plugins"]["io.containerd.grpc.v1.cri"]["sandbox_image"] == config.PAUSE_IMAGE


def test_the_kubelet_keeps_its_pods_below_the_nodes_cgroup():
    settings = json.loads(config.kubelet(LAYOUT, ADDRESS))
    assert settings["cgroupRoot"] == "/temporal-lab-abc123"
    assert settings["clusterDNS"] == [ADDRESS]
    assert settings["imageGCHighThresholdPercent"] == 100


def test_pods_reach_neither_others_addresses_nor_the_nodes_loopback():
    commands = {program.name: program.command for program in config.programs(LAYOUT, Path("/b"), ADDRESS)}
    assert "--enable-admission-plugins=DenyServiceExternalIPs" in commands["kube-apiserver"]
    # etcd, which asks for no password, listens there.
    assert "--listen-client-urls=http://127.0.0.1:2379" in commands["etcd"]
    assert "--iptables-localhost-nodeports=false" in commands["kube-proxy"]
    assert json.loads(config.kubelet(LAYOUT, ADDRESS))["podPidsLimit"] == 4096


def test_another_configuration_is_told_apart_and_another_address_is_not(monkeypatch):
    before = config.digest(LAYOUT, Path("/b"))
    assert config.digest(LAYOUT, Path("/c")) != before
    monkeypatch.setattr(config, "SERVICE_RANGE", "10.97.0.0/16")
    assert config.digest(LAYOUT, Path("/b")) != before


def test_supervisord_reads_back_each_command_as_it_was():
    programs = config.programs(LAYOUT, Path("/bin dir"), ADDRESS)
    parser = configparser.RawConfigParser()
    parser.read_string(config.supervisor(LAYOUT, programs))
    for program in programs:
        written = parser[f"program:{program.name}"]["command"]
        # supervisord expands %-expressions in commands and splits them as a shell does.
        assert shlex.split(written % {}) == list(program.command)
        assert parser[f"program:{program.name}"]["autorestart"] == "true"


def test_etcd_starts_before_the_api_server_and_that_before_the_rest():
    names = [program.name for program in config.programs(LAYOUT, Path("/b"), ADDRESS)]
    assert names.index("etcd") < names.index("kube-apiserver") < names.index("kubelet")


def test_the_authority_signs_certificates_that_openssl_accepts(tmp_path):
    ca = pki.authority()
    pki.write_pair(tmp_path, "ca", ca)
    openssl = shutil.which("openssl")
    assert openssl
    for identity in pki.identities("lab", ADDRESS, "10.96.0.1"):
        pki.write_pair(tmp_path, identity.name, pki.issue(ca, identity))
        certificate = tmp_path / f"{identity.name}.crt"
        arguments = [openssl, "verify", "-x509_strict", "-CAfile", str(tmp_path / "ca.crt"), str(certificate)]
        assert subprocess.run(arguments, capture_output=True, check=False).returncode == 0, identity.name
        context = ssl.create_default_context(cafile=tmp_path / "ca.crt")
        context.load_cert_chain(certificate, tmp_path / f"{identity.name}.key")


def test_the_api_servers_certificate_names_all_its_addresses(tmp_path):
    ca = pki.authority()
    identity = pki.identities("lab", ADDRESS, "10.96.0.1")[0]
    pki.write_pair(tmp_path, "apiserver", pki.issue(ca, identity))
    arguments = ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", str(tmp_path / "apiserver.crt")]
    names = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    for name in (f"IP Address:{ADDRESS}", "IP Address:10.96.0.1", "DNS:kubernetes.default.svc"):
        assert name in names
    assert len(set(identity.hosts)) == len(identity.hosts)


def test_keys_are_for_their_owner_alone(tmp_path):
    pki.write_pair(tmp_path, "sa", pki.signing_key())
    assert stat.S_IMODE((tmp_path / "sa.key").stat().st_mode) == 0o600
    assert pki.read_pair(tmp_path, "sa") is not None
    assert pki.read_pair(tmp_path, "other") is None


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_nodes_state_is_for_its_owner_alone(tmp_path, umask):
    layout = Layout("abc123", tmp_path / "state" / "lab" / "node-abc123")
    before = os.umask(umask)
    try:
        with lifecycle.locked(layout, print):
            write_configuration(layout, Record("10.99.0.0/30", "/b", {}))
    finally:
        os.umask(before)
    found = [tmp_path / "state", *(tmp_path / "state").rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in found if path.is_dir()} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in found if path.is_file()} == {0o600}
    assert layout.kubeconfig in found


def test_a_state_folder_that_others_can_write_to_is_refused(tmp_path):
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab").chmod(0o777)
    with (
        pytest.raises(LabError, match=r"every user can write to .* set XDG_STATE_HOME"),
        lifecycle.locked(Layout("abc123", tmp_path / "lab" / "node-abc123"), print),
    ):
        pass


def test_the_kubeconfig_has_a_context_of_its_own():
    ca = pki.authority()
    written = pki.kubeconfig("https://10.99.0.2:6443", "temporal-lab-abc123", ca.certificate, ca)
    assert written["current-context"] == "temporal-lab-abc123"
    assert [context["name"] for context in written["contexts"]] == ["temporal-lab-abc123"]


def test_the_nodes_addresses_are_the_two_of_its_network():
    record = Record("10.99.4.0/30", "/b", {})
    assert (record.host_address, record.address) == ("10.99.4.1", "10.99.4.2")


def node(status: str, heartbeat: str) -> dict:
    return {"status": {"conditions": [{"type": "Ready", "status": status, "lastHeartbeatTime": heartbeat}]}}


@pytest.mark.parametrize(
    ("report", "ready"),
    [
        (node("True", "2026-11-23T17:00:05Z"), True),
        # The object of a node that was stopped still says Ready.
        (node("True", "2026-11-23T16:59:59Z"), False),
        (node("False", "2026-11-23T17:00:05Z"), False),
        ({}, False),
    ],
)
def test_ready_is_what_the_node_said_after_its_start(report, ready):
    started = 1795453200.9  # 2026-11-23T17:00:00.9Z: heartbeats have whole seconds
    assert ready_since(report, started) is ready


def test_an_image_whose_name_went_to_a_newer_one_has_no_names():
    """As the kubelet reports it after an image was built and imported anew."""
    images = [{"names": ["localhost/lab:1"], "sizeBytes": 1}, {"names": None, "sizeBytes": 1}]
    assert image_names({"status": {"images": images}}) == {"localhost/lab:1"}
    assert image_names({"status": {"images": None}}) == set()


def test_a_user_who_is_not_root_is_told_of_both_ways(monkeypatch):
    monkeypatch.setattr(prerequisites.os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match=r"needs root: .* or use a cluster you have with make lab KUBECONFIG="):
        prerequisites.require_root_and_tools(LAYOUT)


def test_a_state_folder_that_the_node_would_hide_is_refused(monkeypatch):
    monkeypatch.setattr(prerequisites.os, "geteuid", lambda: 0)
    monkeypatch.setattr(prerequisites.shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(LabError, match="because /run is replaced inside the node: set XDG_STATE_HOME"):
        prerequisites.require_root_and_tools(Layout("abc123", Path("/run/user/0/node-abc123")))


def test_missing_commands_are_named(monkeypatch):
    monkeypatch.setattr(prerequisites.os, "geteuid", lambda: 0)
    monkeypatch.setattr(prerequisites.shutil, "which", lambda name: None if name in ("runc", "ctr") else name)
    with pytest.raises(LabError, match="needs ctr, runc, which this machine does not have: run make setup"):
        prerequisites.require_root_and_tools(LAYOUT)


def test_a_wanted_network_that_is_taken_is_refused(monkeypatch):
    monkeypatch.setattr(network.system, "routes", lambda: [{"dst": "default"}, {"dst": "10.99.4.0/24"}])
    with pytest.raises(
        LabError, match=r"10\.99\.4\.0/30 given with node_network is taken: .* route to 10\.99\.4\.0/24"
    ):
        network.choose_network(LAYOUT, "10.99.4.0/30", None)


@pytest.mark.parametrize(
    ("text", "why"),
    [("the usual one", "is no network"), ("10.99.4.1/30", "has host bits set"), ("10.99.4.0/32", "has no room")],
)
def test_a_network_that_is_none_is_refused(text, why):
    with pytest.raises(LabError, match=f"node_network is .*{why}.*give one such as 10.99.4.0/30"):
        network.parse_network(text)


def test_the_last_network_is_taken_again_unless_it_is_taken(monkeypatch):
    monkeypatch.setattr(network.system, "routes", lambda: [{"dst": "10.99.4.0/30"}])
    assert network.choose_network(LAYOUT, None, "10.99.8.0/30") == "10.99.8.0/30"
    assert network.choose_network(LAYOUT, None, "10.99.4.0/30") != "10.99.4.0/30"
