"""What else must outlive a restart: broadcast counters, the desired plan, and which requests have been acted on.

A request is written down before it is acted on, its response after; so a repeated one is answered from here, and one
that a restart cut off is never acted on again.
"""

from __future__ import annotations

import sqlite3
from concurrent.futures import Future

from lamplighter.gateway.database import Database

TRANSACTIONS_MAX = 2000  # some days of busy operators; older ones have expired long before (see commands.py)
PRUNE_AT_ONCE = 100  # so that a request seldom pays for it


class Ledger:
    """Small durable values in a Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def counter(self, bus: str, utc_s: int) -> int:
        """The first broadcast counter of a line that was never used.

        Where nothing is stored it starts at the seconds since 2000: a store that was lost cannot have used more than
        one counter a second, so the posts, which refuse lower ones, go on hearing us.
        """
        rows = self._database.read("SELECT value FROM meta WHERE name=?", (f"counter:{bus}",))
        return int(rows[0][0]) if rows else max(0, utc_s)

    def reserve(self, bus: str, counter: int) -> None:
        """Store that counters below this one may have been used; returns when that is on disk."""
        self._database.submit(lambda c: _put(c, f"counter:{bus}", counter)).result()

    def desired_plan(self) -> str | None:
        """The last accepted desired/plans payload."""
        rows = self._database.read("SELECT value FROM meta WHERE name='desired_plan'")
        return rows[0][0] if rows else None

    def keep_plan(self, payload: str) -> Future[None]:
        return self._database.submit(lambda c: _put(c, "desired_plan", payload))

    def begin(self, transaction: str, utc_s: int) -> Future[tuple[bool, str | None]]:
        """Write a request down. (True, None): act on it; (False, response): it was here, with this response if any."""
        return self._database.submit(lambda c: _begin(c, transaction, utc_s))

    def finish(self, transaction: str, response: str) -> Future[None]:
        """Keep the response of a request that was acted on."""
        sql = "UPDATE transactions SET response=? WHERE id=?"
        return self._database.submit(lambda c: c.execute(sql, (response, transaction)) and None)


def _begin(connection: sqlite3.Connection, transaction: str, utc_s: int) -> tuple[bool, str | None]:
    known = connection.execute("SELECT response FROM transactions WHERE id=?", (transaction,)).fetchone()
    if known:
        return False, known[0]
    connection.execute("INSERT INTO transactions VALUES (?, ?, NULL)", (transaction, utc_s))
    if connection.execute("SELECT COUNT(*) FROM transactions").fetchone()[0] > TRANSACTIONS_MAX + PRUNE_AT_ONCE:
        keep = "SELECT id FROM transactions ORDER BY at DESC LIMIT ?"
        connection.execute(
            f"DELETE FROM transactions WHERE id NOT IN ({keep}) AND id<>?", (TRANSACTIONS_MAX, transaction)
        )
    return True, None


def _put(connection: sqlite3.Connection, name: str, value: object) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))
