"""Which events their senders are still to be told of: the acknowledgements that ride in the next POLLs and GOs.

A sender that is not named takes its event for lost, so `more` says that there are others still to be named. Each is
told twice, those first that were never told: a frame may be lost.
"""

from __future__ import annotations

HINTS_MAX = 64  # every post of a line once


class Hints:
    """Events heard on one line."""

    def __init__(self) -> None:
        self._fresh: list[tuple[int, int]] = []
        self._told: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._fresh) + len(self._told)

    def add(self, address: int, number: int) -> None:
        """An event was heard."""
        hint = (address, number & 255)
        self._told = [other for other in self._told if other != hint]
        if hint not in self._fresh:
            self._fresh = [*self._fresh, hint][-HINTS_MAX:]

    def take(self, most: int) -> tuple[bytes, int]:
        """(at most `most` pairs for a frame, 1 if others were never told)."""
        fresh, self._fresh = self._fresh[:most], self._fresh[most:]
        again, self._told = self._told[: most - len(fresh)], self._told[most - len(fresh) :]
        self._told = (self._told + fresh)[-HINTS_MAX:]
        pairs = bytes(byte for hint in (*fresh, *again) for byte in hint)
        return pairs, int(bool(self._fresh))
