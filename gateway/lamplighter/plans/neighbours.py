"""Which posts a post listens to: the nearest on its own bus, with distance and bearing from coordinates.

Over several lines, and along streets, see neighbourhood.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Protocol

from lamplighter.plans.site import PostSite
from lamppost import limits

RADIUS_DM = 1500  # 150 m: the stopping sight distance of a car at 90 km/h, and five lamps ahead of a walker
EARTH_DM = 63_710_088  # mean radius (IUGG R1) in decimetres

# address, distance in dm, bearing in degrees clockwise from north; and the way in dm where the street is longer
Neighbour = tuple[int, int, int] | tuple[int, int, int, int]


class Place(Protocol):
    """Anything with coordinates."""

    @property
    def lat_ud(self) -> int: ...
    @property
    def lon_ud(self) -> int: ...


def neighbours(post: PostSite, sites: Iterable[PostSite]) -> list[Neighbour]:
    """At most limits.NEIGHBOURS_MAX posts within RADIUS_DM on the same bus, nearest first, ties by address."""
    near = []
    for other in sites:
        if other.bus == post.bus and other.address != post.address:
            distance_dm, bearing = distance_and_bearing(post, other)
            if distance_dm <= RADIUS_DM:
                near.append((distance_dm, other.address, bearing))
    return [(address, distance, bearing) for distance, address, bearing in sorted(near)[: limits.NEIGHBOURS_MAX]]


def distance_and_bearing(here: Place, there: Place) -> tuple[int, int]:
    """Decimetres and degrees (0..359, clockwise from north) from `here` to `there`; 0, 0 for the same place.

    The equirectangular approximation at the mean latitude: within 150 m and up to 80 degrees its error is under 1 cm.
    """
    north = math.radians((there.lat_ud - here.lat_ud) / 1e6)
    east_ud = (there.lon_ud - here.lon_ud + 180_000_000) % 360_000_000 - 180_000_000
    middle = math.radians((there.lat_ud + here.lat_ud) / 2e6)
    east = math.radians(east_ud / 1e6) * math.cos(middle)
    distance_dm = round(EARTH_DM * math.hypot(north, east))
    return distance_dm, round(math.degrees(math.atan2(east, north))) % 360
