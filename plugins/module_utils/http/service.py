# SPDX-License-Identifier: GPL-3.0-or-later
"""How messages name a server, and what they tell the user to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Service:
    """A server that is asked.

    who: how a sentence names it, with its address and without a secret, such as "Prometheus at https://…".
    cures: what to do, by HTTP status, or by what came instead of an answer: "silent", "slow", "cut", "untrusted",
    "moved" (a redirect), "strange" (not what the API says), "address" (no request can be made with it).
    secrets: texts that are masked where the server repeats them.
    """

    who: str
    cures: Mapping[int | str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def cure(self, of: int | str, otherwise: str) -> str:
        return self.cures.get(of, otherwise)

    @property
    def inside(self) -> str:
        """``who`` within a sentence."""
        return f"the{self.who[3:]}" if self.who.startswith("The ") else self.who
