"""Events that cross from line to line and from cabinet to cabinet, in the daemon: relay.py decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamplighter.gateway import line
from lamplighter.gateway.clock import true_utc_ms
from lamplighter.gateway.relay import Relay, Told
from lamppost.wire import messages

if TYPE_CHECKING:
    from lamplighter.gateway.daemon import Daemon


class RelayDesk:
    """The Relay of one Daemon."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self.relay = Relay(daemon.hood.routes, daemon.hood.wanted)

    def heard(self, bus: str, post: str, heard: line.Heard) -> None:
        """An event on the fast path."""
        if self.relay.matters(post):
            item = heard.epoch, heard.seq
            told = self.relay.event(post, item, heard.user_class, heard.input, heard.age_ms, self._now_ms(bus))
            self._pass_on(told)

    def items(self, bus: str, post: str, got: line.Items) -> None:
        """What collided on the fast path comes with a STATUS, and may still light somebody's way elsewhere."""
        utc_ms = true_utc_ms()
        if utc_ms is None or not self.relay.matters(post):
            return
        street_ms = utc_ms + self._daemon.config.time_offset_s * 1000
        for seq, kind, utc_s, source, user_class, _ in got.items:
            if kind == messages.PRESENCE and utc_s:
                item, age_ms = (got.epoch, seq), street_ms - utc_s * 1000
                self._pass_on(self.relay.item(post, item, user_class, source, age_ms, self._now_ms(bus)))

    def _pass_on(self, told: Told) -> None:
        for bus, say in told.lines:
            self._daemon.buses[bus].handle(say)

    def _now_ms(self, bus: str) -> int:
        return self._daemon.buses[bus].now_ms()
