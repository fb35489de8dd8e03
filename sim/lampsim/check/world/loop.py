"""The virtual time of a check, in microseconds."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any


class Loop:
    """Callbacks in the order of their time; those of one moment in the order in which they were asked for."""

    def __init__(self) -> None:
        self.now_us = 0
        self._heap: list[tuple[int, int, Callable[[], Any]]] = []
        self._order = 0

    def at(self, t_us: int, callback: Callable[[], Any]) -> None:
        self._order += 1
        heapq.heappush(self._heap, (max(t_us, self.now_us), self._order, callback))

    def run_until(self, t_us: int) -> None:
        while self._heap and self._heap[0][0] <= t_us:
            self.now_us, _, callback = heapq.heappop(self._heap)
            callback()
        self.now_us = t_us
