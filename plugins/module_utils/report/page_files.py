# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages' templates, style sheets and scripts: files in ``files/report``, made into one self-contained page.

A template is HTML that a browser, an editor and a linter can open: it links its style sheets (``<link
rel="stylesheet" href="NAME.css">``) and scripts (``<script src="NAME.js"></script>``). In a finished page their text
stands in place of the link, so the page needs no other file and no network.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import LabError

if TYPE_CHECKING:
    from jinja2 import Environment, Template

FOLDER = Path(__file__).resolve().parents[3] / "files" / "report"

#: The comment in the first line of each file. A report is the user's own, so it does not go into one.
LICENCE = re.compile(r"\A(?:<!--|/\*) SPDX-License-Identifier: [\w.-]+ (?:-->|\*/)\n")
STYLE_SHEET = re.compile(r'<link rel="stylesheet" href="([\w-]+\.css)">')
SCRIPT = re.compile(r'<script src="([\w-]+\.js)"></script>')


def render_page(template: str, **content: object) -> str:
    """Render ``files/report/<template>`` with the content by name. Raises LabError for a file that cannot be read.

    Whatever is in the content is escaped, unless it is Markup.
    """
    return page_template(template).render(**content)


def page_template(name: str) -> Template:
    """A template, compiled once in a process. Raises LabError for a file that cannot be read."""
    return environment().get_template(name)


@cache
def environment() -> Environment:
    """Jinja2 as the pages use it."""
    # Not at the top: ansible-test imports this file without third-party packages. On the control node Jinja2 is a
    # requirement of Ansible, and loaded already.
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    found = Environment(
        autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True, loader=FunctionLoader(template_text)
    )
    found.filters["tail"] = tail
    # The text is put in when the page is rendered, so that no sign in it is taken for Jinja2's.
    found.globals["text_of"] = lambda name: Markup(read_file(name))
    return found


def template_text(name: str) -> str:
    """A template with its links to style sheets and scripts replaced by expressions for their text."""
    text = STYLE_SHEET.sub(r'<style>\n{{ text_of("\1") }}</style>', read_file(name))
    return SCRIPT.sub(r'<script>\n{{ text_of("\1") }}</script>', text)


def read_file(name: str) -> str:
    """The text of a file in ``files/report``, without the licence comment. Raises LabError."""
    try:
        return LICENCE.sub("", (FOLDER / name).read_text(encoding="utf-8"))
    except OSError as error:
        raise LabError(
            f"Reading {FOLDER / name}, which the report's page is made from, failed: {error.strerror}; "
            "install the collection again."
        ) from error


def tail(label: str) -> str:
    """The end of a long label, which tells pods apart; the page has the whole label in the title attribute."""
    return label if len(label) <= 12 else "…" + label[-11:]
