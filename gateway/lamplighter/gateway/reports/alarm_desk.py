"""The alarms of one daemon: changes go to the outbox as the gateway's own events, the present ones into the status."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from lamplighter.gateway.centre.topics import dump, utc_text
from lamplighter.gateway.lines import line
from lamplighter.gateway.reports.alarms import Alarm, Alarms
from lamplighter.gateway.store.outbox import EVENTS, Entry
from lamppost.wire import faults

if TYPE_CHECKING:
    from lamplighter.gateway.daemon import Daemon

log = logging.getLogger("lamplighter.alarms")

GATEWAY = "!alarms"  # by whom the outbox knows them, as an item; no post has this name


class AlarmDesk:
    """The Alarms of one Daemon."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        lines = {bus.id: [site.id for site in daemon.config.on_bus(bus.id)] for bus in daemon.config.buses}
        self._alarms = Alarms(lines, daemon.now_ms())
        self._bus = {site.id: site.bus for site in daemon.config.sites}
        self._epoch, self._seq = time.time_ns() // 1_000_000, 0
        self._since: dict[int, str | None] = {}

    def heard(self, post: str, there: bool) -> None:
        self._alarms.heard(post, there, self._daemon.now_ms())

    def status(self, post: str, status: line.Status) -> None:
        now_ms = self._daemon.now_ms()
        self._alarms.heard(post, True, now_ms)
        self._alarms.faults(post, faults.names(status.faults), now_ms)

    def tick(self) -> None:
        """Once a second."""
        now_ms, utc = self._daemon.now_ms(), utc_text(self._daemon.utc_s())
        for name, bus in self._daemon.buses.items():
            self._alarms.port(name, bus.is_open, now_ms)
            found = self._daemon.disturbed.lines[name]
            guilty = [found.guilty] if found.guilty else []
            floods = [post for post in self._daemon.disturbed.floods.named(now_ms) if self._bus[post] == name]
            self._alarms.disturbed(name, guilty, floods, found.noisy, now_ms)
        for change in self._alarms.tick(now_ms):
            log.warning("%s%s", "" if change.on else "over: ", change.alarm.text())
            self._since.setdefault(change.number, utc)
            self._seq += 1
            value = {"kind": "alarm", "utc": utc, "on": change.on} | self._payload(change.number, change.alarm)
            self._daemon.keep([Entry(EVENTS, GATEWAY, self._epoch, self._seq, dump(value))])
            if not change.on:
                del self._since[change.number]

    def active(self) -> list[dict[str, Any]]:
        """The alarms that are on, as the status shows them."""
        return [self._payload(number, alarm) for number, alarm in self._alarms.active()]

    def _payload(self, number: int, alarm: Alarm) -> dict[str, Any]:
        return {
            "alarm": alarm.kind, "number": number, "since": self._since.get(number), "bus": alarm.bus,
            "posts": list(alarm.posts), "after": alarm.after, "before": alarm.before, "fault": alarm.fault,
            "text": alarm.text(),
        }  # fmt: skip
