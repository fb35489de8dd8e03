"""The cabinet daemon: lines, fleet, plans, requests, outbox and broker put together.

What each part decides stands in its own file; here is only who tells whom. The street runs whether or not the broker
is there: nothing on the way from a post to the disk waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import secrets
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from lamplighter.gateway import commands, items, line
from lamplighter.gateway.broker import Broker
from lamplighter.gateway.bus import Bus, PortError
from lamplighter.gateway.config import Config
from lamplighter.gateway.database import Database
from lamplighter.gateway.fleet import Fleet
from lamplighter.gateway.ledger import Ledger
from lamplighter.gateway.outbox import Outbox
from lamplighter.gateway.plan_sync import Compiled, PlanSync, compile_all
from lamplighter.gateway.poll import Poller
from lamplighter.gateway.procedures import Outcome, send_plan
from lamplighter.gateway.status import StatusReport
from lamplighter.gateway.topics import Topics, dump, parse_desired

Answered = Callable[[line.Result], None]

log = logging.getLogger("lamplighter.gateway")

EPOCH_2000 = 946_684_800  # Unix time of 2000-01-01T00:00:00Z
CLOCK_SANE_S = 757_382_400  # 2024: a computer that says an earlier date has no clock yet
UNCERTAINTY_MS = 50  # NTP over a mobile network
TICK_S = 0.1
REPORT_EVERY_MS = 1000  # a report of 250 posts is 40 KB
PLAN_EXPIRES_MS = 600_000  # a transfer of 4 KB takes 5 s alone on the line, and 40 others may be under way
REQUESTS_MAX = 32  # under way at once; more is a fault of whoever asks
GATHER_S = 1.0  # after the last post's deadline


class StartError(Exception):
    """The daemon cannot start; one line each."""


class Daemon:
    """One cabinet."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.topics = Topics(config.root, config.site, config.id)
        self._lock = lock_state(config.state_dir)
        try:
            self.database = Database(config.state_dir / "gateway.db", log.error)
        except OSError as error:
            raise StartError(str(error)) from None
        self.outbox = Outbox(self.database, config.outbox_mb << 20)
        self.ledger = Ledger(self.database)
        self.database.start()
        self.fleet = Fleet(config.sites)
        self.plans = PlanSync([site.id for site in config.sites])
        self._names = {(site.bus, site.address): site.id for site in config.sites}
        self._sites = {site.id: site for site in config.sites}
        self._waiting: dict[str, Answered] = {}
        self._tasks: set[asyncio.Task] = set()
        self._requests = 0
        self._number = 0
        self._report_ms = 0
        self._report_due = True
        self._planned: Any = None  # the desired/plans payload being checked, or already seen
        self._compiling = asyncio.Lock()
        self._does = {
            line.Status: self._status,
            line.Items: self._items,
            line.Heard: self._heard,
            line.Online: self._online,
            line.Offline: self._offline,
            line.Result: self._result,
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set. Raises StartError when no line can be opened."""
        self._loop = asyncio.get_running_loop()
        self.buses = {bus.id: Bus(bus, self._poller(bus), self._act) for bus in self.config.buses}
        client_id = f"{self.config.site}-{self.config.id}"
        self.broker = Broker(self.config.mqtt, client_id, self.topics, self.config.id, self.outbox, self._received)
        self.report = StatusReport(self)
        tasks: list[asyncio.Task] = []
        try:
            await self._open_lines()
            await self._restore_plan()
            log.info("gateway %s serves %d posts", self.config.id, len(self.config.posts))
            coroutines = [self.broker.run(), self._tick(), *(bus.run() for bus in self.buses.values())]
            tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
            stopped = asyncio.create_task(stop.wait())
            done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopped}:
                task.result()  # a part that ends by itself has failed
        finally:
            await self._end(tasks)

    def utc_s(self) -> int:
        """The street's time, seconds since 2000; differs from the true one only in rehearsals."""
        return true_utc_s() + self.config.time_offset_s

    # --- start and end

    def _poller(self, bus) -> Poller:
        sites = self.config.on_bus(bus.id)
        stored = self.outbox.stored()
        return Poller(
            {site.address: self.config.keys.posts[site.id] for site in sites},
            self.config.keys.buses[bus.id],
            bus.baud,
            secrets.token_bytes,
            self.ledger.counter(bus.id, true_utc_s()),
            lambda counter: self.ledger.reserve(bus.id, counter),
            {site.address: stored[site.id] for site in sites if site.id in stored},
            bus.reply_ms,
        )

    async def _open_lines(self) -> None:
        faults = []
        for bus in self.buses.values():
            try:
                await bus.open()
            except PortError as error:
                faults.append(str(error))
        if len(faults) == len(self.buses):  # with some open, the street is served and the rest tried again
            raise StartError("\n".join(faults))

    async def _restore_plan(self) -> None:
        payload = self.ledger.desired_plan()
        if payload is not None:
            self._planned = payload.encode()
            await self._desire(self._planned, keep=False)

    async def _end(self, tasks: list[asyncio.Task]) -> None:
        for task in [*tasks, *self._tasks]:
            task.cancel()
        await asyncio.gather(*tasks, *self._tasks, return_exceptions=True)
        for bus in self.buses.values():
            bus.close()
        await asyncio.to_thread(self.database.close)
        self._lock.close()
        log.info("gateway %s has stopped; %d items wait for the broker", self.config.id, self.outbox.backlog)

    # --- the lines

    def _act(self, bus: str, action: tuple) -> None:
        self._does[type(action)](bus, action)

    def _status(self, bus: str, status: line.Status) -> None:
        post = self._names[bus, status.address]
        self.fleet.status(post, status, self.utc_s())
        if self.plans.runs(post, status.plan):
            self._report_due = True

    def _items(self, bus: str, got: line.Items) -> None:
        entries = items.from_items(self._names[bus, got.address], got, self.utc_s())
        stored = line.Stored(got.address, got.epoch, max(item[0] for item in got.items))
        self._keep(entries, lambda: self.buses[bus].handle(stored))

    def _heard(self, bus: str, heard: line.Heard) -> None:
        self._keep([items.from_heard(self._names[bus, heard.address], heard, self.utc_s())], None)

    def _keep(self, entries: list, then: Callable[[], None] | None) -> None:
        future = self.outbox.append(entries)
        future.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._kept, done, then))

    def _kept(self, done: Future[int], then: Callable[[], None] | None) -> None:
        error = done.exception()
        if error is not None:
            log.error("items cannot be stored: %s; the posts keep them", error)
            return
        if done.result():
            self.broker.fresh()
        if then is not None:
            then()

    def _online(self, bus: str, online: line.Online) -> None:
        post = self._names[bus, online.address]
        if self.fleet.online(post, online, self.utc_s()):
            log.info("%s is online", post)
            self.plans.back(post)

    def _offline(self, bus: str, offline: line.Offline) -> None:
        post = self._names[bus, offline.address]
        if self.fleet.offline(post):
            log.warning("%s does not answer", post)

    def _result(self, bus: str, result: line.Result) -> None:
        then = self._waiting.pop(result.id, None)
        if then is not None:
            then(result)

    def _ask(
        self,
        post: str,
        procedure: line.Procedure,
        expires_ms: int,
        then: Callable[[line.Result], None],
        background: bool,
    ) -> None:
        site = self._sites[post]
        self._number += 1
        name = f"{self._number}"
        self._waiting[name] = then
        bus = self.buses[site.bus]
        bus.handle(line.Ask(name, site.address, procedure, bus.now_ms() + expires_ms, background))

    # --- the clock

    async def _tick(self) -> None:
        """What is due by time and not by an event."""
        clock_ms = 0
        while True:
            now_ms = int(self._loop.time() * 1000)
            if now_ms >= clock_ms:
                clock_ms = now_ms + 1000
                self._tell_time()
            for state in self.fleet.to_tell(now_ms):
                self.broker.retain(self.topics.state(state.site.id), dump(state.payload()))
            self._send_plans(now_ms)
            if self._report_due and now_ms - self._report_ms >= REPORT_EVERY_MS:
                self._tell_plans(now_ms)
            payload = self.report.due(now_ms)
            if payload is not None:
                self.broker.retain(self.topics.status, dump(payload))
            await asyncio.sleep(TICK_S)

    def _tell_time(self) -> None:
        if true_utc_s() < CLOCK_SANE_S:
            return
        utc_ms = time.time_ns() // 1_000_000 - EPOCH_2000 * 1000 + self.config.time_offset_s * 1000
        for bus in self.buses.values():
            bus.handle(line.Clock(utc_ms, UNCERTAINTY_MS))

    # --- plans

    def _send_plans(self, now_ms: int) -> None:
        online = {post for post, state in self.fleet.states.items() if state.online}
        for post, blob in self.plans.to_send(online, now_ms):
            self._report_due = True
            done = self._plan_sender(post, blob)
            self._ask(post, send_plan(blob), PLAN_EXPIRES_MS, done, background=True)

    def _plan_sender(self, post: str, blob: bytes) -> Answered:
        def done(result: line.Result) -> None:
            outcome = result.value if isinstance(result.value, Outcome) else Outcome(True, "")
            refused = "" if outcome.ok else outcome.text or "refused"
            self.plans.sent(post, blob, refused, result.error, int(self._loop.time() * 1000))
            self._report_due = True
            if refused:
                log.error("%s refuses its plan: %s", post, refused)

        return done

    def _tell_plans(self, now_ms: int) -> None:
        report = self.plans.report()
        if report is not None:
            self.broker.retain(self.topics.reported_plans, dump(report))
        self._report_due, self._report_ms = False, now_ms

    async def _desire(self, payload: bytes, keep: bool) -> None:
        """Check a desired plan, keep it, and put it in force; or report why not."""
        async with self._compiling:
            name = None
            try:
                desired = parse_desired(payload)
                name = desired.hash
                compiled: Compiled = await asyncio.to_thread(compile_all, desired, self.config.sites)
                if keep:
                    await asyncio.wrap_future(self.ledger.keep_plan(payload.decode()))
                self.plans.accept(compiled)
                log.info("plan %s (%s) is in force", compiled.document.id, compiled.hash)
            except ValueError as error:
                self.plans.refuse(name, str(error))
                log.error("desired plan is refused: %s", str(error).splitlines()[0])
            except sqlite3.Error as error:
                self.plans.refuse(name, f"the gateway cannot store it: {error}")
                self._planned = None
                log.error("desired plan cannot be stored: %s", error)
            self._report_due = True

    # --- from the broker

    def _received(self, topic: str, payload: bytes) -> None:
        if topic == self.topics.desired_plans:
            if payload and payload != self._planned:
                self._planned = payload
                self._spawn(self._desire(payload, keep=True))
        elif topic == self.topics.request:
            self._spawn(self._request(payload))

    def _spawn(self, coroutine) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _request(self, payload: bytes) -> None:
        try:
            request = commands.read(payload, list(self._sites), self._groups(), true_utc_s())
        except commands.RequestError as error:
            log.warning("request %s is refused: %s", error.transaction or "without transaction", error)
            if error.transaction is not None:
                self._respond(commands.response(error.transaction, {}, str(error)), error.reply_to)
            return
        if self._requests >= REQUESTS_MAX:
            text = f"{REQUESTS_MAX} requests are under way; ask again"
            self._respond(commands.response(request.transaction, {}, text), request.reply_to)
            return
        self._requests += 1
        try:
            await self._serve(request)
        except sqlite3.Error as error:
            text = f"the gateway cannot store the request: {error}"
            self._respond(commands.response(request.transaction, {}, text), request.reply_to)
        finally:
            self._requests -= 1

    async def _serve(self, request: commands.Request) -> None:
        """Act on a request, at most once, and answer it."""
        if request.command == "snapshot":
            posts = {post: {"ok": True} | self.fleet.states[post].payload() for post in request.posts}
            answer = commands.response(request.transaction, posts)
            self._respond(answer | {"status": self.report.payload()}, request.reply_to)
            return
        acts = request.command != "why"
        if acts:
            new, before = await asyncio.wrap_future(self.ledger.begin(request.transaction, true_utc_s()))
            if not new:
                self._repeat(request, before)
                return
        answer = commands.response(request.transaction, await self._ask_all(request))
        if acts:
            await asyncio.wrap_future(self.ledger.finish(request.transaction, dump(answer)))
        self._respond(answer, request.reply_to)

    def _repeat(self, request: commands.Request, before: str | None) -> None:
        """Answer a request that was here before, without acting again."""
        if before is None:
            text = "it was begun and not finished; a new transaction is needed to try again"
            before = dump(commands.response(request.transaction, {}, text))
        self._publish_response(before, request.reply_to)

    async def _ask_all(self, request: commands.Request) -> dict[str, dict[str, Any]]:
        """Ask every post of the request; each has an answer when its time is over."""
        answers: dict[str, dict[str, Any]] = {}
        complete = asyncio.Event()

        def done(post: str, result: line.Result) -> None:
            answers[post] = commands.answer(result)
            if len(answers) == len(request.posts):
                complete.set()

        wait_ms = (request.expires_s - true_utc_s()) * 1000
        for post in request.posts:
            procedure = request.procedure(post, self.utc_s())
            self._ask(post, procedure, wait_ms, lambda result, post=post: done(post, result), background=False)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(complete.wait(), wait_ms / 1000 + GATHER_S)
        return {post: answers.get(post, {"ok": False, "error": "no answer"}) for post in request.posts}

    def _respond(self, response: dict[str, Any], reply_to: str | None) -> None:
        self._publish_response(dump(response), reply_to)

    def _publish_response(self, payload: str, reply_to: str | None) -> None:
        self.broker.respond(self.topics.response, payload)
        if reply_to is not None and reply_to != self.topics.response:
            self.broker.respond(reply_to, payload)

    def _groups(self) -> dict[str, set[str]]:
        """The groups of the plan in force and of the configuration."""
        groups = self.plans.groups()
        for post in self.config.posts:
            for group in post.groups:
                groups.setdefault(group, set()).add(post.site.id)
        return groups


def true_utc_s() -> int:
    """This computer's clock, seconds since 2000."""
    return int(time.time()) - EPOCH_2000


def lock_state(folder: Path):
    """Make the state folder, for us alone, and hold it. Raises StartError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.fdopen(os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600), "w")
    except OSError as error:
        raise StartError(f"state_dir {folder}: {error.strerror}; give a folder this user may write") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise StartError(f"state_dir {folder} is in use by another gateway; stop that one") from None
    return file
