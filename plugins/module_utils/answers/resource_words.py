# SPDX-License-Identifier: GPL-3.0-or-later
"""What a window used up, in a sentence: without it no latency can be judged."""

from __future__ import annotations

from collections.abc import Sequence

from ..formatting import number_text, value_text
from ..results.types import Machine, Resources

#: Cores below this, and components after so many, are not named one by one.
LEAST = 0.005
MOST = 8


def resource_sentence(resources: Resources) -> str:
    """What was used up in a window."""
    machines, reason = resources["machines"], resources["reason"]
    parts = _components(resources)
    if not machines:
        known = f"; of what is known, {parts} cores" if parts else ""
        return f"How much CPU was in use is not known: {reason or 'no machine is known'}{known}."
    used, cores = _total(machines)
    verdict = "The machine" if len(machines) == 1 else f"The {len(machines)} machines"
    if any(one.startswith("machine") for one in resources["saturated"]) and not reason:
        verdict += " was used up" if len(machines) == 1 else " had one that was used up"
    elif not reason:
        verdict += " had cores to spare"
    of = f" of {_cores(cores)}" if cores is not None else ""
    text = f"{verdict}: {'?' if used is None else _digits(used)}{of} cores"
    if len(machines) > 1:
        text += f", the busiest {_busiest(machines[0])}"
    if parts:
        rest = None if used is None else used - sum(resources["cpu"].values())
        text += f", of which {parts}" + (f", all else {_digits(rest)}" if rest is not None and rest >= LEAST else "")
    stopped = ", ".join(f"{one} for {value_text(share, 'ratio')}" for one, share in resources["throttled"].items())
    text += f". Stopped at their limit of CPU: {stopped} of the time" if stopped else ""
    return f"{text}. Not certain: {reason}." if reason else f"{text}."


def _components(resources: Resources) -> str:
    named = [(name, cores) for name, cores in resources["cpu"].items() if cores >= LEAST]
    texts = [f"{name} {_digits(cores)}" for name, cores in named[:MOST]]
    return ", ".join(texts)


def _total(machines: Sequence[Machine]) -> tuple[float | None, float | None]:
    """Cores in use and cores of all machines together; None where one is not known."""
    used = [one["used"] for one in machines if one["used"] is not None]
    cores = [one["cores"] for one in machines if one["cores"] is not None]
    return (
        sum(used) if len(used) == len(machines) else None,
        sum(cores) if len(cores) == len(machines) else None,
    )


def _busiest(machine: Machine) -> str:
    used = "?" if machine["used"] is None else _digits(machine["used"])
    cores = "?" if machine["cores"] is None else _cores(machine["cores"])
    return f"{machine['name']} with {used} of {cores}"


def _digits(cores: float) -> str:
    """Cores with two places, so that parts can be added up."""
    return f"{cores:.2f}"


def _cores(cores: float) -> str:
    return number_text(round(cores, 2))
