# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  namespace:
    description: Kubernetes namespace that holds the student's Temporal.
    type: str
    default: default
  release:
    description: Name of the Helm release; the names of its Deployments and Services begin with it.
    type: str
    default: my-temporal
requirements:
  - kubernetes >= 31
"""
