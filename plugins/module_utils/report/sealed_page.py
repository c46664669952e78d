# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pages this user's lab wrote: their last line is a seal, made with a key that nobody else has.

Results come from others too, and with them pages that look like the lab's. Owner and mode of a file do not tell: who
unpacks results owns them. A class page links to a page only if its seal is right for that student and run.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from pathlib import Path

from ..files import make_private_folder, read_regular_file, write_new_file
from ..node.layout import state_home
from ..owned_folder import folder_fault

KEY_FILE = "report-pages.key"
KEY_BYTES = 32
#: The largest page that is looked at, in bytes; one of the whole lab has a quarter of a megabyte.
MOST = 128 * 2**20

_SEAL = re.compile(rb"<!-- temporal_lab page ([0-9a-f]{64}) -->\n\Z")


def sealed(page: str, student: str, run: str, key: bytes) -> str:
    """A page with its seal; as it is without a key."""
    if not key:
        return page
    return f"{page}<!-- temporal_lab page {_seal(page.encode(errors='replace'), student, run, key)} -->\n"


def is_sealed(path: Path, student: str, run: str, key: bytes) -> bool:
    """Whether a file is a page that was sealed with the key for that student and run."""
    try:
        there = read_regular_file(path, MOST, follow=False)
    except OSError:
        return False
    found = _SEAL.search(there[0][-200:]) if key and there is not None else None
    if there is None or found is None:
        return False
    page = there[0][: -len(found[0])]
    return hmac.compare_digest(found[1].decode(), _seal(page, student, run, key))


def page_key(make: bool) -> bytes:
    """The user's key, made at its first use if ``make``; empty where there is none or others could know it."""
    try:
        folder = state_home()
        path = folder / KEY_FILE
        if make and not path.exists():
            make_private_folder(folder)
            # Of several at once one makes it.
            write_new_file(path, secrets.token_bytes(KEY_BYTES))
        there = read_regular_file(path, KEY_BYTES + 1, follow=False)
    except (OSError, RuntimeError):
        # Without a home, or one that cannot be written to, pages have no seal and no links.
        return b""
    if there is None or len(there[0]) != KEY_BYTES or there[1] & 0o077 or folder_fault(folder):
        return b""
    return there[0]


def _seal(page: bytes, student: str, run: str, key: bytes) -> str:
    about = f"{student}\0{run}\0".encode(errors="replace")
    return hmac.new(key, about + hashlib.sha256(page).digest(), hashlib.sha256).hexdigest()
