"""What else must outlive a restart: broadcast counters, the desired plan, and which requests have been acted on.

A request is written down before it is acted on, its response after; so a repeated one is answered from here, and one
that a restart cut off is never acted on again. It is forgotten only when it has been expired for STEP_S, never because
others came: whatever repeats it (a broker, an operator's script) until then does nothing.
"""

from __future__ import annotations

import contextlib
import sqlite3
from concurrent.futures import Future

from lamplighter.gateway.store.database import Database

TRANSACTIONS_MAX = 10_000  # one each nine seconds for a day; 2 MB
STEP_S = 86400  # a clock that is set back by so much makes no expired request fresh: it is still known


class FullError(Exception):
    """No more requests can be remembered, so none can be acted on."""


class Ledger:
    """Small durable values in a Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def counter(self, bus: str, utc_s: int) -> int:
        """The first broadcast counter of a line that was never used.

        At least the seconds since 2000: a store that was lost, or that the disk had no room for, cannot have used more
        than one counter a second, so the posts, which refuse lower ones, go on hearing us.
        """
        rows = self._database.read("SELECT value FROM meta WHERE name=?", (f"counter:{bus}",))
        return max(int(rows[0][0]) if rows else 0, utc_s, 0)

    def reserve(self, bus: str, counter: int) -> None:
        """Store that counters below this one may have been used; returns when that is on disk, or cannot be now.

        A full disk must not silence a line: then the time stands in for it at the next start (`counter`).
        """
        with contextlib.suppress(sqlite3.Error):
            self._database.submit(lambda c: _put(c, f"counter:{bus}", counter)).result()

    def kept(self, name: str) -> str | None:
        """What was kept under a name, such as the last accepted payload of something desired."""
        rows = self._database.read("SELECT value FROM meta WHERE name=?", (name,))
        return rows[0][0] if rows else None

    def keep(self, name: str, value: str) -> Future[None]:
        return self._database.submit(lambda c: _put(c, name, value))

    def desired_plan(self) -> str | None:
        """The last accepted desired/plans payload."""
        return self.kept("desired_plan")

    def keep_plan(self, payload: str) -> Future[None]:
        return self.keep("desired_plan", payload)

    def begin(self, transaction: str, utc_s: int, expires_s: int = 0) -> Future[tuple[bool, str | None]]:
        """Write a request down that ends at `expires_s`. (True, None): act on it; (False, response): it was here, with
        this response if any. The future raises FullError when too many are remembered."""
        return self._database.submit(lambda c: _begin(c, transaction, utc_s, max(expires_s, utc_s)))

    def cut_off(self) -> list[str]:
        """The requests that were begun and never finished: a restart came between. They are never acted on again."""
        return [row[0] for row in self._database.read("SELECT id FROM transactions WHERE response IS NULL")]

    def finish(self, transaction: str, response: str) -> Future[None]:
        """Keep the response of a request that was acted on."""
        sql = "UPDATE transactions SET response=? WHERE id=?"
        return self._database.submit(lambda c: c.execute(sql, (response, transaction)) and None)


def _begin(connection: sqlite3.Connection, transaction: str, utc_s: int, until_s: int) -> tuple[bool, str | None]:
    known = connection.execute("SELECT response FROM transactions WHERE id=?", (transaction,)).fetchone()
    if known:
        return False, known[0]
    if connection.execute("SELECT COUNT(*) FROM transactions").fetchone()[0] >= TRANSACTIONS_MAX:
        connection.execute("DELETE FROM transactions WHERE at<?", (utc_s - STEP_S,))
        if connection.execute("SELECT COUNT(*) FROM transactions").fetchone()[0] >= TRANSACTIONS_MAX:
            raise FullError(f"{TRANSACTIONS_MAX} requests in two days are more than a gateway remembers; ask tomorrow")
    connection.execute("INSERT INTO transactions VALUES (?, ?, NULL)", (transaction, until_s))
    return True, None


def _put(connection: sqlite3.Connection, name: str, value: object) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))
