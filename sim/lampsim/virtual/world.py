"""A town in virtual time: posts, lines, gateways, centre and people, from one seed to one recording.

    world = World(town, plan, traffic, seed=7, start_utc_s=...)
    world.at_s(3600, lambda: world.gateways["gw1"].kill())
    recording = world.run(hours=24)

What it promises
- Everything random comes from generators seeded by (seed, name), so that adding one thing does not move the others. The
  same seed on the same commit gives the same `log_sha256`, a hash over everything that was sent, lit, sensed and told
  (log.py).
- Nothing is preset: sessions, time and plans reach the posts over their lines, as in a street that is switched on.
- A fault is one of `lampsim.faults`, which plays on the World's `stage`, or anything with `name` and `apply(world)`,
  which may use whatever is public here.
"""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from lamplighter.gateway.wanted.plan_sync import Compiled
from lamplighter.plans.compile import compile_at
from lamplighter.plans.document import Document, load_value
from lamplighter.plans.streets import Streets

from ..faults.base import Fault
from ..town.chance import seed_of
from ..traffic.near import near
from .ageing import Ageing
from .build import Ears, build, owners
from .centre import Centre
from .lamps import Lamps
from .log import COMMON, Log, whole
from .loop import Loop
from .options import START_UTC_S, Options
from .post import VirtualPost
from .power import fitted
from .seen import Seen
from .sensing import Sensing
from .stage import WorldStage
from .wire import Wire

if TYPE_CHECKING:  # numpy is imported only when a recording is made
    from ..recording import Recording

BEGUN_S = 0.2  # mains and gateways are on, so that a fault may take them away
WHISPER_US = 25_000  # a broker in the next town and two mobile networks' better days


class World:
    """`posts` by id, `wires` by bus, `gateways` by id, `lamps` by place, `centre`, `loop`, `town`."""

    def __init__(
        self,
        town,
        plan: Document | dict | None,
        traffic=None,
        faults: Iterable[Any] = (),
        seed: object = 0,
        start_utc_s: int = START_UTC_S,
        options: Options | None = None,
        streets: Streets | None = None,
    ) -> None:
        self.streets = streets
        self.town, self.traffic, self.seed = town, traffic, seed
        self.options = options or Options()
        self.start_utc_s = start_utc_s
        self.loop = Loop()
        self.centre = Centre()
        self.clock_step_ms = 0  # by which the gateways' clock is wrong
        self.on_lamp: list[Callable[[VirtualPost, int, int, int], None]] = []
        self.faults: list[dict[str, Any]] = []
        self._owner = owners(town)
        self._bus_of = {lamp.id: lamp.bus for lamp in town.lamps}
        here = [gateway for gateway in self._owner.values() if self.options.here(gateway)]
        self.log = Log(dict.fromkeys(here))
        self.frames = 0
        self._sensing: Sensing | None = None
        self.ageing = Ageing(town, start_utc_s, seed_of("drivers", seed), self.options)
        ears = Ears(self.new_wire, self._did, self._gateway_did, self._whisper, self._gateway_utc_ms)
        self.wires, self.posts, self.gateways = build(
            town, self._owner, self.loop, self.centre, streets, seed, self.options, self.ageing, ears
        )
        self._by_index = {post.index: post for post in self.posts.values()}
        self._logs = {i: self.log.of(self._owner[self._bus_of[post.name]]) for i, post in self._by_index.items()}
        self.stage = WorldStage(self)
        self._drivers, self.heat = fitted(self)
        self.lamps = Lamps(
            self.loop, [site.luminaire for site in town.sites], self._by_index, self._drivers, self.ageing
        )
        self._seen = Seen(self)
        self.document = load_value(plan) if isinstance(plan, dict) else plan
        if self.document is not None:
            self.desire(self.document)
        self._begin()
        for fault in faults:
            self.apply(fault)

    # --- what people and faults do

    def utc_s(self) -> int:
        """The true time."""
        return self.start_utc_s + self.loop.now_us // 1_000_000

    def at_s(self, t_s: float, callback: Callable[[], object]) -> None:
        """Do something `t_s` seconds after the start."""
        self.loop.at(round(t_s * 1_000_000), callback)

    def sense(self, post: str, active: bool, user_class: int = 0) -> None:
        """The sensor of a post begins or ceases to see somebody."""
        self._sensed(self.posts[post].index, active, user_class)

    def apply(self, fault: Any) -> None:
        """Let a fault do its work, at its `at_s` where it has one, and note it in the recording.

        Raises FaultPlanError where one of the registry names what is not here.
        """
        place: Any = self
        if isinstance(fault, Fault):
            place = self.stage
            place.fits(fault)
        told = fault.to_json() if hasattr(fault, "to_json") else {}
        self.faults.append({"name": getattr(fault, "name", "")} | (told if isinstance(told, dict) else {}))
        at_s = getattr(fault, "at_s", None)
        if at_s is None:
            fault.apply(place)
        else:
            self.at_s(max(at_s, BEGUN_S), lambda: fault.apply(place))

    def note(self, node: str, *what: str) -> None:
        """Put something into the log that the hash covers."""
        cabinet = node if node in self.gateways else self._owner[self._bus_of[node]] if node in self.posts else COMMON
        self.log.of(cabinet).update(f"{self.loop.now_us} {node} {' '.join(what)}\n".encode())

    def desire(self, plan: Document | dict) -> None:
        """The office publishes a plan to every gateway. Raises PlanFileError where it is not one."""
        document = load_value(plan) if isinstance(plan, dict) else plan
        for gateway in self.gateways.values():
            blobs = {site.id: compile_at(document, site, gateway.hood.table(site.id)) for site in gateway.sites}
            gateway.desire(Compiled(document.hash, document, blobs))

    def step_clock(self, by_ms: int) -> None:
        """From now on the gateways' clock is wrong by so much more."""
        self.clock_step_ms += by_ms
        for gateway in self.gateways.values():
            gateway.tell_time()

    def split(self, bus: str, after: int) -> Wire:
        """Cut a line behind address `after`: those beyond hear each other on the Wire returned, and nobody else."""
        far = self.new_wire(f"{bus}+")
        for post in self.posts.values():
            if post.wire is self.wires[bus] and post.address > after:
                post.plug(far)
        return far

    def mend(self, bus: str) -> None:
        """Join what was split."""
        for post in self.posts.values():
            if self._bus_of[post.name] == bus and post.wire is not self.wires[bus]:
                post.plug(self.wires[bus])

    # --- running

    def run(self, hours: float) -> Recording:
        """Let `hours` of virtual time pass and return everything recorded since the start."""
        self.run_s(hours * 3600)
        return self.recording()

    def run_s(self, seconds: float) -> None:
        """Let time pass."""
        begin_us = self.loop.now_us
        span_us = round(seconds * 1_000_000)
        progress = self.options.progress
        steps = 200 if progress else 1
        thresholds = gc.get_threshold()
        gc.collect()
        gc.freeze()  # the town lives as long as the run: looking at it again and again costs a fifth of the time
        gc.set_threshold(50_000, 20, 100)
        try:
            for step in range(1, steps + 1):
                self.loop.run_until(begin_us + span_us * step // steps)
                if progress:
                    progress(step / steps)
        finally:
            gc.set_threshold(*thresholds)
            gc.unfreeze()

    @property
    def log_sha256(self) -> str:
        """Over everything so far."""
        return whole(self.log.digests())

    @property
    def events(self) -> int:
        """How many things have happened: a look of a sensor is nobody's."""
        return self.loop.events - (self._sensing.looks if self._sensing else 0)

    def counters(self) -> dict[str, int]:
        """What happened so far."""
        return self._seen.counters()

    def recording(self) -> Recording:
        """Everything up to now."""
        return self._seen.recording()

    # --- building

    def _begin(self) -> None:
        """Mains on for everybody within 50 ms, gateways a moment later, people from the beginning."""
        generator = random.Random(f"{self.seed} begin")
        for lamp in self.town.lamps:
            wait_us = generator.randrange(50_000)
            if lamp.id in self.posts:
                self.loop.at(wait_us, self.posts[lamp.id].power_on)
        for name in dict.fromkeys(self._owner.values()):
            wait_us = 100_000 + generator.randrange(50_000)
            if name in self.gateways:
                self.loop.at(wait_us, self.gateways[name].start)
        if self.traffic is not None:
            points = [(lamp.x_m, lamp.y_m) for lamp in self.town.lamps]
            options, traffic = self.options, self.traffic
            if options.cabinets is not None:  # who never comes by need not be looked at each second
                traffic = near(traffic, [points[i] for i in self._by_index], options.range_m)
            self._sensing = Sensing(
                self.loop, points, traffic, self._sensed, self.seed, options.range_m, options.detection,
                self._by_index,
            )  # fmt: skip
            self._sensing.start()

    def new_wire(self, name: str) -> Wire:
        """Another piece of line, as the options say, with nobody on it yet."""
        log = self.log.of(self._owner[name.rstrip("+")])
        wire = Wire(self.loop, self.options.baud, f"{self.seed} {name}", self.options.exact, partial(self._sent, log))
        wire.impair(self.options.loss, self.options.bit_error)
        return wire

    def _gateway_utc_ms(self) -> int:
        return self.start_utc_s * 1000 + self.loop.now_us // 1000 + self.clock_step_ms

    # --- what happens

    def _sent(self, log, node: str, data: bytes) -> None:
        self.frames += 1
        log.update(b"%d %s %s\n" % (self.loop.now_us, node.encode(), data))

    def _gateway_did(self, gateway: str, what: tuple) -> None:
        self.note(gateway, repr(what))

    def _sensed(self, i: int, active: bool, user_class: int) -> None:
        post = self._by_index[i]
        if active and post.powered and not post.sensor_dead:
            self._seen.detection(i, user_class)
        self.note(post.name, f"sensor {int(active)} {user_class}")
        post.sense(active, user_class)

    def _did(self, post: VirtualPost, action: tuple) -> None:
        if action[0] == "lamp":
            self._lamp(post, action[1], action[2])
        elif action[0] != "log":
            self.note(post.name, repr(action))

    def _lamp(self, post: VirtualPost, target_pm: int, fade_ms: int) -> None:
        decision = post.post.decision if post.post is not None else None
        layer = decision.layer if decision is not None else 0
        if post.lamp_failed:
            target_pm, fade_ms = 0, 0
        i = post.index
        from_pm = self.lamps.go(i, target_pm, fade_ms)
        self._seen.change(post, from_pm, target_pm, fade_ms, layer)
        self._logs[i].update(b"%d %d lamp %d %d %d\n" % (self.loop.now_us, i, target_pm, fade_ms, layer))
        for listener in self.on_lamp:
            listener(post, from_pm, target_pm, fade_ms)

    def _whisper(self, gateway: str, other: str, event: tuple) -> None:
        """Over the broker, from cabinet to cabinet."""
        if other in self.gateways:
            self.loop.after(WHISPER_US, lambda: self.gateways[other].far(gateway, event))

    # --- one lamp

    def show(self, post: str) -> None:
        """A lamp has failed or works again: it shows at once what it can."""
        one = self.posts[post]
        if one.post is not None:
            self._lamp(one, one.post.dimmer.target_pm, 0)

    def power_mw(self, post: str) -> int:
        """What a luminaire draws now."""
        return self.lamps.power_mw(self.posts[post].index)

    def shown_pm(self, post: str) -> int:
        """The light of a lamp now."""
        return self.lamps.level_pm(self.posts[post].index)
