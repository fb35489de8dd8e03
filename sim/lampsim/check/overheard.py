"""Frames cut from bytes a second time, after PROTOCOL.md and without `lamppost.wire`: what a line really said."""

from __future__ import annotations

from binascii import crc_hqx
from functools import lru_cache
from typing import NamedTuple

from lamppost.wire import cbor

PIECE_MAX = 400  # bytes between two delimiters that are worth keeping: a frame has at most 210


class Frame(NamedTuple):
    """A frame whose CRC is right. `body` is all of it between the delimiters, unstuffed."""

    dst: int
    src: int
    kind: int
    body: bytes
    until_us: int
    heard_by: set[str]

    @property
    def counter(self) -> int:
        return int.from_bytes(self.body[3:7], "big")

    def values(self) -> list:
        return cbor.decode(self.body[7:-10])


class Ear:
    """Takes bytes as they come and gives frames."""

    def __init__(self) -> None:
        self._piece = b""

    def hear(self, data: bytes) -> list[Frame]:
        *pieces, rest = (self._piece + data).split(b"\0")
        self._piece = rest[:PIECE_MAX]
        return [frame for frame in map(_open, pieces) if frame is not None]


@lru_cache(maxsize=512)  # every hearer of a frame asks
def _open(piece: bytes) -> Frame | None:
    body = _unstuffed(piece)
    if body is None or not 17 <= len(body) <= 209 or crc_hqx(body[:-2], 0xFFFF) != int.from_bytes(body[-2:], "big"):
        return None
    return Frame(body[0], body[1], body[2], body, 0, set())


def _unstuffed(piece: bytes) -> bytes | None:
    """Consistent overhead byte stuffing (Cheshire and Baker 1999): each code says where the next zero stood."""
    parts, at = [], 0
    while at < len(piece):
        code = piece[at]
        if code == 0 or at + code > len(piece):
            return None
        parts.append(piece[at + 1 : at + code])
        at += code
        if code < 255 and at < len(piece):
            parts.append(b"\0")
    return b"".join(parts)
