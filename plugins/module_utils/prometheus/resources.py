# SPDX-License-Identifier: GPL-3.0-or-later
"""What a window used up: the machines' CPU, and which parts of the lab it went to.

Made of figures by their ids, as the findings on the load are. Without it no answer about latency is honest: where no
core is free, every latency is one of waiting for a core.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..results.types import FigureResult, Machine, Resources, WindowResult

#: Of its cores, or of the time at a limit: what counts as used up.
BUSY = 0.9
THROTTLED = 0.05
#: Figures of the profile that this is made of; without the first three there is nothing to say.
MACHINE_CPU, MACHINE_CORES, CPU, CPU_THROTTLED = "machine_cpu", "machine_cores", "cpu", "cpu_throttled"
NEEDED = (MACHINE_CPU, MACHINE_CORES, CPU)


def with_resources(window: WindowResult) -> WindowResult:
    """The window with what it used up, by the figures that it has; as it is where the profile does not measure it."""
    found = resources_of(window["figures"])
    return window if found is None else {**window, "resources": found}


def resources_of(figures: Sequence[FigureResult]) -> Resources | None:
    """What was used up in a window with these figures; None where the profile does not measure it.

    A machine whose cores are not known, or a figure that is in doubt, leaves the state unknown; what is known is said
    all the same.
    """
    by_id = {figure["id"]: figure for figure in figures}
    if not all(one in by_id for one in NEEDED):
        return None
    used, cores = by_id[MACHINE_CPU], by_id[MACHINE_CORES]
    machines = [
        Machine(name=name, used=used_there, cores=_values(cores).get(name))
        for name, used_there in _values(used).items()
    ]
    machines.sort(key=lambda one: (-_share(one), one["name"]))
    throttled = _values(by_id[CPU_THROTTLED]) if CPU_THROTTLED in by_id else {}
    saturated = [
        f"machine {one['name']}" if len(machines) > 1 else "machine" for one in machines if _share(one) >= BUSY
    ]
    saturated += [name for name, share in throttled.items() if share >= THROTTLED]
    reason = next((figure["reason"] for figure in (used, cores) if figure["state"] in ("inconclusive", "error")), "")
    if not reason and any(one["cores"] is None for one in machines):
        reason = "the number of cores is not known of each machine"
    return {
        "state": "unknown" if reason else "saturated" if saturated else "free",
        "reason": reason,
        "saturated": saturated,
        "machines": machines,
        "cpu": dict(sorted(_values(by_id[CPU]).items(), key=lambda one: -one[1])),
        "throttled": {name: share for name, share in throttled.items() if share > 0},
    }


def _values(figure: FigureResult) -> Mapping[str, float]:
    return {name: value for name, value in figure.get("by", {}).items() if value is not None}


def _share(machine: Machine) -> float:
    """How much of a machine's cores is used; 0 where that is not known."""
    used, cores = machine["used"], machine["cores"]
    return used / cores if used is not None and cores else 0.0
