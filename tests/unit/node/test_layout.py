# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and places of the embedded node."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.errors import LabError
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node.layout import Layout, node_id
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node.network import NODE_NETWORKS, free_network


def test_two_folders_have_two_nodes_that_share_no_name(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "/s")
    first, second = Layout.of(tmp_path / "a"), Layout.of(tmp_path / "b")
    for attribute in ("name", "link", "state", "netns", "lock", "kubeconfig", "containerd_socket"):
        assert getattr(first, attribute) != getattr(second, attribute), attribute


def test_a_folder_and_a_link_to_it_have_the_same_node(tmp_path):
    (tmp_path / "checkout").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "checkout")
    assert node_id(tmp_path / "link") == node_id(tmp_path / "checkout")


def test_the_link_fits_the_kernels_limit(tmp_path):
    assert len(Layout.of(tmp_path).link) <= 15


def test_a_path_too_long_for_sockets_is_refused_with_the_cure(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "/" + "x" * 80)
    with pytest.raises(LabError, match="set XDG_STATE_HOME to a shorter path"):
        Layout.of(tmp_path)


def networks(*texts: str) -> list[ipaddress.IPv4Network]:
    return [ipaddress.ip_network(text) for text in texts]


def test_the_search_for_a_network_begins_where_it_is_told():
    assert free_network([], 0) == ipaddress.ip_network("10.99.0.0/30")
    assert free_network([], 2) == ipaddress.ip_network("10.99.0.8/30")


def test_a_taken_network_is_passed_over():
    assert free_network(networks("10.99.0.0/29"), 0) == ipaddress.ip_network("10.99.0.8/30")
    assert free_network(networks("10.99.0.5/32"), 1) == ipaddress.ip_network("10.99.0.8/30")


def test_the_search_goes_on_from_the_beginning():
    last = 2**14 - 1
    assert free_network(networks("10.99.255.252/30"), last) == ipaddress.ip_network("10.99.0.0/30")


def test_a_machine_with_a_route_to_all_of_it_is_refused():
    with pytest.raises(LabError, match="set node_network"):
        free_network([NODE_NETWORKS], 0)
