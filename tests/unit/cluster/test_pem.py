# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and keys in PEM, in text that somebody made to cost time."""

from __future__ import annotations

import pytest
from ansible_collections.temporal_lab.benchmarking.plugins.module_utils.cluster.pem import (
    NotPem,
    certificates,
    private_key,
)

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
