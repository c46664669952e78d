# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that can be made again from the stage files at any time, such as reports: only these are ever replaced."""

from __future__ import annotations

from pathlib import Path

from ..errors import LabError
from ..files import put_file


def replace_file(path: Path, text: str, check_mode: bool = False) -> bool:
    """Give a derived file this content, whole or not at all; return whether that changes it. Raises LabError."""
    try:
        try:
            if path.read_text(encoding="utf-8") == text:
                return False
        except (FileNotFoundError, UnicodeDecodeError):
            pass
        if not check_mode:
            put_file(path, text.encode())
    except OSError as error:
        raise LabError(
            f"Writing {path} failed: {error.strerror}; the run's folder must be writable, with free space."
        ) from error
    return True
