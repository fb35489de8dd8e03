"""What the street has said and the centre has not yet acknowledged: appended once, kept until it is delivered.

Promises
- An item of a post, (post, item epoch, seq), is appended once, however often and by whichever way it arrives.
- It gets a stable id (epoch of this store, seq) in the commit that also remembers that it came; so after kill -9 it is
  sent again with the same id, or not at all because it is acknowledged.
- It is deleted only by `acknowledge`.
- The store stays within its budget: the oldest readings go first, then the oldest counts of people (reported
  with the readings), then the oldest events.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from concurrent.futures import Future
from typing import NamedTuple

from lamplighter.gateway.database import Database

EVENTS, TELEMETRY, FLOW = 0, 1, 2  # FLOW: counts of the gateway's own, one message each
HEARD_MAX = 64  # events of one post on the fast path ahead of its items; the items bring any further ones
ROW_BYTES = 24  # what SQLite adds to a row
THIN_ROWS = 500  # deleted at once when the budget is reached, so that it is not reached again at every append


class Entry(NamedTuple):
    """An item to append. `body` is a JSON object without its seq; `fast`: heard as an event, ahead of the items."""

    stream: int
    post: str
    epoch: int
    seq: int
    body: str
    fast: bool = False


class Row(NamedTuple):
    """An item to deliver."""

    seq: int
    body: str


class Seen(NamedTuple):
    """Up to which seq everything of a post's item epoch has come, and which came earlier than their turn."""

    epoch: int
    stored: int
    heard: frozenset[int]

    def has(self, epoch: int, seq: int) -> bool:
        return epoch == self.epoch and (seq <= self.stored or seq in self.heard)

    def plus(self, entry: Entry) -> Seen:
        """After this entry; a new epoch forgets the old one."""
        seen = self if entry.epoch == self.epoch else Seen(entry.epoch, 0, frozenset())
        if entry.fast:
            return seen._replace(heard=seen.heard | {entry.seq})
        stored = max(seen.stored, entry.seq)
        return Seen(seen.epoch, stored, frozenset(seq for seq in seen.heard if seq > stored))


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
        """Forget the items first..last of a stream: the broker has them."""
        return self._database.submit(lambda connection: self._delete(connection, stream, first, last))

    def read(self, stream: int, after: int, limit: int) -> list[Row]:
        """The oldest items of a stream whose seq is over `after`; none while the file turns out to be damaged."""
        sql = "SELECT seq, body FROM outbox WHERE stream=? AND seq>? ORDER BY seq LIMIT ?"
        try:
            return [Row(*row) for row in self._database.read(sql, (stream, after, limit))]
        except sqlite3.DatabaseError:
            self._database.suspect()
            return []

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
        size = f"SELECT COUNT(*), COALESCE(SUM(LENGTH(CAST(body AS BLOB)) + {ROW_BYTES}), 0) FROM outbox"
        self._count, self._bytes = connection.execute(size).fetchone()
        rows = connection.execute("SELECT post, epoch, stored, heard FROM posts")
        self._seen = {post: Seen(epoch, stored, frozenset(json.loads(heard))) for post, epoch, stored, heard in rows}

    def _append(self, connection: sqlite3.Connection, entries: list[Entry]) -> int:
        rows, touched = [], set()
        for entry in entries:
            seen = self._seen.get(entry.post, Seen(entry.epoch, 0, frozenset()))
            known = seen.has(entry.epoch, entry.seq)
            if entry.fast and (known or (entry.epoch == seen.epoch and len(seen.heard) >= HEARD_MAX)):
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
        values = [(p, s.epoch, s.stored, json.dumps(sorted(s.heard))) for p, s in ((p, self._seen[p]) for p in posts)]
        connection.executemany("INSERT OR REPLACE INTO posts VALUES (?, ?, ?, ?)", values)
        _put(connection, "next", self._next)

    def _delete(self, connection: sqlite3.Connection, stream: int, first: int, last: int) -> int:
        where = "FROM outbox WHERE stream=? AND seq BETWEEN ? AND ?"
        size = f"SELECT COUNT(*), COALESCE(SUM(LENGTH(CAST(body AS BLOB)) + {ROW_BYTES}), 0) {where}"
        count, freed = connection.execute(size, (stream, first, last)).fetchone()
        connection.execute(f"DELETE {where}", (stream, first, last))
        self._count -= count
        self._bytes -= freed
        return count

    def _thin(self, connection: sqlite3.Connection) -> None:
        while self._bytes > self._budget:
            dropped = any(self._drop(connection, stream) for stream in (TELEMETRY, FLOW, EVENTS))
            if not dropped:
                return

    def _drop(self, connection: sqlite3.Connection, stream: int) -> int:
        oldest = "SELECT seq FROM outbox WHERE stream=? ORDER BY seq LIMIT ?"
        seqs = connection.execute(oldest, (stream, THIN_ROWS)).fetchall()
        if not seqs:
            return 0
        count = self._delete(connection, stream, seqs[0][0], seqs[-1][0])
        self._dropped[EVENTS if stream == EVENTS else TELEMETRY] += count
        _put(connection, "dropped_events", self._dropped[EVENTS])
        _put(connection, "dropped_readings", self._dropped[TELEMETRY])
        return count


def _put(connection: sqlite3.Connection, name: str, value: int) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))
