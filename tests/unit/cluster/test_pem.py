# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and keys in PEM, in text that somebody made to cost time."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.pem import (
    LONGEST_KEY,
    NotPem,
    certificates,
    private_key,
)
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

BEGIN = b"-----BEGIN CERTIFICATE-----"


@pytest.mark.parametrize(
    "text",
    [
        BEGIN + b"\n" * 500_000,
        BEGIN + b"\nA" * 250_000,
        (BEGIN + b"\n") * 20_000,
        (BEGIN + b" " * 1000) * 500,
        BEGIN + b" " * 250_000 + b"-----END NOTHING-----",
    ],
)
def test_text_that_never_ends_a_block_is_read_in_one_go(text: bytes) -> None:
    """Time that grows with the square of the length would be hours."""
    for take in (certificates, private_key):
        with pytest.raises(NotPem):
            take(text)


def test_blocks_among_other_text() -> None:
    text = b"subject=x\n" + BEGIN + b"\r\n \nMAMC\nAQA=\n-----END CERTIFICATE-----\nrest"
    assert certificates(text) == f"{BEGIN.decode()}\nMAMCAQA=\n-----END CERTIFICATE-----\n"


def pem(der: bytes, label: str = "RSA PRIVATE KEY") -> bytes:
    return f"-----BEGIN {label}-----\n{base64.b64encode(der).decode()}\n-----END {label}-----\n".encode()


def element(tag: int, content: bytes) -> bytes:
    size = len(content).to_bytes(3, "big")
    return bytes([tag, 0x83]) + size + content


def integer(bits: int) -> bytes:
    return element(2, (1 << (bits - 1)).to_bytes(bits // 8 + 1, "big"))


@pytest.mark.parametrize("kind", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL])
def test_keys_as_people_have_them(kind: serialization.PrivateFormat) -> None:
    keys = [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())]
    keys += [ed25519.Ed25519PrivateKey.generate()] if kind is serialization.PrivateFormat.PKCS8 else []
    for key in keys:
        text = key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())
        assert private_key(text).split() == text.decode().split()


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_key_that_takes_minutes_to_sign_with_is_refused(place: int) -> None:
    """Its integers may be of any size each: a small modulus does not make up for a giant exponent."""
    for bits, good in ((LONGEST_KEY, True), (LONGEST_KEY + 8, False), (400_000, False)):
        numbers = [integer(8), integer(2048), integer(2048)]
        numbers[place] = integer(bits)
        plain = element(0x30, b"".join(numbers))
        for der in (plain, element(0x30, integer(8) + element(0x30, b"\x06\x01\x01") + element(4, plain))):
            if good:
                assert private_key(pem(der))
            else:
                with pytest.raises(NotPem, match="is a key of more than 8,192 bits"):
                    private_key(pem(der))


@pytest.mark.parametrize(
    "der",
    [
        b"\x30\x80\x02\x01\x01\x00\x00",
        b"\x30\x05\x02\x01",
        b"\x30",
        b"\x30\x02\x02\x7f",
        b"\x30\x84\xff\xff\xff\xff\x02",
    ],
)
def test_a_key_that_is_not_der_is_none(der: bytes) -> None:
    with pytest.raises(NotPem, match="holds no well-formed private key"):
        private_key(pem(der))
