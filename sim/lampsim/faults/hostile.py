"""Somebody on the line who has no key: recordings, forgeries, echoes, other people's addresses, and noise.

He hears everything and can send anything. Nothing he sends may change anything but the time it takes.
"""

from __future__ import annotations

import random
from binascii import crc_hqx
from dataclasses import dataclass

from lampsim.faults.base import Fault, Shape, Stage, fault

SHORT_MAX = 16  # a frame of at most so many bytes is short
EVERY_US = 120_000  # between two of his frames: more, and he is a jabber


def checked(body: bytes) -> bytes:
    """With a right CRC at its end, where a frame of its form has one: PROTOCOL.md, section 2."""
    return body + crc_hqx(body, 0xFFFF).to_bytes(2, "big")


def stuffed(whole: bytes) -> bytes:
    """A whole frame as it goes on the line: COBS, and a zero on both sides; written here a second time."""
    out = bytearray()
    for part in whole.split(b"\0"):
        while len(part) >= 254:
            out += b"\xff" + part[:254]
            part = part[254:]
        out += bytes([len(part) + 1]) + part
    return b"\0" + bytes(out) + b"\0"


def opened(data: bytes) -> bytes | None:
    """The whole frame on the line, with its CRC where it has one; None where it is none."""
    piece, out, at = data.strip(b"\0"), bytearray(), 0
    while at < len(piece):
        code = piece[at]
        out += piece[at + 1 : at + code]
        at += code
        if code < 255 and at < len(piece):
            out.append(0)
    return bytes(out) if len(out) >= 5 else None


@fault("hostile")
@dataclass(frozen=True)
class Hostile(Fault):
    """`kind`: replay, forge (a true frame with something changed and a right CRC), reflect (a frame sent back with its
    addresses exchanged), other (a frame for one post readdressed to another), random (well-formed nonsense)."""

    line: str = "a"
    kind: str = "replay"

    KINDS = ("replay", "forge", "reflect", "other", "random")

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        return cls(at_s, for_s, shape.line(draw), draw.choice(cls.KINDS))

    def begin(self, stage: Stage) -> None:
        noise = self.random()

        def say() -> None:
            data = self._frame(stage, noise)
            if data is not None:
                stage.inject(self.line, data)

        self.keep_on(stage, say, lambda: noise.randint(EVERY_US // 2, 2 * EVERY_US))

    def _frame(self, stage: Stage, noise: random.Random) -> bytes | None:
        known = stage.overheard(self.line)
        if self.kind == "random" or not known:
            kind = noise.choice((1, 2, 0x10, 0x11, 0x12, 0x13, 0x20, 0x30, 0x31, noise.randrange(256)))
            head = bytes([noise.choice((0, 1, 2, 3, 255)), noise.choice((0, 1, 2, 250)), kind])
            if noise.random() < 0.5:
                return stuffed(checked(head + noise.randbytes(noise.randint(14, 180))))
            first = bytes([noise.choice((0x20, 0x30, 0x40, 0x60, 0x70)), noise.choice((0, 1, 2, 3, 250))])
            return stuffed(first + noise.randbytes({1: 7, 2: 7, 3: 11}[first[0] >> 5]))
        data = noise.choice(known)
        if self.kind == "replay":
            return data
        whole = opened(data)
        if whole is None:
            return None
        if len(whole) <= SHORT_MAX:
            return stuffed(bytes(self._changed_short(bytearray(whole), noise)))
        return stuffed(checked(bytes(self._changed(bytearray(whole[:-2]), noise))))

    def _changed_short(self, whole: bytearray, noise: random.Random) -> bytearray:
        if self.kind == "reflect":
            whole[0] ^= 0x60  # a POLL as a STILL and the other way round
        elif self.kind == "other":
            whole[1] = noise.randint(0, 8)
        else:
            choice = noise.randrange(4)
            if choice == 0:
                whole[0] ^= 1 << noise.randrange(5)
            elif choice == 1:
                whole[2] = (whole[2] + noise.randint(1, 50)) & 255
            elif choice == 2:
                whole[noise.randrange(2, len(whole))] ^= 1 << noise.randrange(8)
            else:
                whole[-6:] = bytes(6)
        if whole[0] >> 5 == 4:
            whole[-2:] = checked(bytes(whole[:-2]))[-2:]
        return whole

    def _changed(self, body: bytearray, noise: random.Random) -> bytearray:
        if self.kind == "reflect":
            body[0], body[1] = body[1], body[0]
        elif self.kind == "other":
            body[noise.randrange(2)] = noise.randint(0, 8)
        else:  # a higher counter, another type, a changed payload; the seal as it was, or none
            choice = noise.randrange(4)
            if choice == 0:
                body[3:7] = ((int.from_bytes(body[3:7], "big") + noise.randint(1, 50)) & 0xFFFFFFFF).to_bytes(4, "big")
            elif choice == 1:
                body[2] = noise.choice((0x10, 0x12, 0x13, 0x20, 0x30, 0x31))
            elif choice == 2 and len(body) > 15:
                body[noise.randrange(7, len(body) - 8)] ^= 1 << noise.randrange(8)
            else:
                body[-8:] = bytes(8)
        return body


@fault("stolen-bus-key")
@dataclass(frozen=True)
class StolenBusKey(Fault):
    """Somebody has the key of a line, from a post that he took home: he says events in the name of the others, with
    numbers that they have used, will use next, or not for long."""

    some: tuple[str, ...] = ()

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        names = shape.lines[shape.line(draw)]
        return cls(at_s, for_s, tuple(sorted(draw.sample(names, draw.randint(1, len(names))))))

    def begin(self, stage: Stage) -> None:
        chance = self.random()

        def say() -> None:
            ahead = chance.choice((-3, -1, 0, 0, 1, 2, 5, 30))
            stage.forge(chance.choice(self.some), ahead, chance.randrange(3))

        if self.some:
            self.keep_on(stage, say, lambda: chance.randint(EVERY_US, 10 * EVERY_US))
