# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of the instructor's kubeconfig file.
      - Without it the usual places are read, E(KUBECONFIG) first, then C(~/.kube/config).
    type: path
  context:
    description: Context of the kubeconfig to use; without it the current context.
    type: str
  namespace:
    description: Name of the student's Kubernetes namespace.
    type: str
    required: true
"""
