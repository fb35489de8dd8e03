"""The energy of one daemon: readings go in, sums are kept on disk, and told as one retained message."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from lamplighter.gateway.centre.topics import dump, utc_text
from lamplighter.gateway.lines import line
from lamplighter.gateway.reports import energy
from lamppost.wire import messages

if TYPE_CHECKING:
    from lamplighter.gateway.daemon import Daemon

TELL_MS = 900_000  # as often as a post reads its meter; 250 posts are 20 KB
FIRST_MS = 20_000  # after the start: most posts have reported by then
TABLE = """CREATE TABLE IF NOT EXISTS energy (post TEXT PRIMARY KEY, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    base_mwh INTEGER NOT NULL, count_mwh INTEGER NOT NULL, utc_s INTEGER NOT NULL) STRICT, WITHOUT ROWID"""


class EnergyDesk:
    """The totals of one Daemon."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self.metered = frozenset(post.site.id for post in daemon.config.posts if post.metered)
        self._next_ms: int | None = None
        self._load(daemon.database.connection)
        daemon.database.failed.append(self._load)

    def items(self, post: str, got: line.Items) -> None:
        """The items of a STATUS; those that are no reading are passed over, and those that come again, of an epoch
        before the present one: their lower count would be taken for a meter that began anew."""
        total = before = self.totals.get(post)
        for seq, kind, utc_s, _, _, count_mwh in got.items:
            if kind == messages.READING and not self._daemon.outbox.had(post, got.epoch, seq):
                total = energy.plus(total, got.epoch, seq, count_mwh, utc_s) or total
        if total is not None and total != before:
            self.totals[post] = total
            row = post, *total
            sql = "INSERT OR REPLACE INTO energy VALUES (?, ?, ?, ?, ?, ?)"
            self._daemon.database.submit(lambda connection: connection.execute(sql, row) and None)

    def tick(self) -> None:
        """Once a second."""
        now_ms = self._daemon.now_ms()
        if self._next_ms is None:
            self._next_ms = now_ms + FIRST_MS
        if now_ms >= self._next_ms and self.totals:
            self._next_ms = now_ms + TELL_MS
            self._daemon.broker.retain(self._daemon.topics.energy, dump(self.payload()))

    def payload(self) -> dict[str, Any]:
        """The retained message."""
        groups = self._daemon.groups()
        everyone = [post for post in self._daemon.fleet.states if post in self.totals]
        posts = {post: self._post(post) for post in everyone}
        zones = [energy.zone(name, members, self.totals, self.metered) for name, members in sorted(groups.items())]
        whole = energy.zone("all", self._daemon.fleet.states, self.totals, self.metered)
        return {"v": 1, "utc": utc_text(self._daemon.utc_s()), "total": whole, "zones": zones, "posts": posts}

    def _post(self, post: str) -> dict[str, Any]:
        total = self.totals[post]
        return {"energy_wh": total.mwh / 1000, "metered": post in self.metered, "utc": utc_text(total.utc_s)}

    def _load(self, connection: sqlite3.Connection) -> None:
        connection.execute(TABLE)
        rows = connection.execute("SELECT post, epoch, seq, base_mwh, count_mwh, utc_s FROM energy")
        self.totals = {post: energy.Total(*values) for post, *values in rows}
