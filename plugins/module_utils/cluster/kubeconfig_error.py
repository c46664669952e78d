# SPDX-License-Identifier: GPL-3.0-or-later
"""The error for kubeconfigs."""

from __future__ import annotations

from ..errors import LabError


class KubeconfigError(LabError):
    """The kubeconfig is missing, cannot be read, is refused, or does not lead to a cluster."""
