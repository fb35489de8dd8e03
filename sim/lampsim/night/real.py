"""The real thing: whole posts on their lines in virtual time, told of the same sightings as the bench.

What it promises
- The posts are lamppost.post.Post with a plan that reached them over their line; the sensors' edges come at whole
  seconds, all sensors at once: the worst case for a line.
- The night begins when every post runs its plan; until then it is not counted.
- Lines follow the streets (`lampsim.town.wiring`), 32 posts each, and a cabinet has four lines. With `relay`, what a
  post says is said again, as it was sealed and twice, on every other line where some post knows its place; all lines
  have one bus key for that, and no cabinet knows two posts of one address. Without it a post hears its own line only.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from lamplighter.gateway.plan_sync import Compiled
from lamplighter.plans.compile import compile_at
from lamplighter.plans.document import Document, load_value
from lamplighter.plans.neighbours import neighbours
from lamppost.wire import messages
from lamppost.wire.access import Access, Timing
from lamppost.wire.frame import EVERYBODY, GATEWAY, Decoder, Frame, pack
from lamppost.wire.post_link import event_order, event_place

from ..inventory import LOUVAIN_LA_NEUVE, Flat
from ..recording import Recording
from ..town.model import Town, TownLamp, place
from ..town.wiring import wire
from ..virtual.wire import Wire
from ..virtual.world import ACT_WITHIN_US, Options, World
from .bench import neighbour_tables
from .course import Fade, mean_levels
from .data import Lamps, Users
from .sensors import Sightings
from .watch import Edge, edges

START_UTC_S = 820_000_000 - 820_000_000 % 86400 + 64800 - 3600  # some day, an hour before the night at 18:00
WARM_S = 3600  # sessions, time and plans over 19,200 baud take some minutes; with many losses longer
IDLE_PERCENT = 10
CABINET_LINES = 4  # 128 posts, and addresses for some 100 posts beyond their edge
RELAY_QUEUE = 32  # events waiting for a line; more is two seconds of it, when nobody can use them any more
RELAY_TIMES = 2  # who lost one frame in twenty now loses one in four hundred
RELAY_AGAIN_US = 120_000  # after a burst, and before a car has gone two metres
RELAY_ADDRESS = 254  # not a post's: 251 to 254 are kept


@dataclass(frozen=True)
class Outcome:
    """Mean levels by second and lamp, latencies from a sensor's edge to a neighbour's lamp, and what was counted."""

    levels: np.ndarray
    latencies_ms: np.ndarray
    counters: dict[str, int]
    heard: float  # share of the pairs (post, near neighbour) of which the one hears the other


def run(
    lamps: Lamps,
    users: Users,
    sightings: Sightings,
    profile: list,
    baud: int,
    loss: float,
    seed: int,
    relay: bool = True,
) -> Outcome:
    """One night. Raises RuntimeError if the posts have no plan by its beginning."""
    town = town_of(lamps)
    options = Options(baud=baud, loss=loss)
    world = (Relayed if relay else World)(town, plan_file(profile), seed=seed, start_utc_s=START_UTC_S, options=options)
    world.run_s(WARM_S)
    ready = world.counters()["plans_applied"]
    if ready < len(lamps):
        raise RuntimeError(f"{len(lamps) - ready} posts have no plan after {WARM_S} s; try a faster line")
    before = len(world.recording().latencies_ms)
    _Watch(world, edges(sightings, users)).start()
    world.run_s(users.seconds)
    recording = world.recording()
    heard = heard_share(lamps, town, relay)
    return Outcome(_levels(recording, users.seconds), recording.latencies_ms[before:], recording.counters, heard)


def town_of(lamps: Lamps) -> Town:
    """The lamps as a wired town, with addresses that are unique in each cabinet."""
    columns = zip(lamps.x_m.tolist(), lamps.y_m.tolist(), lamps.street.tolist(), strict=True)
    bare = [TownLamp(f"l{i}", 0, 0, x, y, f"s{street}") for i, (x, y, street) in enumerate(columns)]
    wired, buses, feeders = wire(place(bare, Flat(*LOUVAIN_LA_NEUVE)))
    buses = tuple(replace(bus, gateway=f"gw{i // CABINET_LINES + 1}") for i, bus in enumerate(buses))
    addresses = _addresses(lamps, [lamp.bus for lamp in wired], {bus.id: bus.gateway for bus in buses})
    numbered = tuple(replace(lamp, address=address) for lamp, address in zip(wired, addresses, strict=True))
    return Town(numbered, (), feeders, buses, *LOUVAIN_LA_NEUVE, "night")


def _addresses(lamps: Lamps, bus: list[str], owner: dict[str, str]) -> list[int]:
    """An address for each lamp, so that none is there twice among the posts of a cabinet and their neighbours."""
    cabinets: list[set[str]] = [{owner[name]} for name in bus]
    for i, table in enumerate(neighbour_tables(lamps)):
        for j, _, _ in table:
            cabinets[j].add(owner[bus[i]])
    taken: dict[str, set[int]] = {name: set() for name in owner.values()}
    found = []
    for mine in cabinets:
        address = next(a for a in range(1, 1 + len(lamps)) if not any(a in taken[name] for name in mine))
        found.append(address)
        for name in mine:
            taken[name].add(address)
    return found


def plan_file(profile: list) -> dict:
    """The operator's plan for `profile` (as a compiled plan has it): idle all night, raised by presence."""
    name, hold_s, up_ms, down_ms, *reaches = profile
    ways = [[{"reachMetres": dm / 10, "level": pm / 10} for dm, pm in one] for one in reaches]
    people = {"id": name, "holdSeconds": hold_s, "upMilliseconds": up_ms, "downMilliseconds": down_ms}
    people |= dict(zip(("pedestrian", "cyclist", "car"), ways, strict=True))
    night = {
        "id": "night",
        "level": IDLE_PERCENT,
        "presence": name,
        "activePeriods": [{"start": "12:00", "end": "11:59"}],
    }
    return {
        "plan": "night",
        "timeZone": "UTC0",
        "safeFloor": 0,
        "controlPrograms": [night],
        "presenceProfiles": [people],
        "calendars": [{"id": "all", "rules": [], "defaultProgram": "night"}],
        "groups": [{"id": "all", "posts": "all", "calendar": "all"}],
    }


class Relayed(World):
    """A world whose cabinets relay events between their lines."""

    def desire(self, plan: Document | dict) -> None:
        document = load_value(plan) if isinstance(plan, dict) else plan
        self._relays = _relays(self)
        everybody = [replace(site, bus="") for site in self._sites.values()]
        near = {site.id: neighbours(site, everybody) for site in everybody}
        for gateway in self.gateways.values():
            sites = [site for bus in gateway.wires for site in self._bus_sites[bus]]
            blobs = {site.id: compile_at(document, site, near[site.id]) for site in sites}
            gateway.desire(Compiled(document.hash, document, blobs))
        for bus, relay in self._relays.items():
            relay.wanted = {one for site in self._bus_sites[bus] for one in self._meant(site.id, near[site.id])}
            relay.own = {site.address for site in self._bus_sites[bus]}
            relay.others = [other for other in self._relays.values() if other is not relay]

    def _meant(self, post: str, rows: list) -> Iterator[str]:
        """The posts that a neighbour table means: of those with an address the nearest."""
        here = self.town.lamp(post)
        for address, _, _ in rows:
            same = (lamp for lamp in self.town.lamps if lamp.address == address and lamp.id != post)
            yield min(same, key=lambda lamp: (lamp.x_m - here.x_m) ** 2 + (lamp.y_m - here.y_m) ** 2).id

    def _key(self, name: str) -> bytes:
        return super()._key("bus" if name.startswith("bus ") else name)

    def _note_latency(self, post, now_us: int) -> None:
        if post.hearing in self.posts:
            super()._note_latency(post, now_us)
        elif post.hearing is not None:
            edge_us = self._relays[post.hearing].edge_us
            if edge_us >= 0 and now_us - edge_us <= ACT_WITHIN_US:
                self._latencies.append((now_us - edge_us) / 1000)


class Relay:
    """A cabinet's ear and mouth on one line, under the silence rules of a post."""

    address = RELAY_ADDRESS
    listening = True

    def __init__(self, world: World, bus: str, line: Wire) -> None:
        self.name = bus
        self.wanted: set[str] = set()  # the posts of other lines that some post of this one knows
        self.own: set[int] = set()
        self.others: list[Relay] = []
        self.edge_us = -1  # of the sensor whose event is being said
        self._world, self._line, self._loop = world, line, world.loop
        self._access = Access(self.address, Timing(line.baud), random.Random(f"{world.seed} relay {bus}").randbytes)
        self._decoder = Decoder()
        self._queue: list[tuple[bytes, int]] = []
        self._waits = False
        self._seen: dict[int, int] = {}
        self._by_address = {lamp.address: lamp.id for lamp in world.town.lamps if lamp.bus == bus}

    def hear(self, data: bytes) -> None:
        self._access.heard(self._loop.now_us // 1000)
        for frame in self._decoder.feed(data):
            self._frame(frame)

    def hear_late(self, data: bytes, at_us: int) -> None:
        raise AssertionError("a relay listens to every byte")

    def hear_frame(self, frame: Frame, sender: str) -> None:
        self._frame(frame)

    def passed(self, kind: int, src: int, dst: int, end_us: int) -> None:
        pass

    def say(self, data: bytes, edge_us: int) -> None:
        """Queue an event of another line, and once more a little later: nobody acknowledges it."""
        for i in range(RELAY_TIMES):
            self._loop.after(i * RELAY_AGAIN_US, lambda: self._enqueue(data, edge_us))

    def _frame(self, frame: Frame) -> None:
        self._heed(frame)
        if frame.type != messages.EVENT or frame.src not in self.own:
            return
        place, order = event_place(frame.src, frame.values()), event_order(frame.counter, frame.values())
        if order <= self._seen.get(place, -1):
            return
        self._seen[place] = order
        post = self._by_address[frame.src]
        edge_us = self._world.posts[post].edge_us
        for other in self.others:
            if post in other.wanted:
                other.say(pack(frame.signed, frame.seal), edge_us)

    def _enqueue(self, data: bytes, edge_us: int) -> None:
        self._queue = [*self._queue[1 - RELAY_QUEUE :], (data, edge_us)]
        self._wait()

    def _wait(self) -> None:
        if not self._waits and self._queue:
            self._waits = True
            at_us = max(self._loop.now_us, self._access.due(self._loop.now_us // 1000 + 1) * 1000)
            self._loop.at(at_us, self._due)

    def _due(self) -> None:
        self._waits = False
        now_ms = self._loop.now_us // 1000
        if self._access.due(now_ms) > now_ms or not self._access.may(now_ms):  # somebody spoke meanwhile
            self._wait()
            return
        data, self.edge_us = self._queue.pop(0)
        self._line.send(self.name, data)
        on_air_us = len(data) * 10_000_000 // self._line.baud
        self._access.event(self.address, (self._loop.now_us + on_air_us) // 1000)
        self._wait()

    def _heed(self, frame: Frame) -> None:
        now_ms = self._loop.now_us // 1000
        if frame.type == messages.GO:
            low, high, _, _ = frame.values()
            self._access.go(low, high, now_ms)
        elif frame.type == messages.EVENT:
            self._access.event(frame.src, now_ms)
        elif frame.src == GATEWAY and frame.dst != EVERYBODY:
            self._access.request(now_ms)
        else:
            self._access.done(now_ms)


class _Watch:
    """Gives the posts the edges of their sensors, each at its second."""

    def __init__(self, world: World, rest: Iterator[Edge]) -> None:
        self._world, self._rest = world, rest
        self._posts = list(world.posts.values())
        self._begin_us = world.loop.now_us
        self._next: Edge | None = None

    def start(self) -> None:
        self._next = next(self._rest, None)
        self._plan()

    def _plan(self) -> None:
        if self._next is not None:
            self._world.loop.at(self._begin_us + self._next[0] * 1_000_000, self._edges)

    def _edges(self) -> None:
        edge = self._next
        while edge is not None and self._begin_us + edge[0] * 1_000_000 <= self._world.loop.now_us:
            _, lamp, kind, up = edge
            post = self._posts[lamp]
            self._world.note(post.name, f"sensor {int(up)} {kind}")
            post.sense(up, kind, kind)
            edge = next(self._rest, None)
        self._next = edge
        self._plan()


def _relays(world: World) -> dict[str, Relay]:
    found = {}
    for bus, line in world.wires.items():
        found[bus] = relay = Relay(world, bus, line)
        line.plug(relay)
    return found


def _levels(recording: Recording, seconds: int) -> np.ndarray:
    fades: list[list[Fade]] = [[] for _ in recording.ids]
    r = recording
    columns = (r.change_post, r.change_t_ms, r.change_from_pm, r.change_target_pm, r.change_fade_ms)
    for post, *fade in zip(*(column.tolist() for column in columns), strict=True):
        fades[post].append((fade[0], fade[1], fade[2], fade[3]))
    return mean_levels(fades, 0, WARM_S + seconds)[WARM_S:]


def heard_share(lamps: Lamps, town: Town, relay: bool) -> float:
    """Of the pairs (post, one of its nearest neighbours), how many are in hearing."""
    if relay:
        return 1.0
    bus = [lamp.bus for lamp in town.lamps]
    pairs = [bus[i] == bus[j] for i, table in enumerate(neighbour_tables(lamps)) for j, _, _ in table]
    return sum(pairs) / len(pairs)
