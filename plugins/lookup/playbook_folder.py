# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: playbook_folder
short_description: The folder of the playbook that was started
version_added: 0.1.0
author: The Temporal lab developers (@temporal-lab)
description:
  - Returns the folder of the playbook on the command line, wherever C(ansible-playbook) was started. The variable
    C(playbook_dir) is another one while an imported playbook runs.
  - For a playbook in C(playbooks/) of a collection's checkout it is the checkout, and for one of an installed
    collection the working folder of C(ansible-playbook).
options: {}
"""

EXAMPLES = r"""
- name: Show where results are
  ansible.builtin.debug:
    msg: "{{ lookup('temporal_lab.benchmarking.playbook_folder') }}/results"
"""

RETURN = r"""
_raw:
  description: One path.
  type: list
  elements: str
"""

import os
from collections.abc import Mapping
from typing import Any

from ansible import context
from ansible.plugins.lookup import LookupBase

from ..module_utils.results.place import playbook_folder


class LookupModule(LookupBase):
    """The collection's lookup playbook_folder."""

    def run(self, terms: Any, variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        return [playbook_folder(context.CLIARGS.get("args") or (), os.getcwd())]
