# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.durations import duration_seconds

DOCUMENTATION = r"""
name: seconds
short_description: Length of time in seconds
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Reads a length of time as Prometheus and Go write it, such as V(90s), V(2m) or V(1h30m); a bare number is seconds.
options:
  _input:
    description: The length of time.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Two minutes are 120 seconds
  ansible.builtin.assert:
    that: "'2m' | temporal_lab.benchmarking.seconds == 120"
"""

RETURN = r"""
_value:
  description: The length in seconds.
  type: float
"""

_NUMBER = re.compile(r"\d+(\.\d+)?")


def seconds(length: Any) -> float:
    """Return a length of time in seconds.

    Raises:
        AnsibleFilterError: it is neither a number nor parts such as 1m30s.
    """
    text = str(length).strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    try:
        return duration_seconds(text, ("ms", "s", "m", "h"))
    except ValueError:
        raise AnsibleFilterError(
            f"{length!r} is no length of time: write seconds, or text such as 30s, 2m or 1m30s"
        ) from None


class FilterModule:
    """The collection's filter seconds."""

    def filters(self) -> dict[str, Any]:
        return {"seconds": seconds}
