"""Random small worlds: posts on one or two lines, plans, people, operators; all from one seed.

`draw(seed)` always gives the same Spec. `only` leaves posts out, for a smaller counterexample.
"""

from __future__ import annotations

import datetime
import math
import random
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, NamedTuple

from lamplighter.plans.document import load_value
from lamplighter.plans.site import Luminaire, PostSite
from lampsim.check.witness import slow_sun
from lampsim.check.witness.reference import zone_of

POSTS = (4, 4, 5, 6, 7, 8, 10, 12, 16)
PLAN_RETRY_S = 480.0  # a plan that was not taken is sent again within five minutes; only so long a quiet asks for it
AIR_EVERY = 8
SPACING_M = 30.0
SENSOR_M = 12.0
QUIET_S = (120.0, 120.0, 120.0, 120.0, PLAN_RETRY_S)  # after people and faults
_EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
_TOWNS = (  # POSIX rule, latitude and longitude in microdegrees: both hemispheres, odd offsets, a pole's summer
    ("CET-1CEST,M3.5.0,M10.5.0/3", 50_669_300, 4_615_000),
    ("EST5EDT,M3.2.0,M11.1.0", 40_712_800, -74_006_000),
    ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", -31_550_000, 159_080_000),
    ("IST-5:30", 28_613_900, 77_209_000),
    ("NST3:30NDT,M3.2.0,M11.1.0", 47_560_000, -52_710_000),
)
_CHANGES = ((3, 29), (10, 25), (3, 8), (11, 1), (4, 5), (10, 4), (12, 31), (2, 28))  # of 2026: clocks and calendars
_SPEED_MPS = (1.4, 5.0, 13.0)  # of a walker, a cyclist, a car


class Ask(NamedTuple):
    """What an operator asks at a moment; level -1 ends it. `layer` 6 goes through the office's commands."""

    at_s: float
    transaction: str
    posts: tuple[str, ...]
    layer: int
    op: int
    level_pm: int
    for_s: int


@dataclass(frozen=True)
class Spec:
    """A world. Moments are virtual seconds; `detections` are (moment, post, active, class of user)."""

    seed: int
    lines: dict[str, tuple[str, ...]]
    sites: tuple[PostSite, ...]
    baud: int
    start_utc_s: int
    duration_s: float
    plans: tuple[tuple[float, dict], ...]
    detections: tuple[tuple[float, str, int, int], ...]
    requests: tuple[Ask, ...]
    reading_s: int
    photocells: bool
    poll_ms: int
    quiet_s: float
    air: tuple[str, ...] = ()  # the lines that are no wire

    def bus_of(self, post: str) -> str:
        return next(bus for bus, posts in self.lines.items() if post in posts)

    def only(self, posts: set[str]) -> Spec:
        """The same world without the other posts; addresses stay in order, so they may change."""
        lines = {bus: tuple(p for p in names if p in posts) for bus, names in self.lines.items()}
        lines = {bus: names for bus, names in lines.items() if names}
        sites = tuple(
            replace(site, address=lines[site.bus].index(site.id) + 1) for site in self.sites if site.id in posts
        )
        asks = (ask._replace(posts=tuple(p for p in ask.posts if p in posts)) for ask in self.requests)
        detections = tuple(d for d in self.detections if d[1] in posts)
        return replace(
            self, lines=lines, sites=sites, detections=detections, requests=tuple(a for a in asks if a.posts),
            air=tuple(bus for bus in self.air if bus in lines),
        )  # fmt: skip

    def lux(self, utc_s: int) -> int:
        """What a photocell sees: 500 lx by day, 5 lx by night, 50 lx in the half hour between."""
        site = self.sites[0]
        lon = site.lon_ud / 1e6
        dawn, rise, sets, dusk = slow_sun.times(int(utc_s + lon * 240) // 86_400, site.lat_ud / 1e6, lon)
        if dawn is None or rise is None or sets is None or dusk is None:
            return 50
        if rise < utc_s < sets:
            return 500
        return 50 if dawn < utc_s < dusk else 5


def key_of(seed: int, name: str) -> bytes:
    """The key of a post or of a line."""
    return sha256(f"key {seed} {name}".encode()).digest()


def draw(seed: int) -> Spec:
    """The world of a seed."""
    d = random.Random(f"world {seed}")
    duration_s = _duration(d)
    count = d.choice(POSTS) if duration_s < 1200 else d.randint(4, 6)
    names = [f"p{number:02d}" for number in range(1, count + 1)]
    half = count if d.random() < 0.5 else d.randint(2, count - 2)
    lines = {"a": tuple(names[:half]), "b": tuple(names[half:])}
    lines = {bus: posts for bus, posts in lines.items() if posts}
    rule, lat_ud, lon_ud = d.choice(_TOWNS)
    start = _start(d, rule)
    sites = _sites(d, lines, lat_ud, lon_ud)
    plans = [(d.uniform(0, 20), _plan(d, rule, start, duration_s, names))]
    while d.random() < 0.4 and len(plans) < 4:
        plans.append((d.uniform(30, duration_s), _plan(d, rule, start, duration_s, names)))
    return Spec(
        seed, lines, sites, d.choice((9600, 19200, 19200, 38400, 115200)), start, duration_s,
        tuple(sorted(plans, key=lambda p: p[0])), _people(d, lines, duration_s), _requests(d, names, duration_s),
        d.choice((60, 300, 900)), d.random() < 0.5, d.choice((3_000, 10_000)) if duration_s < 300 else 10_000,
        d.choice(QUIET_S), _air(seed, lines),
    )  # fmt: skip


def _air(seed: int, lines: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Every eighth world has a line without a wire, or two."""
    if seed % AIR_EVERY:
        return ()
    d = random.Random(f"air {seed}")
    return tuple(sorted(d.sample(sorted(lines), d.randint(1, len(lines)))))


def _duration(d: random.Random) -> float:
    """Mostly minutes, where most happens for the computing it takes; now and then a night or a day."""
    kind = d.random()
    if kind < 0.65:
        return round(d.uniform(90, 300), 1)
    if kind < 0.9:
        return round(d.uniform(300, 1200), 1)
    return round(d.uniform(1200, 4000) if kind < 0.985 else d.uniform(5 * 3600, 24 * 3600), 1)


def _start(d: random.Random, rule: str) -> int:
    """Most often in the dark, and often on a day on which clocks change."""
    if d.random() < 0.4:
        date = datetime.date(2026, *d.choice(_CHANGES)) + datetime.timedelta(days=d.randint(-1, 1))
    else:
        date = datetime.date(2026, 1, 1) + datetime.timedelta(days=d.randrange(1460))
    hour = d.choice((0, 1, 2, 3, 5, 6, 11, 12, 17, 18, 19, 20, 21, 22, 23))
    local = datetime.datetime.combine(date, datetime.time(hour, d.randrange(60), d.randrange(60)), zone_of(rule))
    return int((local - _EPOCH).total_seconds())


def _sites(d: random.Random, lines: dict[str, tuple[str, ...]], lat_ud: int, lon_ud: int) -> tuple[PostSite, ...]:
    sites = []
    east_ud = SPACING_M / 111_320 / math.cos(math.radians(lat_ud / 1e6)) * 1e6
    for row, (bus, names) in enumerate(lines.items()):
        for column, name in enumerate(names):
            lamp = Luminaire(d.choice((0, 0, 50, 100)), d.choice((1000, 1000, 900)), 30_000, 300)
            north = lat_ud + round(row * 540)
            sites.append(PostSite(name, column + 1, bus, north, lon_ud + round(column * east_ud), lamp))
    return tuple(sites)


def _people(d: random.Random, lines: dict, duration_s: float) -> tuple[tuple[float, str, int, int], ...]:
    """Walkers, cyclists and cars along the lines; some turn round, some stop under a lamp."""
    events = []
    for _ in range(min(60, d.randint(0, 3 + round(duration_s / 60)))):
        names = list(d.choice(list(lines.values())))
        if d.random() < 0.5:
            names.reverse()
        user_class = d.choice((0, 0, 0, 1, 2))
        speed = _SPEED_MPS[user_class] * d.uniform(0.7, 1.3)
        at_s = d.uniform(0, duration_s)
        for name in names[: d.randint(1, len(names))]:
            stay_s = 2 * SENSOR_M / speed + (d.uniform(0, 60) if d.random() < 0.1 else 0)
            if d.random() < 0.95:  # a sensor misses some
                events += [(round(at_s, 3), name, 1, user_class), (round(at_s + stay_s, 3), name, 0, user_class)]
            at_s += stay_s + (SPACING_M - 2 * SENSOR_M) / speed
    return tuple(sorted(event for event in events if event[0] < duration_s + 60))


def _requests(d: random.Random, names: list[str], duration_s: float) -> tuple[Ask, ...]:
    asks = []
    for number in range(d.choice((0, 1, 2, 4, 8))):
        layer, op = d.choice(((6, 0), (6, 0), (6, 0), (5, 2), (4, 1), (8, 1)))
        level = d.randrange(101) * 10 if layer != 6 or d.random() < 0.75 else -1
        posts = tuple(name for name in names if d.random() < 0.5) or (names[0],)
        ask = Ask(d.uniform(10, duration_s), f"t{number}", posts, layer, op, level, d.choice((5, 30, 120, 600, 90_000)))
        asks.append(ask)
        if d.random() < 0.3:  # the broker hands it over twice
            asks.append(ask._replace(at_s=ask.at_s + d.uniform(0, 5)))
    return tuple(sorted(asks))


# --- plans


def _plan(d: random.Random, rule: str, start: int, duration_s: float, names: list[str]) -> dict[str, Any]:
    """A valid plan whose switch moments mostly lie within the run."""
    near = _Near(d, rule, start, duration_s)
    profiles = [_profile(d, number) for number in range(d.randint(1, 2))]
    programs = [_program(d, number, near, profiles) for number in range(d.randint(1, 3))]
    ids = [program["id"] for program in programs]
    days = [["mon", "tue", "wed"], ["sat", "sun"], ["thu", "fri"]]
    rules = [{"program": d.choice(ids), "weekDays": d.choice(days)} for _ in range(d.randint(0, 2))]
    calendars = [{"id": "c0", "defaultProgram": d.choice(ids), "rules": rules}, {"id": "c1", "defaultProgram": ids[0]}]
    groups: list[dict[str, Any]] = [{"id": "all", "posts": "all", "calendar": "c0"}]
    some = [name for name in names if d.random() < 0.3]
    if some:
        groups += [{"id": "some", "posts": some, "calendar": "c1"}]
    scenes = [_scene(d, number, near, groups) for number in range(d.choice((0, 0, 1, 2)))]
    value = {
        "plan": "drawn", "timeZone": rule, "safeFloor": d.choice((5, 10, 30)), "controlPrograms": programs,
        "presenceProfiles": profiles, "calendars": calendars, "groups": groups, "eventScenes": scenes,
    }  # fmt: skip
    load_value(value)  # raises where the checker itself has drawn an impossible plan
    return value


class _Near:
    """Moments within or close to a run, in local time."""

    def __init__(self, d: random.Random, rule: str, start: int, duration_s: float) -> None:
        self._draw, self._zone, self._start, self._duration = d, zone_of(rule), start, duration_s

    def local(self) -> datetime.datetime:
        at_s = self._start + self._draw.uniform(-0.2, 1.1) * self._duration
        return (_EPOCH + datetime.timedelta(seconds=at_s)).astimezone(self._zone)

    def clock(self) -> str:
        if self._draw.random() < 0.3:
            return f"{self._draw.randrange(24):02d}:{self._draw.randrange(60):02d}"
        return self.local().strftime("%H:%M")

    def moment(self) -> str:
        if self._draw.random() < 0.7:
            return self.clock()
        return f"{self._draw.choice(('sunset', 'sunrise', 'dusk', 'dawn'))}{self._draw.randint(-60, 60):+d}"


def _program(d: random.Random, number: int, near: _Near, profiles: list[dict]) -> dict[str, Any]:
    whole = {"start": "12:00", "end": "11:59"}
    period = d.choice((whole, whole, {"start": "sunset-10", "end": "sunrise+10"}, {"start": "dusk", "end": "dawn"}))
    points = {near.moment(): d.randrange(0, 101, 5) for _ in range(d.randint(0, 5))}
    program = {
        "id": f"program-{number}", "level": d.randrange(0, 101, 5), "activePeriods": [period],
        "rampSeconds": d.choice((0, 0, 5, 30, 120, 900)),
        "switchPoints": [{"time": time, "level": level} for time, level in points.items()],
    }  # fmt: skip
    if d.random() < 0.8:
        program["presence"] = d.choice(profiles)["id"]
    return program


def _profile(d: random.Random, number: int) -> dict[str, Any]:
    profile: dict[str, Any] = {
        "id": f"profile-{number}", "holdSeconds": d.choice((8, 20, 30, 60)),
        "upMilliseconds": d.choice((0, 500, 1000)), "downMilliseconds": d.choice((0, 3000, 8000)),
    }  # fmt: skip
    for user in ("pedestrian", "cyclist", "car"):
        reaches = sorted(d.sample((15, 35, 65, 95, 125), d.randint(1, 3)))
        levels = sorted((d.randrange(20, 101, 5) for _ in reaches), reverse=True)
        profile[user] = [{"reachMetres": r, "level": v} for r, v in zip(reaches, levels, strict=True)]
    return profile


def _scene(d: random.Random, number: int, near: _Near, groups: list[dict]) -> dict[str, Any]:
    start = near.local().replace(tzinfo=None)
    end = start + datetime.timedelta(minutes=d.randint(1, 90))
    text = "%Y-%m-%dT%H:%M"
    return {
        "id": f"scene-{number}", "groups": [d.choice(groups)["id"]], "start": start.strftime(text),
        "end": end.strftime(text), d.choice(("set", "raise", "cap")): d.randrange(0, 101, 5),
        "rampSeconds": d.choice((0, 5, 60)),
    }  # fmt: skip
