"""The broker of the checker's street and the centre behind it.

The broker acknowledges sooner than it hands on, and dies with what it has not handed on; what nobody acknowledged is
sent again. The centre is an upsert by (epoch, seq) that sees the gap and asks again (lamplighter.office.gaps).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lamplighter.gateway.centre.topics import utc_text
from lamplighter.gateway.store.outbox import EVENTS, TELEMETRY, Row
from lamplighter.gateway.wanted import commands
from lamplighter.office.gaps import Gaps
from lampsim.check.gateway.requests import EXPIRES_S

if TYPE_CHECKING:
    from lampsim.check.gateway.cabinet import Cabinet

ACK_US = 30_000  # a broker's answer
BATCH = 50
HAND_ON_US = 400_000  # a broker that saves each second may lose what it acknowledged less than a second ago
LOOK_US = 5_000_000  # the centre's looks at its gaps
DISK_US = 5_000_000  # broker.py's DISK_S: until an acknowledgement is written down again


class Centre:
    """What comes of a gateway's outbox."""

    def __init__(self, cabinet: Cabinet) -> None:
        self._cabinet, self._street = cabinet, cabinet.street
        self.broker = True
        self._deaths = 0  # of the broker
        self._gaps: dict[str, Gaps] = {}
        self._posts = [site.id for site in cabinet.street.spec.sites]

    @property
    def reached(self) -> bool:
        """Whether what the office says comes to a gateway."""
        return self._cabinet.alive and self.broker

    def set_broker(self, on: bool) -> None:
        self._deaths += self.broker and not on
        self.broker = on

    def publish(self) -> None:
        if not self.broker:
            return
        for stream in (EVENTS, TELEMETRY):
            rows = self._cabinet.outbox.read(stream, 0, BATCH)
            self._hand_on(rows)
            if rows:
                self._cabinet.after(ACK_US, lambda s=stream, a=rows[0].seq, b=rows[-1].seq: self._acknowledged(s, a, b))

    def _hand_on(self, rows: list[Row]) -> None:
        """The broker has them; the centre a moment later, whatever becomes of the gateway, unless the broker dies."""
        deaths, epoch = self._deaths, self._cabinet.outbox.epoch
        arrive = lambda: self._arrive(epoch, rows) if deaths == self._deaths else None  # noqa: E731 - a callback
        self._street.loop.at(self._street.loop.now_us + HAND_ON_US, arrive)

    def _arrive(self, epoch: str, rows: list[Row]) -> None:
        for row in rows:
            self._street.witness.received(epoch, row.seq, row.body)
        self._gaps.setdefault(epoch, Gaps(epoch)).came(row.seq for row in rows)

    def _acknowledged(self, stream: int, first: int, last: int) -> None:
        if self.broker and self._cabinet.outbox.acknowledge(stream, first, last).exception() is not None:
            self._cabinet.after(DISK_US, lambda: self._acknowledged(stream, first, last))

    def look(self) -> None:
        """The centre sees by the gateway's status what it lacks, and asks for it again."""
        if self.reached:
            gaps = self._gaps.setdefault(self._cabinet.outbox.epoch, Gaps(self._cabinet.outbox.epoch))
            gaps.given(self._cabinet.outbox.next)
            for one in self._gaps.values():
                ranges = one.ask()
                if ranges:
                    self._resend(one, ranges)
        self._street.loop.at(self._street.loop.now_us + LOOK_US, self.look)

    def _resend(self, gaps: Gaps, ranges: list[tuple[int, int]]) -> None:
        now_s = self._cabinet.utc_s()
        value = {"v": 1, "transaction": "resend", "expires": utc_text(now_s + EXPIRES_S), "command": "resend"}
        payload = json.dumps(value | {"epoch": gaps.epoch, "ranges": ranges}).encode()
        request = commands.read(payload, self._posts, {}, now_s)
        if request.epoch != self._cabinet.outbox.epoch:  # of a store that was lost
            gaps.gone(request.ranges)
            return
        for first, last in request.ranges:
            gaps.gone(self._cabinet.outbox.missing(first, last))
            for stream in (EVENTS, TELEMETRY):
                self._hand_on(self._cabinet.outbox.between(stream, first, last, BATCH))
