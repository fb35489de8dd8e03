"""What the street has said and the centre has not yet acknowledged: appended once, kept until it is delivered.

Promises
- An item of a post, (post, item epoch, seq), is appended once, however often and by whichever way it arrives.
- It gets a stable id (epoch of this store, seq) in the commit that also remembers that it came; so after kill -9 it is
  sent again with the same id, or not at all because it is acknowledged.
- `acknowledge` means that the broker has it, which proves nothing about the centre: it is kept for a while, up to a
  KEPT_SHARE of the budget, so that the centre can ask for it again by its id.
- The store stays within its budget: first goes what was delivered, then the oldest readings, then the oldest counts of
  people (reported with the readings), and last the oldest events.
- After a restart at most the window in flight is sent a second time, under the same ids.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from concurrent.futures import Future
from typing import NamedTuple

from lamplighter.gateway.store.database import Database

EVENTS, TELEMETRY, FLOW = 0, 1, 2  # FLOW: counts of the gateway's own, one message each
STREAMS = (EVENTS, TELEMETRY, FLOW)
EPOCHS_MAX = 8  # of a post's earlier item epochs are remembered: one each start whose flash refuses to count
HEARD_MAX = 64  # events of one post on the fast path ahead of its items; the items bring any further ones
ROW_BYTES = 24  # what SQLite adds to a row
KEPT_SHARE = 4  # a quarter of the budget for what is delivered: some ten days of 250 posts by default
SEQ_MAX = (1 << 63) - 1  # SQLite's largest integer
THIN_ROWS = 500  # deleted at once when the budget is reached, so that it is not reached again at every append


class Entry(NamedTuple):
    """An item to append. `body` is a JSON object without its seq; `fast`: heard as an event, ahead of the items;
    `told`: of a kind that no event announces, so that only a STATUS before it makes it known."""

    stream: int
    post: str
    epoch: int
    seq: int
    body: str
    fast: bool = False
    told: bool = False


class Row(NamedTuple):
    """An item to deliver."""

    seq: int
    body: str


class Seen(NamedTuple):
    """Up to which seq everything of a post's item epoch has come, and which came earlier than their turn; up to which
    a STATUS has told them: whoever has the bus key can forge an event, and its number may be that of a reading."""

    epoch: int
    stored: int
    heard: frozenset[int]
    sure: int = 0
    before: tuple[tuple[int, int, int], ...] = ()  # (epoch, stored, sure) of earlier epochs, the oldest first

    def has(self, entry: Entry) -> bool:
        if entry.epoch != self.epoch:
            return self._of(entry.epoch).has(entry) if self.knew(entry.epoch) else False
        return entry.seq <= self.sure if entry.told else entry.seq <= self.stored or entry.seq in self.heard

    def full(self, entry: Entry) -> bool:
        """Whether too many came ahead of their turn for this one to be remembered."""
        return entry.epoch == self.epoch and len(self.heard) >= HEARD_MAX and entry.seq != self.stored + 1

    def knew(self, epoch: int) -> bool:
        """Whether this is one of the earlier epochs."""
        return any(one[0] == epoch for one in self.before)

    def _of(self, epoch: int) -> Seen:
        """As seen in another epoch, which is in force from now on; the one until now becomes an earlier one."""
        stored, sure = next((one[1:] for one in self.before if one[0] == epoch), (0, 0))
        others = [one for one in self.before if one[0] != epoch] + [(self.epoch, self.stored, self.sure)]
        return Seen(epoch, stored, frozenset(), sure, tuple(others[-EPOCHS_MAX:]))

    def plus(self, entry: Entry) -> Seen:
        """After this entry."""
        if not self.heard and entry.seq == self.stored + 1 and entry.epoch == self.epoch:  # nearly always
            sure = self.sure if entry.fast else max(self.sure, entry.seq)
            return Seen(self.epoch, entry.seq, self.heard, sure, self.before)
        seen = self if entry.epoch == self.epoch else self._of(entry.epoch)
        sure = seen.sure if entry.fast else max(seen.sure, entry.seq)
        if entry.fast and entry.seq != seen.stored + 1:
            return seen._replace(heard=seen.heard | {entry.seq})
        stored = max(seen.stored, entry.seq)
        return Seen(seen.epoch, stored, frozenset(seq for seq in seen.heard if seq > stored), sure, seen.before)


class Outbox:
    """The queue in a Database. Appends, acknowledgements and their dedupe run in its writer thread."""

    def __init__(self, database: Database, budget_bytes: int) -> None:
        self._database = database
        self._budget = budget_bytes
        self.epoch = ""
        self._load(database.connection)
        database.failed.append(self._load)

    def append(self, entries: Iterable[Entry]) -> Future[int]:
        """Store the entries that are new; the future, the number of those, is done when they are on disk."""
        entries = list(entries)
        return self._database.submit(lambda connection: self._append(connection, entries))

    def acknowledge(self, stream: int, first: int, last: int) -> Future[int]:
        """The broker has the items first..last of a stream; the future is the number of those that were new to us."""
        return self._database.submit(lambda connection: self._acknowledge(connection, stream, first, last))

    def read(self, stream: int, after: int, limit: int) -> list[Row]:
        """The oldest items of a stream over `after` that are to be delivered; none while the file is damaged."""
        done = self._acked[stream]  # before _sent, which is set first: what leaves the one is in the other
        rows: list[Row] = []
        for first, last in _outside(max(after, self._sent[stream]) + 1, SEQ_MAX, done):
            rows += self.between(stream, first, last, limit - len(rows))
            if len(rows) == limit:
                break
        return rows

    def between(self, stream: int, first: int, last: int, limit: int) -> list[Row]:
        """The oldest items first..last of a stream, delivered or not."""
        sql = "SELECT seq, body FROM outbox WHERE stream=? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?"
        try:
            return [Row(*row) for row in self._database.read(sql, (stream, first, last, limit))]
        except sqlite3.DatabaseError:
            self._database.suspect()
            return []

    def had(self, post: str, epoch: int, seq: int) -> bool:
        """Whether an item of an earlier epoch of a post had come before it began another."""
        seen = self._seen.get(post)
        return seen is not None and any(one[0] == epoch and seq <= one[1] for one in seen.before)

    def missing(self, first: int, last: int) -> list[tuple[int, int]]:
        """The ids of first..last that were given and are nowhere any more, as ranges."""
        sql = "SELECT seq FROM outbox WHERE stream=? AND seq BETWEEN ? AND ?"
        there = sorted(row[0] for stream in STREAMS for row in self._database.read(sql, (stream, first, last)))
        gone, expected = [], first
        for seq in [*there, min(last + 1, self._next)]:
            if seq > expected:
                gone.append((expected, seq - 1))
            expected = seq + 1
        return gone

    @property
    def next(self) -> int:
        """The id that the next item gets; every lower one has been given."""
        return self._next

    def stored(self) -> dict[str, tuple[int, int]]:
        """For each post its item epoch and the highest seq of which everything is stored."""
        return {post: (seen.epoch, seen.stored) for post, seen in list(self._seen.items())}

    @property
    def backlog(self) -> int:
        """Items not yet acknowledged."""
        return self._count

    @property
    def dropped(self) -> tuple[int, int]:
        """Events and readings given up to stay within the budget, since the store began."""
        return self._dropped[EVENTS], self._dropped[TELEMETRY]

    def _load(self, connection: sqlite3.Connection) -> None:
        meta = dict(connection.execute("SELECT name, value FROM meta"))
        self.epoch = str(meta["epoch"])
        self._next = int(meta.get("next", 1))
        self._dropped = [int(meta.get("dropped_events", 0)), int(meta.get("dropped_readings", 0))]
        self._sent = [int(meta.get(f"sent:{stream}", 0)) for stream in STREAMS]
        self._acked: list[list[tuple[int, int]]] = [[] for _ in STREAMS]  # above _sent, sorted and apart
        waiting = [_size(connection, stream, self._sent[stream] + 1, SEQ_MAX) for stream in STREAMS]
        kept = [_size(connection, stream, 0, self._sent[stream]) for stream in STREAMS]
        self._count, self._bytes = map(sum, zip(*waiting, strict=True))
        self._kept_bytes = sum(size for _, size in kept)
        rows = connection.execute("SELECT post, epoch, stored, heard FROM posts")
        self._seen = {post: _seen(epoch, stored, json.loads(heard)) for post, epoch, stored, heard in rows}

    def _append(self, connection: sqlite3.Connection, entries: list[Entry]) -> int:
        rows, touched = [], set()
        for entry in entries:
            seen = self._seen.get(entry.post) or Seen(entry.epoch, 0, frozenset())
            known = seen.has(entry)
            if entry.fast and (known or seen.full(entry)):
                continue
            self._seen[entry.post] = seen.plus(entry)
            touched.add(entry.post)
            if not known:
                rows.append((entry.stream, self._next, entry.body))
                self._next += 1
        if not touched:
            return 0
        connection.executemany("INSERT INTO outbox VALUES (?, ?, ?)", rows)
        self._remember(connection, touched)
        self._count += len(rows)
        self._bytes += sum(len(body.encode()) + ROW_BYTES for _, _, body in rows)
        self._thin(connection)
        return len(rows)

    def _remember(self, connection: sqlite3.Connection, posts: set[str]) -> None:
        seen = [(post, self._seen[post]) for post in posts]
        values = [(post, one.epoch, one.stored, json.dumps(_kept(one))) for post, one in seen]
        connection.executemany("INSERT OR REPLACE INTO posts VALUES (?, ?, ?, ?)", values)
        _put(connection, "next", self._next)

    def _acknowledge(self, connection: sqlite3.Connection, stream: int, first: int, last: int) -> int:
        acked = self._acked[stream]
        first = max(first, self._sent[stream] + 1)
        count = 0
        for start, end in _outside(first, last, acked):
            number, size = _size(connection, stream, start, end)
            count += number
            self._bytes -= size
            self._kept_bytes += size
        if not count:
            return 0
        self._count -= count
        met = [one for one in acked if one[0] <= last and one[1] >= first]
        whole = min([first, *(one[0] for one in met)]), max([last, *(one[1] for one in met)])
        acked = sorted([whole, *(one for one in acked if one not in met)])
        while acked and not _size(connection, stream, self._sent[stream] + 1, acked[0][0] - 1)[0]:
            self._sent[stream] = acked.pop(0)[1]
        self._acked[stream] = acked  # a new list, whole: read() looks at it from another thread
        _put(connection, f"sent:{stream}", self._sent[stream])
        while self._kept_bytes > self._budget // KEPT_SHARE and self._forget(connection):
            pass
        return count

    def _thin(self, connection: sqlite3.Connection) -> None:
        while self._bytes + self._kept_bytes > self._budget:
            freed = self._forget(connection) or any(
                self._drop(connection, stream) for stream in (TELEMETRY, FLOW, EVENTS)
            )
            if not freed:
                return

    def _forget(self, connection: sqlite3.Connection) -> int:
        """Delete the oldest of what was delivered."""
        oldest = "SELECT MIN(seq) FROM outbox WHERE stream=? AND seq<=?"
        ends = [(connection.execute(oldest, (stream, self._sent[stream])).fetchone()[0], stream) for stream in STREAMS]
        ends = [end for end in ends if end[0] is not None]
        if not ends:
            return 0
        _, stream = min(ends)
        count, size = _delete_oldest(connection, stream, 0, self._sent[stream])
        self._kept_bytes -= size
        return count

    def _drop(self, connection: sqlite3.Connection, stream: int) -> int:
        """Give up the oldest items of a stream that were never delivered, up to the window in flight."""
        first = self._sent[stream] + 1
        last = self._acked[stream][0][0] - 1 if self._acked[stream] else SEQ_MAX
        count, size = _delete_oldest(connection, stream, first, last)
        self._count -= count
        self._bytes -= size
        self._dropped[EVENTS if stream == EVENTS else TELEMETRY] += count
        _put(connection, "dropped_events", self._dropped[EVENTS])
        _put(connection, "dropped_readings", self._dropped[TELEMETRY])
        return count


def _seen(epoch: int, stored: int, kept: dict | list) -> Seen:
    """From a row of the table; a list is of a version that did not know what was sure."""
    if isinstance(kept, list):
        return Seen(epoch, stored, frozenset(kept), stored)
    before = tuple((one[0], one[1], one[2]) for one in kept.get("before", ()))
    return Seen(epoch, stored, frozenset(kept["heard"]), kept["sure"], before)


def _kept(seen: Seen) -> dict:
    """What `_seen` reads; `before` only where there is something, as in the files of versions that knew none."""
    kept = {"sure": seen.sure, "heard": sorted(seen.heard)}
    return kept | {"before": seen.before} if seen.before else kept


def _outside(first: int, last: int, ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The parts of first..last that none of the ranges (sorted, apart) covers."""
    parts = []
    for start, end in ranges:
        if start > last:
            break
        if end >= first:
            parts.append((first, start - 1))
            first = end + 1
    return [(a, b) for a, b in [*parts, (first, last)] if a <= b]


def _size(connection: sqlite3.Connection, stream: int, first: int, last: int) -> tuple[int, int]:
    """How many items first..last there are, and their bytes."""
    what = f"COUNT(*), COALESCE(SUM(LENGTH(CAST(body AS BLOB)) + {ROW_BYTES}), 0)"
    where = "stream=? AND seq BETWEEN ? AND ?"
    return connection.execute(f"SELECT {what} FROM outbox WHERE {where}", (stream, first, last)).fetchone()


def _delete_oldest(connection: sqlite3.Connection, stream: int, first: int, last: int) -> tuple[int, int]:
    """Delete up to THIN_ROWS of the items first..last; how many and their bytes."""
    seqs = "SELECT seq FROM outbox WHERE stream=? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?"
    found = connection.execute(seqs, (stream, first, last, THIN_ROWS)).fetchall()
    if not found:
        return 0, 0
    ends = stream, found[0][0], found[-1][0]
    gone = _size(connection, *ends)
    connection.execute("DELETE FROM outbox WHERE stream=? AND seq BETWEEN ? AND ?", ends)
    return gone


def _put(connection: sqlite3.Connection, name: str, value: int) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))
