"""Frames cut from bytes a second time, after PROTOCOL.md and without `lamppost.wire`: what a line really said."""

from __future__ import annotations

import hmac
from binascii import crc_hqx
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from lamppost.wire import cbor

POLL, EVENT, TIME, COMMAND, BLOB, SET_TIME = 0x10, 0x12, 0x13, 0x20, 0x31, 0x40  # PROTOCOL.md's message types
FIRMWARE, BLOCK = 0x33, 0x35
SHORT_MAX = 16
_FORMS = {1: POLL, 2: 0x14, 3: EVENT, 4: 0x15}  # the first three bits of a short frame and the type it is
PIECE_MAX = 400  # bytes between two delimiters that are worth keeping: a frame has at most 210


class Frame(NamedTuple):
    """A frame whose CRC is right, where it has one. `body` is all of it between the delimiters, unstuffed."""

    dst: int
    src: int
    kind: int
    body: bytes
    until_us: int
    heard_by: set[str]

    @property
    def counter(self) -> int:
        """Its place in the order of what its sender says to everybody: of an EVENT, among those of `origin`."""
        if len(self.body) > SHORT_MAX:
            return int.from_bytes(self.body[3:7], "big")
        return (int.from_bytes(self.body[2:6], "big") << 8) + self.values()[3] if self.kind == EVENT else 0

    @property
    def origin(self) -> tuple[int, int]:
        """The sender, and of an EVENT the input."""
        return self.src, self.body[0] & 3 if self.kind == EVENT else 0

    def values(self) -> list:
        """Of a long frame its fields; of an EVENT [class, input, age in ms, repeat]."""
        if len(self.body) > SHORT_MAX:
            return cbor.decode(self.body[7:-10])
        first, last = self.body[0], self.body[6]
        age_ms, repeat = (0, last) if first & 16 else (10 * last, 0)
        return [first >> 2 & 3, first & 3, age_ms, repeat]


def sealed_with(body: bytes, keys: Iterable[bytes]) -> bytes | None:
    """The one of these bus keys with which an EVENT or TIME is sealed: PROTOCOL.md, sections 2 and 4, a second time."""
    if len(body) > SHORT_MAX:
        signed, seal = body[:-10], body[-10:-2]
    else:
        signed, seal = bytes([255, body[1], 0x12]) + body[2:6] + body[:1] + body[6:7], body[7:]
    for key in keys:
        if hmac.digest(key, b"lamplighter 1 bus:" + signed, "sha256")[: len(seal)] == seal:
            return key
    return None


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
    if body is not None and len(body) <= SHORT_MAX:
        return _short(body)
    if body is None or not 17 <= len(body) <= 209 or crc_hqx(body[:-2], 0xFFFF) != int.from_bytes(body[-2:], "big"):
        return None
    return Frame(body[0], body[1], body[2], body, 0, set())


def _short(body: bytes) -> Frame | None:
    kind = _FORMS.get(body[0] >> 5) if body else None
    if kind == 0x15 and (len(body) < 6 or crc_hqx(body[:-2], 0xFFFF) != int.from_bytes(body[-2:], "big")):
        return None
    if kind is None or (kind in (EVENT, 0x14) and len(body) != (13 if kind == EVENT else 9)) or len(body) < 6:
        return None
    if kind == POLL:
        return Frame(body[1], 0, kind, body, 0, set())
    return Frame(0 if kind == 0x14 else 255, body[1], kind, body, 0, set())


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
