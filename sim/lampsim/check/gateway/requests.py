"""What operators ask of the checker's posts: the real request checks, ledger and orders of a gateway.

A request is published and may come twice; what has begun is written down before it is done.
"""

from __future__ import annotations

import json
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from lamplighter.gateway.centre.topics import utc_text
from lamplighter.gateway.lines import line, procedures
from lamplighter.gateway.wanted import commands, orders
from lamplighter.gateway.wanted.orders import Order, Orders
from lamppost.wire import messages
from lampsim.check.worlds import Ask

if TYPE_CHECKING:
    from lampsim.check.gateway.cabinet import Cabinet

EXPIRES_S = 60
ASK_EXPIRES_MS = 30_000


class Requests:
    """All that was ever asked, and the orders that a gateway keeps."""

    def __init__(self, cabinet: Cabinet) -> None:
        self._cabinet = cabinet
        self._posts = [site.id for site in cabinet.street.spec.sites]
        self.asked = {ask.transaction: ask for ask in cabinet.street.spec.requests}
        self.published: dict[str, tuple[Ask, bytes, int]] = {}  # (request, payload, when it expires) by transaction
        self.orders = Orders(cabinet)

    def begin(self) -> None:
        """The gateway starts, with what lies on disk."""
        self.orders = Orders(self._cabinet)
        self.orders.load(self._cabinet.ledger.kept(orders.NAME), set(self._posts))

    def request(self, ask: Ask) -> None:
        """The office asks for something, perhaps twice: a request comes at least once."""
        if ask.transaction not in self.published:
            expires_s = self._cabinet.utc_s() + EXPIRES_S
            self.published[ask.transaction] = ask, self._payload(ask, expires_s), expires_s
        self._take(*self.published[ask.transaction])

    def replay(self) -> None:
        """All that was ever published comes again, word for word."""
        for published in self.published.values():
            self._take(*published)

    def _take(self, ask: Ask, payload: bytes, expires_s: int) -> None:
        if not self._cabinet.centre.reached:
            return  # its answer does not come; the office would ask again
        now_s = self._cabinet.utc_s()
        if ask.layer != 6:  # what the office's commands do not offer yet, a gateway may still ask of a post
            if now_s < expires_s and self._begin(ask.transaction, now_s, expires_s):
                for post in ask.posts:
                    number = int.from_bytes(sha256(f"{ask.transaction}/{post}".encode()).digest()[:4], "big")
                    values = (ask.layer, ask.op, ask.level_pm, now_s + ask.for_s, ask.for_s, ask.transaction)
                    procedure = procedures.command(number, messages.LEVEL, *values)
                    self._cabinet.ask(post, procedure, ASK_EXPIRES_MS, lambda result: None)
            return
        try:
            request = commands.read(payload, self._posts, {}, now_s)
        except commands.RequestError as error:
            if expires_s - commands.EXPIRES_MAX_S <= now_s < expires_s:
                raise AssertionError(f"the checker asked for something impossible: {error}") from None
            return  # expired, or of a clock that is far ahead
        if self._begin(request.transaction, now_s, request.expires_s):
            for post in request.posts:
                order = request.order(post, now_s)
                if order is None:
                    self.orders.ended(post, request.layer)
                procedure = request.procedure(post) if order is None else order.procedure(now_s)
                self._cabinet.ask(post, procedure, ASK_EXPIRES_MS, partial(self._ordered, post, order))

    def _ordered(self, post: str, order: Order | None, result: line.Result) -> None:
        if order is not None and isinstance(result.value, procedures.Outcome) and result.value.ok:
            self.orders.taken(post, order, self._cabinet.online.get(post, 0))

    def keep_orders(self) -> None:
        if self.orders.changed and self._cabinet.ledger.keep(orders.NAME, self.orders.dump()).exception() is not None:
            self.orders.changed = True

    def forgetful(self) -> list[str]:
        """Posts in session that have started anew since they took an order that still holds, and have not got it."""
        kept = self.orders._kept.items()
        late = [(post, boots) for (post, _), (order, boots) in kept if self._cabinet.utc_s() + 1 < order.until_s]
        return [post for post, boots in late if self._cabinet.online.get(post, boots) != boots]

    def _begin(self, transaction: str, now_s: int, expires_s: int) -> bool:
        """Whether to act: it is new, and that is written down."""
        future = self._cabinet.ledger.begin(transaction, now_s, expires_s)
        return future.exception() is None and future.result()[0]

    def _payload(self, ask: Ask, expires_s: int) -> bytes:
        value: dict[str, Any] = {"v": 1, "transaction": ask.transaction, "expires": utc_text(expires_s)}
        value |= {"posts": list(ask.posts), "reason": ask.transaction}
        if ask.level_pm < 0:
            return json.dumps(value | {"command": "clear"}).encode()
        value |= {"command": "override", "level_percent": ask.level_pm / 10, "for_s": ask.for_s}
        return json.dumps(value).encode()
