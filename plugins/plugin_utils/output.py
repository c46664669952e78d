# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the collection shows text beside what Ansible's callback shows."""

from __future__ import annotations

from functools import cache

from ansible import constants as C
from ansible.plugins.loader import callback_loader
from ansible.utils.display import Display

display = Display()

#: Callbacks for people that are not made from the default one.
PLAIN = ("minimal", "oneline", "tree")


@cache
def for_people() -> bool:
    """Whether a person reads what goes to stdout, and not a program.

    So it is where the callback that writes there is the default one or made from it, as those of AWX and of
    ansible-navigator are. Others, such as ansible.posix.jsonl, write there what a program takes apart.
    """
    name = str(C.DEFAULT_STDOUT_CALLBACK).removeprefix("ansible.builtin.")
    if name in PLAIN:
        return True
    found = callback_loader.get(name, class_only=True)
    # Ansible may load the default one a second time, by its long name, as another class.
    return found is not None and any(vars(made).get("CALLBACK_NAME") == "default" for made in found.__mro__)


def show(text: str, color: str | None = None) -> None:
    """Show lines at once: on stdout, or on stderr where a program reads stdout."""
    display.display(text, color=color, stderr=not for_people())
