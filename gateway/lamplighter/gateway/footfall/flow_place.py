"""Where the posts of a cabinet stand to each other, for counting: metres, posts to link with, zones and their axis.

Everything here is computed once, from positions alone; nobody has been seen yet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lamplighter.plans.neighbours import EARTH_DM
from lamplighter.plans.site import PostSite

NEAR_MAX = 8  # posts a walker may be seen at next: all around in a square grid
NEAR_FACTOR = 1.5  # of the distance to the nearest: the diagonal of a square grid; pairs farther apart are chance
NEAR_MIN_M, NEAR_MAX_M = 25.0, 80.0  # below, positions are too coarse for a speed; above, the walker has forked off
CORRIDOR_RATIO = 0.2  # a zone five times as long as wide has two senses, any other one eight sectors
ZONES_MAX = 64  # groups that are counted; a cabinet of 250 posts has a dozen
SECTORS = ("n", "ne", "e", "se", "s", "sw", "w", "nw")

Near = tuple[int, float, float]  # index of the other post, metres to it, bearing to it in degrees


@dataclass(frozen=True, slots=True)
class Zone:
    """Posts, by index, that are counted together; `axis_deg` is the sense of a corridor (0..179), None for an area."""

    id: str
    posts: tuple[int, ...]
    axis_deg: float | None

    @property
    def senses(self) -> tuple[str, ...]:
        """The names of the directions that are told apart."""
        if self.axis_deg is None:
            return SECTORS
        return sector(self.axis_deg), sector(self.axis_deg + 180)

    def sense(self, bearing_deg: float) -> int:
        """The index in `senses` of somebody who walks towards bearing_deg."""
        if self.axis_deg is None:
            return SECTORS.index(sector(bearing_deg))
        return 0 if math.cos(math.radians(bearing_deg - self.axis_deg)) >= 0 else 1


def sector(bearing_deg: float) -> str:
    """The eighth of the compass a bearing lies in."""
    return SECTORS[round(bearing_deg / 45) % 8]


def metres(sites: Iterable[PostSite]) -> list[tuple[float, float]]:
    """East and north of the first post; equirectangular, within a cabinet's few kilometres good to centimetres."""
    sites = list(sites)
    if not sites:
        return []
    first, per_ud = sites[0], math.radians(EARTH_DM / 10 / 1e6)
    shrink = math.cos(math.radians(first.lat_ud / 1e6))
    turn = 180_000_000
    return [
        (((s.lon_ud - first.lon_ud + turn) % (2 * turn) - turn) * per_ud * shrink, (s.lat_ud - first.lat_ud) * per_ud)
        for s in sites
    ]


def near(points: list[tuple[float, float]]) -> list[tuple[Near, ...]]:
    """For each post those from which people come to it next, nearest first; if one is near another, so is that."""
    apart = [[math.dist(here, there) for there in points] for here in points]
    limits = []
    for row in apart:
        nearest = min((d for d in row if d > 1.0), default=0.0)  # two devices on one post have no way between them
        limits.append(min(max(NEAR_MIN_M, NEAR_FACTOR * nearest), NEAR_MAX_M))
    found = []
    for i, row in enumerate(apart):
        close = sorted((d, j) for j, d in enumerate(row) if 1.0 < d <= max(limits[i], limits[j]))[:NEAR_MAX]
        found.append(tuple((j, d, bearing(points[i], points[j])) for d, j in close))
    return found


def bearing(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Degrees clockwise from north, 0 <= x < 360."""
    return math.degrees(math.atan2(there[0] - here[0], there[1] - here[1])) % 360


def zones(groups: Mapping[str, Iterable[str]], posts: list[str], points: list[tuple[float, float]]) -> list[Zone]:
    """The groups as zones, in the order of their names, at most ZONES_MAX; posts that are not here are left out."""
    index = {post: i for i, post in enumerate(posts)}
    made = []
    for name in sorted(groups)[:ZONES_MAX]:
        members = tuple(sorted(index[post] for post in set(groups[name]) if post in index))
        if members:
            made.append(Zone(name, members, axis([points[i] for i in members])))
    return made


def axis(points: list[tuple[float, float]]) -> float | None:
    """The bearing 0..179 along which the points lie, None where they are no corridor (principal components)."""
    n = len(points)
    if n < 2:
        return None
    mx, my = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    xx = sum((x - mx) ** 2 for x, _ in points)
    yy = sum((y - my) ** 2 for _, y in points)
    xy = sum((x - mx) * (y - my) for x, y in points)
    spread = math.hypot(xx - yy, 2 * xy)
    long, short = (xx + yy + spread) / 2, max(0.0, (xx + yy - spread) / 2)
    if long < 1.0 or math.sqrt(short / long) > CORRIDOR_RATIO:
        return None
    turn = 0.5 * math.atan2(2 * xy, xx - yy)  # counter-clockwise from east
    return (90 - math.degrees(turn)) % 180
