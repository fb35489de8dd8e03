"""Levels that posts were ordered and that still hold: a post that has started anew since is told them again.

A post keeps what it is told in RAM, for a flash wears; its plan, and not a forgotten order, is what it falls back to.
Here an order is kept for each post and layer, on disk too, until it is over, ended, or another takes its place.
Nothing is told again to a post that only did not answer for a while: it still has it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import NamedTuple, Protocol

from lamplighter.gateway.lines import line, procedures
from lamplighter.gateway.lines.line import Procedure
from lamppost.limits import OVERRIDE_MAX_S
from lamppost.wire import messages

log = logging.getLogger("lamplighter.orders")

KEPT_MAX = 1000  # 250 posts and the four layers that a gateway moves
NAME = "orders"  # in the ledger
NO_BOOTS = -1


class Order(NamedTuple):
    """One level for one post. `until_s`: the street's time, seconds of UTC since 2000; `number`: of its transaction."""

    layer: int
    op: int
    level_pm: int
    until_s: int
    reason: str
    number: int

    def procedure(self, now_s: int) -> Procedure:
        """What to ask of the post; the end stays where it is, whenever it is asked."""
        for_s = max(1, min(self.until_s - now_s, OVERRIDE_MAX_S))
        values = (self.layer, self.op, self.level_pm, self.until_s, for_s, self.reason)
        return procedures.command(self.number, messages.LEVEL, *values)


class Deeds(Protocol):
    """What the orders need of their gateway."""

    def ask(
        self, post: str, procedure: Procedure, expires_ms: int, then: Callable[[line.Result], None],
        background: bool = False,
    ) -> None: ...  # fmt: skip

    def utc_s(self) -> int: ...


class Orders:
    """Of one gateway. `changed`: what `dump` says is no longer what was kept."""

    def __init__(self, deeds: Deeds) -> None:
        self._deeds = deeds
        self._kept: dict[
            tuple[str, int], tuple[Order, int]
        ] = {}  # by post and layer, and under which boots it was taken
        self.changed = False

    def taken(self, post: str, order: Order, boots: int) -> None:
        """A post has taken an order, `boots` starts into its life."""
        self._drop_what_is_over()
        if (post, order.layer) in self._kept or len(self._kept) < KEPT_MAX:
            self._kept[post, order.layer] = order, boots
            self.changed = True

    def ended(self, post: str, layer: int) -> None:
        """Somebody wants no level any more on a layer of a post, whether or not the post hears of it in time."""
        if self._kept.pop((post, layer), None) is not None:
            self.changed = True

    def online(self, post: str, boots: int) -> None:
        """A post is in session, `boots` starts into its life."""
        now_s = self._deeds.utc_s()
        for (name, layer), (order, before) in list(self._kept.items()):
            if name == post and before != boots and now_s < order.until_s:
                log.info("%s has started anew and is told again: %s", post, order.reason or f"layer {layer}")
                wait_ms = (order.until_s - now_s) * 1000
                self._deeds.ask(post, order.procedure(now_s), wait_ms, self._told(post, order, boots))

    def another(self, post: str) -> None:
        """Another board stands there, which was told nothing; how often it has started says nothing."""
        for where, (order, _) in list(self._kept.items()):
            if where[0] == post:
                self._kept[where] = order, NO_BOOTS
                self.changed = True

    def dump(self) -> str:
        """For the ledger; nothing has changed since."""
        self._drop_what_is_over()
        self.changed = False
        return json.dumps([[post, boots, *order] for (post, _), (order, boots) in self._kept.items()])

    def load(self, text: str | None, posts: set[str]) -> None:
        """What `dump` gave, for posts there still are."""
        try:
            rows = [(post, boots, Order(*order)) for post, boots, *order in json.loads(text or "[]")]
        except (ValueError, TypeError):
            log.error("what posts were ordered cannot be read: a post that starts anew is not told it again")
            return
        self._kept = {(post, order.layer): (order, boots) for post, boots, order in rows if post in posts}

    def _told(self, post: str, order: Order, boots: int) -> Callable[[line.Result], None]:
        def told(result: line.Result) -> None:
            kept = self._kept.get((post, order.layer))
            if result.error or kept is None or kept[0] != order:
                return  # it is away again, and will be told when it is back; or something else is wanted by now
            if isinstance(result.value, procedures.Outcome) and not result.value.ok:
                log.warning("%s does not take again what it was ordered: %s", post, result.value.text)
            self._kept[post, order.layer] = order, boots
            self.changed = True

        return told

    def _drop_what_is_over(self) -> None:
        now_s = self._deeds.utc_s()
        self._kept = {where: kept for where, kept in self._kept.items() if now_s < kept[0].until_s}
