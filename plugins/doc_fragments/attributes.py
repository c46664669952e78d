# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    """Where a module runs: extend ``attributes.control_node`` or ``attributes.anywhere``."""

    CONTROL_NODE = r"""
attributes:
  action:
    description: Runs on the control node only, in Ansible's own process; on any other host the task fails and says so.
    support: full
  async:
    description: Runs in Ansible's own process, so C(async) is refused.
    support: none
  platform:
    description: The platform of the control node.
    platforms: posix
    support: full
"""

    ANYWHERE = r"""
attributes:
  action:
    description: >-
      Runs in Ansible's own process, with progress shown, when the host's connection is V(local); on any other host,
      such as a bastion, it runs as a module without progress.
    support: full
  async:
    description: Has an action of its own, so C(async) is refused.
    support: none
  platform:
    description: The platform of the host that it runs on.
    platforms: posix
    support: full
"""
