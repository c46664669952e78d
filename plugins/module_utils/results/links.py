# SPDX-License-Identifier: GPL-3.0-or-later
"""Links below a folder of results: they can lead anywhere, so none is followed."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import LabError
from .names import FOLDER_NAME


def refuse_links(folder: Path) -> None:
    """Raise LabError where a run's folder, or that of its student, is a link, which can lead anywhere."""
    for path in (folder.parent, folder):
        # Not Path.is_symlink, which raises where a folder above may not be looked into: reading says so in its words.
        if os.path.islink(path):
            raise LabError(
                f"{path} is a link, and the lab neither reads nor writes results through links below results_dir: put "
                "the folder itself there, or give the place it leads to as results_dir."
            )


def linked_folders(folder: Path) -> list[str]:
    """The names of links in a folder that lead to folders: what is in them is left out. Raises OSError."""
    return sorted(
        entry.name
        for entry in os.scandir(folder)
        if entry.is_symlink() and FOLDER_NAME.fullmatch(entry.name) and entry.is_dir()
    )
