# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON Schema of a stage file, version 1.

It stands here as Python because only Python files reach a managed host;
files/schemas/stage-1.json is the same for other programs, and a test keeps the
two equal.
"""

from __future__ import annotations

from typing import Any

#: What a stage file's ``schema`` begins with, before its version.
FAMILY = "temporal_lab.benchmarking/stage/"
SCHEMA_ID = FAMILY + "1"

#: Up to the year 3000: milliseconds instead of seconds are caught by it.
TIME: dict[str, Any] = {
    "type": "number",
    "minimum": 0,
    "maximum": 32503680000,
    "description": "Unix time in seconds",
}
NAME: dict[str, Any] = {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"}
TEXT: dict[str, Any] = {"type": "string"}

EVENT: dict[str, Any] = {
    "description": "Something that happened to the cluster.",
    "type": "object",
    "required": ["name", "title", "time"],
    "properties": {"name": NAME, "title": TEXT, "time": TIME},
}

FIGURE: dict[str, Any] = {
    "description": "A value with its unit, the query that gave it and its state.",
    "type": "object",
    "required": ["id", "title", "unit", "direction", "value", "state", "reason", "query", "time"],
    "properties": {
        "id": NAME,
        "title": TEXT,
        "unit": {"type": "string", "description": "s, 1/s, ratio, bytes, or 1 for a number of things"},
        "direction": {"enum": ["lower", "higher", "none"], "description": "which way is better"},
        "key": {"type": "boolean", "description": "true when the report's table and plots show it"},
        "value": {"type": ["number", "null"], "description": "null when it is not known"},
        "state": {"enum": ["pass", "warn", "fail", "inconclusive", "error"]},
        "reason": {"type": "string", "description": "why the state is not pass, else empty"},
        "query": {"type": "string", "description": "the figure in PromQL"},
        "time": {**TIME, "description": "Unix time in seconds for which it is"},
        "question": {"type": "string", "description": "the question that the figure answers"},
        "reference": {"type": "string", "description": "what others say about good values; context, no threshold"},
        "coverage": {"type": "number", "description": "share of the window's scrapes that took place, from 0 to 1"},
        "metrics": {"type": "array", "items": TEXT, "description": "names of the metrics that it was worked out from"},
        "interval": {
            "description": "lower and upper end of where the true value is; null for an end that is not known",
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "items": {"type": ["number", "null"]},
        },
        "bound": {"enum": ["below", "above"], "description": "which way the value is only the end of its interval"},
        "observations": {"type": "number", "description": "number of observations that a quantile is of"},
        "samples": {"type": "integer", "description": "number of samples inside the window"},
        "largest_gap": {"type": ["number", "null"], "description": "longest time between two samples, in seconds"},
        "resets": {"type": "integer", "description": "times that a counter began again at zero"},
        "new_series": {"type": "integer", "description": "series that began in the window and count from zero"},
        "gone_series": {"type": "integer", "description": "series that ended in the window"},
        "unknown_series": {"type": "integer", "description": "series that counted something that is not known"},
        "double_series": {"type": "integer", "description": "series left out: second scrapes of the same process"},
        "notes": {"type": "array", "items": TEXT},
        "thresholds": {"type": "object", "description": "the profile's thresholds"},
        "compared": {"type": "object", "description": "window, value and ratio of a relative threshold"},
        "promql": {"type": ["number", "null"], "description": "what PromQL itself makes of the figure"},
        "promql_difference": {
            "type": ["number", "null"],
            "description": "how much more that is, relative to the value",
        },
        "promql_reason": {"type": "string", "description": "why it is more than 5 % away or missing, else empty"},
        "by": {
            "description": "the values of a figure that is split by a label, by the label's value",
            "type": "object",
            "additionalProperties": {"type": ["number", "null"]},
        },
    },
}

WINDOW: dict[str, Any] = {
    "description": "A span of time that figures are worked out for.",
    "type": "object",
    "required": ["name", "title", "start", "end", "figures"],
    "properties": {
        "name": NAME,
        "title": TEXT,
        "start": TIME,
        "end": TIME,
        "figures": {"type": "array", "items": FIGURE},
    },
}

SERIES: dict[str, Any] = {
    "description": "The points of a figure over the stage, for plots; the unit may differ from the figure's.",
    "type": "object",
    "required": ["figure", "title", "unit", "labels", "points"],
    "properties": {
        "figure": {**NAME, "description": "the id of the figure"},
        "title": TEXT,
        "unit": TEXT,
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "query": {"type": "string", "description": "the PromQL that gave the points"},
        "step": {
            "description": "seconds from one point to the next; where one is missing there was no value",
            "type": "number",
            "exclusiveMinimum": 0,
        },
        "points": {
            "description": "pairs of Unix time in seconds and value; null where a value is known to be missing",
            "type": "array",
            "items": {
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "prefixItems": [TIME, {"type": ["number", "null"]}],
            },
        },
    },
}

STAGE: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:temporal_lab:benchmarking:stage:1",
    "title": "A stage of the Temporal benchmarking lab, as it was done once",
    "$comment": "SPDX-License-Identifier: GPL-3.0-or-later",
    "type": "object",
    "required": [
        "schema",
        "student",
        "run",
        "stage",
        "attempt",
        "state",
        "message",
        "started",
        "finished",
        "events",
        "windows",
        "series",
        "versions",
        "settings",
        "facts",
    ],
    "properties": {
        "schema": {"const": SCHEMA_ID},
        "student": {"type": "string", "minLength": 1},
        "run": {"type": "string", "minLength": 1},
        "stage": NAME,
        "attempt": {"type": "integer", "minimum": 1},
        "state": {"enum": ["done", "failed", "skipped"]},
        "message": {"type": "string", "description": "one sentence when failed or skipped, else empty"},
        "started": TIME,
        "finished": TIME,
        "events": {"type": "array", "items": EVENT},
        "windows": {"type": "array", "items": WINDOW},
        "series": {"type": "array", "items": SERIES},
        "samples": {
            "type": "string",
            "pattern": "^[^/]+$",
            "description": "name of the file beside it with the raw samples that the windows were worked out from",
        },
        "versions": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
        "settings": {"type": "object"},
        "facts": {"type": "object"},
    },
}
