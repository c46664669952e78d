# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the building of parts is, in words."""

from __future__ import annotations

import threading
import time

from .parts import Part


class Progress:
    """Which parts are being built, since when; safe to use from several threads."""

    def __init__(self, total: int) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, tuple[Part, float]] = {}
        self._total = total
        self._done = 0

    def start(self, part: Part) -> None:
        with self._lock:
            self._running[part.name] = (part, time.monotonic())

    def end(self, part: Part) -> float:
        """Return how long the part took, in seconds."""
        with self._lock:
            self._done += 1
            return time.monotonic() - self._running.pop(part.name)[1]

    def line(self) -> str:
        """Return a line such as 'building Temporal server 1:10 of about 3:20 (2 of 8 parts done)'."""
        with self._lock:
            now = time.monotonic()
            running = [
                f"{part.title} {clock(now - since)} of about {clock(part.seconds)}"
                for part, since in self._running.values()
            ]
            what = (
                f"building {' · '.join(running)}" if running else "waiting for another process to build the same part"
            )
            return f"{what} ({self._done} of {self._total} parts done)"


def clock(seconds: float) -> str:
    """Return 70 seconds as 1:10."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
