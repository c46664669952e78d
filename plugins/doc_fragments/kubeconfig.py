# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cluster is meant: the options that every task with a kubeconfig has."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of the kubeconfig file of the cluster.
      - Without it the usual places are read, E(KUBECONFIG) first, then C(~/.kube/config).
      - Of several files the first current context and the first entry of a name count, as for kubectl.
    type: path
  kubeconfig_exec:
    description:
      - Whether the kubeconfig is trusted, to run programs on this machine that log in (C(exec), C(auth-provider)), and
        to name certificates, keys and tokens in files outside its own folder. Without it such a kubeconfig is refused.
      - A program gets no terminal and no input, its words are shown, and it ends after 60 seconds.
    type: bool
    default: false
  context:
    description: Context of the kubeconfig to use; without it the current context.
    type: str
"""
