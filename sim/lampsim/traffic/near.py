"""The part of a traffic that comes near some places: all that sensors there can see of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

from .model import Cut, Point, Several, Traffic, Trip, Trips

CELL_M = 100.0
CELLS_MAX = 4096  # of one straight piece; a longer one counts as near, which is never wrong
AHEAD_S = 1.0  # a look lies within a second, straight on from where the user was

Cells = set[tuple[int, int]]


def near(traffic: Traffic, places: Iterable[Point], reach_m: float) -> Traffic:
    """The same users, without those whose trips never come within `reach_m` of any of the places; nobody else is left
    out, and who stays is there from start to end. A traffic that is not made of trips comes back as it is."""
    return _near(traffic, {_cell(x_m, y_m) for x_m, y_m in places}, reach_m)


def _near(traffic: Traffic, cells: Cells, reach_m: float) -> Traffic:
    if isinstance(traffic, Trips):
        return Trips([trip for trip in traffic.trips if _passes(trip, cells, reach_m)], traffic.duration_s)
    if isinstance(traffic, Several):
        return Several([_near(part, cells, reach_m) for part in traffic.parts])
    if isinstance(traffic, Cut):
        return Cut(_near(traffic.whole, cells, reach_m), traffic.from_s, traffic.duration_s)
    return traffic


def _passes(trip: Trip, cells: Cells, reach_m: float) -> bool:
    reach_m += trip.speed_mps * AHEAD_S
    for (ax, ay), (bx, by) in pairwise(trip.way):
        west, south = _cell(min(ax, bx) - reach_m, min(ay, by) - reach_m)
        east, north = _cell(max(ax, bx) + reach_m, max(ay, by) + reach_m)
        if (east - west + 1) * (north - south + 1) > CELLS_MAX:
            return True
        if any((x, y) in cells for x in range(west, east + 1) for y in range(south, north + 1)):
            return True
    return False


def _cell(x_m: float, y_m: float) -> tuple[int, int]:
    return math.floor(x_m / CELL_M), math.floor(y_m / CELL_M)
