#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: prometheus_sample
short_description: Measure figures over windows of time with Prometheus
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Waits until windows are over, with a line of progress every five seconds, and reads their figures from Prometheus.
  - What is measured is a profile, a YAML file; the collection's own measures a Temporal server and the lab's load.
  - A window that is over already is read at once.
  - A window shorter than four scrapes is refused before it is waited for.
  - Figures are worked out from raw samples, without extrapolation; PromQL's own answer stands beside each of them.
extends_documentation_fragment:
  - temporal_lab.benchmarking.kubeconfig
  - temporal_lab.benchmarking.cluster
  - temporal_lab.benchmarking.profile
  - temporal_lab.benchmarking.prometheus
  - temporal_lab.benchmarking.attributes.anywhere
attributes:
  check_mode:
    description: The profile and the windows are checked; nothing is asked of Prometheus and there is no wait.
    support: full
  diff_mode:
    description: Nothing is written but the file of samples, so there is nothing to show.
    support: none
  idempotent:
    description: The figures of a window that is over stay the same as long as Prometheus keeps its samples.
    support: full
options:
  windows:
    description: The windows to read.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the window, another one for each.
        type: str
        required: true
      title:
        description: Name of the window for people; without it O(windows[].name).
        type: str
      start:
        description:
          - Start in Unix seconds, on this machine's clock.
          - The first window needs it; another one without it begins where the one before it ends.
        type: float
      duration:
        description: Length in seconds.
        type: float
        required: true
  scrape_interval:
    description:
      - Seconds between two scrapes.
      - Without it Prometheus is asked, and the longest interval among the targets of the profile counts.
      - Systems that do not tell it, such as Thanos, Mimir and Prometheus before 2.30, need it.
    type: float
  compare:
    description:
      - Values of earlier windows, for thresholds of the profile that are relative to one.
      - A mapping from the window's name to a mapping from figure ids to values; null is a value that is not known.
      - Windows that stand before in O(windows) need not be given.
    type: dict
    default: {}
  absent_components:
    description:
      - Components of the profile that are known not to be there, such as the load while the server is idle.
      - Figures that rest on nothing else are left out; they would be V(inconclusive).
      - A component that the profile does not have is no fault.
    type: list
    elements: str
    default: []
  raw_path:
    description:
      - File to keep the raw samples in, as JSON compressed with gzip, on the host where the task runs.
      - Figures can be worked out from it again, later and without Prometheus.
      - It is written whole or not at all, and takes the place of one that is there. Its folder must be there.
      - Only its owner can read it.
    type: path
  series:
    description: Whether to read the course of the key figures too, for plots.
    type: bool
    default: false
  series_start:
    description: Start of the course in Unix seconds; without it the start of the first window.
    type: float
  series_end:
    description: End of the course in Unix seconds; without it the end of the last window.
    type: float
  progress_figures:
    description:
      - Ids of the figures in the line of progress.
      - Without it these are the key figures that have a short title.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Measure two minutes from now
  temporal_lab.benchmarking.prometheus_sample:
    namespace: student-01
    windows:
      - name: baseline
        start: "{{ now().timestamp() }}"
        duration: 120
  register: baseline

- name: Compare the first two minutes after an event with the next two, from a Prometheus with an address
  temporal_lab.benchmarking.prometheus_sample:
    url: https://prometheus.example.org
    url_token: "{{ vault_prometheus_token }}"
    namespace: student-01
    windows:
      - name: first
        title: first two minutes
        start: "{{ rolled_out }}"
        duration: 120
      - name: after
        title: the two minutes after
        duration: 120
    series: true

- name: Keep the raw samples, and compare with a window of before
  temporal_lab.benchmarking.prometheus_sample:
    namespace: student-01
    profile: my-profile.yml
    raw_path: results/benchmark.samples.json.gz
    compare:
      baseline: "{{ dict(baseline.windows[0].figures | map(attribute='id') |
        zip(baseline.windows[0].figures | map(attribute='value'))) }}"
    windows:
      - name: benchmark
        start: "{{ load_ready }}"
        duration: 120
"""

RETURN = r"""
windows:
  description: The windows with their figures.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the window.
      type: str
    title:
      description: Name of the window for people.
      type: str
    start:
      description: Start in Unix seconds.
      type: float
    end:
      description: End in Unix seconds.
      type: float
    figures:
      description: The profile's figures, in its order.
      type: list
      elements: dict
      contains:
        id:
          description: Id of the figure.
          type: str
        title:
          description: Name of the figure for people.
          type: str
        question:
          description: The question that it answers.
          type: str
        unit:
          description: Unit of the value; V(1) is a number of things, V(ratio) a share of one.
          type: str
        direction:
          description: Whether V(lower) or V(higher) is better, or V(none) of them.
          type: str
        key:
          description: Whether it belongs in the main table and the plots.
          type: bool
        value:
          description: The value, null when there is none.
          type: float
        by:
          description: The value by label, for a figure that is split by one.
          type: dict
        state:
          description: One of V(pass), V(warn), V(fail), V(inconclusive) and V(error).
          type: str
        reason:
          description: Why the state is not V(pass), else empty.
          type: str
        query:
          description: The figure in PromQL; what Prometheus makes of it is C(promql).
          type: str
        time:
          description: End of the window in Unix seconds on the clock of Prometheus.
          type: float
        coverage:
          description: Share of the window's scrapes that took place, from 0 to 1.
          type: float
        metrics:
          description: Names of the metrics that it was worked out from.
          type: list
          elements: str
        interval:
          description:
            - Lower and upper end of where the true value is; null for an end that is not known.
            - For a quantile its bucket; for all else what the samples allow. Not for gauges.
          type: list
          elements: float
        bound:
          description: V(below) or V(above), when the value is only the end of a quantile's bucket.
          type: str
        observations:
          description: Number of observations that a quantile, a share or a mean is of.
          type: float
        samples:
          description: Number of samples inside the window.
          type: int
        largest_gap:
          description: Longest time between two samples of a series, in seconds; null without a series.
          type: float
        resets:
          description: Number of times that a counter began again at zero.
          type: int
        new_series:
          description: Number of series that began inside the window and count from zero.
          type: int
        gone_series:
          description: Number of series that ended inside the window.
          type: int
        unknown_series:
          description: Number of series of which it is not known what they counted before or after their samples.
          type: int
        double_series:
          description: Number of series left out because they came from a second scrape of the same process.
          type: int
        notes:
          description: What else is to be known about the value, in sentences.
          type: list
          elements: str
        thresholds:
          description: The profile's thresholds of the figure; absent without any.
          type: dict
        compared:
          description: The earlier window of a relative threshold, its value, and the ratio of the value to it.
          type: dict
        noise:
          description:
            - How far the value may be from what it is on average, by how it scatters over the window's steps.
            - C(steps) and C(step), their number and length in seconds; alone where they are too few to tell noise.
            - C(low) and C(high), between which the average lies but for one time in twenty (null for a side without an
              end), and C(freedom), the degrees of freedom of that.
            - C(halves), the value at the pace of the window's first half and of its second; C(steady), whether they
              differ by no more than noise.
            - C(burst), where most of what was counted came at once, with C(start) and C(length) in seconds, and
              C(share) of all.
          type: dict
        promql:
          description: What PromQL itself makes of the figure, null when it has no value.
          type: float
        promql_difference:
          description: How much more that is, relative to the value; null when it cannot be said.
          type: float
        promql_reason:
          description: Why it is more than 5 % away, or missing; else empty.
          type: str
        promql_parts:
          description:
            - The parts of a difference of more than 5 %, which add up to it.
            - C(amount) in the figure's unit for C(what), V(bounds), V(names), V(edges), V(new_series), V(ended_series),
              V(second_scrapes) or the V(rest).
          type: list
          elements: dict
        promql_smoothed:
          description: PromQL's value of a key figure with smoothed range selectors, where Prometheus has them.
          type: float
        reference:
          description: What others say about good values; context, no threshold.
          type: str
        distribution:
          description: Id of the distribution that the figure is a part of; only where it is one.
          type: str
        definition:
          description: Digest of how the profile has the figure worked out, its metrics left out.
          type: str
    distributions:
      description: The distributions that have a key figure, step after step, as far as they were read.
      type: list
      elements: dict
      contains:
        id:
          description: Id of the distribution, as in C(distribution) of its figures.
          type: str
        title:
          description: Name of the distribution for people.
          type: str
        unit:
          description: Unit of the buckets' bounds.
          type: str
        start:
          description: When the first step begins, in Unix seconds.
          type: float
        step:
          description: Length of a step in seconds.
          type: float
        buckets:
          description: The buckets with an observation in the window, the lowest first.
          type: list
          elements: dict
          contains:
            above:
              description: What its observations are larger than, null where nothing bounds them.
              type: float
            to:
              description: What they are not larger than, null where nothing bounds them.
              type: float
            counts:
              description: Observations in each step; null where nothing is known.
              type: list
    resources:
      description: What the window used up; only if the profile measures it.
      type: dict
      contains:
        state:
          description: Whether something was V(saturated), V(free) where nothing was, or V(unknown).
          type: str
        reason:
          description: Why it is unknown, else empty.
          type: str
        saturated:
          description: What was, C(machine) with its name where there are several, or a component at its limit of CPU.
          type: list
        machines:
          description: The machines that pods of the lab ran on, the busiest first.
          type: list
          elements: dict
          contains:
            name:
              description: The machine, as Prometheus calls the kubelet.
              type: str
            used:
              description: Cores in use, by all that runs there; null if unknown.
              type: float
            cores:
              description: Cores that it has; null if unknown.
              type: float
        cpu:
          description: Cores in use by component, the most first.
          type: dict
        throttled:
          description: Share of the time that components were stopped at their limit of CPU.
          type: dict
  sample:
    - name: baseline
      title: baseline
      start: 1795453270.0
      end: 1795453390.0
      figures:
        - id: state_transitions
          title: State transitions
          question: How much work does the history service write, without Temporal's own workflows?
          unit: 1/s
          direction: higher
          key: true
          value: 45.1
          state: pass
          reason: ""
          query: sum(increase(state_transition_count_count{…}[120s])) / 120
          time: 1795453390.0
          coverage: 1.0
          metrics: [state_transition_count_count]
          interval: [44.3, 45.9]
          samples: 48
          largest_gap: 5.002
          resets: 0
          new_series: 0
          gone_series: 0
          unknown_series: 0
          double_series: 0
          notes: []
          promql: 45.0
          promql_difference: -0.002
          promql_reason: ""
series:
  description: The course of the key figures, one entry for each figure and label value; of distributions none.
  returned: always
  type: list
  elements: dict
  contains:
    figure:
      description: Id of the figure.
      type: str
    title:
      description: Name of the figure for people.
      type: str
    unit:
      description: Unit of the points; the course of a total is per second.
      type: str
    labels:
      description: Labels that the figure is split by.
      type: dict
    query:
      description: The PromQL that gave the points.
      type: str
    step:
      description: Seconds from one point to the next; where one is missing there was no value.
      type: float
    points:
      description: Pairs of Unix seconds and value.
      type: list
      elements: list
scrape_interval:
  description: Seconds between two scrapes.
  returned: always
  type: float
prometheus_version:
  description: Version of Prometheus, null when it does not say.
  returned: always
  type: str
clock_skew:
  description: Seconds by which the clock of Prometheus is ahead of this machine's; corrected when above one.
  returned: always
  type: float
frameworks:
  description: Naming frameworks of the metrics that were found, V(tally) or V(opentelemetry).
  returned: always
  type: list
  elements: str
notes:
  description: Warnings and infos of Prometheus, and what else is to be known about the figures.
  returned: always
  type: list
  elements: str
raw_path:
  description: The file with the raw samples, null when none was asked for; in check mode the one that would be written.
  returned: always
  type: str
waited:
  description: Seconds of waiting for the windows.
  returned: always
  type: float
"""

from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.prometheus.prometheus_sample import TASK
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.task import run_module


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
