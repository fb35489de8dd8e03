"""The gateway of the checker's street: the real poll schedulers, outbox, ledger, plan logic and request checks.

Only the sockets are missing. The store is SQLite in memory, which survives the gateway's death as a disk would, or a
real file where the disk is to fail (disk.py). What was not committed when the gateway dies is lost; what the broker
took and nobody acknowledged is sent again. The broker acknowledges sooner than it hands on, and dies with what it has
not handed on; the centre is an upsert by (epoch, seq) that sees the gap and asks again (lamplighter.office.gaps).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from lamplighter.gateway import commands, items, line, orders, procedures
from lamplighter.gateway.database import SCHEMA
from lamplighter.gateway.disturbed import Lines
from lamplighter.gateway.finding import ADOPTED, STAYS, Report
from lamplighter.gateway.hunt import Hunt, Wanted
from lamplighter.gateway.ledger import Ledger
from lamplighter.gateway.orders import Order, Orders
from lamplighter.gateway.outbox import EVENTS, TELEMETRY, Outbox, Row
from lamplighter.gateway.plan_sync import PlanSync, compile_all
from lamplighter.gateway.poll import Poller
from lamplighter.gateway.roster import Roster
from lamplighter.gateway.topics import Desired, utc_text
from lamplighter.office.gaps import Gaps
from lamplighter.plans.hashing import document_hash
from lamppost.wire import messages
from lamppost.wire.packed import AGE_MAX_MS
from lampsim.check.casts import Casts
from lampsim.check.disk import Disk
from lampsim.check.keys import Keys
from lampsim.check.worlds import Ask

if TYPE_CHECKING:
    from lampsim.check.street import Street

COMMIT_US = 8_000  # a group commit on an SD card
PUBLISH_US = 1_000_000
ACK_US = 30_000  # a broker's answer
BATCH = 50
NEED_A_DISK = ("full-disk", "damaged-store")
BUDGET = 4 << 20
HAND_ON_US = 400_000  # a broker that saves each second may lose what it acknowledged less than a second ago
LOOK_US = 5_000_000  # the centre's looks at its gaps
DISK_US = 5_000_000  # broker.py's DISK_S: until an acknowledgement is written down again
OFFER_US = 5_000_000
ORDERS_US = 1_000_000
EXPIRES_S = 60
CLOCK_US = 1_000_000
WATCH_US = 250_000
SEARCH_US = 20_000_000
PLAN_EXPIRES_MS = 300_000


class MemoryDatabase:
    """The interface of lamplighter.gateway.database.Database over one connection: each work is one commit, at once."""

    def __init__(self, epoch: str) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.connection.executescript(SCHEMA)
        self.connection.execute("INSERT INTO meta VALUES ('epoch', ?)", (epoch,))
        self.failed: list[Callable[[sqlite3.Connection], None]] = []

    def submit(self, work: Callable[[sqlite3.Connection], Any]) -> Future:
        future: Future = Future()
        self.connection.execute("BEGIN")
        result = work(self.connection)
        self.connection.execute("COMMIT")
        future.set_result(result)
        return future

    def read(self, sql: str, values: tuple = ()) -> list[tuple]:
        return self.connection.execute(sql, values).fetchall()

    def suspect(self) -> None:
        raise AssertionError("memory is never damaged")


class Cabinet:
    """One gateway with its lines, and the centre behind its broker."""

    def __init__(self, street: Street) -> None:
        self.street = street
        self.broker = True
        self.alive = False
        self.ahead_ms = 0  # of its clock
        self.clock_was_wrong = False
        self.disk = Disk() if any(fault.name in NEED_A_DISK for fault in street.faults) else None
        self.database: Any = MemoryDatabase(f"{street.spec.seed & 0xFFFFFFFF:08x}")
        if self.disk is not None:
            self.database = self.disk.open()
        self.outbox = Outbox(self.database, BUDGET)
        self.ledger = Ledger(self.database)
        self.pollers: dict[str, Poller] = {}
        self.plans = PlanSync([])
        self.wanted: dict[str, list[bytes]] = {
            site.id: [] for site in street.spec.sites
        }  # plans of each post, in order
        self.asked = {ask.transaction: ask for ask in street.spec.requests}
        self.published: dict[str, tuple[Ask, bytes, int]] = {}  # (request, payload, when it expires) by transaction
        self._retained: dict | None = None  # at the broker: the plan the office wants
        self._taken: str | None = None
        self._deaths = 0  # of the broker
        self._gaps: dict[str, Gaps] = {}
        self._sites = {site.id: site for site in street.spec.sites}
        self._names = {(site.bus, site.address): site.id for site in street.spec.sites}
        self._waiting: dict[str, Callable[[line.Result], None]] = {}
        self._life = 0  # callbacks of an earlier life of the process do nothing
        self._number = 0
        self._wakes: dict[str, int] = {}
        self._disturbed: Lines | None = None
        self._online: dict[str, int] = {}  # its boots, by post in session
        self.orders = Orders(self)
        self.faults: dict[str, int] = {}  # of a post, as it last told
        self._homeless: set[str] = set()  # posts that have lost their place; the operator remembers them
        self.keys = Keys(self)
        self.casts = Casts(self)

    # --- life

    def start(self) -> None:
        if self.alive:
            return
        self.alive = True
        if self.disk is not None:
            self._open(self.disk)
        self.outbox = Outbox(self.database, BUDGET)
        self.plans = PlanSync(list(self._sites))
        stored = self.outbox.stored()
        self.keys.begin(self._life)
        for bus in self.street.buses.values():
            self.pollers[bus.name] = self._poller(bus.name, bus.baud, stored)
            self._wakes[bus.name] = 0
        kept = self.ledger.desired_plan()
        self._taken = kept
        if kept is not None:
            self._accept(json.loads(kept))
        self._after(OFFER_US, self._offer)
        self._every(CLOCK_US, self.tell_time)
        self._every(PUBLISH_US, self._publish)
        self._every(PUBLISH_US, self._send_plans)
        self._every(PUBLISH_US, self.keys.tick)
        self.orders = Orders(self)
        self.orders.load(self.ledger.kept(orders.NAME), set(self._sites))
        self._every(ORDERS_US, self._keep_orders)
        random = self.street.random_of("hush", self._life).randbytes
        bauds = {bus: poller.baud for bus, poller in self.pollers.items()}
        self._disturbed = Lines(bauds, self._present, self.ask, random)
        self._every(WATCH_US, self._watch)
        self._every(SEARCH_US, self._search)
        self.casts.begin()

    def kill(self) -> None:
        """kill -9: all but the store is gone."""
        if self.alive:
            self.alive = False
            self._life += 1
            if self.disk is not None:
                self.disk.close()
            self.casts.kill()
            self.pollers.clear()
            self._waiting.clear()
            self._online.clear()
            for bus in self.street.buses.values():
                bus.silence("gateway")

    def _open(self, disk: Disk) -> None:
        """The store as the last life left it, or a new one; the witness is told what is lost with a damaged one."""
        disk.close()
        found = len(disk.said)
        self.database = disk.open()
        self.ledger = Ledger(self.database)
        if len(disk.said) > found:
            self.street.witness.store_lost(disk.before)

    def _poller(self, bus: str, baud: int, stored: dict[str, tuple[int, int]]) -> Poller:
        rolling, sites = self.keys.rolling, [site for site in self._sites.values() if site.bus == bus]
        assert rolling is not None
        poller = Poller(
            {site.address: rolling.posts[site.id] for site in sites},
            rolling.buses[bus],
            baud,
            self.street.random_of("gateway", bus, self._life).randbytes,
            self.ledger.counter(bus, self.utc_s()),
            lambda counter: self.ledger.reserve(bus, counter),
            {site.address: stored[site.id] for site in sites if site.id in stored},
        )
        _pace(poller._roster, self.street.spec.poll_ms)
        return self.keys.equip(bus, poller)

    def _after(self, wait_us: int, work: Callable[[], Any]) -> None:
        life = self._life
        self.street.loop.at(self.street.loop.now_us + wait_us, lambda: work() if life == self._life else None)

    def _every(self, period_us: int, work: Callable[[], Any]) -> None:
        def again() -> None:
            work()
            self._after(period_us, again)

        again()

    # --- the lines

    def received(self, bus: str, data: bytes) -> None:
        if self.alive:
            self._give(bus, line.Received(data))

    def _give(self, bus: str, event: tuple | None) -> None:
        if bus not in self.pollers:
            return
        poller = self.pollers[bus]
        for action in poller.handle(event, self._now_ms()):
            if isinstance(action, line.Send):
                self.casts.said(bus, poller, action.data)
                self.street.buses[bus].write("gateway", action.data)
            else:
                self._act(bus, action)
        self._wake(bus, poller)

    def _wake(self, bus: str, poller: Poller) -> None:
        deadline = poller.deadline()
        self._wakes[bus] = order = self._wakes[bus] + 1
        if deadline is not None:
            wait_us = max(0, deadline * 1000 + 999 - self.street.loop.now_us)
            self._after(wait_us, lambda: self._give(bus, None) if order == self._wakes[bus] else None)

    def _act(self, bus: str, action: tuple) -> None:
        rolling = self.keys.rolling
        assert rolling is not None
        if isinstance(action, line.Items):
            name = self._names[bus, action.address]
            entries = items.from_items(name, action, self.utc_s())
            stored = line.Stored(action.address, action.epoch, max(item[0] for item in action.items))
            self._after(COMMIT_US, lambda: self._keep(entries, bus, stored))
        elif isinstance(action, line.Heard) and not action.repeat:
            entry = items.from_heard(self._names[bus, action.address], action, self.utc_s())
            kept = line.Kept(action.address, action.epoch, action.seq) if action.age_ms < AGE_MAX_MS else None
            self._after(COMMIT_US, lambda: self._keep([entry], bus, kept))
        elif isinstance(action, line.Status):
            self.faults[self._names[bus, action.address]] = action.faults
            self.plans.runs(self._names[bus, action.address], action.plan)
            rolling.status(self._names[bus, action.address])
        elif isinstance(action, line.Online):
            self._online[self._names[bus, action.address]] = action.boots
            self.plans.back(self._names[bus, action.address])
            rolling.online(self._names[bus, action.address], action)
            self.orders.online(self._names[bus, action.address], action.boots)
            self.casts.online(self._names[bus, action.address], action.boots)
        elif isinstance(action, line.Offline):
            self._online.pop(self._names[bus, action.address], None)
            rolling.offline(self._names[bus, action.address])
            self.casts.offline(self._names[bus, action.address])
        elif isinstance(action, line.Result):
            self._waiting.pop(action.id, lambda _: None)(action)

    def _keep(self, entries: list, bus: str, told: tuple | None) -> None:
        """As the daemon does: what is not on disk is acknowledged to nobody."""
        if self.outbox.append(entries).exception() is None and told is not None:
            self._give(bus, told)

    def _present(self, bus: str) -> list[str]:
        return sorted(post for post in self._online if self._sites[post].bus == bus)

    def _watch(self) -> None:
        for bus, poller in self.pollers.items():
            assert self._disturbed is not None
            self._disturbed.tick(bus, poller.counters, self._now_ms())

    # --- posts without a place

    def search_for(self, post: str) -> None:
        """The operator knows that a post has lost its place: its line is searched until it has it again."""
        self._homeless.add(post)

    def _search(self) -> None:
        """As the daemon does when posts are silent."""
        rolling = self.keys.rolling
        assert rolling is not None
        for bus in {self._sites[post].bus for post in self._homeless}:
            names = {site.address: post for post, site in self._sites.items() if site.bus == bus}
            random = self.street.random_of("finding", bus, self._life, self._number).randbytes
            hunt = Hunt(rolling, names, Wanted(bus), lambda work: self._after(0, work), random)
            self._number += 1
            self._waiting[str(self._number)] = self._searched
            self._give(bus, line.Search(str(self._number), hunt.finder.run()))

    def _searched(self, result: line.Result) -> None:
        if isinstance(result.value, Report):
            served = {found.identity for found in result.value.posts if found.result in (ADOPTED, STAYS)}
            self._homeless -= served

    def _post_key(self, post: str) -> bytes:
        assert self.keys.rolling is not None
        return self.keys.rolling.posts[post]

    def ask(self, post: str, procedure, expires_ms: int, then, background: bool = False) -> None:
        self._number += 1
        name, site = str(self._number), self._sites[post]
        self._waiting[name] = then
        self._give(site.bus, line.Ask(name, site.address, procedure, self._now_ms() + expires_ms, background))

    def _cast(self, bus: str, blocks: list, then: Callable[[line.Result], None]) -> None:
        self._number += 1
        self._waiting[str(self._number)] = then
        self._give(bus, line.Cast(str(self._number), blocks))

    # --- time

    def set_clock(self, ahead_s: int) -> None:
        self.ahead_ms = ahead_s * 1000
        self.clock_was_wrong |= ahead_s != 0
        self.tell_time()

    def tell_time(self) -> None:
        if self.alive:
            for bus in self.street.buses:
                self._give(bus, line.Clock(self.street.utc_ms() + self.ahead_ms, 50))

    def _now_ms(self) -> int:
        return self.street.loop.now_us // 1000

    def utc_s(self) -> int:
        return (self.street.utc_ms() + self.ahead_ms) // 1000

    # --- plans

    def desire(self, plan: dict) -> None:
        """The office publishes a plan. It is retained: a gateway that is down, or cannot store it, gets it later."""
        self._retained = plan
        self._offer()

    def _offer(self) -> None:
        """The plan that is retained, on a connection or when it is published again because it could not be stored."""
        plan, text = self._retained, json.dumps(self._retained)
        if plan is None or text == self._taken:
            return
        if not self.alive or not self.broker or self.ledger.keep_plan(text).exception() is not None:
            self.street.loop.at(self.street.loop.now_us + OFFER_US, self._offer)
            return
        self._taken = text
        self._accept(plan)

    def _accept(self, plan: dict) -> None:
        compiled = compile_all(Desired(document_hash(plan), plan), list(self._sites.values()))
        self.plans.accept(compiled)
        for post, blob in compiled.blobs.items():
            self.wanted[post].append(blob)

    def _send_plans(self) -> None:
        for post, blob in self.plans.to_send(set(self._online), self._now_ms()):
            self.ask(post, procedures.send_plan(blob), PLAN_EXPIRES_MS, self._plan_sent(post, blob), background=True)

    def _plan_sent(self, post: str, blob: bytes) -> Callable[[line.Result], None]:
        def done(result: line.Result) -> None:
            outcome = result.value if isinstance(result.value, procedures.Outcome) else procedures.Outcome(True, "")
            refused = "" if outcome.ok else outcome.text or "refused"
            self.plans.sent(post, blob, refused, result.error, self._now_ms())

        return done

    def send_plan(self, post: str, raw: bytes) -> None:
        if self.alive:
            self.ask(post, procedures.send_plan(raw), 60_000, lambda result: None)

    # --- requests

    def request(self, ask: Ask) -> None:
        """The office asks for something, perhaps twice: a request comes at least once."""
        if ask.transaction not in self.published:
            expires_s = self.utc_s() + EXPIRES_S
            self.published[ask.transaction] = ask, self._payload(ask, expires_s), expires_s
        self._take(*self.published[ask.transaction])

    def replay(self) -> None:
        """All that was ever published comes again, word for word."""
        for published in self.published.values():
            self._take(*published)

    def _take(self, ask: Ask, payload: bytes, expires_s: int) -> None:
        if not self.alive or not self.broker:
            return  # its answer does not come; the office would ask again
        now_s = self.utc_s()
        if ask.layer != 6:  # what the office's commands do not offer yet, a gateway may still ask of a post
            if now_s < expires_s and self._begin(ask.transaction, now_s, expires_s):
                for post in ask.posts:
                    number = int.from_bytes(sha256(f"{ask.transaction}/{post}".encode()).digest()[:4], "big")
                    values = (ask.layer, ask.op, ask.level_pm, now_s + ask.for_s, ask.for_s, ask.transaction)
                    self.ask(post, procedures.command(number, messages.LEVEL, *values), 30_000, lambda result: None)
            return
        try:
            request = commands.read(payload, list(self._sites), {}, now_s)
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
                self.ask(post, procedure, 30_000, partial(self._ordered, post, order))

    def _ordered(self, post: str, order: Order | None, result: line.Result) -> None:
        if order is not None and isinstance(result.value, procedures.Outcome) and result.value.ok:
            self.orders.taken(post, order, self._online.get(post, 0))

    def _keep_orders(self) -> None:
        if self.orders.changed and self.ledger.keep(orders.NAME, self.orders.dump()).exception() is not None:
            self.orders.changed = True

    def forgetful(self) -> list[str]:
        """Posts in session that have started anew since they took an order that still holds, and have not got it."""
        kept = self.orders._kept.items()
        late = [(post, boots) for (post, _), (order, boots) in kept if self.utc_s() + 1 < order.until_s]
        return [post for post, boots in late if self._online.get(post, boots) != boots]

    def _begin(self, transaction: str, now_s: int, expires_s: int) -> bool:
        """Whether to act: it is new, and that is written down."""
        future = self.ledger.begin(transaction, now_s, expires_s)
        return future.exception() is None and future.result()[0]

    def _payload(self, ask: Ask, expires_s: int) -> bytes:
        value: dict[str, Any] = {"v": 1, "transaction": ask.transaction, "expires": utc_text(expires_s)}
        value |= {"posts": list(ask.posts), "reason": ask.transaction}
        if ask.level_pm < 0:
            return json.dumps(value | {"command": "clear"}).encode()
        value |= {"command": "override", "level_percent": ask.level_pm / 10, "for_s": ask.for_s}
        return json.dumps(value).encode()

    # --- the broker and the centre

    def set_broker(self, on: bool) -> None:
        self._deaths += self.broker and not on
        self.broker = on

    def _publish(self) -> None:
        if not self.broker:
            return
        for stream in (EVENTS, TELEMETRY):
            rows = self.outbox.read(stream, 0, BATCH)
            self._hand_on(rows)
            if rows:
                self._after(ACK_US, lambda s=stream, a=rows[0].seq, b=rows[-1].seq: self._acknowledged(s, a, b))

    def _hand_on(self, rows: list[Row]) -> None:
        """The broker has them; the centre a moment later, whatever becomes of the gateway, unless the broker dies."""
        deaths, epoch = self._deaths, self.outbox.epoch
        arrive = lambda: self._arrive(epoch, rows) if deaths == self._deaths else None  # noqa: E731 - a callback
        self.street.loop.at(self.street.loop.now_us + HAND_ON_US, arrive)

    def _arrive(self, epoch: str, rows: list[Row]) -> None:
        for row in rows:
            self.street.witness.received(epoch, row.seq, row.body)
        self._gaps.setdefault(epoch, Gaps(epoch)).came(row.seq for row in rows)

    def _acknowledged(self, stream: int, first: int, last: int) -> None:
        if self.broker and self.outbox.acknowledge(stream, first, last).exception() is not None:
            self._after(DISK_US, lambda: self._acknowledged(stream, first, last))

    def look(self) -> None:
        """The centre sees by the gateway's status what it lacks, and asks for it again."""
        if self.alive and self.broker:
            gaps = self._gaps.setdefault(self.outbox.epoch, Gaps(self.outbox.epoch))
            gaps.given(self.outbox.next)
            for one in self._gaps.values():
                ranges = one.ask()
                if ranges:
                    self._resend(one, ranges)
        self.street.loop.at(self.street.loop.now_us + LOOK_US, self.look)

    def _resend(self, gaps: Gaps, ranges: list[tuple[int, int]]) -> None:
        now_s = self.utc_s()
        value = {"v": 1, "transaction": "resend", "expires": utc_text(now_s + EXPIRES_S), "command": "resend"}
        payload = json.dumps(value | {"epoch": gaps.epoch, "ranges": ranges}).encode()
        request = commands.read(payload, list(self._sites), {}, now_s)
        if request.epoch != self.outbox.epoch:  # of a store that was lost
            gaps.gone(request.ranges)
            return
        for first, last in request.ranges:
            gaps.gone(self.outbox.missing(first, last))
            for stream in (EVENTS, TELEMETRY):
                self._hand_on(self.outbox.between(stream, first, last, BATCH))


def _pace(roster: Roster, poll_ms: int) -> None:
    """Poll a post with nothing to say only every `poll_ms`: polls of idle posts prove nothing and cost the most."""
    polled = roster.polled

    def seldom(peer, t_ms: int) -> None:
        polled(peer, t_ms)
        peer.poll_ms = t_ms + poll_ms

    roster.polled = seldom  # type: ignore[method-assign]
