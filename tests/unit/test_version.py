# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions and names that stand in more than one place are the same in all of them."""

from __future__ import annotations

from pathlib import Path

import yaml
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.node import parts
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.version import VERSION

ROOT = Path(__file__).resolve().parents[2]


def read(path: str) -> dict:
    return yaml.safe_load((ROOT / path).read_text())


def test_the_collections_version():
    assert read("galaxy.yml")["version"] == VERSION


def test_the_chart_and_the_roles_name_the_images_that_the_node_builds():
    built = {part.image for part in parts.parts() if part.image}
    values = read("files/charts/temporal-lab/values.yaml")
    # Without a tag of its own the server's image has that of the chart.
    server = {"tag": read("files/charts/temporal-lab/Chart.yaml")["appVersion"]}
    server |= {name: value for name, value in values["server"]["image"].items() if value}
    images = [server, values["postgresql"]["image"], values["prometheus"]["server"]["image"]]
    asked = {f"{image['repository']}:{image['tag']}" for image in images}
    asked.add(read("roles/benchmark/vars/main.yml")["benchmark_distributions"]["embedded"]["image"])
    assert asked <= built
    assert set(read("roles/preflight/defaults/main.yml")["preflight_node_images"]) == asked


def test_the_action_group_names_every_task_that_takes_the_options_of_a_cluster():
    groups = read("meta/runtime.yml")["action_groups"]
    takes_cluster = {
        path.stem
        for path in (ROOT / "plugins" / "modules").glob("*.py")
        if "temporal_lab.benchmarking.cluster" in path.read_text().partition("EXAMPLES")[0]
    }
    assert takes_cluster == set(groups["cluster"])


def test_every_module_has_its_action():
    modules = {path.name for path in (ROOT / "plugins" / "modules").glob("*.py")}
    assert modules == {path.name for path in (ROOT / "plugins" / "action").glob("*.py")}
