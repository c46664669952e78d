# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions that the collection supports: requirements/supported.yml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml
from project import ROOT

LIST = ROOT / "requirements" / "supported.yml"


@dataclass(frozen=True)
class Pair:
    """A Python with the ansible-core and the kubernetes.core that are tried on it, as ``major.minor``."""

    python: str
    ansible_core: str
    kubernetes_core: str

    @property
    def name(self) -> str:
        return f"ansible-core {self.ansible_core}, Python {self.python}"

    @property
    def pins(self) -> Path | None:
        """The file with its ansible-core; None for the oldest pair, which is that of run.txt."""
        path = ROOT / "requirements" / f"matrix-{self.ansible_core}.txt"
        return path if path.exists() else None


def pairs() -> list[Pair]:
    """The pairs, the oldest first."""
    return [Pair(**entry) for entry in yaml.safe_load(LIST.read_text())["pairs"]]


def helms() -> dict[str, str]:
    """Major versions of helm, and the oldest kubernetes.core for each."""
    found: dict[str, str] = yaml.safe_load(LIST.read_text())["helm"]
    return found


def helm_4() -> str:
    """The helm 4 that `make matrix` builds."""
    return str(yaml.safe_load(LIST.read_text())["helm_4"])
