# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check found.

A finding is ``{id, state: pass|warn|fail, title, effect, cure}``: what was found, what it does to
the lab or to its figures, and what to do. The last two are empty for a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

Finding = dict[str, str]


def finding(name: str, state: str, title: str, effect: str = "", cure: str = "") -> Finding:
    """One finding; ``state`` is pass, warn or fail."""
    return {"id": name, "state": state, "title": title, "effect": effect, "cure": cure}


def sentence(entry: Finding) -> str:
    """A finding in one sentence: what was found, what it does, what to do."""
    first, *others = [entry[part].rstrip(".") for part in ("title", "effect", "cure") if entry[part]]
    return "; ".join([first, *(part[0].lower() + part[1:] for part in others)])


def show_faulty(findings: Iterable[Finding], show: Callable[[str], None]) -> None:
    """Show those that are no pass, a line each: who waits at the terminal need not look into the report."""
    for found in findings:
        if found["state"] != "pass":
            show(f"{found['state']}: {sentence(found)}")
