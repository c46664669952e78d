# SPDX-License-Identifier: GPL-3.0-or-later
"""What the environment asks of the worker and of the soak test."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
#: The longest identifier that a Temporal server takes (its dynamic setting limit.maxIDLength).
LONGEST_NAME = 1000


class SettingsError(Exception):
    """A value that is not allowed: one sentence with the variable, its value and what is allowed."""


@dataclass(frozen=True)
class Tls:
    """Contents of PEM files; without a CA the system's are trusted, without a certificate none is shown."""

    ca: bytes | None
    cert: bytes | None
    key: bytes | None = field(repr=False)


@dataclass(frozen=True)
class Settings:
    """Both programs' settings, by the variables in README.md; times are in seconds."""

    endpoint: str
    namespace: str
    task_queue: str
    tls: Tls | None
    concurrent_workflows: int
    activities: int
    signals: int
    execution_timeout: int
    workflow_task_pollers: int
    activity_task_pollers: int
    prometheus_endpoint: str
    readiness_endpoint: str
    shutdown_grace: int
    metrics_grace: int
    log_level: str


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings; a variable that is empty counts as not set. Raises SettingsError."""
    settings = Settings(
        endpoint=_host_and_port(environ, "TEMPORAL_GRPC_ENDPOINT", "localhost:7233"),
        namespace=_name(environ, "TEMPORAL_NAMESPACE", "default"),
        task_queue=_name(environ, "TEMPORAL_TASK_QUEUE", "benchmark"),
        tls=_tls(environ),
        concurrent_workflows=_whole_number(environ, "CONCURRENT_WORKFLOWS", 3, 0, 10_000),
        activities=_whole_number(environ, "ACTIVITIES_PER_WORKFLOW", 3, 0, 1000),
        signals=_whole_number(environ, "SIGNALS_PER_WORKFLOW", 1, 0, 1000),
        execution_timeout=_whole_number(environ, "WORKFLOW_EXECUTION_TIMEOUT", 120, 1, 86_400),
        # The SDK needs two: one poller for the task queue and one for its sticky queue.
        workflow_task_pollers=_whole_number(environ, "TEMPORAL_MAX_WORKFLOW_TASK_POLLERS", 5, 2, 1000),
        activity_task_pollers=_whole_number(environ, "TEMPORAL_MAX_ACTIVITY_TASK_POLLERS", 5, 1, 1000),
        prometheus_endpoint=_address_and_port(environ, "PROMETHEUS_ENDPOINT", "0.0.0.0:9090"),
        readiness_endpoint=_address_and_port(environ, "READINESS_ENDPOINT", "0.0.0.0:8081"),
        shutdown_grace=_whole_number(environ, "SHUTDOWN_GRACE_PERIOD", 10, 0, 3600),
        metrics_grace=_whole_number(environ, "METRICS_GRACE_PERIOD", 0, 0, 3600),
        log_level=_log_level(environ),
    )
    if settings.readiness_endpoint == settings.prometheus_endpoint:
        raise _not_allowed("READINESS_ENDPOINT", settings.readiness_endpoint, "another port than PROMETHEUS_ENDPOINT's")
    return settings


def split_endpoint(endpoint: str) -> tuple[str, int]:
    """Split "host:port" or "[IPv6 address]:port"."""
    host, _colon, port = endpoint.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _not_allowed(name: str, value: str, allowed: str) -> SettingsError:
    return SettingsError(f"{name} is {value!r}, but allowed is {allowed}.")


def _whole_number(environ: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(high)) and low <= int(text) <= high):
        raise _not_allowed(name, text, f"a whole number from {low} to {high}")
    return int(text)


def _name(environ: Mapping[str, str], name: str, default: str) -> str:
    text = environ.get(name) or default
    if len(text) > LONGEST_NAME or text != text.strip() or not text.isprintable():
        raise _not_allowed(name, text, f"a name of 1 to {LONGEST_NAME} printable characters, no space around it")
    return text


def _log_level(environ: Mapping[str, str]) -> str:
    text = environ.get("LOG_LEVEL") or "INFO"
    if text.upper() not in LOG_LEVELS:
        raise _not_allowed("LOG_LEVEL", text, f"one of {', '.join(LOG_LEVELS)}")
    return text.upper()


def _host_and_port(environ: Mapping[str, str], name: str, default: str) -> str:
    text = environ.get(name) or default
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not _is_port(port) or not _is_host(host[1:-1] if bracketed else host, bracketed):
        raise _not_allowed(name, text, "host:port without a scheme, with a port from 1 to 65535")
    return text


def _address_and_port(environ: Mapping[str, str], name: str, default: str) -> str:
    text = environ.get(name) or default
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not _is_port(port) or not _is_address(host[1:-1] if bracketed else host, 6 if bracketed else 4):
        raise _not_allowed(name, text, "address:port of an IP address to listen on, with a port from 1 to 65535")
    return text


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535


def _is_address(text: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(text).version == version
    except ValueError:
        return False


def _is_host(text: str, bracketed: bool) -> bool:
    if bracketed:
        return _is_address(text, 6)
    return text != "" and text.isascii() and all(character.isalnum() or character in "-._" for character in text)


def _tls(environ: Mapping[str, str]) -> Tls | None:
    ca, cert, key = (_file(environ, f"TEMPORAL_TLS_{part}") for part in ("CA", "CERT", "KEY"))
    if (cert is None) != (key is None):
        given, missing = ("CERT", "KEY") if key is None else ("KEY", "CERT")
        path = environ[f"TEMPORAL_TLS_{given}"]
        raise _not_allowed(f"TEMPORAL_TLS_{given}", path, f"a path only together with TEMPORAL_TLS_{missing}")
    return None if ca is None and cert is None else Tls(ca, cert, key)


def _file(environ: Mapping[str, str], name: str) -> bytes | None:
    path = environ.get(name)
    if not path:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise _not_allowed(name, path, f"the path of a readable PEM file ({error.strerror})") from None
