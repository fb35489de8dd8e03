"""The gateway of the checker's street: the real poll schedulers, outbox, ledger, plan logic and request checks.

Only the sockets are missing. The store is SQLite in memory (memory.py) or a real file where the disk is to fail
(disk.py). What was not committed when the gateway dies is lost. What the office wants of it, and gets: plans.py,
requests.py, centre.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.air_poll import AirPoller
from lamplighter.gateway.lines.disturbed import Lines
from lamplighter.gateway.lines.poll import Poller
from lamplighter.gateway.lines.roster import Roster
from lamplighter.gateway.search.finding import ADOPTED, STAYS, Report
from lamplighter.gateway.search.hunt import Hunt, Wanted
from lamplighter.gateway.store import items
from lamplighter.gateway.store.ledger import Ledger
from lamplighter.gateway.store.outbox import Outbox
from lamppost.wire.packed import AGE_MAX_MS
from lampsim.check.gateway.casts import Casts
from lampsim.check.gateway.centre import Centre
from lampsim.check.gateway.disk import Disk
from lampsim.check.gateway.keys import Keys
from lampsim.check.gateway.memory import MemoryDatabase
from lampsim.check.gateway.plans import Plans
from lampsim.check.gateway.requests import Requests

if TYPE_CHECKING:
    from lampsim.check.world.street import Street

COMMIT_US = 8_000  # a group commit on an SD card
PUBLISH_US = 1_000_000
NEED_A_DISK = ("full-disk", "damaged-store")
BUDGET = 4 << 20
ORDERS_US = 1_000_000
CLOCK_US = 1_000_000
AIR_CYCLE_MS = 2_000  # of posts without a wire, and BAUD what is taken for the speed of their line
BAUD = 19_200
WATCH_US = 250_000
SEARCH_US = 20_000_000


class Cabinet:
    """One gateway with its lines."""

    def __init__(self, street: Street) -> None:
        self.street = street
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
        self._sites = {site.id: site for site in street.spec.sites}
        self._names = {(site.bus, site.address): site.id for site in street.spec.sites}
        self._waiting: dict[str, Callable[[line.Result], None]] = {}
        self._life = 0  # callbacks of an earlier life of the process do nothing
        self._number = 0
        self._wakes: dict[str, int] = {}
        self._disturbed: Lines | None = None
        self.online: dict[str, int] = {}  # its boots, by post in session
        self.faults: dict[str, int] = {}  # of a post, as it last told
        self._homeless: set[str] = set()  # posts that have lost their place; the operator remembers them
        self.keys = Keys(self)
        self.plans = Plans(self)
        self.requests = Requests(self)
        self.centre = Centre(self)
        self.casts = Casts(self)

    # --- life

    def start(self) -> None:
        if self.alive:
            return
        self.alive = True
        if self.disk is not None:
            self._open(self.disk)
        self.outbox = Outbox(self.database, BUDGET)
        stored = self.outbox.stored()
        self.keys.begin(self._life)
        for bus in self.street.buses.values():
            self.pollers[bus.name] = self._poller(bus.name, bus.baud, stored)
            self._wakes[bus.name] = 0
            bus.begin("gateway")
        self.plans.begin()
        self.every(CLOCK_US, self.tell_time)
        self.every(PUBLISH_US, self.centre.publish)
        self.every(PUBLISH_US, self.plans.send)
        self.every(PUBLISH_US, self.keys.tick)
        self.requests.begin()
        self.every(ORDERS_US, self.requests.keep_orders)
        random = self.street.random_of("hush", self._life).randbytes
        bauds = {bus: poller.baud or BAUD for bus, poller in self.pollers.items()}
        self._disturbed = Lines(bauds, self._present, self.ask, random)
        self.every(WATCH_US, self._watch)
        self.every(SEARCH_US, self._search)
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
            self.online.clear()
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
        poller = (Poller if baud else AirPoller)(
            {site.address: rolling.posts[site.id] for site in sites},
            rolling.buses[bus],
            baud,
            self.street.random_of("gateway", bus, self._life).randbytes,
            self.ledger.counter(bus, self.utc_s()),
            lambda counter: self.ledger.reserve(bus, counter),
            {site.address: stored[site.id] for site in sites if site.id in stored},
            cycle_ms=0 if baud else AIR_CYCLE_MS,
            turn_ms=2 if baud else 0,
        )
        _pace(poller._roster, self.street.spec.poll_ms)
        return self.keys.equip(bus, poller)

    def after(self, wait_us: int, work: Callable[[], Any]) -> None:
        life = self._life
        self.street.loop.at(self.street.loop.now_us + wait_us, lambda: work() if life == self._life else None)

    def every(self, period_us: int, work: Callable[[], Any]) -> None:
        def again() -> None:
            work()
            self.after(period_us, again)

        again()

    # --- the lines

    def received(self, bus: str, data: bytes) -> None:
        if self.alive:
            self.give(bus, line.Received(data))

    def line_opens(self, bus: str) -> None:
        """It is connected to the broker of this line."""
        if self.alive:
            self.give(bus, None)

    def line_closes(self, bus: str) -> None:
        """It is no more."""
        if self.alive:
            self.give(bus, line.LineDown())

    def give(self, bus: str, event: tuple | None) -> None:
        if bus not in self.pollers or (event is None and not self.street.buses[bus].is_open):
            return
        poller = self.pollers[bus]
        for action in poller.handle(event, self.now_ms()):
            if isinstance(action, line.Send):
                self.casts.said(bus, poller, action.data)
                self.street.buses[bus].write("gateway", action.data)
            else:
                self._act(bus, action)
        self._wake(bus, poller)

    def _wake(self, bus: str, poller: Poller) -> None:
        deadline = poller.deadline()
        self._wakes[bus] = order = self._wakes[bus] + 1
        if deadline is not None and self.street.buses[bus].is_open:
            wait_us = max(0, deadline * 1000 + 999 - self.street.loop.now_us)
            self.after(wait_us, lambda: self.give(bus, None) if order == self._wakes[bus] else None)

    def _act(self, bus: str, action: tuple) -> None:
        rolling = self.keys.rolling
        assert rolling is not None
        if isinstance(action, line.Items):
            name = self._names[bus, action.address]
            entries = items.from_items(name, action, self.utc_s())
            stored = line.Stored(action.address, action.epoch, max(item[0] for item in action.items))
            self.after(COMMIT_US, lambda: self._keep(entries, bus, stored))
        elif isinstance(action, line.Heard) and not action.repeat:
            entry = items.from_heard(self._names[bus, action.address], action, self.utc_s())
            kept = line.Kept(action.address, action.epoch, action.seq) if action.age_ms < AGE_MAX_MS else None
            self.after(COMMIT_US, lambda: self._keep([entry], bus, kept))
        elif isinstance(action, line.Status):
            self.faults[self._names[bus, action.address]] = action.faults
            self.plans.sync.runs(self._names[bus, action.address], action.plan)
            rolling.status(self._names[bus, action.address])
        elif isinstance(action, line.Online):
            self.online[self._names[bus, action.address]] = action.boots
            self.plans.sync.back(self._names[bus, action.address])
            rolling.online(self._names[bus, action.address], action)
            self.requests.orders.online(self._names[bus, action.address], action.boots)
            self.casts.online(self._names[bus, action.address], action.boots)
        elif isinstance(action, line.Offline):
            self.online.pop(self._names[bus, action.address], None)
            rolling.offline(self._names[bus, action.address])
            self.casts.offline(self._names[bus, action.address])
        elif isinstance(action, line.Result):
            self._waiting.pop(action.id, lambda _: None)(action)

    def _keep(self, entries: list, bus: str, told: tuple | None) -> None:
        """As the daemon does: what is not on disk is acknowledged to nobody."""
        if self.outbox.append(entries).exception() is None and told is not None:
            self.give(bus, told)

    def _present(self, bus: str) -> list[str]:
        return sorted(post for post in self.online if self._sites[post].bus == bus)

    def _watch(self) -> None:
        for bus, poller in self.pollers.items():
            assert self._disturbed is not None
            self._disturbed.tick(bus, poller.counters, self.now_ms())

    # --- posts without a place

    def search_for(self, post: str) -> None:
        """The operator knows that a post has lost its place: its line is searched until it has it again."""
        self._homeless.add(post)

    def _search(self) -> None:
        """As the daemon does when posts are silent."""
        rolling = self.keys.rolling
        assert rolling is not None
        for bus in sorted({self._sites[post].bus for post in self._homeless}):
            names = {site.address: post for post, site in self._sites.items() if site.bus == bus}
            random = self.street.random_of("finding", bus, self._life, self._number).randbytes
            hunt = Hunt(rolling, names, Wanted(bus), lambda work: self.after(0, work), random)
            self._number += 1
            self._waiting[str(self._number)] = self._searched
            self.give(bus, line.Search(str(self._number), hunt.finder.run()))

    def _searched(self, result: line.Result) -> None:
        if isinstance(result.value, Report):
            served = {found.identity for found in result.value.posts if found.result in (ADOPTED, STAYS)}
            self._homeless -= served

    def ask(self, post: str, procedure, expires_ms: int, then, background: bool = False) -> None:
        self._number += 1
        name, site = str(self._number), self._sites[post]
        self._waiting[name] = then
        self.give(site.bus, line.Ask(name, site.address, procedure, self.now_ms() + expires_ms, background))

    def cast(self, bus: str, blocks: list, then: Callable[[line.Result], None]) -> None:
        self._number += 1
        self._waiting[str(self._number)] = then
        self.give(bus, line.Cast(str(self._number), blocks))

    # --- time

    def set_clock(self, ahead_s: int) -> None:
        self.ahead_ms = ahead_s * 1000
        self.clock_was_wrong |= ahead_s != 0
        self.tell_time()

    def tell_time(self) -> None:
        if self.alive:
            for bus in self.street.buses:
                self.give(bus, line.Clock(self.street.utc_ms() + self.ahead_ms, 50))

    def now_ms(self) -> int:
        return self.street.loop.now_us // 1000

    def utc_s(self) -> int:
        return (self.street.utc_ms() + self.ahead_ms) // 1000


def _pace(roster: Roster, poll_ms: int) -> None:
    """Poll a post with nothing to say only every `poll_ms`: polls of idle posts prove nothing and cost the most."""
    polled = roster.polled

    def seldom(peer, t_ms: int) -> None:
        polled(peer, t_ms)
        peer.poll_ms = t_ms + poll_ms

    roster.polled = seldom  # type: ignore[method-assign]
