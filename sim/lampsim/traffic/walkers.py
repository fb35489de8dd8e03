"""People on their way through a town: trips between any two places of its streets, as many an hour as one says.

What it promises
- Deterministic: the same town, rates and seed give the same trips, whatever was generated before.
- Cars keep to streets; pedestrians and cyclists also take paths and squares.
- Speeds spread around the usual ones: pedestrians 1.34 m/s with a deviation of 0.26 (Weidmann 1993), cyclists
  4.5 +- 0.9, cars 11.5 +- 1.5 in a zone of 50 km/h; never below half nor above twice the mean.
"""

import math
import random
from collections.abc import Mapping, Sequence

from ..town.graph import Graph
from ..town.model import Town
from .model import KINDS, Point, TrafficError, Trip, Trips

SPEEDS = {"pedestrian": (1.34, 0.26), "cyclist": (4.5, 0.9), "car": (11.5, 1.5)}  # m/s: mean, deviation
TRIPS_MAX = 500_000  # 0.5 GB of trips; a day of a town of 100,000
TRIES = 8  # ends are drawn again where there is no way between them or it is too short
SHORTEST_M = {"pedestrian": 60.0, "cyclist": 150.0, "car": 200.0}

Rates = Mapping[str, Sequence[float]]  # trips an hour of each kind, one value an hour from the start on; it repeats


class Ways:
    """Random ways through a town, each kind on what it may use."""

    def __init__(self, town: Town) -> None:
        self.everywhere = Graph(town.streets)
        self.streets = Graph(town.streets, ("street",))
        if not self.everywhere.points:
            raise TrafficError(f"{town.name}: no streets, so nobody can walk; give an inventory with street names")

    def graph(self, kind: str) -> Graph:
        return self.streets if kind == "car" and self.streets.points else self.everywhere

    def random(self, kind: str, rng: random.Random) -> list[Point]:
        """The shortest way between two random places; empty where none of TRIES found one."""
        graph = self.graph(kind)
        best: list[Point] = []
        for _ in range(TRIES):
            way = graph.way(rng.randrange(len(graph.points)), rng.randrange(len(graph.points)))
            length_m = sum(map(math.dist, way, way[1:]))
            if length_m >= SHORTEST_M[kind]:
                return way
            best = way if len(way) > len(best) else best
        return best if len(best) > 1 else []


def walkers(town: Town, rates: Rates, duration_s: int, seed: int = 0, ways: Ways | None = None) -> Trips:
    """Trips that begin at random moments (a Poisson process) with `rates`. Raises TrafficError."""
    _check(rates, duration_s)
    ways = ways or Ways(town)
    trips = []
    for kind in (kind for kind in KINDS if kind in rates):
        rng = random.Random(f"walkers {seed} {kind}")
        for number, start_s in enumerate(moments(rates[kind], duration_s, rng)):
            way = ways.random(kind, rng)
            speed_mps = speed(kind, rng)
            if way:
                trips.append(Trip(f"{kind}-{number}", kind, way, start_s, speed_mps))
    return Trips(trips, duration_s)


def moments(rates: Sequence[float], duration_s: int, rng: random.Random) -> list[float]:
    """The moments of a Poisson process whose rate (an hour) changes each hour; whole milliseconds."""
    found = []
    for hour in range(math.ceil(duration_s / 3600)):
        rate = rates[hour % len(rates)]
        t_s = rng.expovariate(rate / 3600) if rate > 0 else math.inf
        while t_s < min(3600, duration_s - hour * 3600):
            found.append(round(hour * 3600 + t_s, 3))
            t_s += rng.expovariate(rate / 3600)
    return found


def speed(kind: str, rng: random.Random) -> float:
    mean, deviation = SPEEDS[kind]
    return round(min(2 * mean, max(mean / 2, rng.gauss(mean, deviation))), 2)


def _check(rates: Rates, duration_s: int) -> None:
    unknown = sorted(set(rates) - set(KINDS))
    if unknown:
        raise TrafficError(f"kind {unknown[0]!r}; one of {', '.join(KINDS)}")
    if any(not values or not all(0 <= rate < math.inf for rate in values) for values in rates.values()):
        raise TrafficError("rates are trips an hour, 0 or more, at least one value for each kind")
    expected = sum(sum(values) / len(values) for values in rates.values()) * duration_s / 3600
    if expected > TRIPS_MAX:
        raise TrafficError(f"about {expected:.0f} trips, at most {TRIPS_MAX}; take fewer an hour or a shorter time")
