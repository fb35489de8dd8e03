"""Who hears whom in a cabinet: the neighbour table of every post, over lines and over the next cabinets' edge.

What it promises
- A table holds the nearest posts within RADIUS_DM, at most limits.NEIGHBOURS_MAX. With streets, nearness is the way
  along them, so that nobody's light shines through a block; within SIGHT_DM, and for a post off all streets, the
  straight line counts.
- A neighbour on another line or cabinet has an *alias*: an address of 193 to 250 that no post of this line has, at
  which the gateway says that post's events again here. A line has aliases for just those; where there are more, the
  nearest get one.
- The same posts give the same aliases in whatever order they come, and one post more moves few: each begins its search
  at a place that its own name draws.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from lamplighter.plans.neighbours import EARTH_DM, RADIUS_DM, Neighbour, distance_and_bearing
from lamplighter.plans.site import POST_ID, PostSite
from lamplighter.plans.streets import Streets
from lamppost import limits

ALIAS_MIN = (
    193  # 64 posts are the most a line can drive: addresses from here on are free where posts are counted from 1
)
ALIASES = tuple(range(ALIAS_MIN, limits.ADDRESS_MAX + 1))
SIGHT_DM = 150  # across a street of two lanes with its pavements; the blocks of a town are deeper
FAR_MAX = 250  # posts of other cabinets: as many as a cabinet has itself


@dataclass(frozen=True, slots=True)
class FarSite:
    """A post of another cabinet near this one's."""

    id: str
    gateway: str
    lat_ud: int
    lon_ud: int

    def __post_init__(self) -> None:
        for name in (self.id, self.gateway):
            if not POST_ID.fullmatch(name):
                raise ValueError(f"id {name!r} must be 1 to 32 of a-z, 0-9 and '-'")
        if not (abs(self.lat_ud) <= 90_000_000 and abs(self.lon_ud) <= 180_000_000):
            raise ValueError(f"post {self.id}: {self.lat_ud}, {self.lon_ud} is no place in microdegrees")

    @property
    def key(self) -> str:
        """Its name here; no post of our own has a slash in its name."""
        return f"{self.gateway}/{self.id}"


class Near(NamedTuple):
    """A neighbour: `address` as the post hears it, an alias where `relayed`."""

    way_dm: int
    key: str
    address: int
    distance_dm: int
    bearing: int
    relayed: bool

    @property
    def row(self) -> Neighbour:
        """As a compiled plan has it: the way only where it is longer than the straight line."""
        straight = self.address, self.distance_dm, self.bearing
        return (*straight, self.way_dm) if self.way_dm > self.distance_dm else straight


class Route(NamedTuple):
    """Where a post's events are said again: on which line, at which address; how far the nearest there is."""

    bus: str
    alias: int
    way_dm: int


@dataclass(slots=True)
class Neighbourhood:
    """`near` and `routes` by post id (a far post's: its key), `aliases` by bus, `wanted` by post: who else listens."""

    near: dict[str, list[Near]] = field(default_factory=dict)
    aliases: dict[str, dict[int, str]] = field(default_factory=dict)
    routes: dict[str, tuple[Route, ...]] = field(default_factory=dict)
    wanted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    apart: list[tuple[str, str, int]] = field(default_factory=list)  # near by air, not along the street; the distance
    off_street: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)  # (bus, post) for which there was no alias

    def table(self, post: str) -> list[Neighbour]:
        """The rows of a post's compiled plan."""
        return [near.row for near in self.near[post]]


class _Pair(NamedTuple):
    way_dm: int
    key: str
    distance_dm: int
    bearing: int


def neighbourhood(
    sites: Iterable[PostSite], far: Iterable[FarSite] = (), streets: Streets | None = None
) -> Neighbourhood:
    """The tables of `sites`, one cabinet's posts with ids of their own."""
    own, beyond = list(sites), list(far)
    found = Neighbourhood()
    pairs = _pairs(own, beyond, streets, found)
    bus_of = {site.id: site.bus for site in own}
    for site in own:
        found.aliases.setdefault(site.bus, {})
    foreign = _foreign(pairs, bus_of)
    taken = {bus: {site.address for site in own if site.bus == bus} for bus in found.aliases}
    address: dict[tuple[str, str], int] = {(site.bus, site.id): site.address for site in own}
    for bus, wanted in foreign.items():
        given, left = _aliases(wanted, taken[bus])
        found.aliases[bus] = dict(sorted(given.items()))
        found.left_out += [(bus, key) for key in left]
        address |= {(bus, key): alias for alias, key in given.items()}
    routes: dict[str, list[Route]] = defaultdict(list)
    for bus, given in found.aliases.items():
        for alias, key in given.items():
            routes[key].append(Route(bus, alias, foreign[bus][key]))
    found.routes = {key: tuple(sorted(rows)) for key, rows in routes.items()}
    for site in own:
        found.near[site.id] = [
            Near(pair.way_dm, pair.key, address[site.bus, pair.key], pair.distance_dm, pair.bearing, relayed)
            for pair in pairs[site.id]
            if (site.bus, pair.key) in address
            for relayed in [bus_of.get(pair.key) != site.bus]
        ]
    found.wanted = _wanted(own, beyond)
    return found


def _wanted(own: list[PostSite], beyond: list[FarSite]) -> dict[str, tuple[str, ...]]:
    """The other cabinets that have a post within RADIUS_DM by air: they decide which of our events they use."""
    cells = _cells(beyond)
    found = {}
    for site in own:
        near = (one for one in _around(cells, site) if isinstance(one, FarSite))
        there = {one.gateway for one in near if distance_and_bearing(site, one)[0] <= RADIUS_DM}
        if there:
            found[site.id] = tuple(sorted(there))
    return found


def _pairs(
    own: list[PostSite], beyond: list[FarSite], streets: Streets | None, found: Neighbourhood
) -> dict[str, list[_Pair]]:
    """The nearest neighbours of every post of our own, whatever line they are on."""
    places: list[PostSite | FarSite] = [*own, *beyond]
    key_of = [site.id if isinstance(site, PostSite) else site.key for site in places]
    index = {key: i for i, key in enumerate(key_of)}
    ways: list[dict[int, float] | None] = [None] * len(places)
    if streets is not None:
        ways = streets.ways([streets.metres(p.lon_ud / 1e6, p.lat_ud / 1e6) for p in places], RADIUS_DM / 10)
        found.off_street = [key_of[i] for i, way in enumerate(ways) if way is None]
    cells = _cells(places)
    pairs: dict[str, list[_Pair]] = {}
    for i, here in enumerate(own):
        mine = []
        for there in _around(cells, here):
            j = index[there.id if isinstance(there, PostSite) else there.key]
            if j == i:
                continue
            distance_dm, bearing = distance_and_bearing(here, there)
            if distance_dm > RADIUS_DM:
                continue
            way_dm = _way_dm(ways, i, j, distance_dm)
            if way_dm is not None:
                mine.append(_Pair(way_dm, key_of[j], distance_dm, bearing))
            elif i < j:
                found.apart.append((key_of[i], key_of[j], distance_dm))
        pairs[here.id] = sorted(mine)[: limits.NEIGHBOURS_MAX]
    return pairs


def _way_dm(ways: list[dict[int, float] | None], i: int, j: int, distance_dm: int) -> int | None:
    """How far j is from i for light; None where no street leads there within RADIUS_DM."""
    mine = ways[i]
    if mine is None or ways[j] is None or distance_dm <= SIGHT_DM:
        return distance_dm
    way = mine.get(j)
    if way is None or round(way * 10) > RADIUS_DM:
        return None
    return max(distance_dm, round(way * 10))


def _foreign(pairs: dict[str, list[_Pair]], bus_of: dict[str, str]) -> dict[str, dict[str, int]]:
    """For each line the posts that are not on it and that somebody there knows, each with the shortest way to one."""
    foreign: dict[str, dict[str, int]] = defaultdict(dict)
    for post, rows in pairs.items():
        bus = bus_of[post]
        for row in rows:
            if bus_of.get(row.key) != bus:
                foreign[bus][row.key] = min(row.way_dm, foreign[bus].get(row.key, row.way_dm))
    return foreign


def _aliases(wanted: dict[str, int], taken: set[int]) -> tuple[dict[int, str], list[str]]:
    """Post by alias, and those left out. The nearest ones first get a place at all; then every name finds its own."""
    free = [alias for alias in ALIASES if alias not in taken]
    by_nearness = sorted(wanted, key=lambda key: (wanted[key], key))
    given: dict[int, str] = {}
    for key in sorted(by_nearness[: len(free)]):
        at = int.from_bytes(sha256(key.encode()).digest()[:4], "big") % len(free)
        while free[at] in given:
            at = (at + 1) % len(free)
        given[free[at]] = key
    return given, by_nearness[len(free) :]


# --- what is near, over a grid whose cells are as wide as the radius

_Cells = dict[tuple[int, int], list["PostSite | FarSite"]]
_CELL_UD = math.degrees(RADIUS_DM / EARTH_DM) * 1e6


def _cell(site: PostSite | FarSite, squeeze: float) -> tuple[int, int]:
    return math.floor(site.lat_ud / _CELL_UD), math.floor(site.lon_ud * squeeze / _CELL_UD)


def _cells(places: Sequence[PostSite | FarSite]) -> tuple[float, _Cells]:
    """Cells by latitude and longitude; one squeeze for all, the smallest, so that a cell is never too narrow."""
    squeeze = min((math.cos(math.radians(min(abs(p.lat_ud) / 1e6 + 0.01, 89.9))) for p in places), default=1.0)
    cells: _Cells = defaultdict(list)
    for place in places:
        cells[_cell(place, squeeze)].append(place)
    return squeeze, cells


def _around(index: tuple[float, _Cells], site: PostSite | FarSite) -> Iterable[PostSite | FarSite]:
    squeeze, cells = index
    row, column = _cell(site, squeeze)
    for r in (row - 1, row, row + 1):
        for c in (column - 1, column, column + 1):
            yield from cells.get((r, c), ())
