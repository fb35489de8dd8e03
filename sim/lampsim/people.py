"""People on their way, and the sensors that see them.

What it promises
- Where somebody is, is a pure function of time: metres of a local map, milliseconds of any clock.
- A sensor sees within its range only, misses by its detection probability per second, and reports edges: on when it
  first sees somebody, off when it has seen nobody for `HOLD_MS`. The same seed sees the same.
"""

import math
import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

RANGE_M = 12.0  # what a PIR or radar sensor on a 5 m post covers (NIGHT.md)
DETECTION_PER_S = 0.95  # NIGHT.md
LOOK_MS = 100  # a sensor looks ten times a second: at 50 km/h a car moves 1.4 m between two looks
HOLD_MS = 2_000  # a PIR sensor's output stays for about two seconds after the last movement
SPEED_MPS = {"pedestrian": 1.4, "cyclist": 5.0, "car": 13.9}
CLASS = {"pedestrian": 0, "cyclist": 1, "car": 2}

Point = tuple[float, float]


@dataclass(frozen=True)
class Person:
    """Somebody who goes along `way` from `start_ms` on, at `speed_mps`, and is gone at its end."""

    name: str
    kind: str  # a key of SPEED_MPS
    way: tuple[Point, ...]
    start_ms: int = 0
    speed_mps: float = 0.0  # 0: usual for the kind
    _along: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.kind not in SPEED_MPS or len(self.way) < 2 or self.speed_mps < 0:
            raise ValueError(f"{self.name}: a person is one of {', '.join(SPEED_MPS)} with a way of two points or more")
        along = [0.0]
        for a, b in pairwise(self.way):
            along.append(along[-1] + math.dist(a, b))
        object.__setattr__(self, "_along", tuple(along))
        if not self.speed_mps:
            object.__setattr__(self, "speed_mps", SPEED_MPS[self.kind])

    @property
    def end_ms(self) -> int:
        return self.start_ms + math.ceil(1000 * self._along[-1] / self.speed_mps)

    def at(self, t_ms: int) -> Point | None:
        """Where they are; None before the start and after the end."""
        if not self.start_ms <= t_ms <= self.end_ms:
            return None
        gone_m = min((t_ms - self.start_ms) * self.speed_mps / 1000, self._along[-1])
        i = min(bisect_right(self._along, gone_m), len(self.way) - 1)
        length_m = self._along[i] - self._along[i - 1]
        share = (gone_m - self._along[i - 1]) / length_m if length_m else 0.0
        (ax, ay), (bx, by) = self.way[i - 1], self.way[i]
        return ax + share * (bx - ax), ay + share * (by - ay)

    def heading_deg(self, t_ms: int) -> float | None:
        """Clockwise from north; None when they are not there."""
        if self.at(t_ms) is None:
            return None
        gone_m = min((t_ms - self.start_ms) * self.speed_mps / 1000, self._along[-1])
        i = min(bisect_right(self._along, gone_m), len(self.way) - 1)
        (ax, ay), (bx, by) = self.way[i - 1], self.way[i]
        return math.degrees(math.atan2(bx - ax, by - ay)) % 360


def way_past(points: Sequence[Point], before_m: float = 30.0, after_m: float = 30.0) -> tuple[Point, ...]:
    """A way along `points` (two or more), lengthened at both ends so that one comes and goes in the dark."""
    (ax, ay), (bx, by) = points[0], points[1]
    (yx, yy), (zx, zy) = points[-2], points[-1]
    first, last = math.dist(points[0], points[1]) or 1.0, math.dist(points[-2], points[-1]) or 1.0
    come = (ax - (bx - ax) * before_m / first, ay - (by - ay) * before_m / first)
    go = (zx + (zx - yx) * after_m / last, zy + (zy - yy) * after_m / last)
    return (come, *points, go)


@dataclass(frozen=True)
class Edge:
    """The sensor of post `post` began (`active`) or ceased to see somebody of class `user_class` (0, 1, 2)."""

    post: str
    active: bool
    user_class: int

    @property
    def line(self) -> str:
        """As the field channel of the host board takes it."""
        return f"presence 0 {int(self.active)} {self.user_class}"


@dataclass
class _Sensor:
    at: Point
    active: bool = False
    seen_ms: int = 0
    user_class: int = 0


class Sensors:
    """One sensor a post. Call `look` with rising times; it steps through every look in between."""

    def __init__(
        self,
        posts: dict[str, Point],
        seed: int = 0,
        range_m: float = RANGE_M,
        detection_per_s: float = DETECTION_PER_S,
    ) -> None:
        """`detection_per_s`: chance to be seen within one second in range, 0..1."""
        if not 0 <= detection_per_s <= 1:
            raise ValueError(f"detection {detection_per_s}: a probability from 0 to 1")
        self._sensors = {post: _Sensor(at) for post, at in posts.items()}
        self._range_m = range_m
        self._chance = 1 - (1 - detection_per_s) ** (LOOK_MS / 1000)
        self._random = random.Random(seed)
        self._next_ms: int | None = None

    def look(self, people: Sequence[Person], t_ms: int) -> list[tuple[int, Edge]]:
        """The edges up to `t_ms`, each with its moment, oldest first."""
        if self._next_ms is None:
            self._next_ms = t_ms
        edges = []
        while self._next_ms <= t_ms:
            edges += [(self._next_ms, edge) for edge in self._look_once(people, self._next_ms)]
            self._next_ms += LOOK_MS
        return edges

    def _look_once(self, people: Sequence[Person], t_ms: int) -> list[Edge]:
        there = [(person, at) for person in people if (at := person.at(t_ms)) is not None]
        edges = []
        for post, sensor in self._sensors.items():
            seen = [CLASS[p.kind] for p, at in there if math.dist(at, sensor.at) <= self._range_m and self._notices()]
            edge = self._update(post, sensor, seen, t_ms)
            if edge:
                edges.append(edge)
        return edges

    def _notices(self) -> bool:
        return self._random.random() < self._chance

    def _update(self, post: str, sensor: _Sensor, seen: list[int], t_ms: int) -> Edge | None:
        if seen:
            sensor.seen_ms = t_ms
            fastest = max(seen)
            if sensor.active and fastest <= sensor.user_class:
                return None
            sensor.active, sensor.user_class = True, fastest
            return Edge(post, True, fastest)
        if sensor.active and t_ms - sensor.seen_ms >= HOLD_MS:
            sensor.active = False
            return Edge(post, False, sensor.user_class)
        return None
