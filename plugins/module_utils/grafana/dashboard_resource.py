# SPDX-License-Identifier: GPL-3.0-or-later
"""A dashboard of the schema v2, as a file holds it and as Grafana's /apis answer it: a resource with a ``spec``.

The schema is documented at https://grafana.com/docs/grafana/latest/as-code/observability-as-code/schema-v2/.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import LabError
from .dashboard_file import check_uid, parsed
from .json_values import Json, as_object
from .stored_dashboard import folder_uid

#: The API group of dashboards, and its versions that have this schema, the newest first.
GROUP = "dashboard.grafana.app"
VERSIONS = ("v2", "v2beta1")
#: Annotations of a resource.
FOLDER = "grafana.app/folder"
MESSAGE = "grafana.app/message"
MANAGED_BY = "grafana.app/managedBy"


@dataclass(frozen=True)
class DashboardResource:
    """A dashboard of the schema v2.

    uid: None if the file has none. version: of the API for which it was written; empty if the file does not say.
    """

    uid: str | None
    title: str
    version: str
    spec: Json


@dataclass(frozen=True)
class StoredResource:
    """A dashboard as ``/apis`` answer it. metadata: what Grafana knows of it."""

    spec: Json
    metadata: Json

    @property
    def version(self) -> int | None:
        """The number of times that it was saved."""
        number = self.metadata.get("generation")
        return number if isinstance(number, int) else None

    @property
    def folder(self) -> str:
        """The uid of its folder, empty for none."""
        return folder_uid(str(as_object(self.metadata.get("annotations")).get(FOLDER) or ""))

    @property
    def managed_by(self) -> str:
        """What else writes it, such as files or a repository; empty for nobody."""
        return str(as_object(self.metadata.get("annotations")).get(MANAGED_BY) or "")


def may_be_resource(text: str) -> bool:
    """Whether a file can hold a dashboard of the schema v2: a look that costs nothing for the other schema."""
    return '"elements"' in text and '"layout"' in text


def load_resource(text: str, name: str) -> DashboardResource | None:
    """The dashboard in a JSON text if it has the schema v2, else None. name: what errors call it. Raises LabError."""
    data = parsed(text, name)
    found = as_object(data)
    if isinstance(found.get("dashboard"), dict) and "title" not in found:
        found = found["dashboard"]
    version, uid = "", found.get("uid")
    spec = found
    if found.get("kind") == "Dashboard" and isinstance(found.get("spec"), dict):
        spec = found["spec"]
        version = str(found.get("apiVersion") or "").rpartition("/")[2]
        uid = as_object(found.get("metadata")).get("name") or None
    if not isinstance(spec.get("elements"), dict) or not isinstance(spec.get("layout"), dict):
        return None
    if version and version not in VERSIONS:
        raise LabError(
            f"The dashboard in {name} has the version {version} of the schema v2, which was for trial: open it in a "
            f"Grafana 13, save it, and export it again."
        )
    title = spec.get("title")
    if not isinstance(title, str) or not title.strip():
        raise LabError(f"The dashboard in {name} has no title, which Grafana requires: give its `spec` a `title`.")
    if uid is not None:
        check_uid(uid, f"the dashboard in {name}")
    return DashboardResource(uid, title, version, {key: value for key, value in spec.items() if key != "uid"})


def body(
    version: str, uid: str, spec: Json, folder: str, message: str = "", instead_of: StoredResource | None = None
) -> Json:
    """The resource to send. instead_of: what it replaces: Grafana answers 409 if that has changed since."""
    annotations: dict[str, Any] = {}
    if folder:
        annotations[FOLDER] = folder
    if message:
        annotations[MESSAGE] = message
    metadata: Json = {"name": uid, "annotations": annotations}
    if instead_of is not None and instead_of.metadata.get("resourceVersion"):
        metadata["resourceVersion"] = instead_of.metadata["resourceVersion"]
    return {"apiVersion": f"{GROUP}/{version}", "kind": "Dashboard", "metadata": metadata, "spec": spec}
