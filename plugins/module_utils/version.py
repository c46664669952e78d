# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's version, as in galaxy.yml: results say which one made them."""

from __future__ import annotations

VERSION = "0.1.0"
