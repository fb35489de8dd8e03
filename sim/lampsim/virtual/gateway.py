"""One cabinet in virtual time: the real Poller of each line, the real plan logic, and a store that survives its kill.

What it promises
- What is said on a line and when is decided by gateway.lines.poll; who needs which plan by plan_sync; how a plan
  gets there by procedures. Only the disk is simulated (store.py): an item is acknowledged to its post a moment after
  it was committed.
- `kill` forgets everything but the store, at any microsecond; `start` goes on from there.
- What is said again on another line, or in the next cabinet, is decided by lamplighter.gateway.lines.relay.
- Items go to the centre while `connected`, again after a kill in between, always with the same id.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from hashlib import sha256

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.disturbed import Lines
from lamplighter.gateway.lines.poll import Poller
from lamplighter.gateway.lines.procedures import Outcome, send_plan
from lamplighter.gateway.lines.relay import Relay, Told
from lamplighter.gateway.wanted.plan_sync import Compiled, PlanSync
from lamplighter.plans.neighbourhood import Neighbourhood
from lamplighter.plans.site import PostSite
from lamppost.wire import messages
from lamppost.wire.packed import AGE_MAX_MS

from .centre import Centre
from .loop import Handle, Loop
from .store import Entry, Store
from .wire import Deaf, Wire

COMMIT_US = 10_000  # LIBRARIES.md: group commits of 5 to 50 ms
PLANS_US = 1_000_000  # who needs which plan is looked at once a second while somebody may need one
PLAN_EXPIRES_MS = 600_000
UNCERTAINTY_MS = 50
WATCH_US = 500_000  # how often a noisy line is looked at

Answered = Callable[[line.Result], None]


class Port(Deaf):
    """One line of a gateway: a Poller and its end of the Wire."""

    address = 0
    listening = True

    def __init__(self, gateway: VirtualGateway, bus: str, wire: Wire, poller: Poller) -> None:
        self.name = f"{gateway.name}/{bus}"
        self.bus, self.wire, self.poller = bus, wire, poller
        self._gateway = gateway
        self._loop = gateway.loop
        self._timer: Handle | None = None
        self._timer_us = 0
        self._closed = False
        self.said_for: str | None = None  # whose event was said again last; another cabinet's by its key

    def open(self) -> None:
        self.wire.plug(self)
        self.handle(None)

    def close(self) -> None:
        self._closed = True
        self.wire.unplug(self)
        self._loop.cancel(self._timer)

    def hear(self, data: bytes) -> None:
        self.handle(line.Received(data))

    def handle(self, event: tuple | None) -> None:
        if self._closed:
            return
        mouth, counters = self.poller.mouth, self.poller.counters
        errors = counters.errors
        said = mouth.said
        for action in self.poller.handle(event, self._loop.now_us // 1000):
            if isinstance(action, line.Send):
                if mouth.said != said:
                    self.said_for = self._gateway.hood.aliases[self.bus].get(mouth.alias or 0)
                self.wire.send(self.name, action.data)
            else:
                self._gateway.take(self, action)
        if not self._closed:
            self._wake()
            if counters.errors != errors:
                self._gateway.disturbed_on(self)

    def _wake(self) -> None:
        deadline = self.poller.deadline()
        timer = self._timer
        if deadline is None:
            self._loop.cancel(timer)
            self._timer = None
            return
        at_us = max(deadline * 1000, self._loop.now_us + 500)  # as the daemon does: rounding must not wake early
        if timer is not None:
            if self._timer_us == at_us:
                return
            self._loop.cancel(timer)
        self._timer, self._timer_us = self._loop.at(at_us, self._due), at_us

    def _due(self) -> None:
        self._timer = None
        self.handle(None)


class VirtualGateway:
    """`wires` maps a bus to its Wire, `sites` and `keys` are its posts'; `utc_ms()` is its clock or None."""

    def __init__(
        self,
        loop: Loop,
        name: str,
        wires: dict[str, Wire],
        sites: list[PostSite],
        keys: dict[str, bytes],
        bus_keys: dict[str, bytes],
        centre: Centre,
        utc_ms: Callable[[], int | None],
        seed: object,
        cycle_ms: int = 0,
        did: Callable[[str, tuple], None] = lambda gateway, what: None,
        hood: Neighbourhood | None = None,
        whisper: Callable[[str, str, tuple], None] = lambda gateway, other, event: None,
    ) -> None:
        self.loop, self.name, self.wires, self.sites = loop, name, wires, sites
        self.centre = centre
        self.connected = True
        self.clock_known = True
        self.store = Store(f"{random.Random(f'{seed} store {name}').getrandbits(32):08x}")
        self.ports: dict[str, Port] = {}
        self.online: set[str] = set()
        self.status: dict[str, line.Status] = {}
        self.starts = 0
        self._keys, self._bus_keys = keys, bus_keys
        self._utc_ms, self._cycle_ms, self._did = utc_ms, cycle_ms, did
        self._seed = seed
        self._names = {(site.bus, site.address): site.id for site in sites}
        self._sites = {site.id: site for site in sites}
        self._compiled: Compiled | None = None
        self._hashes: dict[str, bytes] = {}
        self._behind: set[str] = set()  # posts that may not run their plan yet
        self._waiting: dict[str, Answered] = {}
        self._number = 0
        self._plans_due: Handle | None = None
        self._published = 0
        self._last_words = False  # the broker takes what comes and dies before it says so
        self.plans = PlanSync(list(self._sites))
        self.hood = hood or Neighbourhood(aliases={bus: {} for bus in wires})
        self._whisper = whisper
        self.relay = Relay(self.hood.routes, self.hood.wanted)
        bauds = {bus: wire.baud for bus, wire in wires.items()}
        self.disturbed = Lines(bauds, self._present, self.ask, bytes)
        self._watched: set[str] = set()  # lines that were noisy a moment ago

    @property
    def posts(self) -> list[str]:
        return list(self._sites)

    @property
    def running(self) -> bool:
        return bool(self.ports)

    def start(self) -> None:
        """Begin, or go on from what the store holds."""
        if self.running:
            return
        self.starts += 1
        generator = random.Random(f"{self._seed} gateway {self.name} {self.starts}")
        self.plans = PlanSync(list(self._sites))
        if self._compiled is not None:  # kept on disk; compiling it again gives the same
            self.plans.accept(self._compiled)
            self.relay.plan(self._compiled.document)
            self._behind = set(self._hashes)
        self.relay = Relay(self.hood.routes, self.hood.wanted)
        bauds = {bus: wire.baud for bus, wire in self.wires.items()}
        self.disturbed = Lines(bauds, self._present, self.ask, generator.randbytes)
        self._watched = set()
        stored = self.store.stored()
        utc_s = (self._utc_ms() or 0) // 1000
        self.ports = {
            bus: Port(self, bus, wire, self._poller(bus, wire, generator, stored, utc_s))
            for bus, wire in self.wires.items()
        }
        for port in self.ports.values():
            port.open()
        self.tell_time()
        self._did(self.name, ("start",))
        self.publish()

    def kill(self) -> None:
        """Like kill -9: what is in RAM is gone."""
        for port in self.ports.values():
            port.close()
        self.ports = {}
        self.store.kill()
        self.online, self.status = set(), {}
        self._waiting = {}
        self.loop.cancel(self._plans_due)
        self._plans_due = None
        self._published = 0
        self._did(self.name, ("kill",))

    def tell_time(self) -> None:
        """Give the lines the time; after a step of the clock again."""
        utc_ms = self._utc_ms()
        if utc_ms is not None and self.clock_known:
            for port in self.ports.values():
                port.handle(line.Clock(utc_ms, UNCERTAINTY_MS))

    def desire(self, compiled: Compiled) -> None:
        """Put a plan in force; it is on disk at once."""
        self._compiled = compiled
        self._hashes = {post: sha256(blob).digest()[:8] for post, blob in compiled.blobs.items()}
        self._behind = set(self._hashes)
        if self.running:
            self.relay.plan(compiled.document)
            self.plans.accept(compiled)
            self._look_at_plans(0)

    def ask(
        self, post: str, procedure: line.Procedure, expires_ms: int, then: Answered, background: bool = False
    ) -> None:
        """Run a procedure with one post. KeyError for another cabinet's."""
        site = self._sites[post]
        self._number += 1
        name = str(self._number)
        self._waiting[name] = then
        if not self.running:
            then(line.Result(name, site.address, None, "the gateway is down"))
            return
        expires_at_ms = self.loop.now_us // 1000 + expires_ms
        self.ports[site.bus].handle(line.Ask(name, site.address, procedure, expires_at_ms, background))

    def connect(self, connected: bool) -> None:
        """The way to the centre is there, or not."""
        self.connected = connected
        self.publish()

    def lose_broker(self) -> None:
        """The broker dies; what comes next it still hands on to the centre, and does not acknowledge."""
        self.connected, self._last_words = False, True

    def publish(self) -> None:
        """Send what is stored; each row goes when the centre has it and says so."""
        if not self.store.rows or not (self.connected or self._last_words):
            return
        for seq in list(self.store.rows):
            entry = self.store.rows[seq]
            self.centre.upsert(self.name, self.store.epoch, seq, entry.post, entry.epoch, entry.item)
            if self.connected:
                self.store.acknowledge(seq)
        self._last_words = False

    # --- what the Pollers say

    def disturbed_on(self, port: Port) -> None:
        """Something was heard on a line that was no frame: it is watched until that has passed."""
        if port.bus in self._watched:
            return
        self._watched.add(port.bus)
        starts = self.starts

        def watch() -> None:
            if self.starts != starts or not self.running:
                return
            self.disturbed.tick(port.bus, port.poller.counters, self.loop.now_us // 1000)
            if self.disturbed.lines[port.bus].idle:
                self._watched.discard(port.bus)
            else:
                self.loop.after(WATCH_US, watch)

        watch()

    def _present(self, bus: str) -> list[str]:
        return [site.id for site in self.sites if site.bus == bus and site.id in self.online]

    def take(self, port: Port, action: tuple) -> None:
        kind = type(action)
        if kind is line.Status:
            self._status(port, action)  # type: ignore[arg-type]
        elif kind is line.Items:
            self._items(port, action)  # type: ignore[arg-type]
        elif kind is line.Heard:
            self._heard(port, action)  # type: ignore[arg-type]
        elif kind is line.Result:
            then = self._waiting.pop(action.id, None)  # type: ignore[attr-defined]
            if then is not None:
                then(action)  # type: ignore[arg-type]
        else:
            self._presence_of_post(port, action)

    def _presence_of_post(self, port: Port, action: tuple) -> None:
        post = self._names[port.bus, action.address]  # type: ignore[attr-defined]
        if isinstance(action, line.Online):
            self.online.add(post)
            self.plans.back(post)
            if post in self._behind:
                self._look_at_plans(PLANS_US // 10)
            self._did(self.name, ("online", post, action.epoch, action.boots))
        else:
            self.online.discard(post)
            self._did(self.name, ("offline", post))

    def _status(self, port: Port, status: line.Status) -> None:
        post = self._names[port.bus, status.address]
        self.status[post] = status
        if self.plans.runs(post, status.plan):
            self._did(self.name, ("plan", post, status.plan.hex()))
            if status.plan == self._hashes.get(post):
                self._behind.discard(post)
            else:
                self._behind.add(post)
                self._look_at_plans(PLANS_US // 10)

    def _items(self, port: Port, got: line.Items) -> None:
        post = self._names[port.bus, got.address]
        if self.relay.matters(post):
            self._relay_items(post, got)
        stored = line.Stored(got.address, got.epoch, max(item[0] for item in got.items))
        self._keep([Entry(post, got.epoch, tuple(item), False) for item in got.items], port, stored)

    def far(self, gateway: str, event: tuple) -> None:
        """Another cabinet's (post, item, class, input, ms at which it was detected) has come over the broker."""
        if self.running and self.connected:
            post, item, user_class, source, at_ms = event
            now_ms = self.loop.now_us // 1000
            told = self.relay.event(f"{gateway}/{post}", item, user_class, source, max(0, now_ms - at_ms), now_ms)
            self._pass_on(told, ())

    def _relay_heard(self, post: str, heard: line.Heard) -> None:
        item, now_ms = (heard.epoch, heard.seq), self.loop.now_us // 1000
        told = self.relay.event(post, item, heard.user_class, heard.input, heard.age_ms, now_ms)
        self._pass_on(told, (post, item, heard.user_class, heard.input, now_ms - heard.age_ms))

    def _relay_items(self, post: str, got: line.Items) -> None:
        utc_ms = self._utc_ms()
        for seq, kind, utc_s, source, user_class, _ in got.items:
            if kind == messages.PRESENCE and utc_s and utc_ms is not None:
                item, now_ms, age_ms = (got.epoch, seq), self.loop.now_us // 1000, max(0, utc_ms - utc_s * 1000)
                told = self.relay.item(post, item, user_class, source, age_ms, now_ms)
                self._pass_on(told, (post, item, user_class, source, now_ms - age_ms))

    def _pass_on(self, told: Told, event: tuple) -> None:
        for bus, say in told.lines:
            self.ports[bus].handle(say)
        if self.connected:
            for other in told.gateways:
                self._whisper(self.name, other, event)

    def _heard(self, port: Port, heard: line.Heard) -> None:
        post = self._names[port.bus, heard.address]
        if not self.disturbed.floods.event(post, self.loop.now_us // 1000) and self.relay.matters(post):
            self._relay_heard(post, heard)
        if heard.repeat:
            return
        utc_s = max(0, ((self._utc_ms() or 0) - heard.age_ms) // 1000)
        item = (heard.seq, messages.PRESENCE, utc_s, heard.input, heard.user_class, 0)
        kept = line.Kept(heard.address, heard.epoch, heard.seq) if heard.age_ms < AGE_MAX_MS else None
        self._keep([Entry(post, heard.epoch, item, True)], port, kept)

    def _keep(self, entries: list[Entry], port: Port, stored: line.Stored | line.Kept | None) -> None:
        self.store.append(entries)
        starts = self.starts

        def committed() -> None:
            if self.starts != starts or not self.running:
                return
            try:
                new = self.store.commit()
            except OSError:  # nobody is told that it is stored, so it comes again
                return
            if new:
                self.publish()
            if stored is not None:
                port.handle(stored)

        self.loop.after(COMMIT_US, committed)

    # --- plans

    def _look_at_plans(self, wait_us: int) -> None:
        if self._plans_due is None:
            self._plans_due = self.loop.after(wait_us, self._send_plans)

    def _send_plans(self) -> None:
        self._plans_due = None
        for post, blob in self.plans.to_send(self.online, self.loop.now_us // 1000):
            self.ask(post, send_plan(blob), PLAN_EXPIRES_MS, self._plan_sent(post, blob), background=True)
        if any(post in self.online for post in self._behind):
            self._look_at_plans(PLANS_US)

    def _plan_sent(self, post: str, blob: bytes) -> Answered:
        def done(result: line.Result) -> None:
            outcome = result.value if isinstance(result.value, Outcome) else Outcome(True, "")
            refused = "" if outcome.ok else outcome.text or "refused"
            self.plans.sent(post, blob, refused, result.error, self.loop.now_us // 1000)
            if refused and blob == (self._compiled.blobs[post] if self._compiled else None):
                self._behind.discard(post)
            self._did(self.name, ("sent", post, refused or result.error))

        return done

    def _poller(self, bus: str, wire: Wire, generator: random.Random, stored: dict, utc_s: int) -> Poller:
        sites = [site for site in self.sites if site.bus == bus]
        return Poller(
            {site.address: self._keys[site.id] for site in sites},
            self._bus_keys[bus],
            wire.baud,
            generator.randbytes,
            self.store.counter(bus, utc_s),
            lambda counter: self.store.reserve(bus, counter),
            {site.address: stored[site.id] for site in sites if site.id in stored},
            cycle_ms=self._cycle_ms,
            aliases=self.hood.aliases.get(bus, ()),
        )
