# SPDX-License-Identifier: GPL-3.0-or-later
"""The revisions of Helm releases in a namespace, and how to repair a release that helm did not finish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..digits import whole_number
from ..findings import Finding, finding
from ..formatting import duration_text
from .cluster import METADATA_LIST, Cluster
from .predicates import seconds

#: States of a release that are neither good nor gone, as helm writes them.
UNFINISHED = ("pending-install", "pending-upgrade", "pending-rollback", "uninstalling", "failed", "unknown")
#: States that can be gone back to.
GOOD = ("deployed", "superseded")


@dataclass(frozen=True)
class Revision:
    """One revision of a release; ``time`` is its last change in Unix seconds."""

    release: str
    number: int
    status: str
    time: float


def good_revision(revisions: Sequence[Revision]) -> int | None:
    """The last revision that can be gone back to."""
    return max((revision.number for revision in revisions if revision.status in GOOD), default=None)


def unfinished(revisions: Sequence[Revision]) -> Revision | None:
    """The last of a release's revisions when it is neither good nor gone, else None."""
    last = max(revisions, key=lambda revision: revision.number, default=None)
    return last if last is not None and last.status in UNFINISHED else None


def judge_earlier(revisions: Sequence[Revision], mend: str, now: float) -> Finding | None:
    """A finding if helm was interrupted earlier. revisions: those of the release. mend: how to repair it."""
    last = unfinished(revisions)
    if last is None:
        return None
    good = good_revision(revisions)
    title = (
        f"Release {last.release} has been {last.status} for {duration_text(max(0.0, now - last.time))} "
        f"(revision {last.number})"
    )
    back = "there is no good revision to go back to" if good is None else f"goes back to revision {good}"
    if mend == "uninstall" or (mend == "rollback" and good is not None):
        does = "it is uninstalled first" if mend == "uninstall" else f"it is rolled back to revision {good} first"
        return finding("earlier_release", "warn", title, f"As temporal_mend says, {does}.")
    if mend == "rollback":
        return finding(
            "earlier_release", "fail", title, f"For temporal_mend rollback, {back}.", "Set temporal_mend to uninstall."
        )
    wait = "wait for a helm that may still be running, or " if last.status != "failed" else ""
    return finding(
        "earlier_release",
        "fail",
        title,
        "The cluster does not match any revision.",
        f"{wait}set temporal_mend to rollback ({back}) or uninstall (which installs it again).".capitalize(),
    )


def read_revisions(cluster: Cluster) -> list[Revision]:
    """The revisions of all releases in the namespace, by the labels of helm's Secrets and never their data."""
    revisions = []
    for entry in cluster.list_objects("secrets", "owner=helm", accept=METADATA_LIST):
        metadata = entry["metadata"]
        labels = metadata.get("labels") or {}
        number = whole_number(labels.get("version"))
        if number is None:
            continue
        # A new revision can have the label of the one before it: the Secret itself may be younger.
        times = [float(whole_number(labels.get(key)) or 0) for key in ("createdAt", "modifiedAt")]
        when = max([seconds(metadata.get("creationTimestamp")) or 0.0, *times])
        status = labels.get("status", "unknown")
        revisions.append(Revision(labels.get("name", ""), number, status, when))
    return revisions
