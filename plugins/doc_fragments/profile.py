# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  profile:
    description:
      - Path of the profile, on the control node.
      - Without it the collection's own profile is used.
    type: path
  profile_content:
    description:
      - Text of the profile, instead of the file that O(profile) names.
      - The action sends it by itself when the task runs on another host than the control node.
    type: str
  variables:
    description:
      - Values for variables of the profile, by name.
      - With the Prometheus of the upstream chart set C(kubernetes_namespace_label) to V(namespace) and
        C(temporal_namespace_label) to V(exported_namespace).
    type: dict
    default: {}
  server_version:
    description:
      - Version of the Temporal server, which chooses between metrics that mean different things in different versions.
      - Without it the first metric of a figure that Prometheus has is taken.
    type: str
"""
