# SPDX-License-Identifier: GPL-3.0-or-later
"""How long windows must be for a rate that is 15 % lower to be found, by how much a rate scatters.

python tests/benchmarks/noise_power.py [--change -0.15] [--pairs N]

No cluster is needed: pairs of windows are drawn and judged by the collection's own arithmetic, among twelve key figures
of which two change together, as the rates of workflows and of signals do. What is printed is a table in Markdown: the
share of pairs in which the change was found.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
importlib.import_module("conftest")  # makes the collection importable
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.noise.change import Side, changes  # noqa: E402
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.noise.freedom import LEAST_STEPS  # noqa: E402
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.noise.scatter import scatter  # noqa: E402
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.noise.student_t import critical  # noqa: E402

#: Seconds of a window whose rate has the standard errors below.
KNOWN = 44.0
ERRORS = (0.02, 0.03, 0.04, 0.05)
LENGTHS = (44, 60, 120, 180, 240)
STEPS = (2, 5)
FIGURES, CHANGED = 12, 2


def window(random: np.random.Generator, level: float, error: float, start: int, length: int, step: int) -> Side:
    """A figure in a window of independent steps. error: relative standard error of a window of KNOWN seconds."""
    count = length // step
    steps = level * (1 + random.normal(0.0, error * (KNOWN / step) ** 0.5, count))
    value = float(steps.mean())
    found = scatter((steps - value) / count, 0.0)
    half = critical(found.freedom) * found.error
    return Side(value, value - half, value + half, found.freedom, None, True, "", start, start + length)


def power(random: np.random.Generator, change: float, error: float, length: int, step: int, pairs: int) -> float:
    """Share of pairs in which the change is found."""
    hits = 0
    for _pair in range(pairs):
        levels = [1.0 + change, *[1.0] * (FIGURES - CHANGED)]
        drawn = [
            (window(random, 1.0, error, 0, length, step), window(random, level, error, length, length, step))
            for level in levels
        ]
        found = changes([*[drawn[0]] * (CHANGED - 1), *drawn])[0]
        hits += found.verdict == ("lower" if change < 0 else "higher")
    return hits / pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--change", type=float, default=-0.15, help="of the rate: -0.15 is 15 %% less")
    parser.add_argument("--pairs", type=int, default=300, help="for each number")
    arguments = parser.parse_args()
    lines = [
        f"| scrape every | standard error in {KNOWN:g} s | {' | '.join(f'{length} s' for length in LENGTHS)} |",
        "|---|---|" + "---|" * len(LENGTHS),
    ]
    random = np.random.default_rng(14)
    for step in STEPS:
        for error in ERRORS:
            shares = [
                f"{power(random, arguments.change, error, length, step, arguments.pairs):.0%}"
                if length // step >= LEAST_STEPS
                else "too short"
                for length in LENGTHS
            ]
            lines.append(f"| {step} s | {error:.0%} | {' | '.join(shares)} |")
    print("\n".join(lines))  # noqa: T201


if __name__ == "__main__":
    main()
