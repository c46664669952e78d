# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus reads from the programs: the SDK's metrics, and the soak test's own."""

from __future__ import annotations

import logging

from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

END_TO_END = "benchmark_workflow_end_to_end_seconds"
END_TO_END_BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0)
#: The requests that the soak test makes for a workflow, as values of the label `operation`.
OPERATIONS = ("start", "signal", "result")


def metrics_runtime(address: str) -> Runtime:
    """Return an SDK runtime that serves /metrics on `address` ("IP:port").

    Raises ValueError when the address cannot be listened on.
    """
    return Runtime(
        telemetry=TelemetryConfig(
            # Counters and units in names as Prometheus advises: temporal_request_total, ..._latency_seconds.
            metrics=PrometheusConfig(
                bind_address=address,
                counters_total_suffix=True,
                unit_suffix=True,
                durations_as_seconds=True,
                histogram_bucket_overrides={END_TO_END: END_TO_END_BUCKETS},
            ),
            logging=LoggingConfig(
                TelemetryFilter(core_level="WARN", other_level="ERROR"),
                forwarding=LogForwardingConfig(logging.getLogger("temporalio"), prepend_target_on_message=False),
            ),
            attach_service_name=False,
        ),
        # Worker heartbeats are requests to the server that no workflow caused.
        worker_heartbeat_interval=None,
    )


class SoakTestMetrics:
    """The soak test's counters, gauges and histogram; README.md has their names and meaning.

    Every counter is there with 0 from the start: "nothing failed" has to be a
    value, not a series that is missing.
    """

    def __init__(self, runtime: Runtime, concurrent_workflows: int) -> None:
        meter = runtime.metric_meter
        self.workflows = {
            "started": meter.create_counter("benchmark_workflows_started", "Workflows that the server started."),
            "completed": meter.create_counter("benchmark_workflows_completed", "Workflows that completed."),
            "failed": meter.create_counter(
                "benchmark_workflows_failed", "Workflows that were started and did not complete."
            ),
        }
        for counter in self.workflows.values():
            counter.add(0)
        errors = meter.create_counter("benchmark_request_errors", "Requests that failed and were made again.")
        self.request_errors = {name: errors.with_additional_attributes({"operation": name}) for name in OPERATIONS}
        for counter in self.request_errors.values():
            counter.add(0)
        self.end_to_end = meter.create_histogram_float(
            END_TO_END, "From the first start request to the known completion of a workflow, in seconds."
        )
        self.in_flight = meter.create_gauge(
            "benchmark_workflows_in_flight", "Workflows whose start was requested and whose end is not known."
        )
        self.in_flight.set(0)
        wanted = meter.create_gauge("benchmark_concurrent_workflows", "Workflows to keep in flight.")
        wanted.set(concurrent_workflows)
