"""What a bad cable does to frames in virtual time: who misses one whole, and who reads bits of it wrong."""

from __future__ import annotations

import random
from collections.abc import Iterable

from ..line import Counters

_NEVER = 1 << 62


class Noise:
    """`chances` are that one hearer misses one frame, and that it reads one bit wrong. Counts what it does."""

    def __init__(self, draw: random.Random, counters: Counters) -> None:
        self.chances = (0.0, 0.0)
        self._random = draw
        self._counters = counters
        self._bits_to_error = _NEVER

    def __bool__(self) -> bool:
        return any(self.chances)

    def impair(self, loss: float, bit_error: float) -> None:
        """From now on; 0 <= p < 1, ValueError else."""
        if not (0 <= loss < 1 and 0 <= bit_error < 1):
            raise ValueError(f"loss {loss}, bit error {bit_error}: probabilities from 0 to below 1")
        self.chances = loss, bit_error
        self._bits_to_error = self._gap()

    def damage(
        self, sender: str, data: bytes, names: Iterable[str], missed: set[str], copies: dict[str, bytes]
    ) -> None:
        """Draw who of `names` misses the write whole (`missed`), and who hears bits of it wrong (`copies`)."""
        bits, loss = 8 * len(data), self.chances[0]
        for name in names:
            if name == sender:
                continue
            if loss and self._random.random() < loss:
                missed.add(name)
                self._counters.lost_frames += 1
            elif self._bits_to_error >= bits:
                self._bits_to_error -= bits
            else:
                copies[name] = self._with_errors(data, bits)

    def _with_errors(self, data: bytes, bits: int) -> bytes:
        wrong, at = bytearray(data), self._bits_to_error
        while at < bits:
            wrong[at // 8] ^= 1 << (at % 8)
            self._counters.bit_errors += 1
            at += 1 + self._gap()
        self._bits_to_error = at - bits
        return bytes(wrong)

    def _gap(self) -> int:
        """Good bits before the next bad one."""
        bit_error = self.chances[1]
        return int(self._random.expovariate(1) / bit_error) if bit_error else _NEVER
