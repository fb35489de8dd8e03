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
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from lamplighter.gateway.plan_sync import Compiled
from lamplighter.plans.compile import compile_at
from lamplighter.plans.document import Document, load_value
from lamplighter.plans.streets import Streets
from lamppost.light.layers import PRESENCE
from lamppost.store.settings import Settings
from lamppost.wire import cbor, messages

from ..faults.base import Fault
from .centre import Centre
from .gateway import VirtualGateway
from .hoods import hoods
from .log import COMMON, Log, whole
from .loop import Loop
from .post import SharedKey, VirtualPost
from .power import Drivers, Heat, Meters
from .sensing import Sensing
from .stage import WorldStage
from .wire import Wire

if TYPE_CHECKING:  # numpy is imported only when a recording is made
    from ..recording import Recording

START_UTC_S = 824_385_600  # 2026-02-14T12:00:00Z: noon before a winter night
BEGUN_S = 0.2  # mains and gateways are on, so that a fault may take them away
WHISPER_US = 25_000  # a broker in the next town and two mobile networks' better days
ACT_WITHIN_US = 2_000_000  # a lamp that acts later than that acts on something else


@dataclass(frozen=True)
class Options:
    """How the town is built. `cycle_s` paces the polls (0: as often as the line allows); `exact` lets every post hear
    every byte; `drift_ppm` bounds the posts' clocks; `loss`, `bit_error` as in Wire.impair; `power` as in power.py."""

    baud: int = 19200
    cycle_s: int = 900
    reading_s: int = 900
    drift_ppm: int = 20  # a usual crystal
    loss: float = 0.0
    bit_error: float = 0.0
    exact: bool = False
    relay: str = (
        "lines"  # events cross the "lines" of a cabinet; with "cabinets" also from one to the next; "": neither
    )
    detection: float = 0.95  # per second in range (NIGHT.md)
    range_m: float = 12.0
    power: str = "estimate"  # or "driver", "metered", "thermal"
    air_c: float = 10.0  # around the luminaires, where power is "thermal"
    cabinets: frozenset[str] | None = None  # only these, their lines and posts (shares.py); None: all
    progress: Callable[[float], None] | None = field(default=None, compare=False)  # told the share done


def owners(town) -> dict[str, str]:
    """The cabinet of each line."""
    owner = {bus.id: bus.gateway for bus in town.buses}
    return {lamp.bus: owner.get(lamp.bus, "gw1") for lamp in town.lamps}


class World:
    """`posts` by id, `wires` by bus, `gateways` by id, `centre`, `loop`, `town`."""

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
        self.heat: Heat | None = None
        self._owner = owners(town)
        self.log = Log(dict.fromkeys(gateway for gateway in self._owner.values() if self._is_here(gateway)))
        self._changes = {name: array("q") for name in ("t_ms", "post", "from_pm", "target_pm", "fade_ms", "layer")}
        self._seen = {name: array("q") for name in ("t_ms", "post", "class")}
        self._latencies = array("d")
        self._shown: list[tuple[int, int, int, int]] = [(0, 0, 0, 0)] * len(town.lamps)  # t_ms, from, target, fade
        self._energy = [0] * len(town.lamps)  # microjoules up to the last change
        self._frames = 0
        self._sensing: Sensing | None = None
        self._sites = {site.id: site for site in town.sites}
        self._build()
        self.stage = WorldStage(self)
        self._drivers = self._luminaires()
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

    def counters(self) -> dict[str, int]:
        """What happened so far."""
        pollers = [port.poller.counters for gateway in self.gateways.values() for port in gateway.ports.values()]
        wires = [wire.counters for wire in self.wires.values()]
        return {
            "events": self.loop.events - (self._sensing.looks if self._sensing else 0),  # a look is nobody's
            "frames": self._frames,
            "collisions": sum(wire.collisions for wire in wires),
            "lost_frames": sum(wire.lost_frames for wire in wires),
            "bit_errors": sum(wire.bit_errors for wire in wires),
            "retries": sum(poller.retries for poller in pollers),
            "errors": sum(poller.errors for poller in pollers),
            "relayed": sum(
                port.poller.mouth.said for gateway in self.gateways.values() for port in gateway.ports.values()
            ),
            "detections": len(self._seen["t_ms"]),
            "level_changes": len(self._changes["t_ms"]),
            "items": sum(self.centre.kinds.values()),
            "readings": self.centre.kinds[messages.READING],
            "repeated": self.centre.repeated,
            "doubled": self.centre.doubled,
            "gaps": sum(len(gap) for gap in self.centre.gaps().values()),
            "online": sum(len(gateway.online) for gateway in self.gateways.values()),
            "plans_applied": sum(post.post is not None and post.post.plan is not None for post in self.posts.values()),
        }

    def recording(self) -> Recording:
        """Everything up to now."""
        from ..recording import Recording

        now_ms = self.loop.now_us // 1000
        lamps = self.town.lamps
        energy = [self._energy_mwh(i, now_ms) if i in self._by_index else 0 for i in range(len(lamps))]
        return Recording(
            [lamp.id for lamp in lamps],
            [lamp.street for lamp in lamps],
            [lamp.x_m for lamp in lamps],  # type: ignore[arg-type]
            [lamp.y_m for lamp in lamps],  # type: ignore[arg-type]
            [lamp.rated_w for lamp in lamps],  # type: ignore[arg-type]
            self.start_utc_s,
            now_ms,
            str(self.seed),
            self.log_sha256,
            **{f"change_{name}": values for name, values in self._changes.items()},  # type: ignore[arg-type]
            **{f"seen_{name}": values for name, values in self._seen.items()},  # type: ignore[arg-type]
            latencies_ms=self._latencies,  # type: ignore[arg-type]
            energy_mwh=energy,  # type: ignore[arg-type]
            counters=self.counters(),
            faults=list(self.faults),
        ).in_order()

    # --- building

    def _build(self) -> None:
        town, options = self.town, self.options
        self._bus_of = {lamp.id: lamp.bus for lamp in town.lamps}
        self._bus_sites: dict[str, list] = {}
        for site in self._sites.values():
            if self._is_here(self._owner[site.bus]):
                self._bus_sites.setdefault(site.bus, []).append(site)
        self.wires = {bus: self.new_wire(bus) for bus in self._bus_sites}
        bus_keys = {bus: self._key(f"bus {bus}") for bus in self.wires}
        shared = {bus: SharedKey(key) for bus, key in bus_keys.items()}
        keys = {site.id: self._key(f"post {site.id}") for sites in self._bus_sites.values() for site in sites}
        generator = random.Random(f"{self.seed} drift")
        self.posts: dict[str, VirtualPost] = {}
        for i, lamp in enumerate(town.lamps):
            drift_ppm = generator.randint(-options.drift_ppm, options.drift_ppm)
            if lamp.id not in keys:
                continue
            settings = _settings(lamp, keys[lamp.id], bus_keys[lamp.bus], options.reading_s)
            self.posts[lamp.id] = VirtualPost(
                self.loop, self.wires[lamp.bus], lamp.id, lamp.address, i, settings, shared[lamp.bus], self.seed,
                self._did, drift_ppm,
            )  # fmt: skip
        self._by_index = {post.index: post for post in self.posts.values()}
        self._logs = {i: self.log.of(self._owner[self._bus_of[post.name]]) for i, post in self._by_index.items()}
        self.gateways: dict[str, VirtualGateway] = {}
        cabinets: dict[str, list] = {}
        for bus in self.wires:
            cabinets.setdefault(self._owner[bus], []).extend(self._bus_sites[bus])
        near = hoods(cabinets, self.streets, options.relay)
        for name, sites in cabinets.items():
            buses = [bus for bus in self.wires if self._owner[bus] == name]
            self.gateways[name] = VirtualGateway(
                self.loop, name, {bus: self.wires[bus] for bus in buses}, sites,
                {site.id: keys[site.id] for site in sites}, {bus: bus_keys[bus] for bus in buses},
                self.centre, self._gateway_utc_ms, self.seed, options.cycle_s * 1000, self._gateway_did,
                near[name], self._whisper,
            )  # fmt: skip

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
            options = self.options
            self._sensing = Sensing(
                self.loop, points, self.traffic, self._sensed, self.seed, options.range_m, options.detection,
                self._by_index,
            )  # fmt: skip
            self._sensing.start()

    def _luminaires(self) -> Drivers | None:
        if self.options.power == "estimate":
            return None
        lamps = [self._sites[lamp.id].luminaire for lamp in self.town.lamps]
        names = [lamp.id for lamp in self.town.lamps]
        drivers = Drivers([one.rated_mw for one in lamps], [one.standby_mw for one in lamps], names, self.seed)
        if self.options.power in ("metered", "thermal"):
            Meters(self, drivers)
        if self.options.power == "thermal":
            self.heat = Heat(self, drivers, self.options.air_c)
        return drivers

    def new_wire(self, name: str) -> Wire:
        """Another piece of line, as the options say, with nobody on it yet."""
        log = self.log.of(self._owner[name.rstrip("+")])
        wire = Wire(self.loop, self.options.baud, f"{self.seed} {name}", self.options.exact, partial(self._sent, log))
        wire.impair(self.options.loss, self.options.bit_error)
        return wire

    def _key(self, name: str) -> bytes:
        return sha256(f"lampsim {self.seed} {name}".encode()).digest()

    def _gateway_utc_ms(self) -> int:
        return self.start_utc_s * 1000 + self.loop.now_us // 1000 + self.clock_step_ms

    # --- what happens

    def _is_here(self, gateway: str) -> bool:
        return self.options.cabinets is None or gateway in self.options.cabinets

    def _sent(self, log, node: str, data: bytes) -> None:
        self._frames += 1
        log.update(b"%d %s %s\n" % (self.loop.now_us, node.encode(), data))

    def _gateway_did(self, gateway: str, what: tuple) -> None:
        self.note(gateway, repr(what))

    def _sensed(self, i: int, active: bool, user_class: int) -> None:
        post = self._by_index[i]
        if active and post.powered and not post.sensor_dead:
            self._seen["t_ms"].append(self.loop.now_us // 1000)
            self._seen["post"].append(i)
            self._seen["class"].append(user_class)
        self.note(post.name, f"sensor {int(active)} {user_class}")
        post.sense(active, user_class)

    def _did(self, post: VirtualPost, action: tuple) -> None:
        if action[0] == "lamp":
            self._lamp(post, action[1], action[2])
        elif action[0] != "log":
            self.note(post.name, repr(action))

    def _lamp(self, post: VirtualPost, target_pm: int, fade_ms: int) -> None:
        now_us = self.loop.now_us
        now_ms = now_us // 1000
        i = post.index
        from_pm = self._shown_pm(i, now_ms)
        decision = post.post.decision if post.post is not None else None
        layer = decision.layer if decision is not None else 0
        if post.lamp_failed:
            target_pm, fade_ms = 0, 0
        self._energy[i] += self._used_uj(i, now_ms, True)  # also where the power has just gone
        self._shown[i] = (now_ms, from_pm if fade_ms else target_pm, target_pm, fade_ms)
        changes = self._changes
        for name, value in zip(changes, (now_ms, i, from_pm, target_pm, fade_ms, layer), strict=True):
            changes[name].append(value)
        self._logs[i].update(b"%d %d lamp %d %d %d\n" % (now_us, i, target_pm, fade_ms, layer))
        if layer == PRESENCE and target_pm > from_pm:
            self._note_latency(post, now_us)
        for listener in self.on_lamp:
            listener(post, from_pm, target_pm, fade_ms)

    def _note_latency(self, post: VirtualPost, now_us: int) -> None:
        speaker = post.wire.speaker
        sender = self.posts.get(speaker) or self._said_for(speaker)
        if sender is None:
            return
        edge_us = sender.edge_us
        if edge_us >= 0 and now_us - edge_us <= ACT_WITHIN_US:
            self._latencies.append((now_us - edge_us) / 1000)

    def _said_for(self, speaker: str) -> VirtualPost | None:
        """The post whose event a gateway has just said again."""
        gateway, _, bus = speaker.partition("/")
        port = self.gateways[gateway].ports.get(bus) if gateway in self.gateways else None
        source = port.said_for if port is not None else None
        return self.posts.get(source.rpartition("/")[2]) if source is not None else None

    def _whisper(self, gateway: str, other: str, event: tuple) -> None:
        """Over the broker, from cabinet to cabinet."""
        if other in self.gateways:
            self.loop.after(WHISPER_US, lambda: self.gateways[other].far(gateway, event))

    # --- light and energy of a lamp

    def show(self, post: str) -> None:
        """A lamp has failed or works again: it shows at once what it can."""
        one = self.posts[post]
        if one.post is not None:
            self._lamp(one, one.post.dimmer.target_pm, 0)

    def power_mw(self, post: str) -> int:
        """What a luminaire draws now."""
        one, luminaire = self.posts[post], self._sites[post].luminaire
        if not one.powered:
            return 0
        level_pm = self.shown_pm(post)
        if self._drivers is not None:
            return self._drivers.power_mw(one.index, level_pm)
        lit = luminaire.rated_mw * (30_000 + 970 * level_pm) // 1_000_000 if level_pm else 0
        return luminaire.standby_mw + lit

    def shown_pm(self, post: str) -> int:
        """The light of a lamp now."""
        return self._shown_pm(self.posts[post].index, self.loop.now_us // 1000)

    def _shown_pm(self, i: int, t_ms: int) -> int:
        start_ms, from_pm, target_pm, fade_ms = self._shown[i]
        gone_ms = t_ms - start_ms
        if gone_ms >= fade_ms:
            return target_pm
        way = target_pm - from_pm
        return from_pm + (way * gone_ms // fade_ms if way > 0 else -(-way * gone_ms // fade_ms))

    def _used_uj(self, i: int, t_ms: int, powered: bool) -> int:
        """Microjoules since the last change: standby, and 3 % and 97 % of rated by level while lit (lamppost.meter)."""
        start_ms, from_pm, target_pm, fade_ms = self._shown[i]
        span_ms = t_ms - start_ms
        faded_ms = min(span_ms, fade_ms)
        end_pm = self._shown_pm(i, t_ms)
        post = self._by_index[i]
        dead_ms = max(0, min(span_ms, post.on_us // 1000 - start_ms)) if powered else span_ms
        luminaire = self._sites[post.name].luminaire
        if self._drivers is not None:
            used = self._drivers.used_uj(i, from_pm, end_pm, faded_ms, span_ms - faded_ms)
            return used - self._drivers.power_mw(i, 0) * dead_ms
        level_ms = (from_pm + end_pm) * faded_ms // 2 + target_pm * (span_ms - faded_ms)
        lit_ms = span_ms if target_pm else faded_ms
        lit = luminaire.rated_mw * (30 * lit_ms + 970 * level_ms // 1000) // 1000
        return luminaire.standby_mw * (span_ms - dead_ms) + lit

    def _energy_mwh(self, i: int, now_ms: int) -> int:
        return (self._energy[i] + self._used_uj(i, now_ms, self._by_index[i].powered)) // 3_600_000


def _settings(lamp, post_key: bytes, bus_key: bytes, reading_s: int) -> bytes:
    values: list = ["unnamed", 0, b"", b"", b"", 900]
    settings = Settings(values)
    for name, value in (
        ("identity", lamp.id), ("address", lamp.address), ("post-key", post_key), ("bus-key", bus_key),
        ("reading-s", reading_s),
    ):  # fmt: skip
        settings.put(name, value)
    return cbor.encode(settings.values)
