# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of what an observer tells of pods, worked out by hand, in the notation of prometheus_cases.py.

The kubelet's cAdvisor is one: a target of its own, with rows of all pods of its node. It looks at each row every ten to
twenty seconds, at a moment of its own, and its samples have that moment's time, so that a scrape every five seconds
brings each several times. Here rows are ten seconds apart: second -4, 6, 16 … 56 and 66, or a second of another row.
"""

from __future__ import annotations

from ansible_collections.temporal_lab.benchmarking.tests.unit.prometheus.prometheus_cases import Case

PROFILE = """\
schema: temporal_lab.benchmarking/profile/1
title: Observer
filters: ['job=~"pods"', 'kubernetes_namespace="$namespace"']
observers: {kubelet: ['job="cadvisor"', 'kubernetes_namespace="$namespace"']}
components: {app: app-.+, db: db-.+}
figures:
  - id: cpu
    title: T
    question: '?'
    unit: cores
    kind: rate
    observer: kubelet
    components: [app, db]
    by: component
    absent: inconclusive
    sources: [{metric: c_total}]
  - id: machine
    title: T
    question: '?'
    unit: cores
    kind: rate
    observer: kubelet
    by: instance
    absent: inconclusive
    sources: [{metric: c_total}]
    where: ['id="/"']
  - id: cores
    title: T
    question: '?'
    unit: cores
    kind: gauge
    take: mean
    observer: kubelet
    by: instance
    absent: inconclusive
    sources: [{metric: cores}]
  - id: memory
    title: T
    question: '?'
    unit: bytes
    kind: gauge
    take: mean
    observer: kubelet
    components: [app, db]
    by: component
    absent: inconclusive
    sources: [{metric: memory}]
  - id: throttled
    title: T
    question: '?'
    unit: ratio
    kind: rate
    observer: kubelet
    components: [app, db]
    by: component
    absent: zero
    sources: [{metric: t_total, scale: 0.1}]
"""

NODE = 'job="cadvisor",instance="10.0.0.9:10250"'
#: Scrapes of the kubelet, from second -50 to 70.
KUBELET = {f"up{{{NODE}}}@-30": "1x24"}
APP = f'c_total{{{NODE},pod="app-1",id="/a"}}'
DB = f'c_total{{{NODE},pod="db-1",id="/d"}}'
STRANGER = f'c_total{{{NODE},pod="web-1",id="/w"}}'
MACHINE = f'c_total{{{NODE},id="/"}}'
NOTHING = 'Prometheus has nothing of the kubelet (job="cadvisor")'


def row(step: float, first: int = -64, last: int = 66, start: float = 0.0) -> str:
    """A counter that is looked at every ten seconds, from one second to another; to stand at second -64 (``@-44``)."""
    before = "_ " * ((first + 64) // 5)
    return before + " _ ".join(f"{start + step * number}" for number in range((last - first) // 10 + 1))


def cpu(value: float | None, by: dict[str, float] | None, **more: object) -> dict[str, dict[str, object]]:
    return {"cpu": {"value": value, "by": by, "state": "pass", **more}}


CASES = [
    Case(
        "rows that are older than their scrape",
        # 20 × 6 / 10 + 20 × 5 + 20 × 4 / 10 = 120; the pod of no component does not count.
        {f"{APP}@-44": row(20), f"{STRANGER}@-44": row(50), f"{MACHINE}@-44": row(90)},
        {
            **cpu(2.0, {"app": 2.0}, interval=[100 / 60, 140 / 60], unknown_series=0, new_series=0, coverage=1.0),
            "machine": {"value": 9.0, "by": {"10.0.0.9:10250": 9.0}, "state": "pass"},
            "throttled": {"value": 0.0, "state": "pass"},
        },
    ),
    Case(
        "rows of two pods of a component and of another",
        {f"{APP}@-44": row(20), APP.replace("app-1", "app-2") + "@-41": row(10), f"{DB}@-42": row(30)},
        cpu(6.0, {"app": 3.0, "db": 3.0}),
    ),
    Case(
        "the last row is not made yet",
        # 112 in the 56 seconds that are known.
        {f"{APP}@-44": row(20, last=56)},
        cpu(2.0, {"app": 2.0}, unknown_series=1, interval=[100 / 60, None]),
    ),
    Case(
        "a pod that began",
        # First told at second 26, and not there ten seconds before: 7 + 3 × 20 + 8.
        {f"{APP}@-44": row(20), f"{DB}@-44": row(20, first=26, start=7)},
        cpu(3.25, {"app": 2.0, "db": 1.25}, new_series=1, unknown_series=0),
    ),
    Case(
        "a pod that began before the kubelet was seen for long enough",
        # Scrapes from second -15 on: what was not shown at 10 could still be older than the first of them.
        {f"{APP}@-44": row(20), f"{DB}@-44": row(20, first=6, start=70)},
        # Of the other only 108 in the 54 seconds after it was first told.
        cpu(4.0, {"app": 2.0, "db": 2.0}, new_series=0, unknown_series=1),
        {f"up{{{NODE}}}@-30": "_x7 1x17"},
    ),
    Case(
        "a pod that ended",
        # Last told at second 16, and at 50 no more: 12 + 20.
        {f"{APP}@-44": row(20), f"{DB}@-44": row(20, last=16)},
        cpu(2.0 + 32 / 60, {"app": 2.0, "db": 32 / 60}, gone_series=1, unknown_series=0),
    ),
    Case(
        "a pod that may have ended",
        # Last told at second 46: at 70 a newer row may only not have been made yet. 12 + 80 in 46 seconds.
        {f"{APP}@-44": row(20), f"{DB}@-44": row(20, last=46)},
        cpu(4.0, {"app": 2.0, "db": 2.0}, gone_series=0, unknown_series=1),
    ),
    Case(
        "a kubelet whose scrapes are not seen",
        {f"{APP}@-44": row(20), f"{DB}@-44": row(30)},
        cpu(5.0, {"app": 2.0, "db": 3.0}, coverage=1.0),
        {f"up{{{NODE}}}@-30": ""},
    ),
    Case(
        "memory is what it was at each look",
        {f'memory{{{NODE},pod="app-1",id="/a"}}@-44': row(0, start=5), f"cores{{{NODE}}}": "2x20"},
        {
            "memory": {"value": 5.0, "by": {"app": 5.0}, "state": "pass"},
            "cores": {"value": 2.0, "by": {"10.0.0.9:10250": 2.0}, "state": "pass"},
        },
    ),
    Case(
        "a tenth of a second for each period",
        {f"{APP}@-44": row(20), f't_total{{{NODE},pod="app-1",id="/a"}}@-44': row(50)},
        {"throttled": {"value": 0.5, "by": {"app": 0.5}, "state": "pass"}},
    ),
    Case(
        "no kubelet",
        {'m_total{pod="app-1"}': "0+10x20"},
        {
            figure: {"value": None, "state": "inconclusive", "reason": NOTHING, "largest_gap": None}
            for figure in ("cpu", "machine", "cores", "memory", "throttled")
        },
        {f"up{{{NODE}}}@-30": ""},
    ),
    Case(
        "a kubelet that refuses most scrapes",
        {f"{APP}@-44": row(20)},
        {"cpu": {"state": "inconclusive", "reason": "kubelet was scraped 3 times in this window, of 12"}},
        {f"up{{{NODE}}}@-30": "1x13 0x10"},
    ),
]

FAMILIES = {
    "observer": [Case(one.name, one.series, one.expected, {**KUBELET, **one.up}, one.window, PROFILE) for one in CASES]
}
