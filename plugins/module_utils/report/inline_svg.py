# SPDX-License-Identifier: GPL-3.0-or-later
"""Make matplotlib's SVG fit to stand inside a page beside others.

Ids get a prefix, colours become the page's custom properties (so that light and dark both work), numbers are rounded,
and nothing points outside.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from .line_style import PROPERTIES

SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
FONT_FAMILY = re.compile(r"font-family:[^;]*;?")
REFERENCE = re.compile(r"url\(#([^)]+)\)")


def inline_svg(text: str, name: str, label: str) -> str:
    """An SVG document as an element of a page. name: the prefix of its ids; label: what it shows, in words."""
    root = ElementTree.fromstring(text)
    _make_inline(root, name)
    box = root.get("viewBox", "")
    root.attrib.clear()
    root.attrib.update({"viewBox": box, "role": "img", "aria-label": label, "class": "drawing"})
    return ElementTree.tostring(root, encoding="unicode")


def _make_inline(element: ElementTree.Element, prefix: str) -> None:
    """Drop what is for a file of its own, and keep ids apart from those of other drawings."""
    for child in list(element):
        # matplotlib's style element would hold for the whole page.
        if child.tag in (f"{SVG}metadata", f"{SVG}style"):
            element.remove(child)
        else:
            _make_inline(child, prefix)
    element.tag = element.tag.removeprefix(SVG)
    if element.text is not None and element.tag != "text":
        element.text = None
    element.tail = None
    for key, value in list(element.attrib.items()):
        if key == "id":
            # Groups have ids that nothing refers to.
            if element.tag == "g":
                del element.attrib[key]
                continue
            value = f"{prefix}-{value}"
        elif key == f"{XLINK}href":
            del element.attrib[key]
            key, value = "href", f"#{prefix}-{value.removeprefix('#')}"
        elif key == "transform" and value.startswith("rotate(-0 "):
            del element.attrib[key]
            continue
        elif key == "style":
            value = _style(value)
        elif key in ("d", "transform", "x", "y", "width", "height", "viewBox"):
            value = NUMBER.sub(_short, " ".join(value.split()))
        element.set(key, REFERENCE.sub(rf"url(#{prefix}-\1)", value))


def _style(value: str) -> str:
    """The page says which font; colours become its custom properties."""
    value = FONT_FAMILY.sub("", value.replace(": ", ":").replace("; ", ";"))
    for colour, name in PROPERTIES.items():
        value = value.replace(colour, f"var(--{name})")
    return value


def _short(match: re.Match[str]) -> str:
    text = f"{float(match[0]):.1f}"
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text
