"""The estimator: from what the posts of a zone saw in one window to people, directions, speed and density.

Density. People come independently (a Poisson stream, what pedestrian counts show away from traffic lights), so the
mean number of them in range of a sensor is `-ln(1 - share of time in which it sees somebody)`: an M/G/infinity queue is
empty with probability exp(-mean), however long a stay is. That corrects for people whom a sensor cannot tell apart.
Over the sensor's reach, 2 * RANGE_M of a path or the disc of an area, it is people per 100 m or per hectare. Beyond
SEEN_MAX the crowd may be any: the window is called saturated, and density and footfall are lower bounds.

Footfall. By Edie's definition (1963) flow is the way people make in a zone in all, over the zone's length: with the
mean number of people, their speed and the time known, the way follows. In a corridor, the length is its posts; somebody
who turns off half-way is half a passage. In an area a passage is a straight crossing, by Cauchy's mean chord pi * area
/ perimeter (`posts_met`); people who stroll about make many, so there footfall counts crossings, and the people are in
the density. Their speed is the mean over people and time, which is the harmonic mean of the steps' speeds, of those
within PLAUSIBLE times the median.

Speed is the median of steps, in a histogram. Directions share out the footfall by pairs, less those by chance.

Assumed: sensors with a range of RANGE_M; ways past the posts; nobody in step with another: people who walk together are
one to a sensor, which `party` (people per party, 1 unless configured) multiplies; stays shorter than REPEAT_MS last
BRIEF_MS (cars: two seconds). The truth comparison (`lampsim flow`) states the errors by density.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from lamplighter.gateway.footfall.flow_place import Zone
from lamplighter.gateway.footfall.flow_track import USUAL_MPS, Arrival, Post, chance

SEEN_MAX = 0.99  # share, 4.6 people in range: beyond it, a second more or less adds a person
SENSES_SEEN_MAX = 0.95  # mean share; beyond it, so few edges are left that pairs are chance: no directions
RANGE_M = 12.0  # how far a sensor sees to each side (NIGHT.md's sensor)
SPEED_LOW_MPS, SPEED_STEP, SPEED_BINS = 0.4, 1.08, 56  # 0.4 to 29 m/s in steps of 8 %
PLAUSIBLE = 2.0
SPEED_STEPS_MIN = 5  # below, a median could be one person's speed


class Estimate(NamedTuple):
    """A zone in one window. `footfall` in people, one count a sense in `directions`; shares 0..1; None: not known.

    `least` is how many people these figures speak of for certain; 0 only when nobody was there."""

    detections: int
    footfall: int
    directions: tuple[int, ...] | None
    speed_mps: float | None
    occupancy: float
    per_100m: float
    per_hectare: float
    saturated: bool
    least: int


class Tally:
    """What is counted of one zone in the present window."""

    __slots__ = ("_inside", "edges", "senses", "speeds", "zone")

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self._inside = frozenset(zone.posts)
        self.clear()

    def clear(self) -> None:
        """Begin a window."""
        self.edges = 0
        self.senses = [0] * len(self.zone.senses)
        self.speeds = [0] * SPEED_BINS

    def take(self, arrival: Arrival) -> None:
        """An edge at one of the posts."""
        self.edges += 1
        if arrival.step is not None and arrival.step.origin in self._inside:
            self.speeds[_bin(arrival.step.speed_mps)] += 1
        for origin, bearing_deg in arrival.pairs:
            if origin in self._inside:
                self.senses[self.zone.sense(bearing_deg)] += 1

    def estimate(self, posts: list[Post], window_ms: int, party: float) -> Estimate:
        """Close the window; every post of the zone has been settled at its end."""
        mine = [posts[i] for i in self.zone.posts]
        seen = [min(SEEN_MAX, post.seen_ms / window_ms) for post in mine]
        people = party * sum(-math.log(1 - share) for share in seen)
        speed = self._speed()
        way_m = people * self._mean_speed(speed) * window_ms / 1000
        footfall = round(way_m / (2 * RANGE_M * posts_met(self.zone)))
        mean = people / len(mine)
        return Estimate(
            self.edges,
            max(footfall, 1) if self.edges else 0,
            None if sum(seen) > SENSES_SEEN_MAX * len(seen) else _share(footfall, self._excess(posts, window_ms)),
            speed,
            sum(seen) / len(mine),
            mean * 100 / (2 * RANGE_M),
            mean * 10_000 / (math.pi * RANGE_M**2),
            any(share >= SEEN_MAX for share in seen),
            self._least(footfall, sum(seen)),
        )

    def _least(self, footfall: int, busy: float) -> int:
        """`busy`: sensors that saw somebody at the same time, on average; one person is in range of two at most."""
        edges = min(self.edges, max(footfall, 1))
        return max(edges, int(busy / 2), int(busy > 0))

    def _excess(self, posts: list[Post], window_ms: int) -> list[float]:
        """Pairs of each sense beyond those by chance."""
        excess = [float(count) for count in self.senses]
        for index in self.zone.posts:
            for other, distance_m, to_bearing in posts[index].near:
                if other in self._inside:
                    by_chance = chance(posts, index, other, distance_m, window_ms)
                    excess[self.zone.sense((to_bearing + 180) % 360)] -= by_chance
        return [max(0.0, count) for count in excess]

    def _mean_speed(self, median: float | None) -> float:
        if median is None:
            return USUAL_MPS[0]
        middles = [SPEED_LOW_MPS * SPEED_STEP ** (i + 0.5) for i in range(SPEED_BINS)]
        near = [(n, v) for n, v in zip(self.speeds, middles, strict=True) if 1 / PLAUSIBLE <= v / median <= PLAUSIBLE]
        return sum(n for n, _ in near) / sum(n / v for n, v in near)

    def _speed(self) -> float | None:
        total = sum(self.speeds)
        if total < SPEED_STEPS_MIN:
            return None
        before, half = 0, total / 2
        for i, count in enumerate(self.speeds):
            if before + count >= half:
                return SPEED_LOW_MPS * SPEED_STEP ** (i + (half - before) / count)
            before += count
        raise AssertionError("half of the steps lie in some bin")


def posts_met(zone: Zone) -> float:
    """Posts that a passage meets: all of a corridor; of an area in a square, pi/4 of a side of it."""
    count = len(zone.posts)
    return float(count) if zone.axis_deg is not None else max(1.0, math.pi / 4 * math.sqrt(count))


def _bin(speed_mps: float) -> int:
    place = math.log(max(speed_mps, SPEED_LOW_MPS) / SPEED_LOW_MPS) / math.log(SPEED_STEP)
    return min(SPEED_BINS - 1, int(place))


def _share(total: int, weights: Sequence[float]) -> tuple[int, ...] | None:
    """Whole numbers in proportion to the weights that add up to total (largest remainders).

    None where there are people and no weights: which way they went is not known."""
    whole = sum(weights)
    if not whole:
        return None if total else (0,) * len(weights)
    shares = [total * weight / whole for weight in weights]
    counts = [int(share) for share in shares]
    by_rest = sorted(range(len(weights)), key=lambda i: counts[i] - shares[i])
    for i in by_rest[: total - sum(counts)]:
        counts[i] += 1
    return tuple(counts)
