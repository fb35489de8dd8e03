"""Home Assistant beside one daemon: tells it of every post, and takes the levels it sets. On by one setting."""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING

from lamplighter import __version__
from lamplighter.gateway.centre.homeassistant import Discovery, wish
from lamplighter.gateway.centre.topics import dump, utc_text
from lamplighter.gateway.lines import line, procedures
from lamplighter.gateway.store.items import CLASSES
from lamplighter.gateway.wanted.orders import Order
from lamppost.light.layers import OPERATOR
from lamppost.light.program import SET
from lamppost.wire import messages

if TYPE_CHECKING:
    from lamplighter.gateway.daemon import Daemon

log = logging.getLogger("lamplighter.homeassistant")

EXPIRES_MS = 10_000  # whoever pressed a button looks elsewhere by then
PRESENCE_EVERY_MS = 1000  # of one post: a sensor that repeats itself says nothing new


class HomeAssistantDesk:
    """Does nothing at all where the setting is off."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        config = daemon.config
        self.is_on = config.homeassistant
        self._discovery = Discovery("homeassistant", config.site, config.id, daemon.topics, __version__)
        self._posts = {daemon.topics.set(post): post for post in daemon.fleet.states}
        self._told: dict[str, str] = {}  # firmware by post, as it was told
        self._seen_ms: dict[str, int] = {}
        self.topics = (daemon.topics.set("+"),) if self.is_on else ()

    def tick(self) -> None:
        """Once a second: tell of posts that are new or have other firmware."""
        if not self.is_on:
            return
        if not self._told:
            self._tell(*self._discovery.cabinet())
        for post, state in self._daemon.fleet.states.items():
            if self._told.get(post) != state.firmware:
                self._told[post] = state.firmware
                self._tell(*self._discovery.post(post, state.firmware))

    def heard(self, post: str, heard: line.Heard) -> None:
        """Somebody is at a post."""
        now_ms = self._daemon.now_ms()
        if not self.is_on or now_ms - self._seen_ms.get(post, -PRESENCE_EVERY_MS) < PRESENCE_EVERY_MS:
            return
        self._seen_ms[post] = now_ms
        value = {"v": 1, "post": post, "class": CLASSES[heard.user_class], "utc": utc_text(self._daemon.utc_s())}
        self._daemon.broker.whisper(self._daemon.topics.presence(post), dump(value))

    def take(self, topic: str, payload: bytes) -> bool:
        """A message from the broker; whether it was for us."""
        post = self._posts.get(topic)
        if post is None or not self.is_on:
            return False
        try:
            level_pm = wish(payload)
        except ValueError as error:
            log.warning("%s: %s", topic, error)
            return True
        daemon, number = self._daemon, secrets.randbits(32)
        if level_pm is None:
            daemon.orders.ended(post, OPERATOR)
            procedure = procedures.command(number, messages.CLEAR, OPERATOR)
            daemon.ask(post, procedure, EXPIRES_MS, lambda result: self._done(post, None, result))
        else:
            now_s = daemon.utc_s()
            order = Order(OPERATOR, SET, level_pm, now_s + daemon.config.homeassistant_for_s, "Home Assistant", number)
            daemon.ask(post, order.procedure(now_s), EXPIRES_MS, lambda result: self._done(post, order, result))
        return True

    def _done(self, post: str, order: Order | None, result: line.Result) -> None:
        if result.error:
            log.warning("%s did not take the level that Home Assistant set: %s", post, result.error)
        elif order is not None and result.value.ok:
            self._daemon.orders.taken(post, order, self._daemon.fleet.states[post].boots)

    def _tell(self, topic: str, payload: dict) -> None:
        self._daemon.broker.retain(topic, dump(payload))
