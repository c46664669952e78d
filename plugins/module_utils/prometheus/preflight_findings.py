# SPDX-License-Identifier: GPL-3.0-or-later
"""Would figures that are measured from now on be right? Judged by what was read, without a Prometheus.

Each function ``judge_...`` makes one finding; docs/measurement.md lists them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from ..errors import LabError
from ..findings import Finding, finding
from .histograms import thousands, unit_fault
from .matchers import full_match, matches, parse_matcher
from .profile import Figure, Profile, Selection
from .query import LEAST_SCRAPES, FoundMetrics, choose, number
from .targets import ScrapeTarget

#: Scrapes in a window from which on a scrape that is missed does not matter much.
ENOUGH_SCRAPES = 8
#: Bound of the smallest bucket of Temporal's timers, in seconds, where a source does not say another one.
SMALLEST_BUCKET = 0.001
#: Seconds up to which a smallest bucket tells waits for a lock apart: most take hundredths of a millisecond.
FINE_BUCKET = 0.0001
#: Names that stand in one line of a finding; more are counted.
SHOWN = 5


def some(names: Sequence[str]) -> str:
    """Names in a row, and how many more there are."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def rows_of(names: Sequence[str], one: str, many: str) -> str:
    """A name with the word for one, or names with the word for many."""
    return f"{some(names)} {one if len(names) == 1 else many}"


def judge_prometheus(address: str, version: str | None, lacking: Sequence[str] = ()) -> Finding:
    """version: what Prometheus says, None when its build did not note one. lacking: why answers are not whole."""
    if lacking:
        return finding(
            "prometheus",
            "warn",
            f"Prometheus at {address} does not answer with all that there is: {some(lacking)}",
            "While that is so, all figures are inconclusive.",
            "Check that the stores behind it run, or give the address of the Prometheus that scrapes the pods.",
        )
    return finding("prometheus", "pass", f"Prometheus at {address} answers, version {version or 'not known'}")


def failure(name: str, error: LabError) -> Finding:
    """The finding for an error, whose sentence says what to do."""
    return finding(name, "fail", error.msg, "Nothing can be measured.", "Correct that first.")


def judge_clock(skew: float, warn: float, fail: float) -> Finding:
    """skew: seconds that Prometheus' clock is ahead of this machine's; warn and fail: more than that is so."""
    title = f"The clocks of Prometheus and of this machine differ by {abs(skew):.1f} s"
    if abs(skew) <= warn:
        return finding("prometheus_clock", "pass", title)
    return finding(
        "prometheus_clock",
        "fail" if abs(skew) > fail else "warn",
        title,
        f"Windows are moved by that, but one that begins at a time which the cluster noted is {abs(skew):.1f} s off.",
        "Let both keep time with NTP.",
    )


def judge_scrape_interval(interval: float, window: float, uneven: Mapping[str, Sequence[float]]) -> Finding:
    """interval: seconds between scrapes, the longest. window: its length in seconds.

    uneven: the intervals of components whose targets have several.
    """
    scrapes = math.floor(window / interval + 1e-9)
    title = f"A scrape every {interval:g} s: {scrapes} in a window of {window:g} s"
    often = (
        f"Scrape every {number(window / ENOUGH_SCRAPES)} s or more often "
        f"(prometheus.server.global.scrape_interval in the chart's values), or make the window longer."
    )
    if window < LEAST_SCRAPES * interval:
        return finding(
            "scrape_interval",
            "fail",
            title,
            f"A window with fewer than {LEAST_SCRAPES} is refused: one late scrape would leave nothing to "
            f"measure growth by.",
            often,
        )
    faults, effects, cures = [], [], []
    if window < ENOUGH_SCRAPES * interval:
        faults.append(title)
        effects.append(f"Each scrape that is missed costs {interval / window:.0%} of a window")
        cures.append(often)
    if uneven:
        each = [f"{name} every {' and '.join(f'{one:g}' for one in of)} s" for name, of in uneven.items()]
        faults.append(f"Targets of one component are scraped at different intervals: {'; '.join(each)}")
        effects.append("The longest counts for all, so that a pod of the others that goes away is noticed late")
        cures.append("Give all targets of a component one scrape_interval.")
    if not faults:
        return finding("scrape_interval", "pass", title)
    return finding("scrape_interval", "warn", "; ".join(faults), "; ".join(effects) + ".", " ".join(cures))


def of_components(profile: Profile, targets: Sequence[ScrapeTarget]) -> dict[str, list[ScrapeTarget]]:
    """Targets that the profile's filters match, by component; each is there of which not only an observer tells."""
    own = [target for target in targets if matches(profile.filters, target.labels)]
    observed = {component for figure in profile.figures if figure.observer for component in figure.components}
    observed -= {component for figure in profile.figures if not figure.observer for component in figure.components}
    return {
        name: [target for target in own if full_match(pods, target.pod)]
        for name, pods in profile.components.items()
        if name not in observed
    }


def needed_components(profile: Profile) -> list[str]:
    """Components without which a figure is an error."""
    used = {component for figure in profile.figures if figure.absent == "error" for component in figure.components}
    return [component for component in profile.components if component in used]


def uneven_intervals(components: Mapping[str, Sequence[ScrapeTarget]]) -> dict[str, list[float]]:
    """The intervals of those components whose targets have more than one."""
    intervals = {
        name: sorted({target.scrape_interval for target in of if target.scrape_interval is not None})
        for name, of in components.items()
    }
    return {name: of for name, of in intervals.items() if len(of) > 1}


def labels_elsewhere(profile: Profile, targets: Sequence[ScrapeTarget]) -> str:
    """How pods of the profile are labelled that its filters do not match; empty when there is none.

    Of one such target the labels that the filters ask for, and those with a value that they ask for.
    """
    wanted = [parse_matcher(matcher) for matcher in profile.filters]
    names, values = {one.label for one in wanted}, {one.value for one in wanted}
    others = [
        target.labels
        for target in targets
        if any(full_match(pods, target.pod) for pods in profile.components.values())
        and not matches(profile.filters, target.labels)
    ]
    # The one that is most like what is asked for is the likeliest to be meant; Prometheus gives them in any order.
    others.sort(key=lambda labels: sorted(labels.items()))
    labels = max(others, key=lambda labels: len(values.intersection(labels.values())), default={})
    return ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if name in names or value in values)


def judge_targets(
    components: Mapping[str, Sequence[ScrapeTarget]], needed: Sequence[str], nothing: str, elsewhere: str
) -> Finding:
    """components: their targets. needed: those without which a figure is an error.

    nothing: the filters when they match no target at all, else empty. elsewhere: labels of pods that are scraped, but
    that the filters do not match.
    """
    lost, partly, waiting, there = [], [], [], []
    for name, targets in components.items():
        up = [target for target in targets if target.health == "up"]
        down = [target for target in targets if target.health == "down"]
        errors = "; ".join(f"{target.pod}: {target.last_error or 'no reason given'}" for target in down[:SHOWN])
        if up and down:
            partly.append(f"{len(down)} of {len(targets)} pods of {name} do not answer ({errors})")
        elif down:
            lost.append(f"no pod of {name} answers ({errors})")
        elif not up and name in needed:
            lost.append(f"{name} was not scraped yet" if targets else f"no pod of {name} is scraped")
        elif not up:
            waiting.append(name)
        if up:
            there.append(f"{len(up)} of {name}")
    absent = f"; {rows_of(waiting, 'is', 'are')} not there yet, which is no fault" if waiting else ""
    unseen = any(not components[name] for name in needed)
    if not lost and not partly:
        return finding("targets", "pass", f"Pods that answer: {', '.join(there) or 'none'}{absent}")
    what = "; ".join([*lost, *partly])
    title = what[0].upper() + what[1:]
    if lost and nothing:
        title = f"Prometheus scrapes no pod with {nothing}"
    if lost:
        effect = "Figures of these components have no value."
    else:
        effect = "Figures of these components leave such a pod out, or are inconclusive."
    cures = []
    if unseen and elsewhere:
        cures.append(
            f"Other pods of such names are scraped with {elsewhere}: correct `namespace`, `release`, or the variables "
            f"of the profile that name job and label."
        )
    elif unseen:
        cures.append(
            "Check that the pods run and have the annotations prometheus.io/scrape and prometheus.io/port, and "
            "whether `namespace`, `release` and the variables of the profile are right."
        )
    if any(target.health == "down" for targets in components.values() for target in targets):
        cures.append("See what the pods that do not answer serve at that address, and their logs.")
    if any("not scraped yet" in one for one in lost):
        cures.append("Wait for a scrape.")
    return finding("targets", "fail" if lost else "warn", title, effect, " ".join(cures))


def double_scrapes(targets: Sequence[ScrapeTarget], filters: Sequence[str]) -> list[list[ScrapeTarget]]:
    """Groups of targets that are one process: of one address, or of one pod that the filters match on several ports.

    Targets that do not answer bring no series.
    """
    answering = [target for target in targets if target.health != "down"]
    # The target of a Service need not have the label `pod`; its address tells whose it is.
    owners = {
        target.scrape_url: (_host(target), target.pod)
        for target in answering
        if target.pod and matches(filters, target.labels)
    }
    groups: dict[tuple[str, str], list[ScrapeTarget]] = {}
    for target in answering:
        groups.setdefault(owners.get(target.scrape_url, (target.scrape_url, "")), []).append(target)
    return [group for _key, group in sorted(groups.items()) if len(group) > 1]


def _host(target: ScrapeTarget) -> str:
    try:
        return urlsplit(target.scrape_url).hostname or ""
    except ValueError:
        return target.scrape_url


def judge_double_scrapes(groups: Sequence[Sequence[ScrapeTarget]], filters: Sequence[str]) -> Finding:
    """groups: targets that are one process. Only those of which the filters match one matter."""
    inside: list[str] = []
    outside: list[str] = []
    jobs: set[str] = set()
    for group in groups:
        own = [target for target in group if matches(filters, target.labels)]
        name = next((target.pod for target in group if target.pod), group[0].scrape_url)
        if len(own) > 1:
            addresses = sorted({target.scrape_url for target in own})
            inside.append(f"{name} ({', '.join(addresses)})")
        elif own:
            outside.append(name)
            jobs |= {target.job for target in group if target not in own}
    if inside:
        return finding(
            "double_scrapes",
            "warn",
            f"{rows_of(inside, 'is', 'are')} scraped more than once with {', '.join(filters)}",
            "These figures count such a pod once, where both scrapes tell the same; PromQL and dashboards count it as "
            "often as it is scraped.",
            "Leave one target for each pod: one job, and one port (annotation prometheus.io/port).",
        )
    if outside:
        return finding(
            "double_scrapes",
            "pass",
            f"{rows_of(outside, 'is', 'are')} scraped by {', '.join(sorted(jobs))} too, which {', '.join(filters)} "
            f"leaves out; a plain sum(rate()) by hand counts twice",
        )
    return finding("double_scrapes", "pass", "Each pod is scraped once")


def missing_metrics(figure: Figure, found: FoundMetrics) -> list[str]:
    """The names of the first selection of a figure of which Prometheus has none; empty when it has all."""
    for selection in figure.selections:
        names = [source.metric for source in selection.sources]
        if not found.names.intersection(names):
            return list(dict.fromkeys(names))
    return []


def frameworks_of(profile: Profile, found: FoundMetrics) -> list[str]:
    """Naming frameworks of all metrics of the profile that Prometheus has, whether they are taken or not."""
    frameworks = set()
    for selection in profile.selections:
        for metric in found.names.intersection(source.metric for source in selection.sources):
            # A name can be of both frameworks; its unit tells whose it is.
            of_name = Selection(tuple(source for source in selection.sources if source.metric == metric))
            frameworks.add(choose(of_name, found).framework)
    return sorted(filter(None, frameworks))


def _lacking(figure: Figure, wrong: Collection[str], names: Sequence[str]) -> str:
    """A figure and its metrics that are not there; a distribution once where its buckets are not."""
    of_buckets = figure.distribution and f"{figure.distribution}_largest" in wrong
    if of_buckets and figure.kind == "mean":
        names = [source.metric for source in figure.selections[-1].sources]
    names = list(dict.fromkeys(names))
    return f"{figure.distribution if of_buckets else figure.id} ({' or '.join(names)})"


def judge_metrics(profile: Profile, found: FoundMetrics) -> Finding:
    missing = {figure.id: names for figure in profile.figures if (names := missing_metrics(figure, found))}
    wrong = [figure.id for figure in profile.figures if figure.id in missing and figure.absent == "error"]
    frameworks = frameworks_of(profile, found)
    named = f" by names of {' and '.join(frameworks)}" if frameworks else ""
    title = f"{len(profile.figures) - len(missing)} of {len(profile.figures)} figures have their metrics{named}"
    if wrong and not found.names:
        return finding(
            "metrics",
            "fail",
            f"Prometheus has no metric of the profile with {', '.join(profile.filters)}",
            "No figure has a value.",
            "See what is said about the targets; a server that has just started may need a scrape more.",
        )
    if wrong:
        each = list(dict.fromkeys(_lacking(profile.figure(one), wrong, missing[one]) for one in wrong))
        return finding(
            "metrics",
            "fail",
            f"Prometheus has no metric of {some(each)}",
            f"{'This figure' if len(wrong) == 1 else 'These figures'} will be an `error`, without a value.",
            "See what the server serves at /metrics, and give the figures the names that it has in a profile of your "
            "own; a server that has just started may need a scrape more.",
        )
    if len(frameworks) > 1:
        return finding(
            "metrics",
            "warn",
            title,
            "Of a figure whose metric has both names only one is read: pods with the other are left out.",
            "Let all pods of the server use one metrics framework (metrics.prometheus.framework).",
        )
    rest = "; the others come with the first event that they count, or with the load" if missing else ""
    return finding("metrics", "pass", title + rest)


def judge_units(profile: Profile, found: FoundMetrics, bounds: Mapping[str, Sequence[float]]) -> Finding:
    """bounds: those of the buckets of each histogram, in its own unit."""
    timed = [figure for figure in profile.figures if figure.kind == "quantile" and figure.unit == "s"]
    looked: set[str] = set()
    faults: dict[str, str] = {}
    cures: dict[str, None] = {}
    wrong: list[str] = []
    for figure in timed:
        source = choose(figure.selection, found)
        seconds = [bound * source.scale for bound in bounds.get(source.metric, ())]
        if not seconds:
            continue
        looked.add(source.metric)
        smallest = source.smallest_bucket
        expected = SMALLEST_BUCKET if smallest is None else smallest * source.scale
        fault = unit_fault(seconds, expected)
        if fault:
            wrong.append(figure.id)
            faults[source.metric] = fault
            right = source.scale / 1000.0 ** thousands(seconds, expected)
            cures[f"`scale: {number(right)}` for {source.metric}"] = None
    if faults:
        return finding(
            "units",
            "fail",
            "; ".join(f"The buckets of {metric} {fault}" for metric, fault in faults.items()),
            f"{some(wrong)} would be wrong by a factor of a thousand or more; a figure whose source says its "
            f"`smallest_bucket` is an `error` instead.",
            f"Set {some(list(cures))} in the profile, or recordTimerInSeconds of the server's metrics; where buckets "
            f"are meant to begin there, give the source its `smallest_bucket`.",
        )
    if looked:
        return finding("units", "pass", f"The buckets of {some(sorted(looked))} are of the profile's unit")
    if not timed:
        return finding("units", "pass", "The profile has no quantile in seconds")
    return finding(
        "units",
        "warn",
        "Prometheus has no histogram of the profile's yet",
        "Whether times are in seconds or in milliseconds cannot be told.",
        "Look again when the server has answered requests.",
    )


def judge_resolution(profile: Profile, found: FoundMetrics, bounds: Mapping[str, Sequence[float]]) -> Finding | None:
    """Whether the server's buckets begin low enough; None where nothing is known of them.

    bounds: those of the buckets of each histogram, in its own unit. Only of metrics whose usual smallest bucket the
    profile knows, which are the server's: a workflow takes seconds.
    """
    coarse: dict[str, float] = {}
    looked = False
    for figure in profile.figures:
        source = choose(figure.selection, found)
        of = bounds.get(source.metric, ())
        if figure.kind != "quantile" or source.smallest_bucket is None or not of or not found.fits(source):
            continue
        looked = True
        smallest = min(of) * source.scale
        if smallest > FINE_BUCKET:
            coarse[source.metric] = smallest
    if not looked:
        return None
    if not coarse:
        return finding("resolution", "pass", "The server's buckets begin low enough to tell short waits apart")
    floor = max(coarse.values())
    return finding(
        "resolution",
        "warn",
        f"The buckets of {some(sorted(coarse))} begin at {number(floor * 1000)} ms",
        "A quantile below that is only a bound. Most waits for a lock are hundredths of a millisecond: of these, means "
        "and shares above a bound tell, and quantiles do not.",
        "Give the server's latencies buckets from 0.02 ms: server.histogramBoundaries of the collection's chart, "
        "server.config.metrics.perUnitHistogramBoundaries of the upstream chart from 1.0 on, and before it "
        "server.config.prometheus.defaultHistogramBoundaries, in seconds.",
    )


def strange_pods(owned: Iterable[str], history: str) -> list[str]:
    """Pods that own shards and are not history pods of this release. history: pattern of their names, or empty."""
    return [pod for pod in sorted(owned) if history and pod and not full_match(history, pod)]


def judge_shards(owned: Mapping[str, float], expected: int | None, history: str, doubled: bool) -> Finding:
    """owned: shards by history pod. expected: how many Temporal has, None when that is not known.

    history: pattern of the history pods' names, empty when the profile has none. doubled: whether pods are scraped
    more than once with the profile's filters.
    """
    total = sum(owned.values())
    each = " + ".join(f"{count:g}" for _pod, count in sorted(owned.items()))
    sums = f" ({each})" if len(owned) > 1 else ""
    # A figure that is not split says the sum only.
    pods = f"{len(owned)} history pod{'s' if len(owned) > 1 else ''}" if "" not in owned else "The history pods"
    owns = "owns" if pods.endswith("pod") else "own"
    if not owned:
        return finding(
            "shards",
            "warn",
            "No history pod says how many shards it owns",
            "The balance of the shards cannot be seen.",
            "Check that the history pods are scraped, and serve the metric of shards_per_pod.",
        )
    if expected is None:
        return finding(
            "shards",
            "warn",
            f"{pods} {owns} {total:g} shards{sums}; how many Temporal has is not known",
            "Whether every history pod is in the figures cannot be told.",
            "Give the number that Temporal says as `history_shards`.",
        )
    if total == expected:
        return finding("shards", "pass", f"{pods} {owns} all {expected} shards{sums}")
    title = f"{pods} {owns} {total:g} shards{sums}, and Temporal has {expected}"
    if doubled and total == 2 * expected:
        return finding(
            "shards",
            "warn",
            title,
            "A plain sum over what is scraped twice is twice the truth; these figures count each pod once.",
            "Leave one target for each pod, as double_scrapes says.",
        )
    strangers = strange_pods(owned, history)
    if strangers:
        cure = f"{some(strangers)} of another release: give each release a Kubernetes namespace of its own."
    elif total > expected:
        cure = "Check whether pods of another release, or of before, are in the same Kubernetes namespace."
    else:
        cure = (
            "Check that all history pods are scraped; shortly after a pod came or went, wait a minute until all have "
            "counted anew."
        )
    return finding(
        "shards",
        "fail",
        title,
        f"Figures of history hold {'more than' if total > expected else 'only a part of'} this Temporal.",
        cure,
    )
