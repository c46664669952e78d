# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that can be made again from the stage files at any time, such as reports: only these are ever replaced."""

from __future__ import annotations

from pathlib import Path

from ..errors import LabError
from ..files import put_file, read_regular_file


def replace_file(path: Path, text: str, check_mode: bool = False) -> bool:
    """Give a derived file this content, whole or not at all; return whether that changes it. Raises LabError."""
    try:
        # A sign that UTF-8 has no bytes for would end the report.
        content = text.encode(errors="replace")
        if has_content(path, content):
            return False
        if not check_mode:
            put_file(path, content)
    except OSError as error:
        raise LabError(
            f"Writing {path} failed: {error.strerror}; the run's folder must be writable, with free space."
        ) from error
    return True


def has_content(path: Path, content: bytes) -> bool:
    """Whether this is a regular file with that content: a pipe or a link in its place is replaced unread."""
    try:
        there = read_regular_file(path, len(content) + 1, follow=False)
    except FileNotFoundError:
        return False
    return there is not None and there[0] == content
