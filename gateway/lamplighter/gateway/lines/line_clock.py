"""What time it is on a line: when everybody is told, when one post in its session, and with which words.

Rules kept here:
- The time is told each EVERY_MS, within APART_MS when a post has come or keeps the line, and at once under another bus
  key.
- One post is told in the place of a poll but never of two in a row; who and when: timekeeper.py.
- While nothing is known of the time, or no post is there to take it, nobody is told.
"""

from __future__ import annotations

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.timekeeper import Timekeeper

EVERY_MS = 10_000  # a drift of 100 ppm is 1 ms in that time
APART_MS = 300  # the sessions of a whole line opening one after another share a broadcast
STEP_MS = 500  # of this computer's clock: less is slewed by its time service


class LineClock:
    """The clock of one line. `cycle_ms` as in Poller: a quiet line is told the time three times in it."""

    def __init__(self, cycle_ms: int) -> None:
        self.timekeeper = Timekeeper(cycle_ms)
        self._every_ms = max(EVERY_MS, cycle_ms // 3)
        self._ahead_ms: int | None = None  # of UTC to the monotonic clock
        self._uncertainty_ms = 0
        self._next_ms = 0
        self._said_ms = -APART_MS
        self._greeted = False  # somebody is there to be told the time
        self._told_one = False

    def set(self, clock: line.Clock, t_ms: int) -> bool:
        """Take this computer's time; whether it was not known, or has stepped."""
        ahead_ms, before_ms = clock.utc_ms - t_ms, self._ahead_ms
        self._ahead_ms, self._uncertainty_ms = ahead_ms, clock.uncertainty_ms
        return before_ms is None or abs(ahead_ms - before_ms) >= STEP_MS

    # --- everybody

    def due_ms(self) -> int | None:
        """When a broadcast is due; None: not at all."""
        return self._next_ms if self._greeted and self._ahead_ms is not None else None

    def due_soon(self, t_ms: int) -> None:
        """Somebody wants it, who perhaps is not the only one."""
        self._next_ms = min(self._next_ms, max(t_ms, self._said_ms + APART_MS))

    def due_now(self, t_ms: int) -> None:
        """It is the first under another key."""
        self._next_ms = min(self._next_ms, t_ms)

    def greeted(self, t_ms: int) -> None:
        """A post is there that takes the time."""
        self._greeted = True
        self.due_soon(t_ms)

    def said(self, t_ms: int) -> None:
        """A broadcast begins."""
        self._next_ms, self._said_ms = t_ms + self._every_ms, t_ms

    # --- one post

    def one_due_ms(self) -> int | None:
        """When the first post is due; None: none."""
        return None if self._ahead_ms is None else self.timekeeper.due_ms()

    def turn(self, t_ms: int) -> int | None:
        """In the place of a poll: the address to be told now; None: no turn."""
        due_ms = None if self._told_one else self.one_due_ms()
        self._told_one = due_ms is not None and due_ms <= t_ms
        return self.timekeeper.next(t_ms) if self._told_one else None

    def status(self, address: int, utc_s: int, t_ms: int) -> None:
        """A post has told its clock, 0 for unknown."""
        if self._ahead_ms is not None:
            self.timekeeper.status(address, utc_s, (t_ms + self._ahead_ms) // 1000, t_ms)

    def values(self, t_ms: int, wire_ms: int) -> tuple[int, int, int]:
        """The fields of a TIME that takes `wire_ms` and whose last byte leaves when it is that time."""
        utc_ms = t_ms + (self._ahead_ms or 0) + wire_ms
        return utc_ms // 1000, utc_ms % 1000, self._uncertainty_ms
