# SPDX-License-Identifier: GPL-3.0-or-later
"""A dashboard as Grafana has it, with what Grafana says of it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from .json_values import Json


@dataclass(frozen=True)
class StoredDashboard:
    """The answer to ``GET /api/dashboards/uid/<uid>``. model: the dashboard. meta: what Grafana knows of it."""

    model: Json
    meta: Json

    @property
    def version(self) -> int | None:
        """The number of times that it was saved."""
        version = self.model.get("version", self.meta.get("version"))
        return version if isinstance(version, int) else None

    @property
    def url(self) -> str | None:
        """The path of its page."""
        url = self.meta.get("url")
        return None if url is None else str(url)

    @property
    def folder(self) -> str:
        """The uid of its folder, empty for none."""
        return folder_uid(str(self.meta.get("folderUid") or ""))

    @property
    def folder_text(self) -> str:
        """Its folder, for a message."""
        title = self.meta.get("folderTitle")
        titled = self.folder and title and title != self.folder
        return f"the folder {self.folder} ({title})" if titled else f"the folder {folder_name(self.folder)}"

    @property
    def provisioned(self) -> bool:
        """Whether Grafana reads it from a file of its own."""
        return bool(self.meta.get("provisioned"))

    @property
    def provisioned_from(self) -> str:
        """That file, empty if it is unknown."""
        return str(self.meta.get("provisionedExternalId") or "")


def page_link(address: str, path: str) -> str:
    """The address of a dashboard's page.

    address: Grafana's, as it is asked. path: that of the page as Grafana says it, which begins with the path of its own
    root, if that has one. Where a proxy adds a path that Grafana does not know of, it is taken from ``address``.
    """
    parts = urlsplit(address)
    root = parts.path.rstrip("/")
    origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    known = path.startswith(f"{root}/") or not path.startswith("/d/")
    return f"{origin}{path}" if known else f"{origin}{root}{path}"


def folder_uid(uid: str) -> str:
    """The uid of a folder, empty for none, which Grafana also calls general."""
    return "" if uid == "general" else uid


def folder_name(uid: str) -> str:
    """What people call a folder without a title."""
    return uid or "General"
