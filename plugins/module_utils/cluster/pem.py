# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and keys in PEM: that a text holds nothing else, and the blocks themselves.

A kubeconfig of a stranger names files and holds data. Of either only well-formed blocks are taken, so that no other
file's content can pass through the lab to a server or into another file.
"""

from __future__ import annotations

import base64
import binascii
import re

CERTIFICATE = re.compile(r"CERTIFICATE")
KEY = re.compile(r"(?:RSA |EC |DSA )?PRIVATE KEY")
# What precedes the body is part of it: with a repetition of its own, blanks would take quadratic time.
_BLOCK = re.compile(
    r"-----BEGIN (?P<label>[A-Z0-9 ]{1,40})-----(?P<body>\s[A-Za-z0-9+/=\s]{1,1000000})-----END (?P=label)-----"
)


#: Bits of the longest key: time for a signature grows with the third power, and nothing stops a library that signs.
#: kubectl and helm take no longer ones from a server either.
LONGEST_KEY = 8192
_INTEGER, _SEQUENCE, _OCTETS = 0x02, 0x30, 0x04


class NotPem(Exception):
    """Why a text is not what it should be, without any of it."""


def certificates(text: bytes) -> str:
    """The certificates of a text, one after the other. Raises NotPem where there are none."""
    found = _blocks(text, CERTIFICATE)
    if not found:
        raise NotPem("holds no certificate in PEM")
    return "".join(found)


def private_key(text: bytes) -> str:
    """The first private key of a text. Raises NotPem where there is none, or one with a passphrase."""
    if b"ENCRYPTED" in text:
        raise NotPem("is encrypted with a passphrase, which nobody could be asked for")
    found = _blocks(text, KEY)
    if not found:
        raise NotPem("holds no private key in PEM")
    body = "".join(line for line in found[0].splitlines() if not line.startswith("-"))
    if longest_integer(base64.b64decode(body)) > LONGEST_KEY:
        raise NotPem(f"is a key of more than {LONGEST_KEY:,} bits, which takes minutes for each connection")
    return found[0]


def longest_integer(der: bytes) -> int:
    """Bits of the longest integer in a private key. Raises NotPem for what is not written as DER has it."""
    longest = 0
    inside = [(0, len(der))]
    while inside:
        at, end = inside.pop()
        while at < end:
            tag, at, after = _element(der, at, end)
            if tag == _INTEGER:
                longest = max(longest, int.from_bytes(der[at:after], "big", signed=True).bit_length())
            elif tag == _SEQUENCE or (tag == _OCTETS and der[at : at + 1] == b"\x30"):
                inside.append((at, after))
            at = after
    return longest


def _element(der: bytes, at: int, end: int) -> tuple[int, int, int]:
    """The tag of the element at a place, and where its content begins and ends."""
    header = der[at : min(at + 2, end)]
    if len(header) == 2:
        begin, length = at + 2, header[1]
        if length > 0x80:
            begin, length = begin + length - 0x80, int.from_bytes(der[begin : begin + length - 0x80], "big")
        # 0x80 is a length that the content tells, which only BER has.
        if header[1] != 0x80 and begin + length <= end:
            return header[0], begin, begin + length
    raise NotPem("holds no well-formed private key")


def _blocks(text: bytes, label: re.Pattern[str]) -> list[str]:
    """The well-formed blocks with such a label, each as it is written anew."""
    found = []
    for block in _BLOCK.finditer(text.decode("ascii", "replace")):
        if not label.fullmatch(block["label"]):
            continue
        try:
            der = base64.b64decode("".join(block["body"].split()), validate=True)
        except (binascii.Error, ValueError):
            continue
        # Each of them is an ASN.1 SEQUENCE.
        if der[:1] == b"\x30":
            lines = base64.b64encode(der).decode()
            body = "".join(f"{lines[start : start + 64]}\n" for start in range(0, len(lines), 64))
            found.append(f"-----BEGIN {block['label']}-----\n{body}-----END {block['label']}-----\n")
    return found
