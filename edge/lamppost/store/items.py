"""Readings and events waiting until the gateway has stored them.

Each has a sequence number that is never used twice: numbers are reserved ahead in flash, so a power cut skips some
and repeats none. When the queue is full the oldest reading goes before any event does, and the loss is counted.
"""

from lamppost.limits import ITEMS_MAX, ITEMS_RESERVE
from lamppost.wire import messages


class Items:
    """A queue of [seq, kind, utc_s, a, b, c]. `reserve(seq)` stores that numbers below `seq` may be in use."""

    def __init__(self, next_seq: int, reserve):
        self.next_seq = next_seq
        self.dropped = 0
        self._reserved = next_seq
        self._reserve = reserve
        self._waiting = []

    def __len__(self):
        return len(self._waiting)

    def add(self, kind: int, utc_s: int, a: int = 0, b: int = 0, c: int = 0) -> int:
        """Queue an item; return its sequence number."""
        if self.next_seq >= self._reserved:
            self._reserved = self.next_seq + ITEMS_RESERVE
            self._reserve(self._reserved)
        if len(self._waiting) >= ITEMS_MAX:
            self._make_room()
        seq = self.next_seq
        self.next_seq += 1
        self._waiting.append((seq, kind, utc_s, a, b, c))
        return seq

    def acknowledge(self, seq: int) -> None:
        """Forget every item up to and including `seq`: the gateway has them on disk.

        A number that was never given out is no acknowledgement: nothing goes.
        """
        if seq >= self.next_seq:
            return
        gone = 0
        for item in self._waiting:
            if item[0] > seq:
                break
            gone += 1
        if gone:
            self._waiting = self._waiting[gone:]

    def oldest(self, most: int) -> list:
        """At most `most` items, oldest first; they stay until acknowledged."""
        return self._waiting[:most]

    def _make_room(self) -> None:
        self.dropped += 1
        for place, item in enumerate(self._waiting):
            if item[1] == messages.READING:
                self._waiting = self._waiting[:place] + self._waiting[place + 1 :]
                return
        self._waiting = self._waiting[1:]
