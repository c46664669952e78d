# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus scrapes, and how often. Durations are seconds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..durations import duration_seconds
from ..errors import LabError
from ..foreign_text import plain
from ..http.errors import RequestFailed
from ..yaml_file import read_yaml
from .client import Prometheus
from .matchers import matches

#: Statuses of an answer that there is no such part of the API.
ABSENT = (404, 405, 501)
#: Characters of the longest configuration of a Prometheus that is read.
LONGEST_CONFIGURATION = 8 * 1024 * 1024
#: Characters of a scrape interval.
LONGEST_DURATION = 40


@dataclass(frozen=True)
class ScrapeTarget:
    """A target of Prometheus. ``health`` is up, down or unknown; ``last_error`` is empty when up.

    scrape_interval: None where it is not told.
    """

    job: str
    pod: str
    health: str
    last_error: str
    scrape_interval: float | None
    scrape_url: str
    labels: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class NoTargets(LabError):
    """Something answers in the place of Prometheus that does not know its targets."""


def read_targets(client: Prometheus) -> list[ScrapeTarget]:
    """All active targets. Raises LabError."""
    try:
        targets = client.targets()
    except RequestFailed as error:
        if error.status not in ABSENT:
            raise
        raise NoTargets(
            f"Prometheus at {client.address} does not list what it scrapes ({error.status} to GET /api/v1/targets), as "
            f"Thanos, Mimir and others do not: give the seconds between scrapes as `scrape_interval`, or correct `url` "
            f"if it should lead to a Prometheus."
        ) from None
    found = []
    for target in targets:
        labels = dict(target.get("labels") or {})
        found.append(
            ScrapeTarget(
                job=labels.get("job", ""),
                pod=labels.get("pod", ""),
                health=target.get("health") or "unknown",
                last_error=plain(target.get("lastError")),
                scrape_interval=_interval(target.get("scrapeInterval")),
                scrape_url=target.get("scrapeUrl") or "",
                labels=labels,
            )
        )
    return found


def _interval(text: object) -> float | None:
    """The seconds of a scrape interval; None for what can be none."""
    try:
        seconds = duration_seconds(text) if isinstance(text, str) and len(text) <= LONGEST_DURATION else 0.0
    except ValueError:
        return None
    return seconds if 0 < seconds < float("inf") else None


def targets_of_up(client: Prometheus, at: float, interval: float) -> list[ScrapeTarget]:
    """Targets as the samples of `up` show them, for a system that does not list them. Raises LabError."""
    return [
        ScrapeTarget(
            job=labels.get("job", ""),
            pod=labels.get("pod", ""),
            health="up" if value == 1 else "down",
            last_error="" if value == 1 else "its scrape failed",
            scrape_interval=interval,
            scrape_url=f"http://{labels.get('instance', '')}",
            labels={name: text for name, text in labels.items() if name != "__name__"},
        )
        for labels, value in client.vector("up", at)
    ]


def duplicates(targets: Iterable[ScrapeTarget]) -> list[dict[str, Any]]:
    """Addresses that more than one target scrapes, with the jobs that do: their series count twice."""
    by_url: dict[str, list[str]] = {}
    for target in targets:
        by_url.setdefault(target.scrape_url, []).append(target.job)
    return [{"scrape_url": url, "jobs": sorted(jobs)} for url, jobs in sorted(by_url.items()) if len(jobs) > 1]


def scrape_interval(client: Prometheus, targets: Sequence[ScrapeTarget], filters: Sequence[str]) -> float:
    """Seconds between scrapes of the targets that the filters match: the longest, when they differ.

    Without such a target the configuration of the job says it, as after the
    pods are gone. Raises LabError when there is no such job either.
    """
    of_job = [matcher for matcher in filters if re.match(r"job\W", matcher)]
    own = [target for target in targets if matches(filters, target.labels)]
    found = [target.scrape_interval for target in own if target.scrape_interval is not None]
    if len(found) < len(own):
        raise LabError(
            f"Prometheus at {client.address} does not say how often it scrapes its targets, as before version 2.30: "
            f"give the seconds between scrapes as `scrape_interval`."
        )
    if found:
        return max(found)
    try:
        config = read_yaml(
            client.config(),
            f"The configuration that Prometheus at {client.address} shows",
            "give `scrape_interval`",
            LONGEST_CONFIGURATION,
        )
        usual = (config.get("global") or {}).get("scrape_interval", "1m")
        jobs = [entry for entry in config.get("scrape_configs") or () if matches(of_job, {"job": entry["job_name"]})]
        if jobs:
            each = [_interval(entry.get("scrape_interval", usual)) for entry in jobs]
            return max(interval for interval in each if interval is not None)
    except RequestFailed as error:
        if error.status not in ABSENT:
            raise
        raise LabError(
            f"Prometheus at {client.address} scrapes nothing with {', '.join(filters)} and does not show its "
            f"configuration ({error.status}): give the seconds between scrapes as `scrape_interval`."
        ) from None
    except (AttributeError, KeyError, TypeError, ValueError):
        raise LabError(
            f"The configuration that Prometheus at {client.address} shows cannot be read: give `scrape_interval`."
        ) from None
    raise LabError(
        f"Prometheus at {client.address} has no job with {', '.join(of_job)}: give the name of the job that scrapes "
        f"the pods as the profile's variable `job`, or configure one."
    )
