# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus scrapes, and how often. Durations are seconds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..durations import duration_seconds
from ..errors import LabError
from .client import Prometheus
from .matchers import matches

try:
    import yaml

    HAS_YAML = True
except ImportError:
    HAS_YAML = False


@dataclass(frozen=True)
class ScrapeTarget:
    """A target of Prometheus. ``health`` is up, down or unknown; ``last_error`` is empty when up."""

    job: str
    pod: str
    health: str
    last_error: str
    scrape_interval: float
    scrape_url: str
    labels: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_targets(client: Prometheus) -> list[ScrapeTarget]:
    """All active targets. Raises LabError."""
    found = []
    for target in client.targets():
        labels = dict(target.get("labels") or {})
        try:
            interval = duration_seconds(target["scrapeInterval"])
        except (KeyError, ValueError):
            raise LabError(
                f"Prometheus at {client.address} does not say how often it scrapes {target.get('scrapeUrl')}: it is "
                f"older than version 2.30; use a newer one."
            ) from None
        found.append(
            ScrapeTarget(
                job=labels.get("job", ""),
                pod=labels.get("pod", ""),
                health=str(target.get("health", "unknown")),
                last_error=str(target.get("lastError", "")),
                scrape_interval=interval,
                scrape_url=str(target.get("scrapeUrl", "")),
                labels=labels,
            )
        )
    return found


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
    found = [target.scrape_interval for target in targets if matches(filters, target.labels)]
    if found:
        return max(found)
    if not HAS_YAML:
        raise LabError("Reading a configuration needs the Python package PyYAML, which is not installed: install it.")
    try:
        config = yaml.load(client.config(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        usual = (config.get("global") or {}).get("scrape_interval", "1m")
        for entry in config.get("scrape_configs") or ():
            if matches(of_job, {"job": entry["job_name"]}):
                return duration_seconds(entry.get("scrape_interval", usual))
    except (AttributeError, KeyError, TypeError, ValueError, yaml.YAMLError):
        raise LabError(
            f"The configuration that Prometheus at {client.address} shows cannot be read: give `scrape_interval`."
        ) from None
    raise LabError(
        f"Prometheus at {client.address} has no job with {', '.join(of_job)}: give the name of the job that scrapes "
        f"the pods as the profile's variable `job`, or configure one."
    )
