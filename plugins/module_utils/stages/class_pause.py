# SPDX-License-Identifier: GPL-3.0-or-later
"""Task class_pause: wait once for a whole class.

``ansible.builtin.pause`` would end a play whose strategy lets students go on at their own pace.
"""

from __future__ import annotations

import math
import time

from ..task import Context, Params, Result, Spec, Task

SPEC: Spec = {
    "seconds": {"type": "float", "required": True},
    "reason": {"type": "str", "default": ""},
}


def run(params: Params, context: Context) -> Result:
    """Wait, and return ``waited``: the seconds that it took, none in check mode."""
    seconds = 0 if context.check_mode else max(0, math.ceil(params["seconds"]))
    if seconds:
        reason = f" {params['reason']}" if params["reason"] else ""
        context.show(f"waiting {seconds} s{reason}")
        time.sleep(seconds)
    return {"changed": False, "waited": seconds}


TASK = Task(SPEC, run)
