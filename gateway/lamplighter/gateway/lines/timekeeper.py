"""Which post is to be told the time in its session, and what each said of its clock.

Rules kept here:
- A post gets the time when its session has opened (its first status has come), when a status shows that its clock is
  unknown or more than a second off, and each EVERY_MS, from which it learns its crystal's drift.
- Nobody is told more often than every AGAIN_MS, whatever its statuses say.
"""

from __future__ import annotations

from typing import NamedTuple

EVERY_MS = 3_600_000  # a stolen bus key can take a clock 2.4 s off until then
AGAIN_MS = 10_000  # a clock that stays wrong is slewed, or believes another source; asking faster helps nobody
OFF_S = 2  # between two clocks read in whole seconds: more than one second


class Report(NamedTuple):
    """A post's own words: how far its clock was off, its crystal's drift, and how sure it is of the time now."""

    off_ms: int
    drift_ppb: int
    uncertainty_ms: int


class Timekeeper:
    """The clocks of one line. `cycle_ms` as in Poller: a quiet line is told the time more seldom."""

    def __init__(self, cycle_ms: int = 0) -> None:
        self.reports: dict[int, Report] = {}
        self._every_ms = max(EVERY_MS, 6 * cycle_ms)
        self._due: dict[int, int] = {}  # when, by address; posts in session whose status has come
        self._told: dict[int, int] = {}
        self._next: tuple[int, int] | None = None  # (when, address), the earliest of _due

    def opened(self, address: int) -> None:
        """A session has been opened: whatever was known of this post's clock is not."""
        self.closed(address)
        self._told.pop(address, None)

    def closed(self, address: int) -> None:
        """There is no session any more."""
        if self._due.pop(address, None) is not None:
            self._find_next()

    def status(self, address: int, utc_s: int, true_s: int, t_ms: int) -> None:
        """A status has come: the post's clock, 0 for unknown, and ours."""
        due_ms = self._due.get(address)
        told_ms = self._told.get(address)
        if due_ms is not None and abs(utc_s - true_s) < OFF_S:
            return
        wanted_ms = t_ms if told_ms is None else max(t_ms, told_ms + AGAIN_MS)
        if due_ms is None or wanted_ms < due_ms:
            self._due[address] = wanted_ms
            self._find_next()

    def told(self, address: int, values: list, t_ms: int) -> None:
        """A post has taken the time; `values` are those of its TIME_OK."""
        self.reports[address] = Report(*values)
        self._told[address] = t_ms
        self._due[address] = t_ms + self._every_ms
        self._find_next()

    def due_ms(self) -> int | None:
        """When the next post is due; None: none is in session."""
        return None if self._next is None else self._next[0]

    def next(self, t_ms: int) -> int:
        """The address that is due; it goes behind the others that are, so that a deaf one holds up nobody."""
        assert self._next is not None, "ask due_ms first"
        address = self._next[1]
        self._due[address] = max(t_ms, self._due[address]) + 1
        self._find_next()
        return address

    def _find_next(self) -> None:
        self._next = min(((due_ms, address) for address, due_ms in self._due.items()), default=None)
