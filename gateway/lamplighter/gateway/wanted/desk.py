"""Requests from the office: taken in, acted on at most once, answered.

What a request may be is decided in commands.py, what is remembered in ledger.py. A request that only asks (snapshot,
why, resend) is answered each time it comes; one that acts is written down first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from lamplighter.gateway.centre.topics import dump, percent
from lamplighter.gateway.clock import true_utc_s
from lamplighter.gateway.lines import line
from lamplighter.gateway.reports import energy
from lamplighter.gateway.store.ledger import FullError
from lamplighter.gateway.wanted import commands
from lamplighter.gateway.wanted.orders import Order

if TYPE_CHECKING:
    from lamplighter.gateway.daemon import Daemon

log = logging.getLogger("lamplighter.requests")

REQUESTS_MAX = 32  # under way at once; more is a fault of whoever asks
GATHER_S = 1.0  # after the last post's deadline
READ_ONLY = ("snapshot", "why")
CUT_OFF = "a restart cut it off; what it did is in the posts' states, a new transaction is needed to try again"


class Desk:
    """The requests of one Daemon."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._under_way = 0

    async def restore(self) -> None:
        """Say of every request that a restart cut off that it was not finished, and never will be."""
        for transaction in self._daemon.ledger.cut_off():
            answer = dump(commands.response(transaction, {}, CUT_OFF))
            await self._finish(transaction, answer)
            self._publish_response(answer, None)

    async def take(self, payload: bytes) -> None:
        """Serve one request from first byte to answer."""
        daemon = self._daemon
        try:
            posts, groups = list(daemon.fleet.states), daemon.addressees()
            request = commands.read(payload, posts, groups, true_utc_s(), daemon.desired.scenes)
        except commands.RequestError as error:
            log.warning("request %s is refused: %s", error.transaction or "without transaction", error)
            if error.transaction is not None:
                self._respond(commands.response(error.transaction, {}, str(error)), error.reply_to)
            return
        if self._under_way >= REQUESTS_MAX:
            text = f"{REQUESTS_MAX} requests are under way; ask again"
            self._respond(commands.response(request.transaction, {}, text), request.reply_to)
            return
        self._under_way += 1
        try:
            await self._serve(request)
        except (sqlite3.Error, FullError) as error:
            text = f"the gateway cannot store the request: {error}"
            self._respond(commands.response(request.transaction, {}, text), request.reply_to)
        finally:
            self._under_way -= 1

    async def _serve(self, request: commands.Request) -> None:
        """Act on a request, at most once, and answer it."""
        daemon = self._daemon
        if request.command == "snapshot":
            posts = {post: {"ok": True} | daemon.fleet.states[post].payload() for post in request.posts}
            answer = commands.response(request.transaction, posts)
            self._respond(answer | {"status": daemon.report.payload()}, request.reply_to)
            return
        if request.command == "resend":
            self._respond(await asyncio.to_thread(self._resend, request), request.reply_to)
            return
        if request.limit_mw is not None:
            request = self._level(request, request.limit_mw)
        acts = request.command not in READ_ONLY
        if acts:
            new, before = await asyncio.wrap_future(
                daemon.ledger.begin(request.transaction, true_utc_s(), request.expires_s)
            )
            if not new:
                self._repeat(request, before)
                return
        answer = commands.response(request.transaction, await self._ask_all(request))
        if request.command == "cap":
            answer["level_percent"] = percent(request.level_pm)
        if acts:
            await self._finish(request.transaction, dump(answer))
        self._respond(answer, request.reply_to)

    async def _finish(self, transaction: str, answer: str) -> None:
        """Keep an answer. On a full disk it is told once; whoever repeats the request is told that it was acted on."""
        try:
            await asyncio.wrap_future(self._daemon.ledger.finish(transaction, answer))
        except sqlite3.Error as error:
            log.warning("the answer to %s cannot be kept: %s", transaction, error)

    def _resend(self, request: commands.Request) -> dict[str, Any]:
        """Send items again; the answer says which of them are nowhere any more, so that nobody asks for ever."""
        outbox = self._daemon.outbox
        if request.epoch == outbox.epoch:
            gone = [gap for first, last in request.ranges for gap in outbox.missing(first, last)]
            queued = self._daemon.broker.again(list(request.ranges))
        else:  # of a store that was lost
            gone, queued = list(request.ranges), True
        error = "" if queued else "too much is being sent again; ask later"
        return commands.response(request.transaction, {}, error) | {"epoch": outbox.epoch, "gone": gone}

    def _level(self, request: commands.Request, limit_mw: int) -> commands.Request:
        """The level that a power limit means for the posts of a cap."""
        daemon = self._daemon
        lamps = [daemon.fleet.states[post].site.luminaire for post in request.posts]
        return replace(request, level_pm=energy.level_for(limit_mw, lamps, daemon.plans.sync.floor_pm))

    def _repeat(self, request: commands.Request, before: str | None) -> None:
        """Answer a request that was here before, without acting again."""
        if before is None:
            before = dump(commands.response(request.transaction, {}, "it is under way"))
        self._publish_response(before, request.reply_to)

    async def _ask_all(self, request: commands.Request) -> dict[str, dict[str, Any]]:
        """Ask every post of the request; each has an answer when its time is over."""
        daemon = self._daemon
        answers: dict[str, dict[str, Any]] = {}
        complete = asyncio.Event()

        def done(post: str, order: Order | None, result: line.Result) -> None:
            answers[post] = commands.answer(result)
            if order is not None and answers[post]["ok"]:
                daemon.orders.taken(post, order, daemon.fleet.states[post].boots)
            if len(answers) == len(request.posts):
                complete.set()

        wait_ms = (request.expires_s - true_utc_s()) * 1000
        for post in request.posts:
            now_s = daemon.utc_s()
            order = request.order(post, now_s)
            if request.command == "clear":
                daemon.orders.ended(post, request.layer)
            procedure = request.procedure(post) if order is None else order.procedure(now_s)
            daemon.ask(post, procedure, wait_ms, partial(done, post, order))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(complete.wait(), wait_ms / 1000 + GATHER_S)
        await daemon.keep_orders()
        return {post: answers.get(post, {"ok": False, "error": "no answer"}) for post in request.posts}

    def _respond(self, response: dict[str, Any], reply_to: str | None) -> None:
        self._publish_response(dump(response), reply_to)

    def _publish_response(self, payload: str, reply_to: str | None) -> None:
        self._daemon.broker.respond(self._daemon.topics.response, payload)
        if reply_to is not None and reply_to != self._daemon.topics.response:
            self._daemon.broker.respond(reply_to, payload)
