# SPDX-License-Identifier: GPL-3.0-or-later
"""The former place of ``foreign_text``, for code that is still on its way."""

from ..foreign_text import LONGEST, MASK, SHORTEST_SECRET, clip, plain, secrets_of

__all__ = ["LONGEST", "MASK", "SHORTEST_SECRET", "clip", "plain", "secrets_of"]
