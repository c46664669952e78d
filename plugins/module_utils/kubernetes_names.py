# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that go into paths of the Kubernetes API, label selectors, arguments of helm and names of objects.

They are checked before anything is asked of a cluster: in a selector or in helm's arguments a blank or a comma would
make another request of the name.
"""

from __future__ import annotations

import re

from .errors import LabError

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_RELEASE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
#: helm's limit.
LONGEST_RELEASE = 53
LABEL_RULE = "use up to 63 lower-case letters, digits and -, and begin and end with a letter or digit"


def is_namespace(name: str) -> bool:
    """Whether a Kubernetes namespace can have the name."""
    return _LABEL.fullmatch(name) is not None


def check_names(namespace: str, release: str) -> None:
    """Raise LabError for a name that no Kubernetes namespace, or no release of helm, can have."""
    if not is_namespace(namespace):
        raise LabError(f"The namespace {_shown(namespace)} cannot be one of Kubernetes (lab_namespace): {LABEL_RULE}.")
    if len(release) > LONGEST_RELEASE or not _RELEASE.fullmatch(release):
        raise LabError(
            f"The release {_shown(release)} cannot be one of helm (lab_release): use up to {LONGEST_RELEASE} "
            "lower-case letters, digits, - and ., and begin and end with a letter or digit."
        )


def _shown(name: str) -> str:
    return repr(name if len(name) <= 80 else name[:80] + "…")
