# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: given_settings
short_description: The lab's numbers, lengths of time and flags as they are set, for a play and each of its students
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Finds the variables of the roles that M(temporal_lab.benchmarking.lab_plan) checks, with their values.
  - Of a student it has what inventory, command line and facts say, and of the play also its own variables, and the
    defaults of a role that is running.
  - A value that cannot be worked out is left out. The task that uses it says why.
  - Also finds variables that are spelt almost as one of the lab's, which nothing reads.
options: {}
"""

EXAMPLES = r"""
- name: Show what each student has
  ansible.builtin.debug:
    msg: "{{ lookup('temporal_lab.benchmarking.given_settings').students }}"
"""

RETURN = r"""
_raw:
  description: One dictionary.
  type: list
  elements: dict
  contains:
    play:
      description: What the first host of the play has, by the names of the variables.
      type: dict
    students:
      description: The same of each host of the play, by host.
      type: dict
    misspelt:
      description: By each name that nothing reads the variable that was probably meant.
      type: dict
      contains:
        command_line:
          description: Names that C(-e) gives, and that differ by about a letter.
          type: dict
        elsewhere:
          description: Other names of C(-e), and those of the inventory, the play or facts.
          type: dict
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible.utils.vars import load_extra_vars

from ..module_utils.settings import SETTINGS
from ..module_utils.variable_names import TYPO, misspelt, read_in, set_in

COLLECTION = Path(__file__).resolve().parents[2]


class LookupModule(LookupBase):
    """The collection's lookup given_settings."""

    def run(self, terms: Any, variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        variables = variables or {}
        hosts = variables.get("ansible_play_hosts_all", [])
        students = {str(host): variables["hostvars"][host] for host in hosts}
        return [
            {
                "play": given(variables, lambda name: self._templar.template(variables[name])),
                "students": {host: given(own, own.__getitem__) for host, own in students.items()},
                "misspelt": self._misspelt({*variables, *(name for own in students.values() for name in own)}),
            }
        ]

    def _misspelt(self, names: set[Any]) -> dict[str, dict[str, str]]:
        read = read_in(texts("roles/*/*/*", "playbooks/*.yml"))
        settable = sorted(set_in(texts("roles/*/defaults/main.yml")))
        typos = misspelt(load_extra_vars(self._loader), read, settable, TYPO)
        others = misspelt(names - set(typos), read, settable)
        return {"command_line": typos, "elsewhere": others}


def texts(*patterns: str) -> Iterator[str]:
    """What is in the collection's files."""
    return (path.read_text(encoding="utf-8") for pattern in patterns for path in COLLECTION.glob(pattern))


def given(variables: Mapping[str, Any], value: Callable[[str], Any]) -> dict[str, Any]:
    """The settings among some variables that have a value."""
    found = {}
    for name in SETTINGS:
        if name in variables:
            try:
                one = value(name)
            except Exception:  # noqa: BLE001 (what is wrong with a template of the user's, its task says)
                continue
            if isinstance(one, (str, int, float, list, dict)):
                found[name] = one
    return found
