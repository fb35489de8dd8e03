"""The gateway's own retained status: what runs, how full the outbox is, how busy each line is.

Told when the number of posts that are there or the state of a line changes, and every `status_s`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamplighter import __version__
from lamplighter.gateway.centre.topics import utc_text

if TYPE_CHECKING:
    from lamplighter.gateway.daemon import Daemon

CHANGE_EVERY_MS = 1000  # a line that is repowered changes the count with every post


class StatusReport:
    """Builds the status of a Daemon and knows when to send it."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._told: tuple | None = None
        self._told_ms = -CHANGE_EVERY_MS
        self._bytes: dict[str, int] = {}
        self._load: dict[str, float] = {}
        self._load_ms: int | None = None

    def due(self, now_ms: int) -> dict[str, Any] | None:
        """The payload when it is time to send it."""
        daemon = self._daemon
        alarms = [(alarm["number"], alarm["text"]) for alarm in daemon.alarms.active()]
        open_lines = [bus.is_open for bus in daemon.buses.values()]
        changing = (
            daemon.fleet.count_online(),
            alarms,
            daemon.store_error,
            open_lines,
            daemon.rollover.rolling.progress(),
        )
        age_ms = now_ms - self._told_ms
        if age_ms < CHANGE_EVERY_MS or (changing == self._told and age_ms < daemon.config.status_s * 1000):
            return None
        self._told, self._told_ms = changing, now_ms
        self._measure(now_ms)
        return self.payload()

    def payload(self) -> dict[str, Any]:
        """The status now."""
        daemon = self._daemon
        events, readings = daemon.outbox.dropped
        return {
            "v": 1,
            "online": True,
            "version": __version__,
            "epoch": daemon.outbox.epoch,
            "posts": len(daemon.fleet.states),
            "posts_online": daemon.fleet.count_online(),
            "next": daemon.outbox.next,
            "backlog": daemon.outbox.backlog,
            "dropped": {"events": events, "readings": readings},
            "alarms": daemon.alarms.active(),
            "store_error": daemon.store_error or None,
            "utc": utc_text(daemon.utc_s()),
            "bus": [self._bus(name) for name in daemon.buses],
            "rollover": daemon.rollover.rolling.progress(),
        }

    def _measure(self, now_ms: int) -> None:
        """The share of time in which bytes were on each line since the last time."""
        for name, bus in self._daemon.buses.items():
            total = bus.poller.counters.bytes
            if self._load_ms is not None and now_ms > self._load_ms and bus.settings.baud:
                on_wire_ms = (total - self._bytes[name]) * 10_000 / bus.settings.baud
                self._load[name] = round(min(100.0, 100 * on_wire_ms / (now_ms - self._load_ms)), 1)
            self._bytes[name] = total
        self._load_ms = now_ms

    def _bus(self, name: str) -> dict[str, Any]:
        bus = self._daemon.buses[name]
        counters = bus.poller.counters
        return {
            "id": name,
            "open": bus.is_open,
            "frames_rx": counters.frames_rx,
            "frames_tx": counters.frames_tx,
            "errors": counters.errors,
            "retries": counters.retries,
            "load_percent": self._load.get(name, 0.0),
            "clock_worst_ms": max((abs(r.off_ms) for r in bus.poller.timekeeper.reports.values()), default=None),
        }
