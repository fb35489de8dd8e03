"""Posts that spoke together garbled each other: who is asked next, in which order of addresses.

After garbage in a slot the gateway says GO(low..high) for each run of the line's addresses, and each post in it with an
event has a place of its own. A window that was garbled itself is said once more. Garbage that no event follows, three
times in a row, is no burst of posts: for a while nothing is asked.
"""

from __future__ import annotations

GAP_MAX = 3  # addresses that nobody has: skipping them costs less than another GO
ROUNDS = 2  # of one run of addresses
FRUITLESS_MAX = 3
PAUSE_MS = 1000  # one GO a second: 3 % of a line of 64 posts whose noise never ends


class Burst:
    """The bursts of one line with posts at `addresses`."""

    def __init__(self, addresses: list[int]) -> None:
        self._runs = _runs(sorted(addresses))
        self._todo: list[tuple[int, int, int]] = []
        self._now: tuple[int, int, int] | None = None
        self._heard = False
        self._fruitless = 0
        self._not_before_ms = 0

    def adopt(self, addresses: list[int]) -> None:
        """These posts there are now."""
        self._runs = _runs(sorted(addresses))

    def garbled(self, t_ms: int) -> bool:
        """Garbage instead of an event; return whether somebody is asked for it."""
        if self._now is not None:
            low, high, rounds = self._now
            if rounds < ROUNDS:
                self._todo.insert(0, (low, high, rounds + 1))
        elif not self._todo and t_ms >= self._not_before_ms:
            self._todo = [(low, high, 1) for low, high in self._runs]
            self._heard = False
        return bool(self._todo)

    def heard(self) -> None:
        """An event of this line came."""
        self._heard = True
        self._fruitless = 0

    def next(self, t_ms: int) -> tuple[int, int] | None:
        """The addresses to GO now; None when there are none (more)."""
        was, self._now = self._now, self._todo.pop(0) if self._todo else None
        if self._now is not None:
            return self._now[:2]
        if was is not None and not self._heard:
            self._fruitless += 1
            if self._fruitless >= FRUITLESS_MAX:
                self._not_before_ms = t_ms + PAUSE_MS
        return None

    def left(self, address: int) -> int:
        """How many places of the GO that was said come behind this address; -1 outside its window."""
        if self._now is None or not self._now[0] <= address <= self._now[1]:
            return -1
        return self._now[1] - address

    @property
    def waiting(self) -> bool:
        """Whether `next` has something to say, or to end."""
        return bool(self._todo) or self._now is not None

    @property
    def under_way(self) -> bool:
        """Whether the places of a GO are being counted."""
        return self._now is not None

    def clear(self) -> None:
        """The line is gone."""
        self._todo, self._now = [], None


def _runs(addresses: list[int]) -> list[tuple[int, int]]:
    runs: list[list[int]] = []
    for address in addresses:
        if runs and address - runs[-1][1] <= GAP_MAX:
            runs[-1][1] = address
        else:
            runs.append([address, address])
    return [(low, high) for low, high in runs]
