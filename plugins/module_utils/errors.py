# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error that a user may see."""

from __future__ import annotations


class LabError(Exception):
    """A failure with one sentence for the user.

    The sentence says what was asked, of whom, what came back and what to do.
    It never holds a secret. ``details`` are returned beside ``msg`` by the
    module or action, as values a playbook can use.
    """

    def __init__(self, msg: str, **details: object) -> None:
        super().__init__(msg)
        self.msg = msg
        self.details = details
