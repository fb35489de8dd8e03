"""What a gateway keeps on disk, in memory: the rules of outbox and ledger, and what a kill leaves of them.

Promises: an item of a post, (post, item epoch, seq), gets one id, however often and by whichever way it comes; what is
committed survives `kill`, the rest is gone as if it had never been; a row goes only when the centre has it.
"""

from __future__ import annotations

from typing import NamedTuple

from lamplighter.gateway.store.outbox import HEARD_MAX, Seen
from lamplighter.gateway.store.outbox import Entry as Row
from lamppost.wire import messages


class Entry(NamedTuple):
    """An item to append; `fast`: heard as an event, ahead of the items."""

    post: str
    epoch: int
    item: tuple
    fast: bool


class Store:
    """`epoch` names this store; `rows` wait for the centre, by seq."""

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.rows: dict[int, Entry] = {}
        self.plan: dict | None = None
        self.room = True  # False: the disk is full
        self._next_seq = 1
        self._seen: dict[str, Seen] = {}
        self._counters: dict[str, int] = {}
        self._pending: list[list[Entry]] = []

    def append(self, entries: list[Entry]) -> None:
        """Take entries; they are on disk only after `commit`."""
        self._pending.append(entries)

    def commit(self) -> int:
        """Write the oldest batch to disk; return how many of its items were new. OSError where there is no room."""
        if not self._pending:
            return 0
        if not self.room:
            self._pending.pop(0)
            raise OSError("the disk is full")
        new = 0
        for entry in self._pending.pop(0):
            seen = self._seen.get(entry.post) or Seen(entry.epoch, 0, frozenset())
            told = entry.item[1] != messages.PRESENCE
            row = Row(0, entry.post, entry.epoch, entry.item[0], "", entry.fast, told)
            known = seen.has(row)
            full = entry.epoch == seen.epoch and len(seen.heard) >= HEARD_MAX and entry.item[0] != seen.stored + 1
            if entry.fast and (known or full):
                continue
            self._seen[entry.post] = seen.plus(row)
            if not known:
                self.rows[self._next_seq] = entry
                self._next_seq += 1
                new += 1
        return new

    def acknowledge(self, seq: int) -> None:
        self.rows.pop(seq, None)

    def kill(self) -> None:
        """What was not committed is lost."""
        self._pending.clear()

    def stored(self) -> dict[str, tuple[int, int]]:
        """(item epoch, highest seq up to which all has come) of each post."""
        return {post: (seen.epoch, seen.stored) for post, seen in self._seen.items()}

    def counter(self, bus: str, utc_s: int) -> int:
        """The first broadcast counter of a line that was never used; see Ledger.counter."""
        return self._counters.get(bus, max(0, utc_s))

    def reserve(self, bus: str, counter: int) -> None:
        self._counters[bus] = counter
