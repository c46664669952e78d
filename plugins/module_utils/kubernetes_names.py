# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that go into paths of the Kubernetes API, label selectors, arguments of helm and names of objects.

They are checked before anything is asked of a cluster: in a selector or in helm's arguments a blank or a comma would
make another request of the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .errors import LabError

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_RELEASE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
#: helm's limit.
LONGEST_RELEASE = 53
RELEASE_RULE = (
    f"use up to {LONGEST_RELEASE} lower-case letters, digits, - and ., and begin and end with a letter or digit"
)
LABEL_RULE = "use up to 63 lower-case letters, digits and -, and begin and end with a letter or digit"


def is_namespace(name: str) -> bool:
    """Whether a Kubernetes namespace can have the name."""
    return _LABEL.fullmatch(name) is not None


def is_release(name: str) -> bool:
    """Whether a release of helm can have the name."""
    return len(name) <= LONGEST_RELEASE and _RELEASE.fullmatch(name) is not None


def check_names(namespace: str, release: str) -> None:
    """Raise LabError for a name that no Kubernetes namespace, or no release of helm, can have."""
    if not is_namespace(namespace):
        raise LabError(f"The namespace {_shown(namespace)} cannot be one of Kubernetes (lab_namespace): {LABEL_RULE}.")
    _check_release(release, "lab_release")


def check_companions(releases: Iterable[str]) -> None:
    """Raise LabError for a name of a release beside Temporal that no release of helm can have."""
    for release in releases:
        _check_release(release, "lab_companions, temporal_companions")


def _check_release(release: str, variables: str) -> None:
    if not is_release(release):
        raise LabError(f"The release {_shown(release)} cannot be one of helm ({variables}): {RELEASE_RULE}.")


def _shown(name: str) -> str:
    return repr(name if len(name) <= 80 else name[:80] + "…")
