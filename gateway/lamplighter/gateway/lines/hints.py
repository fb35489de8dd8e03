"""Which events their senders are still to be told of: the acknowledgements that ride in the next POLLs and GOs.

A sender that is not named takes its event for lost, so `more` says that there are others still to be named. Each is
told twice where frames follow at once, those first that were never told: a frame may be lost. Where the gateway has
nothing to ask, a GO that only acknowledges is due before the sender tries again. One that is older than OLD_MS is told
to nobody: by then its sender has given up, and the low byte of its number may come again.
"""

from __future__ import annotations

HINTS_MAX = 64  # every post of a line once
DUE_MS = 60  # a post tries again RETRY_MS (100) after it began, and a frame takes up to 15 ms
OLD_MS = 1000


class Hints:
    """Events heard on one line."""

    def __init__(self) -> None:
        self._fresh: list[tuple[int, int, int]] = []  # address, low byte of the number, when it was heard
        self._told: list[tuple[int, int, int]] = []

    def __len__(self) -> int:
        return len(self._fresh) + len(self._told)

    def add(self, address: int, number: int, t_ms: int) -> None:
        """An event was heard."""
        hint = (address, number & 255)
        self._told = [other for other in self._told if other[:2] != hint]
        if all(other[:2] != hint for other in self._fresh):
            self._fresh = [*self._fresh, (*hint, t_ms)][-HINTS_MAX:]

    def due_ms(self) -> int | None:
        """When an event must have been acknowledged; None while all have."""
        return self._fresh[0][2] + DUE_MS if self._fresh else None

    def take(self, most: int, t_ms: int) -> tuple[bytes, int]:
        """(at most `most` pairs for a frame, 1 if others were never told)."""
        if not self._fresh and not self._told:
            return b"", 0
        fresh = [hint for hint in self._fresh if t_ms - hint[2] <= OLD_MS]
        told = [hint for hint in self._told if t_ms - hint[2] <= OLD_MS]
        now, self._fresh = fresh[:most], fresh[most:]
        again, self._told = told[: most - len(now)], told[most - len(now) :]
        self._told = (self._told + now)[-HINTS_MAX:]
        return bytes(byte for hint in (*now, *again) for byte in hint[:2]), int(bool(self._fresh))
