# SPDX-License-Identifier: GPL-3.0-or-later
"""Under which conditions two runs were measured: settings, versions and machines, and where these differ."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

from ..results.report import NamedValues, Report
from .comparison import ConditionDifference, Effect

#: The stages whose settings and versions hold for all stages after them.
BEFORE = ("preflight", "install")
#: The Temporal server's version, by its name in stage files.
SERVER = "temporal_server"
#: The chart's name, which tells the distributions apart, as a setting.
CHART = "chart"
#: Settings that change no figure's meaning: windows are compared by their real lengths, and growth between scrapes is
#: exact however far apart they are.
HARMLESS = frozenset({"window", "scrape_interval"})
CORES = "cores"

_CHART = re.compile(r"(?P<name>.+?)-v?\d+(?:\.\d+)*\S*")


def server_of(report: Report, stage: str) -> str:
    """The server's version in a stage; empty where it is not known."""
    version = _values(report["versions"], stage).get(SERVER)
    return version if isinstance(version, str) else ""


def condition_differences(
    base: Report, other: Report, stages: Sequence[str], allowed: Collection[str]
) -> list[ConditionDifference]:
    """What differs between two runs in the stages that both have measured.

    allowed: names of settings that may differ. What only one run has recorded is told: the other may have had the same.
    """
    found: dict[tuple[str, str, str, str], ConditionDifference] = {}
    for stage in stages:
        for kind, name, one, two in _differing(base, other, stage):
            key = kind, name, repr(one), repr(two)
            effect: Effect = "told"
            if kind == "setting" and name not in HARMLESS and one is not None and two is not None:
                effect = "allowed" if name in allowed else "not_compared"
            entry: ConditionDifference = {
                "kind": kind,
                "name": name,
                "base": one,
                "other": two,
                "stages": [],
                "effect": effect,
            }
            found.setdefault(key, entry)["stages"].append(stage)
    return list(found.values())


def _differing(
    base: Report, other: Report, stage: str
) -> Iterable[tuple[Literal["setting", "version", "machine"], str, Any, Any]]:
    versions = _values(base["versions"], stage), _values(other["versions"], stage)
    settings = tuple(
        {**_values(report["settings"], stage), **_distribution(known)} for report, known in zip((base, other), versions)
    )
    for name in dict.fromkeys([*settings[0], *settings[1]]):
        if settings[0].get(name) != settings[1].get(name):
            yield "setting", name, settings[0].get(name), settings[1].get(name)
    for name in dict.fromkeys([*versions[0], *versions[1]]):
        if versions[0].get(name) != versions[1].get(name):
            yield "version", name, versions[0].get(name), versions[1].get(name)
    cores = _cores(base, stage), _cores(other, stage)
    if cores[0] != cores[1]:
        yield "machine", CORES, *cores


def _values(named: Sequence[NamedValues], stage: str) -> dict[str, Any]:
    """Values by name as they hold in a stage: its own, else those of the stages before it."""
    found: dict[str, Any] = {}
    for of in (*BEFORE, stage):
        for entry in named:
            for one in entry["values"]:
                if of in one["stages"] and one["value"] is not None:
                    found[entry["name"]] = one["value"]
    return found


def _distribution(versions: Mapping[str, Any]) -> dict[str, str]:
    """The chart without its version, which tells the distribution: another one has other settings throughout."""
    match = _CHART.fullmatch(str(versions.get(CHART, "")))
    return {CHART: match["name"]} if match else {}


def _cores(report: Report, stage: str) -> float | None:
    """Cores of the machines that the lab's pods ran on in a stage; None where that is not known."""
    for window in report["windows"]:
        if window["stage"] == stage and window["resources"]:
            cores = [machine["cores"] for machine in window["resources"]["machines"]]
            if cores and None not in cores:
                return sum(core for core in cores if core is not None)
    return None
