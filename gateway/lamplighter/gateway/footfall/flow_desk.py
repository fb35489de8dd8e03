"""The counts of people in the daemon: what the posts report goes in, windows go to the outbox, crowds to the posts.

Windows take the way of telemetry: stored, then published with a stable id until the broker has them. A computer without
a clock counts nothing: it would not know when. Without groups, all posts are one zone, "all".
"""

from __future__ import annotations

import logging
from hashlib import sha256
from typing import TYPE_CHECKING

from lamplighter.gateway.centre.topics import dump
from lamplighter.gateway.clock import true_utc_ms
from lamplighter.gateway.footfall.flow import Flow
from lamplighter.gateway.footfall.flow_crowd import Crowd
from lamplighter.gateway.lines import line, procedures
from lamplighter.gateway.store.outbox import FLOW, Entry
from lamppost.light.layers import CROWD
from lamppost.light.program import RAISE
from lamppost.wire import messages

if TYPE_CHECKING:
    from lamplighter.gateway.daemon import Daemon

log = logging.getLogger("lamplighter.flow")

EXPIRES_MS = 60_000  # a post that is away so long gets the next renewal
GATEWAY = ""  # the outbox knows each window by whom it is of, as an item; no post has this name


class FlowDesk:
    """The Flow of one Daemon."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._flow: Flow | None = None
        self._groups: dict[str, set[str]] = {}
        self._epoch = self._seq = 0

    def heard(self, post: str, heard: line.Heard) -> None:
        """An event on the fast path."""
        now_ms = self._now_ms()
        if self._flow is not None and now_ms is not None:
            key = (heard.epoch, heard.seq)
            self._flow.detect(post, heard.user_class, now_ms - heard.age_ms, key, now_ms)

    def items(self, post: str, got: line.Items) -> None:
        """The items of a STATUS; those that are no presence are passed over."""
        now_ms = self._now_ms()
        if self._flow is None or now_ms is None:
            return
        for seq, kind, utc_s, _, user_class, still in got.items:
            if kind == messages.PRESENCE and utc_s and not still:
                self._flow.detect(post, user_class, utc_s * 1000, (got.epoch, seq), now_ms, fast=False)

    def tick(self) -> None:
        """Once a second."""
        now_ms = self._now_ms()
        if now_ms is None:
            return
        config, groups = self._daemon.config, self._daemon.groups()
        if self._flow is None or groups != self._groups:
            self._groups = groups
            zones = groups or {"all": {site.id for site in config.sites}}
            if self._flow is None:
                self._flow, self._epoch = Flow(config.sites, zones, now_ms, config.crowd, config.party), now_ms
            else:
                self._flow.regroup(zones, now_ms)
        window, crowds = self._flow.tick(now_ms)
        if window is not None:
            self._seq += 1
            self._daemon.keep([Entry(FLOW, GATEWAY, self._epoch, self._seq, dump(window))])
        for crowd in crowds:
            self._ask(crowd, now_ms)

    def _ask(self, crowd: Crowd, now_ms: int) -> None:
        log.info("%s is %s", crowd.zone, "crowded: its lamps are raised" if crowd.for_s else "crowded no more")
        for post in crowd.posts:
            name = f"crowd/{now_ms}/{crowd.zone}/{post}"
            number = int.from_bytes(sha256(name.encode()).digest()[:4], "big")
            if crowd.for_s:
                until_s = now_ms // 1000 + crowd.for_s
                values = (CROWD, RAISE, crowd.level_pm, until_s, crowd.for_s, f"crowd in {crowd.zone}"[:40])
                procedure = procedures.command(number, messages.LEVEL, *values)
            else:
                procedure = procedures.command(number, messages.CLEAR, CROWD)
            self._daemon.ask(post, procedure, EXPIRES_MS, _told, background=False)

    def _now_ms(self) -> int | None:
        """The street's time."""
        true_ms = true_utc_ms()
        return None if true_ms is None else true_ms + self._daemon.config.time_offset_s * 1000


def _told(result: line.Result) -> None:
    if result.error:
        log.warning("a crowd command did not arrive: %s; it ends by itself, or is renewed", result.error)
