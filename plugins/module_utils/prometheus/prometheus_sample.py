# SPDX-License-Identifier: GPL-3.0-or-later
"""Task prometheus_sample: wait until windows are over, then work out their figures."""

from __future__ import annotations

from typing import Any

from ..task import Context, Params, Result, Task
from . import samples_file
from .connect import (
    PROFILE,
    PROMETHEUS,
    VALIDATION,
    connect,
    profile_text,
    profile_variables,
    read_default,
    with_profile,
)
from .kept_samples import figures
from .measure import measure
from .question import Question, read_earlier, read_windows
from .server import Clock

SPEC: dict[str, Any] = {
    **PROMETHEUS,
    **PROFILE,
    "windows": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "title": {"type": "str"},
            "start": {"type": "float"},
            "duration": {"type": "float", "required": True},
        },
    },
    "scrape_interval": {"type": "float"},
    "compare": {"type": "dict", "default": {}},
    "absent_components": {"type": "list", "elements": "str", "default": []},
    "raw_path": {"type": "path"},
    "series": {"type": "bool", "default": False},
    "series_start": {"type": "float"},
    "series_end": {"type": "float"},
    "progress_figures": {"type": "list", "elements": "str"},
}


def run(params: Params, context: Context) -> Result:
    """Work out the figures of all windows. Raises LabError.

    Returns windows and series in the form of the results (docs/results.md), scrape_interval, clock_skew and waited in
    seconds, prometheus_version, frameworks, notes and raw_path.
    """
    question = read_question(params)
    question.check()
    raw_path = params["raw_path"]
    result: Result = {
        "changed": raw_path is not None,
        "windows": [],
        "series": [],
        "scrape_interval": params["scrape_interval"],
        "prometheus_version": None,
        "clock_skew": None,
        "frameworks": [],
        "notes": [],
        "waited": 0.0,
        "raw_path": raw_path,
    }
    if context.check_mode:
        return result
    with connect(params) as client:
        kept = measure(question, client, Clock(), context.show)
    if raw_path is not None:
        samples_file.save(raw_path, kept)
    if kept.no_course is not None:
        raise kept.no_course
    return {
        **result,
        **kept.prometheus,
        "windows": figures(kept),
        "series": list(kept.series),
        "waited": kept.waited,
    }


def read_question(params: Params) -> Question:
    """What the arguments ask for. Raises LabError."""
    text, name = profile_text(params)
    windows = read_windows(params["windows"])
    course = None
    if params["series"]:
        start, end = params["series_start"], params["series_end"]
        course = (
            min(window.start for window in windows) if start is None else start,
            max(window.end for window in windows) if end is None else end,
        )
    return Question(
        profile=text,
        profile_name=name,
        namespace=params["namespace"],
        release=params["release"],
        variables=profile_variables(params),
        server_version=params["server_version"] or "",
        windows=windows,
        earlier=read_earlier(params["compare"]),
        absent_components=params["absent_components"],
        scrape_interval=params["scrape_interval"],
        course=course,
        progress=params["progress_figures"],
    )


TASK = Task(SPEC, run, VALIDATION, elsewhere=with_profile, before_fork=read_default)
