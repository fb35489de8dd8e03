"""Events that cross from line to line and from cabinet to cabinet, in the daemon: relay.py decides."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from lamplighter.gateway.centre import near
from lamplighter.gateway.centre.near import Near
from lamplighter.gateway.clock import true_utc_ms
from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.relay import Relay, Told
from lamppost.wire import messages

if TYPE_CHECKING:
    from lamplighter.gateway.daemon import Daemon

log = logging.getLogger("lamplighter.relay")

COMPLAIN_EVERY_MS = 60_000


class RelayDesk:
    """The Relay of one Daemon. `topics` are those of other cabinets that it listens to."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self.relay = Relay(daemon.hood.routes, daemon.hood.wanted)
        others = {key.split("/")[0] for key in daemon.hood.routes if "/" in key}
        self._from = {daemon.topics.near_from(other): other for other in others}
        self._complained_ms: dict[str, int] = {}
        self._loop = asyncio.get_running_loop()

    @property
    def topics(self) -> list[str]:
        return list(self._from)

    def heard(self, bus: str, post: str, heard: line.Heard) -> None:
        """An event on the fast path."""
        if self.relay.matters(post):
            item, now_ms = (heard.epoch, heard.seq), self._now_ms()
            told = self.relay.event(post, item, heard.user_class, heard.input, heard.age_ms, now_ms)
            self._pass_on(told, Near(post, item, heard.user_class, heard.input, heard.age_ms, true_utc_ms()))

    def items(self, bus: str, post: str, got: line.Items) -> None:
        """What collided on the fast path comes with a STATUS, and may still light somebody's way elsewhere."""
        utc_ms = true_utc_ms()
        if utc_ms is None or not self.relay.matters(post):
            return
        street_ms = utc_ms + self._daemon.config.time_offset_s * 1000
        for seq, kind, utc_s, source, user_class, _ in got.items:
            if kind == messages.PRESENCE and utc_s:
                item, age_ms = (got.epoch, seq), max(0, street_ms - utc_s * 1000)
                told = self.relay.item(post, item, user_class, source, age_ms, self._now_ms())
                self._pass_on(told, Near(post, item, user_class, source, min(age_ms, 65535), utc_ms))

    def far(self, topic: str, payload: bytes) -> None:
        """What another cabinet says of a post near ours; it goes to our lines and no further."""
        gateway = self._from.get(topic)
        if gateway is None:
            return
        try:
            event = near.read(payload)
        except ValueError as error:
            self._complain(gateway, f"{gateway} says what is no event: {error}")
            return
        age_ms = near.age_now(event, true_utc_ms())
        key = f"{gateway}/{event.post}"
        if age_ms is None:
            self._complain(gateway, f"events of {gateway} come too old or from the future; check both clocks (NTP)")
        elif self.relay.matters(key):
            now_ms = self._now_ms()
            self._pass_on(self.relay.event(key, event.item, event.user_class, event.input, age_ms, now_ms), None)

    def _pass_on(self, told: Told, event: Near | None) -> None:
        for bus, say in told.lines:
            self._daemon.buses[bus].handle(say)
        if event is not None:
            for other in told.gateways:
                self._daemon.broker.whisper(self._daemon.topics.near_to(other), near.payload(event))

    def _complain(self, gateway: str, text: str) -> None:
        """Once a minute: a neighbour must not fill our log."""
        now_ms = self._now_ms()
        if now_ms - self._complained_ms.get(gateway, -COMPLAIN_EVERY_MS) >= COMPLAIN_EVERY_MS:
            self._complained_ms[gateway] = now_ms
            log.warning("%s", text)

    def _now_ms(self) -> int:
        return int(self._loop.time() * 1000)
