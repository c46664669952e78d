# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes samples and native histograms of any time into a real Prometheus, which promtool cannot.

The protocol is https://prometheus.io/docs/specs/prw/remote_write_spec/: protobuf, packed as snappy's blocks. Of both
only what is needed is written out here.
"""

from __future__ import annotations

import struct
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

#: The schema of a native histogram with bounds of its own.
CUSTOM = -53


@dataclass(frozen=True)
class Histogram:
    """A native histogram. counts: of its buckets, by index: of custom bounds the place of its upper one."""

    schema: int
    count: int
    total: float
    counts: Mapping[int, int]
    bounds: Sequence[float] = ()
    zero: int = 0
    zero_threshold: float = 0.0

    def encoded(self, milliseconds: int) -> bytes:
        """The message ``Histogram`` of the protocol."""
        filled = sorted(index for index, count in self.counts.items() if count)
        spans = b""
        reached = 0
        for index in filled:
            spans += _message(11, _field(1, _zigzag(index - reached)) + _field(2, _varint(1)))
            reached = index + 1
        deltas = [after - before for before, after in pairwise([0, *(self.counts[index] for index in filled)])]
        return (
            _field(1, _varint(self.count))
            + _double(3, self.total)
            + _field(4, _zigzag(self.schema))
            + _double(5, self.zero_threshold)
            + _field(6, _varint(self.zero))
            + spans
            + _message(12, b"".join(map(_zigzag, deltas)))
            + _field(15, _varint(milliseconds))
            + _message(16, b"".join(struct.pack("<d", bound) for bound in self.bounds))
        )


#: A sample: its time in Unix seconds and what it is.
Sample = tuple[float, "float | Histogram"]


def write(address: str, series: Iterable[tuple[Mapping[str, str], Sequence[Sample]]]) -> None:
    """Write series into a Prometheus that was told ``--web.enable-remote-write-receiver``. They begin at any time."""
    body = b"".join(_message(1, _series(labels, samples)) for labels, samples in series)
    request = urllib.request.Request(
        f"{address}/api/v1/write",
        data=_snappy(body),
        headers={
            "Content-Encoding": "snappy",
            "Content-Type": "application/x-protobuf",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        },
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        assert answer.status in (200, 204)


def _series(labels: Mapping[str, str], samples: Sequence[Sample]) -> bytes:
    made = b"".join(_message(1, _text(1, name) + _text(2, value)) for name, value in sorted(labels.items()))
    for time, value in samples:
        milliseconds = round(time * 1000)
        if isinstance(value, Histogram):
            made += _message(4, value.encoded(milliseconds))
        else:
            made += _message(2, _double(1, value) + _field(2, _varint(milliseconds)))
    return made


def _varint(value: int) -> bytes:
    made = b""
    while value > 127:
        made += bytes([value & 127 | 128])
        value >>= 7
    return made + bytes([value])


def _zigzag(value: int) -> bytes:
    return _varint(2 * value if value >= 0 else -2 * value - 1)


def _field(number: int, encoded: bytes) -> bytes:
    return _varint(number << 3) + encoded


def _double(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def _message(number: int, encoded: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(encoded)) + encoded


def _text(number: int, value: str) -> bytes:
    return _message(number, value.encode())


def _snappy(body: bytes) -> bytes:
    """A block of snappy that is not smaller: it says of all its bytes that they are themselves."""
    made = _varint(len(body))
    for start in range(0, len(body), 65536):
        part = body[start : start + 65536]
        made += bytes([61 << 2]) + struct.pack("<H", len(part) - 1) + part
    return made
