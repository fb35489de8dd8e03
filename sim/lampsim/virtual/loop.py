"""Virtual time: what is due next, in order, and nothing in between. No clock, no random source.

Two things due at the same microsecond happen in the order in which they were asked for, so a run can be replayed.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

Handle = int  # when in microseconds, and in the low bits which of that moment: whole numbers compare fastest
_ORDER_BITS = 40


class Loop:
    """`now_us` is the present, `events` how many things have happened."""

    def __init__(self) -> None:
        self.now_us = 0
        self.events = 0
        self._heap: list[Handle] = []
        self._due: dict[Handle, Callable[[], object]] = {}
        self._order = 0

    def at(self, t_us: int, callback: Callable[[], object]) -> Handle:
        """Call back at `t_us`, or at once where that has passed; return what `cancel` takes."""
        self._order += 1
        handle = ((t_us if t_us > self.now_us else self.now_us) << _ORDER_BITS) + self._order
        self._due[handle] = callback
        heappush(self._heap, handle)
        return handle

    def after(self, wait_us: int, callback: Callable[[], object]) -> Handle:
        return self.at(self.now_us + wait_us, callback)

    def cancel(self, handle: Handle | None) -> None:
        """Forget a callback; one that has been called, or None, is no fault."""
        if handle is not None:
            self._due.pop(handle, None)

    def run_until(self, t_us: int) -> None:
        """Let everything happen that is due up to and including `t_us`; then that is the present."""
        heap, due, after = self._heap, self._due, (t_us + 1) << _ORDER_BITS
        while heap and heap[0] < after:
            handle = heappop(heap)
            callback = due.pop(handle, None)
            if callback is not None:
                self.now_us = handle >> _ORDER_BITS
                self.events += 1
                callback()
        self.now_us = max(self.now_us, t_us)
