# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments that several tasks share; documented in doc_fragments/cluster.py and doc_fragments/instructor.py."""

from __future__ import annotations

from typing import Any

#: Which cluster and Kubernetes namespace a task works in.
CLUSTER: dict[str, Any] = {
    "kubeconfig": {"type": "path"},
    "kubeconfig_exec": {"type": "bool", "default": False},
    "context": {"type": "str"},
    "namespace": {"type": "str", "default": "default"},
    "release": {"type": "str", "default": "my-temporal"},
}

#: Whose access a task uses that provisions a student, and the student's Kubernetes namespace.
INSTRUCTOR: dict[str, Any] = {
    "kubeconfig": {"type": "path"},
    "kubeconfig_exec": {"type": "bool", "default": False},
    "context": {"type": "str"},
    "namespace": {"type": "str", "required": True},
}
