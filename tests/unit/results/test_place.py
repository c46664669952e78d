# SPDX-License-Identifier: GPL-3.0-or-later
"""Where relative paths of results begin."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.results.place import playbook_folder


def file(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return str(path)


def test_it_is_the_folder_of_the_playbook(tmp_path: Path) -> None:
    own = file(tmp_path / "class" / "own.yml")
    assert playbook_folder([own], "/elsewhere") == str(tmp_path / "class")
    assert playbook_folder([own, file(tmp_path / "other.yml")], "/elsewhere") == str(tmp_path / "class")
    assert playbook_folder(["class/own.yml"], str(tmp_path)) == str(tmp_path / "class")
    assert playbook_folder(["../class/own.yml"], str(tmp_path / "class")) == str(tmp_path / "class")
    file(tmp_path / "class" / "playbooks" / "own.yml")
    assert playbook_folder(["class/playbooks/own.yml"], str(tmp_path)) == str(tmp_path / "class" / "playbooks")


def test_a_checkout_has_its_results_in_one_place(tmp_path: Path) -> None:
    file(tmp_path / "galaxy.yml")
    for name in ("lab.yml", "playbooks/lab.yml", "playbooks/class_report.yml"):
        assert playbook_folder([file(tmp_path / name)], "/elsewhere") == str(tmp_path)


def test_an_installed_collection_has_none(tmp_path: Path) -> None:
    path = file(tmp_path / "ansible_collections" / "temporal_lab" / "benchmarking" / "playbooks" / "lab.yml")
    for given in (path, "temporal_lab.benchmarking.lab"):
        assert playbook_folder([given], "/elsewhere") == "/elsewhere"


def test_there_may_be_no_playbook() -> None:
    assert playbook_folder([], "/elsewhere") == "/elsewhere"
