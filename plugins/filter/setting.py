# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.errors import LabError
from ..module_utils.settings import setting

DOCUMENTATION = r"""
name: setting
short_description: A variable of the lab in its own type
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Reads the number, length of time, flag or word that a user has set, also as text, which C(-e) always gives.
  - A length of time becomes seconds. What the variable does not take is refused by its name.
positional: name
options:
  _input:
    description: The value of the variable.
    type: raw
    required: true
  name:
    description: The name of the variable.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Twenty seconds
  ansible.builtin.assert:
    that: "'20s' | temporal_lab.benchmarking.setting('lab_settle') == 20"
"""

RETURN = r"""
_value:
  description: The value in the type of the variable.
  type: raw
"""


def read(given: Any, name: str) -> Any:
    """Return the value of the variable of that name in its type.

    Raises:
        AnsibleFilterError: the variable does not take it.
    """
    try:
        return setting(name, given)
    except LabError as error:
        raise AnsibleFilterError(error.msg) from None


class FilterModule:
    """The collection's filter setting."""

    def filters(self) -> dict[str, Any]:
        return {"setting": read}
