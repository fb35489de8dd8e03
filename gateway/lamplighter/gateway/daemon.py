"""The cabinet daemon: lines, fleet, plans, requests, outbox and broker put together.

What each part decides stands in its own file; here is only who tells whom. The street runs whether or not the broker
is there: nothing on the way from a post to the disk waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor

from lamplighter.gateway.centre.broker import Broker
from lamplighter.gateway.centre.homeassistant_desk import HomeAssistantDesk
from lamplighter.gateway.centre.topics import Topics, dump
from lamplighter.gateway.clock import true_utc_ms, true_utc_s, uncertainty_ms
from lamplighter.gateway.config import Config
from lamplighter.gateway.footfall.flow_desk import FlowDesk
from lamplighter.gateway.lines import disturbed, line
from lamplighter.gateway.lines.air import AirBus
from lamplighter.gateway.lines.air_poll import AirPoller
from lamplighter.gateway.lines.bus import Bus, PortError
from lamplighter.gateway.lines.poll import Poller
from lamplighter.gateway.lines.relay_desk import RelayDesk
from lamplighter.gateway.notify import Notifier
from lamplighter.gateway.own_update import OwnUpdate
from lamplighter.gateway.reports import metrics
from lamplighter.gateway.reports.alarm_desk import AlarmDesk
from lamplighter.gateway.reports.energy_desk import EnergyDesk
from lamplighter.gateway.reports.fleet import Fleet
from lamplighter.gateway.reports.status import StatusReport
from lamplighter.gateway.rollover.rollover_desk import RolloverDesk
from lamplighter.gateway.search.find_desk import FindDesk
from lamplighter.gateway.store import items
from lamplighter.gateway.store.database import Database
from lamplighter.gateway.store.ledger import Ledger
from lamplighter.gateway.store.outbox import Outbox
from lamplighter.gateway.store.state_folder import StartError, lock_state
from lamplighter.gateway.wanted import orders
from lamplighter.gateway.wanted.desired_desk import DesiredDesk
from lamplighter.gateway.wanted.desk import Desk
from lamplighter.gateway.wanted.firmware_desk import FirmwareDesk
from lamplighter.gateway.wanted.orders import Orders
from lamplighter.gateway.wanted.plan_desk import PlanDesk
from lamppost.wire.packed import AGE_MAX_MS

Answered = Callable[[line.Result], None]

log = logging.getLogger("lamplighter.gateway")

TICK_S = 0.1
BAUD = 19_200  # for the measure of noise on a line without a wire, which has none
HELPERS = 2  # threads that read the store, compile plans and look names up; each takes memory for good
END_S = 5.0  # what hangs longer than that is left behind: the disk is closed cleanly in any case


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
        self.energy = EnergyDesk(self)
        self.database.start()
        self.fleet = Fleet(config.sites)
        self.rollover = RolloverDesk(self)
        self.finding = FindDesk(self)
        self.hood = config.neighbourhood()
        self.plans = PlanDesk(self)
        self.desired = DesiredDesk(self)
        self.firmware = FirmwareDesk(self)
        self.orders = Orders(self)
        self.orders.load(self.ledger.kept(orders.NAME), {site.id for site in config.sites})
        self._names = {(site.bus, site.address): site.id for site in config.sites}
        self._sites = {site.id: site for site in config.sites}
        self._waiting: dict[str, Answered] = {}
        self._tasks: set[asyncio.Task] = set()
        self._number = 0
        self.ticked_ms = 0  # when the clock last ticked
        self.store_error = ""  # why items cannot be stored
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
        self._loop.set_default_executor(ThreadPoolExecutor(HELPERS, "helper"))
        self.buses = {bus.id: self._bus(bus) for bus in self.config.buses}
        client_id = f"{self.config.site}-{self.config.id}"
        self.report, self.desk, self.alarms = StatusReport(self), Desk(self), AlarmDesk(self)
        self.flow, self.relay = FlowDesk(self), RelayDesk(self)
        bauds = {bus.id: bus.baud or BAUD for bus in self.config.buses}
        self.disturbed = disturbed.Lines(bauds, self._present, self.ask, secrets.token_bytes)
        self.homeassistant, self.notifier = HomeAssistantDesk(self), Notifier(self.database, self.now_ms)
        wishes = self.topics.desired_plans, *self.desired.keepers, self.topics.desired("firmware")
        heard = *wishes, self.topics.request, *self.homeassistant.topics
        self.own_update = OwnUpdate(self)
        outbox, near, mqtt = self.outbox, self.relay.topics, self.config.mqtt
        self.broker = Broker(mqtt, client_id, self.topics, self.config.id, outbox, self._received, near, heard)
        tasks: list[asyncio.Task] = []
        try:
            await self._open_lines()
            await self.plans.restore()
            await self.desired.restore()
            await self.firmware.restore()
            await self.desk.restore()
            log.info("gateway %s serves %d posts", self.config.id, len(self.config.posts))
            if self.config.boardless():
                log.warning("no board yet, see lamplighter find --fill: %s", ", ".join(self.config.boardless()))
            self.notifier.ready(f"serving {len(self.config.posts)} posts")
            parts = [self.broker.run(), self.finding.serve(), self._tick(), *self._extras()]
            coroutines = [*parts, *(bus.run() for bus in self.buses.values())]
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

    def now_ms(self) -> int:
        """The monotonic clock."""
        return int(self._loop.time() * 1000)

    # --- start and end

    def _extras(self) -> list[Coroutine]:
        """What runs only where it is asked for."""
        if self.config.metrics is None:
            return []
        host, _, port = self.config.metrics.rpartition(":")
        return [metrics.Server(self, host or "127.0.0.1", int(port)).run()]

    def _bus(self, bus) -> Bus | AirBus:
        poller = self._poller(bus)
        return Bus(bus, poller, self._act) if bus.mqtt is None else AirBus(bus, self.config.id, poller, self._act)

    def _poller(self, bus) -> Poller:
        sites = self.config.on_bus(bus.id)
        stored = self.outbox.stored()
        known = self.config.keys.posts
        keys = {site.address: known[site.id] for site in sites if site.id in known}
        bus_key, random = self.config.keys.buses[bus.id], secrets.token_bytes
        counter = self.ledger.counter(bus.id, true_utc_s())
        acks = {site.address: stored[site.id] for site in sites if site.id in stored}
        reply_ms, aliases = bus.reply_ms or 0, self.hood.aliases.get(bus.id, ())

        def reserve(counter: int) -> None:
            self.ledger.reserve(bus.id, counter)

        kind, baud, turn_ms = (AirPoller, 0, 0) if bus.mqtt else (Poller, bus.baud, bus.turn_ms)
        poller = kind(keys, bus_key, baud, random, counter, reserve, acks, reply_ms, bus.cycle_ms, aliases, turn_ms)
        return self.rollover.equip(bus.id, poller)

    async def _open_lines(self) -> None:
        faults = []
        for bus in self.buses.values():
            try:
                await bus.open()
            except PortError as error:
                faults.append(str(error))
        if len(faults) == len(self.buses):  # with some open, the street is served and the rest tried again
            raise StartError("\n".join(faults))

    async def _end(self, tasks: list[asyncio.Task]) -> None:
        self.notifier.stopping()
        self.broker.end()
        for task in [*tasks, *self._tasks]:
            task.cancel()
        if tasks or self._tasks:
            await asyncio.wait([*tasks, *self._tasks], timeout=END_S)
        for bus in self.buses.values():
            bus.close()
        closing = ThreadPoolExecutor(1)  # not behind a helper that still looks up a name
        await self._loop.run_in_executor(closing, self.database.close)
        self._lock.close()
        log.info("gateway %s has stopped; %d items wait for the broker", self.config.id, self.outbox.backlog)

    # --- the lines

    def _act(self, bus: str, action: tuple) -> None:
        self._does[type(action)](bus, action)

    def _status(self, bus: str, status: line.Status) -> None:
        post = self._names[bus, status.address]
        self.fleet.status(post, status, self.utc_s())
        self.plans.runs(post, status.plan)
        self.rollover.rolling.status(post)
        self.alarms.status(post, status)

    def _items(self, bus: str, got: line.Items) -> None:
        entries = items.from_items(self._names[bus, got.address], got, self.utc_s())
        stored = line.Stored(got.address, got.epoch, max(item[0] for item in got.items))
        self.energy.items(self._names[bus, got.address], got)  # before they are known
        self.keep(entries, lambda: self.buses[bus].handle(stored))
        self.flow.items(self._names[bus, got.address], got)
        self.relay.items(bus, self._names[bus, got.address], got)

    def _heard(self, bus: str, heard: line.Heard) -> None:
        if not self.disturbed.floods.event(self._names[bus, heard.address], self.now_ms()):
            self.relay.heard(bus, self._names[bus, heard.address], heard)  # first of all: somebody walks
        self.flow.heard(self._names[bus, heard.address], heard)
        self.homeassistant.heard(self._names[bus, heard.address], heard)
        if heard.repeat:
            return
        entry = items.from_heard(self._names[bus, heard.address], heard, self.utc_s())
        if heard.age_ms >= AGE_MAX_MS:  # or more: when it was is told by the item
            self.keep([entry])
        else:
            kept = line.Kept(heard.address, heard.epoch, heard.seq)
            self.keep([entry], lambda: self.buses[bus].handle(kept))

    def keep(self, entries: list, then: Callable[[], None] | None = None) -> None:
        """Store entries, tell the broker side, and then do `then`."""
        streams = {entry.stream for entry in entries}
        future = self.outbox.append(entries)
        future.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._kept, done, streams, then))

    def _kept(self, done: Future[int], streams: set[int], then: Callable[[], None] | None) -> None:
        error = done.exception()
        if error is not None:
            if str(error) != self.store_error:  # once, however long the disk is full
                self.store_error = str(error)
                log.error("items cannot be stored: %s; the posts keep them, make room on the disk", error)
            return
        if self.store_error:
            log.info("items are stored again")
            self.store_error = ""
        if done.result():
            self.broker.fresh(streams)
        if then is not None:
            then()

    def _online(self, bus: str, online: line.Online) -> None:
        post = self._names[bus, online.address]
        self.alarms.heard(post, True)
        self.rollover.rolling.online(post, online)
        self.firmware.online(post, online.boots)
        if self.fleet.states[post].identity not in ("", online.identity):
            self.orders.another(post)
        self.orders.online(post, online.boots)
        if self.fleet.online(post, online, self.utc_s()):
            log.info("%s is online", post)
            self.plans.sync.back(post)

    def _offline(self, bus: str, offline: line.Offline) -> None:
        post = self._names[bus, offline.address]
        self.alarms.heard(post, False)
        self.rollover.rolling.offline(post)
        self.firmware.offline(post)
        if self.fleet.offline(post):
            log.warning("%s does not answer", post)

    def _present(self, bus: str) -> list[str]:
        return [site.id for site in self.config.on_bus(bus) if self.fleet.states[site.id].online]

    def _result(self, bus: str, result: line.Result) -> None:
        then = self._waiting.pop(result.id, None)
        if then is not None:
            then(result)

    def ask(
        self,
        post: str,
        procedure: line.Procedure,
        expires_ms: int,
        then: Answered,
        background: bool = False,
    ) -> None:
        site = self._sites[post]
        bus = self.buses[site.bus]
        name = self._named(then)
        bus.handle(line.Ask(name, site.address, procedure, bus.now_ms() + expires_ms, background))

    async def keep_orders(self) -> None:
        """Have on disk what was ordered. On a full disk it is tried again each second."""
        if self.orders.changed:
            try:
                await asyncio.wrap_future(self.ledger.keep(orders.NAME, self.orders.dump()))
            except sqlite3.Error:
                self.orders.changed = True

    def cast(self, bus: str, blocks: list[tuple[int, bytes, bytes]], then: Answered) -> None:
        """Say blocks of firmware to everybody on a line."""
        self.buses[bus].handle(line.Cast(self._named(then), blocks))

    def search(self, bus: str, asking: line.Asking, then: Answered) -> None:
        """Look for boards on a line, beside its polls."""
        self.buses[bus].handle(line.Search(self._named(then), asking))

    def _named(self, then: Answered) -> str:
        self._number += 1
        self._waiting[f"{self._number}"] = then
        return f"{self._number}"

    # --- the clock

    async def _tick(self) -> None:
        """What is due by time and not by an event."""
        clock_ms = 0
        while True:
            self.ticked_ms = now_ms = self.now_ms()
            if now_ms >= clock_ms:
                clock_ms = now_ms + 1000
                self._tell_time()
                self.flow.tick()
                self.alarms.tick()
                self.energy.tick()
                self.homeassistant.tick()
                self.own_update.tick()
                self.rollover.tick(now_ms)
                if self.orders.changed:
                    self.spawn(self.keep_orders())
                self.finding.tick(now_ms)
            for name, bus in self.buses.items():
                self.disturbed.tick(name, bus.poller.counters, now_ms)
            for state in self.fleet.to_tell(now_ms):
                self.broker.retain(self.topics.state(state.site.id), dump(state.payload()))
            self.plans.tick(now_ms)
            self.firmware.tick(now_ms)
            payload = self.report.due(now_ms)
            if payload is not None:
                self.broker.retain(self.topics.status, dump(payload))
            self.notifier.tick()
            await asyncio.sleep(TICK_S)

    def _tell_time(self) -> None:
        utc_ms = true_utc_ms()
        if utc_ms is not None:
            unsure_ms = uncertainty_ms()
            for bus in self.buses.values():
                bus.handle(line.Clock(utc_ms + self.config.time_offset_s * 1000, unsure_ms))

    # --- from the broker

    def _received(self, topic: str, payload: bytes) -> None:
        if topic == self.topics.desired_plans:
            self.plans.desire(payload)
        elif topic in self.desired.keepers:
            self.desired.keepers[topic].desire(payload)
        elif topic == self.topics.desired("firmware"):
            self.firmware.desire(payload)
        elif topic == self.topics.request:
            self.spawn(self.desk.take(payload))
        elif not self.homeassistant.take(topic, payload):
            self.relay.far(topic, payload)

    def spawn(self, coroutine) -> asyncio.Task:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def addressees(self) -> dict[str, set[str]]:
        """What requests may be aimed at: these groups, and before them those that the office wants."""
        return self.groups() | {name: set(posts) for name, posts in self.desired.groups.items()}

    def groups(self) -> dict[str, set[str]]:
        """The groups of the plan in force and of the configuration."""
        groups = self.plans.sync.groups()
        for post in self.config.posts:
            for group in post.groups:
                groups.setdefault(group, set()).add(post.site.id)
        return groups
