"""The gateway's counts of people against the truth: footfall, direction, speed and density, said and so.

People walk past posts with the sensors of `lampsim.people`; the posts announce them as `lamppost.post` does (an edge,
then every five seconds); the real `gateway.footfall.flow.Flow` counts. The truth is where the people were. Errors are
stated by density, so that a reader knows how far to trust a figure.

Truth in a window, with the words of flow_estimate: footfall is the way people made in range of sensors, over the
zone's length; people per 100 m their mean number in range of a sensor, over its reach; direction and speed are of those
who first came within range of a post of the zone in that window, `people`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lamplighter.gateway.footfall.flow import WINDOW_MS, Flow
from lamplighter.gateway.footfall.flow_estimate import posts_met
from lamplighter.gateway.footfall.flow_place import EARTH_DM, metres, zones
from lamplighter.gateway.lines import line
from lamplighter.plans.site import PostSite

from .people import CLASS, DETECTION_PER_S, HOLD_MS, LOOK_MS, RANGE_M, Person, Point

REPEAT_MS = 5_000  # lamppost.post announces somebody who stays
START_MS = 835_000_200_000 // WINDOW_MS * WINDOW_MS  # a summer evening of 2026: any whole window
ZONE = "all"
AREA_100M = math.pi * RANGE_M**2 / 10_000 * 100 / (2 * RANGE_M)  # people per hectare to people per 100 m


class Event(NamedTuple):
    """A post announces somebody: a new `number`, or the same again while they stay."""

    t_ms: int
    post: int
    kind: int
    number: int


@dataclass(frozen=True)
class Street:
    """Posts in metres, who walks there, and for how long."""

    name: str
    posts: tuple[Point, ...]
    people: tuple[Person, ...]
    duration_ms: int
    per_party: float = 1.0  # people who walk in step
    stay: tuple[str, ...] = field(default=())


class Row(NamedTuple):
    """A window: what is true and what was counted (None where withheld)."""

    people: int
    true_footfall: float
    footfall: int | None
    true_share: float | None  # of the first sense of a corridor
    share: float | None
    true_speed_mps: float | None
    speed_mps: float | None
    true_per_100m: float
    per_100m: float | None
    occupancy: float | None
    edges: float | None = None  # detections / posts that a passage meets: footfall without any correction


def sites(posts: Sequence[Point], lat: float = 50.6693, lon: float = 4.6150) -> list[PostSite]:
    """Posts of a map in metres as a cabinet knows them, p001 on; up to 250."""
    degree = math.degrees(10 / EARTH_DM)
    wide = degree / math.cos(math.radians(lat))
    found = []
    for i, (x, y) in enumerate(posts):
        lat_ud, lon_ud = round((lat + y * degree) * 1e6), round((lon + x * wide) * 1e6)
        found.append(PostSite(f"p{i + 1:03}", i + 1, "bus0", lat_ud, lon_ud))
    return found


def sensed(street: Street, seed: int = 0, detection_per_s: float = DETECTION_PER_S) -> list[Event]:
    """What the posts announce: every sensor looks each LOOK_MS, as lampsim.people.Sensors does, and misses by seed.

    The same law computed for whole ways at once (numpy): an hour of a festival takes seconds instead of hours.
    """
    import numpy as np

    looks = street.duration_ms // LOOK_MS + 1
    best = np.full((len(street.posts), looks), -1, dtype=np.int8)
    at = np.array(street.posts)
    chance = 1 - (1 - detection_per_s) ** (LOOK_MS / 1000)
    numbers = np.random.default_rng(seed)
    for person in street.people:
        first = max(0, -(-person.start_ms // LOOK_MS))
        last = min(person.end_ms // LOOK_MS + 1, looks)
        if first >= last:
            continue
        way = _way(person, np.arange(first, last) * LOOK_MS)
        for post in _posts_on(way, at):
            near = np.hypot(*(way - at[post]).T) <= RANGE_M
            seen = near & (numbers.random(len(way)) < chance)
            part = best[post, first : first + len(way)]
            np.maximum(part, np.where(seen, CLASS[person.kind], -1).astype(np.int8), out=part)
    events = [event for post in range(len(at)) for event in _announced(post, best[post].tolist())]
    return sorted(events)


def _way(person: Person, t_ms: Any) -> Any:
    """Person.at for many moments between start and end."""
    import numpy as np

    way = np.array(person.way)
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(way, axis=0).T))))
    gone = (t_ms - person.start_ms) * person.speed_mps / 1000
    return np.stack([np.interp(gone, along, way[:, 0]), np.interp(gone, along, way[:, 1])], axis=1)


def _posts_on(way: Any, posts: Any) -> list[int]:
    low, high = way.min(axis=0) - RANGE_M, way.max(axis=0) + RANGE_M
    return [i for i, post in enumerate(posts) if (post >= low).all() and (post <= high).all()]


def _announced(post: int, seen: list[int]) -> list[Event]:
    """One sensor's looks (the class seen, -1 nobody) as its post's announcements."""
    events: list[Event] = []
    active, last_ms, next_ms, number, kind = False, 0, 0, 0, 0
    for look, user_class in enumerate(seen):
        t_ms = look * LOOK_MS
        if user_class >= 0:
            last_ms = t_ms
            if not active:
                active, number, kind, next_ms = True, number + 1, user_class, t_ms
        elif active and t_ms - last_ms >= HOLD_MS:
            active = False
        if active and t_ms >= next_ms:
            events.append(Event(t_ms, post, kind, number))
            next_ms = t_ms + REPEAT_MS
    return events


def count(
    street: Street, events: Iterable[Event], lost: float = 0.0, seed: int = 0, party: float = 1.0
) -> list[dict[str, Any]]:
    """Run the gateway's Flow over the announcements; `lost`: share of them that never arrive. Its windows."""
    places = sites(street.posts)
    flow = Flow(places, {ZONE: [site.id for site in places]}, START_MS, party=party)
    windows, second = [], START_MS
    dice = random.Random(seed)
    for event in [*events, Event(street.duration_ms // WINDOW_MS * WINDOW_MS + 1000, -1, 0, 0)]:
        now_ms = START_MS + event.t_ms
        while second <= now_ms:
            window, _ = flow.tick(second)
            windows += [window] if window else []
            second += 1000
        if event.post >= 0 and (not lost or dice.random() >= lost):
            flow.detect(places[event.post].id, event.kind, now_ms, (1, event.number), now_ms)
    return windows


def count_real(
    street: Street, seed: int = 0, loss: float = 0.0, party: float = 1.0, detection: float = DETECTION_PER_S
) -> list[dict[str, Any]]:
    """The same people past real posts, lines and Pollers in virtual time, whose events Flow counts. Its windows.

    19,200 baud; `loss`: share of frames that a node misses; `detection`: per second in range.
    """
    from .town.model import Bus, Town, TownLamp
    from .traffic.model import Trip, Trips
    from .virtual.world import Options, World

    places = sites(street.posts)
    lamps = tuple(
        TownLamp(site.id, site.lat_ud / 1e6, site.lon_ud / 1e6, *at, bus=site.bus, address=site.address)
        for site, at in zip(places, street.posts, strict=True)
    )
    town = Town(lamps, buses=(Bus("bus0", tuple(site.id for site in places)),))
    trips = [Trip(p.name, p.kind, p.way, p.start_ms / 1000, p.speed_mps) for p in street.people]
    duration_s = street.duration_ms // WINDOW_MS * WINDOW_MS // 1000
    options = Options(loss=loss, detection=detection)
    world = World(town, None, Trips(trips, duration_s), seed=seed, start_utc_s=START_MS // 1000, options=options)
    flow = Flow(places, {ZONE: [site.id for site in places]}, START_MS, party=party)
    return _listen(world, places, flow, duration_s)


def _listen(world: Any, places: list[PostSite], flow: Flow, duration_s: int) -> list[dict[str, Any]]:
    names = {site.address: site.id for site in places}
    windows: list[dict[str, Any]] = []

    def now_ms() -> int:
        return START_MS + world.loop.now_us // 1000

    def hear(port: Any, action: Any) -> None:
        if isinstance(action, line.Heard):
            t_ms, key = now_ms() - action.age_ms, (action.epoch, action.seq)
            flow.detect(names[action.address], action.user_class, t_ms, key, now_ms())
        take(port, action)

    def tick() -> None:
        window, _ = flow.tick(now_ms())
        windows.extend([window] if window else [])

    (gateway,) = world.gateways.values()
    take, gateway.take = gateway.take, hear
    for second in range(duration_s + 1):
        world.at_s(second, tick)
    world.run_s(duration_s + 1)
    return windows


def compare(street: Street, windows: Sequence[dict[str, Any]]) -> list[Row]:
    """Each window beside the truth. The first two are left out: people still fill the street."""
    truth = Truth(street)
    rows = []
    for i, window in enumerate(windows):
        zone = window["zones"][0]
        if i < 2:
            continue
        told = zone["directions"] or {}
        share = None
        if len(told) == 2 and all(value is not None for value in told.values()) and sum(told.values()):
            share = next(iter(told.values())) / sum(told.values())
        density = zone["people_per_100m"]
        if zone["people_per_hectare"] is not None:
            density = zone["people_per_hectare"] * AREA_100M
        figures = (zone["footfall"], zone["speed_mps"], density, zone["occupancy_percent"])
        edges = None if zone["detections"] is None else zone["detections"] / truth.posts_met
        rows.append(truth.row(i, share, *figures)._replace(edges=edges))
    return rows


class Truth:
    """Where everybody was, by window."""

    def __init__(self, street: Street) -> None:
        import numpy as np

        count = -(-street.duration_ms // WINDOW_MS) + 1
        self.people = [0] * count
        self.first_sense = [0] * count
        self.speeds: list[list[float]] = [[] for _ in range(count)]
        self.present_s = [0.0] * count  # seconds of people in range of sensors, summed over sensors
        self.way_m = [0.0] * count  # what they walked meanwhile
        places = sites(street.posts)
        zone = zones({ZONE: [p.id for p in places]}, [p.id for p in places], metres(places))[0]
        self.posts_met = posts_met(zone)
        self._length_m = 2 * RANGE_M * self.posts_met
        self._posts = len(street.posts)
        at = np.array(street.posts)
        end_ms = street.duration_ms
        for person in street.people:
            times = range(max(0, -(-person.start_ms // 1000)) * 1000, min(person.end_ms, end_ms) + 1, 1000)
            if not times:
                continue
            way = _way(person, np.array(times))
            near = np.zeros(len(way))
            for post in _posts_on(way, at):
                near += np.hypot(*(way - at[post]).T) <= RANGE_M
            self._add(person, times, near)

    def _add(self, person: Person, times: Sequence[int], near: Any) -> None:
        inside = near.nonzero()[0]
        if not len(inside):
            return
        window = times[inside[0]] // WINDOW_MS
        self.people[window] += 1
        self.speeds[window].append(person.speed_mps)
        heading = person.heading_deg(times[inside[0]]) or 0.0
        self.first_sense[window] += math.cos(math.radians(heading - 90)) > 0
        for i in inside:
            self.present_s[times[i] // WINDOW_MS] += float(near[i])
            self.way_m[times[i] // WINDOW_MS] += float(near[i]) * person.speed_mps

    def row(self, i: int, share: float | None, footfall: Any, speed: Any, density: Any, occupancy: Any) -> Row:
        n = self.people[i]
        speeds = sorted(self.speeds[i])
        mean = self.present_s[i] / (WINDOW_MS / 1000) / self._posts
        true_share = self.first_sense[i] / n if n else None
        median = speeds[n // 2] if n else None
        return Row(
            n,
            self.way_m[i] / self._length_m,
            footfall,
            true_share,
            share,
            median,
            speed,
            mean * 100 / (2 * RANGE_M),
            density,
            occupancy,
        )


class Errors(NamedTuple):
    """Over the windows of a street that were told: means, and errors in percent of the truth (bias signed)."""

    street: str
    windows: int
    withheld: int
    per_window: float
    per_100m: float
    occupancy_percent: float | None
    edges_bias: float | None  # of footfall, had edges been counted and nothing corrected
    footfall_bias: float | None
    footfall_error: float | None
    share_error: float | None  # in points
    speed_bias: float | None
    density_bias: float | None


def errors(name: str, rows: Sequence[Row]) -> Errors:
    """Bias is of the sums; error is the mean absolute error of a window, in percent of the mean truth."""
    told = [row for row in rows if row.footfall is not None]
    mean = sum(row.true_footfall for row in rows) / len(rows)
    density = sum(row.true_per_100m for row in rows) / len(rows)
    off = [abs((row.footfall or 0) - row.true_footfall) for row in told]
    true = sum(row.true_footfall for row in told) / len(told) if told else 0.0
    shares = [(row.share, row.true_share) for row in told if row.share is not None and row.true_share is not None]
    return Errors(
        name,
        len(rows),
        len(rows) - len(told),
        mean,
        density,
        _mean([row.occupancy for row in told]),
        _bias([(row.edges, row.true_footfall) for row in told]),
        _bias([(row.footfall, row.true_footfall) for row in told]),
        100 * sum(off) / len(told) / true if told and true else None,
        100 * sum(abs(a - b) for a, b in shares) / len(shares) if shares else None,
        _bias([(row.speed_mps, row.true_speed_mps) for row in told]),
        _bias([(row.per_100m, row.true_per_100m) for row in told]),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _bias(pairs: Sequence[tuple[float | None, float | None]]) -> float | None:
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    total = sum(b for _, b in known)
    return 100 * (sum(a for a, _ in known) / total - 1) if total else None


# --- streets


def corridor(count: int = 12, apart_m: float = 30.0) -> tuple[Point, ...]:
    """Posts along a path from west to east."""
    return tuple((i * apart_m, 0.0) for i in range(count))


def walkers(
    name: str,
    per_hour: float,
    seed: int,
    hours: float = 1.0,
    eastward: float = 1.0,
    party: Callable[[random.Random], int] = lambda dice: 1,
    regular: bool = False,
) -> Street:
    """People along a corridor of twelve posts, walking at 1.34 m/s, deviation 0.26 (Weidmann 1993), 0.7 to 2.2."""
    dice = random.Random(f"{seed} {name}")
    posts, duration_ms = corridor(), round(hours * 3_600_000)
    t_s, people, parties = -400.0, [], 0
    while t_s * 1000 < duration_ms:
        t_s += 3600 / per_hour if regular else dice.expovariate(per_hour / 3600)
        speed, side = min(2.2, max(0.7, dice.gauss(1.34, 0.26))), dice.uniform(-3, 3)
        ends = ((-60.0, side), (posts[-1][0] + 60.0, side))
        way = ends if dice.random() < eastward else (ends[1], ends[0])
        parties += 1
        for member in range(party(dice)):
            start_ms = round(t_s * 1000) + 300 * member
            people.append(Person(f"w{len(people)}", "pedestrian", way, start_ms, speed))
    return Street(name, posts, tuple(people), duration_ms, len(people) / max(1, parties))


def parties(dice: random.Random) -> int:
    """One to four people walk together, 1.8 on average (the sizes of Moussaid et al. 2010 for a busy afternoon)."""
    return dice.choices((1, 2, 3, 4), (45, 36, 13, 6))[0]


def festival(name: str, people_count: int, seed: int, hours: float = 1.0) -> Street:
    """A square of 25 posts, 20 m apart: everybody comes within 20 minutes, strolls from place to place, and goes."""
    dice = random.Random(f"{seed} {name}")
    posts = tuple((20.0 * (i % 5), 20.0 * (i // 5)) for i in range(25))
    people = []
    for i in range(people_count):
        gates = [(-40.0, dice.uniform(0, 80)), (120.0, dice.uniform(0, 80)), (dice.uniform(0, 80), -40.0)]
        stops = [(dice.uniform(0, 80), dice.uniform(0, 80)) for _ in range(dice.randrange(4, 12))]
        way = (dice.choice(gates), *stops, dice.choice(gates))
        start_ms = round(dice.uniform(0, hours * 3_000_000))
        people.append(Person(f"f{i}", "pedestrian", way, start_ms, min(1.4, max(0.3, dice.gauss(0.7, 0.2)))))
    return Street(name, posts, tuple(people), round(hours * 3_600_000))
