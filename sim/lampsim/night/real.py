"""The real thing: whole posts on their lines in virtual time, told of the same sightings as the bench.

What it promises
- The posts are lamppost.post.Post with a plan that reached them over their line; the sensors' edges come at whole
  seconds, all sensors at once: the worst case for a line.
- The night begins when every post runs its plan; until then it is not counted.
- Lines follow the streets (`lampsim.town.wiring`), 32 posts each, and a cabinet has up to eight of them. With `relay`
  the gateways say events again, as gateway.lines.relay has it, on every line and in every cabinet where some post
  has a neighbour; without it a post hears its own line only.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..inventory import LOUVAIN_LA_NEUVE, Flat
from ..recording import Recording
from ..town.model import Town, TownLamp, place
from ..town.wiring import wire
from ..virtual.world import Options, World
from .bench import neighbour_tables
from .course import Fade, mean_levels
from .data import Lamps, Users
from .sensors import Sightings
from .watch import Edge, edges

START_UTC_S = 820_000_000 - 820_000_000 % 86400 + 64800 - 3600  # some day, an hour before the night at 18:00
WARM_S = 3600  # sessions, time and plans over 19,200 baud take some minutes; with many losses longer
IDLE_PERCENT = 10


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
    options = Options(baud=baud, loss=loss, relay="cabinets" if relay else "")
    world = World(town, plan_file(profile), seed=seed, start_utc_s=START_UTC_S, options=options)
    world.run_s(WARM_S)
    ready = world.counters()["plans_applied"]
    if ready < len(lamps):
        raise RuntimeError(f"{len(lamps) - ready} posts have no plan after {WARM_S} s; try a faster line")
    before = len(world.recording().latencies_ms)
    _Watch(world, edges(sightings, users)).start()
    world.run_s(users.seconds)
    recording = world.recording()
    heard = heard_share(lamps, world)
    return Outcome(_levels(recording, users.seconds), recording.latencies_ms[before:], recording.counters, heard)


def town_of(lamps: Lamps) -> Town:
    """The lamps as a wired town."""
    columns = zip(lamps.x_m.tolist(), lamps.y_m.tolist(), lamps.street.tolist(), strict=True)
    bare = [TownLamp(f"l{i}", 0, 0, x, y, f"s{street}") for i, (x, y, street) in enumerate(columns)]
    wired, buses, feeders = wire(place(bare, Flat(*LOUVAIN_LA_NEUVE)))
    return Town(wired, (), feeders, buses, *LOUVAIN_LA_NEUVE, "night")


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


def _levels(recording: Recording, seconds: int) -> np.ndarray:
    fades: list[list[Fade]] = [[] for _ in recording.ids]
    r = recording
    columns = (r.change_post, r.change_t_ms, r.change_from_pm, r.change_target_pm, r.change_fade_ms)
    for post, *fade in zip(*(column.tolist() for column in columns), strict=True):
        fades[post].append((fade[0], fade[1], fade[2], fade[3]))
    return mean_levels(fades, 0, WARM_S + seconds)[WARM_S:]


def heard_share(lamps: Lamps, world: World) -> float:
    """Of the pairs (post, one of its nearest neighbours), how many are in hearing."""
    near = {post: {row.key.rpartition("/")[2] for row in rows} for gateway in world.gateways.values()
            for post, rows in gateway.hood.near.items()}  # fmt: skip
    ids = [lamp.id for lamp in world.town.lamps]
    pairs = [ids[j] in near[ids[i]] for i, table in enumerate(neighbour_tables(lamps)) for j, _, _ in table]
    return sum(pairs) / len(pairs)
