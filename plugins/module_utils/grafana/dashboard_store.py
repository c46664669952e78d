# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboards and folders of a Grafana: read, saved and deleted, whatever else happens there meanwhile.

The same routes serve Grafana 11 to 13: /api/dashboards, always with folderUid, because without it a dashboard is
moved to the root. Grafana 13 calls them old and keeps them. A dashboard that it keeps in the schema v2 it does not
answer there (406); then it is read by the new API, as the classic dashboard that Grafana makes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from ..errors import LabError
from ..http.errors import RequestFailed, Unreachable
from .client import Grafana
from .data_sources import DataSources
from .json_values import Json
from .normal_form import comparable
from .resource_store import ResourceStore
from .stored_dashboard import StoredDashboard, folder_name

#: How Grafana's own words begin when the role may save dashboards, but not this one or not in this folder.
NOT_THERE = "Access denied"
#: All that Grafana 11 says (500) when a dashboard is saved into a folder that the token may not write to yet.
NOT_SAVED = "Failed to save dashboard"


class DashboardStore:
    """The dashboards of one Grafana. show: where progress goes."""

    def __init__(self, grafana: Grafana, show: Callable[[str], None]) -> None:
        self.grafana = grafana
        self.show = show

    def read(self, uid: str) -> StoredDashboard | None:
        """A dashboard, None when there is none. Raises LabError.

        403 means that it exists and that Grafana does not permit it, or not yet: somebody else may just have made it,
        so that is waited for. Where the token sees nothing at all, Grafana 11 answers 403 for whatever does not exist;
        then it is taken for missing at once. If it does exist after all, saving it tells.
        """
        try:
            answer = self.grafana.read_or_missing(
                lambda: self.grafana.dashboard(uid), self.show, f"reading the dashboard {uid}"
            )
        except RequestFailed as error:
            if error.status == 406:
                # It was saved in the schema v2, as Grafana 13 does in the browser.
                return ResourceStore(self.grafana, self.show).classic(uid)
            raise
        return None if answer is None else StoredDashboard(answer["dashboard"], answer["meta"])

    def delete(self, found: StoredDashboard, uid: str, check_mode: bool) -> None:
        """Delete a dashboard with its annotations. Raises LabError."""
        self.refuse_provisioned(found, uid, "removed")
        if not check_mode:
            self.grafana.delete_dashboard(uid)

    def refuse_provisioned(self, found: StoredDashboard, uid: str, done: str) -> None:
        """Raise LabError for a dashboard that Grafana reads from a file of its own. done: what would be done to it."""
        if found.provisioned:
            source = f" {found.provisioned_from}" if found.provisioned_from else ""
            raise LabError(
                f"The dashboard {uid} of Grafana at {self.grafana.address} is provisioned from a file{source} there, "
                f"which would undo it, and cannot be {done}: change that file, or choose another `uid`."
            )

    # -- folders ------------------------------------------------------------

    def ensure_folder(self, uid: str, title: str | None, check_mode: bool) -> bool:
        """Create a folder that does not exist, if a title is given. Return whether it was or would be created.

        With the same token: somebody else's folder is 403 to it until Grafana's permission cache expires.
        Raises LabError.
        """
        if self.grafana.get_folder(uid) is not None:
            return False
        if title is not None:
            if check_mode:
                return True
            try:
                self.grafana.create_folder(uid, title)
            except RequestFailed as error:
                # It exists after all, but the token may not see it yet.
                if error.status not in (409, 412):
                    raise
            else:
                return True
        try:
            self._await_folder(uid)
        except RequestFailed as error:
            if error.status not in (403, 404):
                raise
            raise LabError(
                f"There is no folder {uid} in Grafana at {self.grafana.address} that the token may read "
                f"({error.status} to GET {_folder_path(uid)}): correct `folder_uid`, or give a `folder_title` to have "
                f"it created.",
                **error.details,
            ) from None
        return False

    def _await_folder(self, uid: str) -> None:
        """Wait until the token may read a folder, which is when it may save into it, too. Raises RequestFailed."""
        self.grafana.patient_403(
            lambda: self.grafana.request("GET", _folder_path(uid)), show=self.show, what=f"the use of the folder {uid}"
        )

    def _late_folder(self, uid: str, error: RequestFailed) -> bool:
        """Whether saving failed only because Grafana 11 does not permit the use of the folder yet."""
        return error.said == NOT_SAVED and uid != "" and self.grafana.get_folder(uid) is None

    # -- saving -------------------------------------------------------------

    def save(
        self, sent: Json, folder: str, sources: DataSources, message: str = "", overwrite: bool = False
    ) -> StoredDashboard:
        """Save a dashboard and return what Grafana has then. Raises LabError.

        sent: with the ``version`` that it replaces, without one for a new dashboard. Because of it, saving a second
        time does no harm: Grafana answers 412 if the first time succeeded. folder: its uid, empty for none.
        """
        uid = sent["uid"]

        def once() -> None:
            self.grafana.save_dashboard(sent, folder, message, overwrite)

        def after(failure: LabError) -> StoredDashboard | None:
            return self._stored_despite(failure, sent, folder, sources)

        try:
            try:
                once()
            except RequestFailed as error:
                if error.status == 403 and error.said.startswith(NOT_THERE):
                    self.grafana.patient_403(once, show=self.show, what=f"saving the dashboard {uid}")
                elif error.status >= 500:
                    if self._late_folder(folder, error):
                        self._await_folder(folder)
                    elif (found := after(error)) is not None:
                        return found
                    once()
                else:
                    raise
            except Unreachable as error:
                if (found := after(error)) is not None:
                    return found
                once()
        except RequestFailed as error:
            if error.status not in (409, 412):
                raise
            if (found := after(error)) is not None:
                return found
            raise self._conflict(uid, error, overwrite) from None
        return self._saved(uid, folder)

    def _stored_despite(
        self, failure: LabError, sent: Json, folder: str, sources: DataSources
    ) -> StoredDashboard | None:
        """What Grafana has after a failure, if it is what was sent."""
        try:
            found = self.read(sent["uid"])
        except LabError:
            raise failure from None
        if found is None or found.folder != folder:
            return None
        return found if comparable(found.model, sources) == comparable(sent, sources) else None

    def _saved(self, uid: str, folder: str) -> StoredDashboard:
        """The dashboard that was just saved. Raises LabError if it is not where it should be."""
        stored = self.read(uid)
        if stored is None:
            raise LabError(
                f"Grafana at {self.grafana.address} accepted the dashboard {uid} and does not have it: check whether "
                f"somebody deletes it, and run the task again.",
                changed=True,
            )
        if stored.folder != folder:
            raise LabError(
                f"Grafana at {self.grafana.address} put the dashboard {uid} into {stored.folder_text} and not into the "
                f"folder {folder_name(folder)} that it was given: move it there by hand.",
                changed=True,
                folder_uid=stored.folder,
            )
        return stored

    def _conflict(self, uid: str, error: RequestFailed, overwrite: bool) -> LabError:
        """The error for a dashboard that somebody else has saved since it was read, or whose uid is a folder's."""
        found = self.read(uid)
        if found is None and self.grafana.get_folder(uid) is not None:
            return LabError(
                f"{uid} is the uid of a folder in Grafana at {self.grafana.address}, so no dashboard can have it "
                f"({error.status}): choose another `uid`.",
                **error.details,
            )
        if overwrite:
            # It was set already.
            return error
        meta = found.meta if found else {}
        by = f" by {meta['updatedBy']}" if meta.get("updatedBy") else ""
        when = f" at {meta['updated']}" if meta.get("updated") else ""
        return LabError(
            f"The dashboard {uid} of Grafana at {self.grafana.address} was saved{by}{when}, after it was read "
            f"({error.status}): run the task again to see the difference, or set `overwrite` to save it anyway.",
            **{**error.details, "version": found.version if found else None},
        )


def _folder_path(uid: str) -> str:
    return f"/api/folders/{quote(uid, safe='')}"
