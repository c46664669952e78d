# SPDX-License-Identifier: GPL-3.0-or-later
"""Where relative paths of results begin: beside the playbook, and not where a shell happens to be."""

from __future__ import annotations

import os
from collections.abc import Sequence


def playbook_folder(playbooks: Sequence[str], working_folder: str) -> str:
    """The folder of the first playbook of a command line.

    Of a playbook in ``playbooks/`` of a collection's checkout it is the checkout. An installed collection is no place
    for results, since an upgrade removes it: for its playbooks it is the working folder.
    """
    path = os.path.join(working_folder, os.path.expanduser(playbooks[0])) if playbooks else ""
    # What is no file is the name of a playbook in a collection.
    if not os.path.exists(path) or "/ansible_collections/" in path:
        return working_folder
    folder = os.path.dirname(os.path.normpath(path))
    above = os.path.dirname(folder)
    checkout = os.path.basename(folder) == "playbooks" and os.path.exists(os.path.join(above, "galaxy.yml"))
    return above if checkout else folder
