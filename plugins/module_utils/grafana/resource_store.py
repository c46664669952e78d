# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboards by Grafana's new API, ``/apis/dashboard.grafana.app``: those of the schema v2, read and saved.

By its documentation and source; no Grafana 13 was recorded. The organisation 1 has the namespace ``default``, others
``org-<number>``. Grafana Cloud has other namespaces and is not supported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import LabError
from ..http.errors import RequestFailed
from .client import Grafana
from .dashboard_resource import VERSIONS, DashboardResource, StoredResource, body
from .json_values import Json, as_object
from .stored_dashboard import StoredDashboard

#: Versions of the API that answer a classic dashboard, the newest first.
CLASSIC = ("v1", "v1beta1")


class ResourceStore:
    """The dashboards of one Grafana by its new API. show: where progress goes."""

    def __init__(self, grafana: Grafana, show: Callable[[str], None]) -> None:
        self.grafana = grafana
        self.show = show
        self._namespace = ""
        self._versions: tuple[str, ...] | None = None

    def version_for(self, wanted: DashboardResource) -> str:
        """The version of the API to save a dashboard by. Raises LabError for a Grafana that has none."""
        return self._one_of((wanted.version, *VERSIONS), "takes dashboards of the schema v2")

    def read(self, uid: str, version: str) -> StoredResource | None:
        """A dashboard in the schema of that version, None when there is none. Raises LabError."""
        found = self.grafana.read_or_missing(
            lambda: self.grafana.dashboard_resource(version, self._in(), uid), self.show, f"reading the dashboard {uid}"
        )
        return None if found is None else StoredResource(as_object(found.get("spec")), as_object(found.get("metadata")))

    def classic(self, uid: str) -> StoredDashboard | None:
        """A dashboard that Grafana keeps in the schema v2, as the classic one that Grafana makes of it."""
        found = self.read(uid, self._one_of(CLASSIC, "converts dashboards of the schema v2"))
        if found is None:
            return None
        meta: Json = {"folderUid": found.folder, "version": found.version, "url": f"/d/{uid}"}
        if found.managed_by:
            meta |= {"provisioned": True, "provisionedExternalId": f"({found.managed_by})"}
        return StoredDashboard({**found.spec, "uid": uid, "version": found.version}, meta)

    def save(
        self,
        uid: str,
        version: str,
        spec: Json,
        folder: str,
        message: str = "",
        instead_of: StoredResource | None = None,
        overwrite: bool = False,
    ) -> StoredResource:
        """Create a dashboard, or put it in the place of another one, and return what Grafana has then.

        overwrite: whatever somebody has saved since ``instead_of`` was read. Raises LabError.
        """
        sent = body(version, uid, spec, folder, message, None if overwrite else instead_of)

        def once() -> None:
            if instead_of is None:
                self.grafana.create_dashboard_resource(version, self._in(), sent)
            else:
                self.grafana.update_dashboard_resource(version, self._in(), uid, sent)

        try:
            try:
                once()
            except RequestFailed as error:
                # Somebody else has just made the folder, and Grafana has the old permissions in its cache.
                if error.status != 403 or not folder or self.grafana.get_folder(folder) is not None:
                    raise
                self.grafana.patient_403(once, show=self.show, what=f"the use of the folder {folder}")
        except RequestFailed as error:
            if error.status != 409:
                raise
            raise LabError(
                f"The dashboard {uid} of Grafana at {self.grafana.address} was saved by somebody after it was read "
                f"({error.status}): run the task again to see the difference, or set `overwrite` to save it anyway.",
                **error.details,
            ) from None
        stored = self.read(uid, version)
        if stored is None:
            raise LabError(
                f"Grafana at {self.grafana.address} accepted the dashboard {uid} and does not have it: check whether "
                f"somebody deletes it, and run the task again.",
                changed=True,
            )
        return stored

    def _in(self) -> str:
        """The namespace of the token's organisation."""
        if not self._namespace:
            number = self.grafana.organisation_number()
            self._namespace = "default" if number == 1 else f"org-{number}"
        return self._namespace

    def _one_of(self, wanted: Sequence[str], does: str) -> str:
        if self._versions is None:
            self._versions = self.grafana.dashboard_api_versions()
        for version in wanted:
            if version in self._versions:
                return version
        has = ", ".join(self._versions) or "none"
        raise LabError(
            f"Grafana at {self.grafana.address} has no version of its dashboards' API that {does} (it has {has}): use "
            f"a Grafana 13, or a dashboard that was exported from an older one."
        )
