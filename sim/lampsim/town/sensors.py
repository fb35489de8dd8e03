"""Presence sensors of a whole town: who is seen, missed, or seen though nobody is there.

What it promises
- What a sensor does in a second depends on seed, sensor, second and who is near, on nothing else: asking in another
  order, or not at all where nobody is, changes nothing.
- A sensor looks once a second (NIGHT.md: 95 % a second within 12 m). Its output comes on at a moment of that second,
  and goes off `hold_s` after the last second in which it saw somebody.
- A second costs what the users in it cost; a town without anybody costs only its false alarms.
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from ..traffic.model import KINDS, User
from .chance import bits, seed_of, uniform
from .model import TownLamp

_number = lru_cache(maxsize=65536)(seed_of)  # of a user's id; users are about for minutes

CLASS = {kind: number for number, kind in enumerate(KINDS)}
HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class SensorModel:
    """`detection` is the chance in a second; a field of view of 360 degrees looks everywhere."""

    range_m: float = 12.0
    detection: float = 0.95
    hold_s: int = 2
    field_deg: float = 360.0
    bearing_deg: float = 0.0  # the middle of its field of view, clockwise from north
    false_per_h: float = 0.0
    blind_by_rain: float = 0.0  # share of its detections lost at 10 mm/h and more; a radar loses few, a PIR many
    blind_by_sun: float = 0.0  # share lost while a low sun (0 to 15 degrees) stands in the sky

    def __post_init__(self) -> None:
        shares = (self.detection, self.blind_by_rain, self.blind_by_sun)
        if not (0 < self.range_m <= 100 and all(0 <= share <= 1 for share in shares)):
            raise ValueError("a sensor's range is up to 100 m, its detection and blindness are shares from 0 to 1")
        if not (0 < self.field_deg <= 360 and 0 <= self.false_per_h <= 3600 and 1 <= self.hold_s <= 600):
            raise ValueError("a sensor's field is up to 360 degrees, false alarms 0..3600 an hour, hold 1..600 s")


class Edge(NamedTuple):
    """The output of the sensor of lamp number `lamp` went on or off at `t_ms`; `user_class` as on the wire."""

    t_ms: int
    lamp: int
    active: bool
    user_class: int


class Sensors:
    """One sensor a lamp. Call `step` for every busy second and for `next_due_s`, in rising order."""

    def __init__(
        self,
        lamps: Sequence[TownLamp],
        model: SensorModel | None = None,
        seed: int = 0,
        conditions: Callable[[int], tuple[float, float]] | None = None,
    ) -> None:
        """`conditions(t_s)`: rain in mm/h and the sun's altitude in degrees; none: dry and dark."""
        self.model = model or SensorModel()
        self._seed = seed_of("sensors", seed)
        self._conditions = conditions
        self._at = [lamp.at for lamp in lamps]
        self._cells: dict[tuple[int, int], list[int]] = defaultdict(list)
        self._index()
        self._active: dict[int, tuple[int, int]] = {}  # lamp -> (second of the end, class)
        self._ends: list[tuple[int, int]] = []
        self._false = [(self._next_false(lamp, 0, -1), lamp, 0) for lamp in range(len(lamps))]
        self._false = [entry for entry in self._false if entry[0] < math.inf]
        heapq.heapify(self._false)

    def step(self, users: Sequence[User], t_s: int) -> list[Edge]:
        """All edges up to the end of second `t_s` that were not told yet, in order of time."""
        edges = self._due(t_s)
        chance = self.chance(t_s)
        for lamp, user_class, moment_ms in self._seen(users, t_s, chance):
            edges += self._see(lamp, user_class, t_s, moment_ms)
        edges.sort()
        return edges

    @property
    def next_due_s(self) -> int | None:
        """The next second with an edge though nobody is near: an output that goes off, a false alarm."""
        while self._ends and self._active.get(self._ends[0][1], (0, 0))[0] != self._ends[0][0]:
            heapq.heappop(self._ends)
        due = [queue[0][0] for queue in (self._ends, self._false) if queue]
        return math.floor(min(due)) if due else None

    def chance(self, t_s: int) -> float:
        """Of being seen within a second in range, in the weather of `t_s`."""
        if self._conditions is None:
            return self.model.detection
        rain_mm_h, altitude_deg = self._conditions(t_s)
        blind = self.model.blind_by_rain * min(1.0, rain_mm_h / 10)
        sun = self.model.blind_by_sun if 0 <= altitude_deg <= 15 else 0.0
        return self.model.detection * (1 - blind) * (1 - sun)

    def in_sight(self, x_m: float, y_m: float) -> list[int]:
        """The lamps whose sensors have a place in range and in view."""
        size = self.model.range_m
        around = self._cells.get((math.floor(x_m / size), math.floor(y_m / size)), ())
        return [lamp for lamp in around if self._sees(self._at[lamp], x_m, y_m)]

    # --- parts

    def _index(self) -> None:
        """Each lamp stands in the cells it can see into, so that one look-up finds all."""
        size = self.model.range_m
        for lamp, (x, y) in enumerate(self._at):
            cx, cy = math.floor(x / size), math.floor(y / size)
            for dx in (-1, 0, 1):
                for dy in (-1, 0, 1):
                    self._cells[cx + dx, cy + dy].append(lamp)

    def _sees(self, at: tuple[float, float], x_m: float, y_m: float) -> bool:
        dx, dy = x_m - at[0], y_m - at[1]
        if dx * dx + dy * dy > self.model.range_m**2:
            return False
        if self.model.field_deg >= 360:
            return True
        off = (math.degrees(math.atan2(dx, dy)) - self.model.bearing_deg + 180) % 360 - 180
        return abs(off) <= self.model.field_deg / 2 or (dx == 0 and dy == 0)

    def _seen(self, users: Sequence[User], t_s: int, chance: float) -> list[tuple[int, int, int]]:
        """(lamp, class, millisecond within the second) for every sensor that saw somebody; the fastest class wins."""
        found: dict[int, tuple[int, int]] = {}
        for user in users:
            for lamp in self.in_sight(user.x_m, user.y_m):
                draw = bits(self._seed, lamp, t_s, CLASS[user.kind], _number(user.id))
                if (draw >> 11) / (1 << 53) < chance:
                    moment_ms = draw % 1000
                    best, first_ms = found.get(lamp, (0, 1000))
                    found[lamp] = max(best, CLASS[user.kind]), min(first_ms, moment_ms)
        return [(lamp, user_class, moment_ms) for lamp, (user_class, moment_ms) in sorted(found.items())]

    def _see(self, lamp: int, user_class: int, t_s: int, moment_ms: int) -> list[Edge]:
        end_s, before = self._active.get(lamp, (0, -1))
        known = lamp in self._active
        until_s = max(end_s, t_s + self.model.hold_s)
        self._active[lamp] = until_s, max(before, user_class)
        if until_s != end_s:
            heapq.heappush(self._ends, (until_s, lamp))
        return [] if known and user_class <= before else [Edge(t_s * 1000 + moment_ms, lamp, True, user_class)]

    def _due(self, t_s: int) -> list[Edge]:
        """What ends or is falsely seen up to `t_s`, in order: an alarm may begin and end between two calls."""
        edges: list[Edge] = []
        while (due := self.next_due_s) is not None and due <= t_s:
            if self._ends and self._ends[0][0] <= due:
                end_s, lamp = heapq.heappop(self._ends)
                _, user_class = self._active.pop(lamp)
                edges.append(Edge(end_s * 1000, lamp, False, user_class))
            else:
                at_s, lamp, number = heapq.heappop(self._false)
                edges += self._see(lamp, CLASS["pedestrian"], math.floor(at_s), int(at_s % 1 * 1000))
                heapq.heappush(self._false, (self._next_false(lamp, at_s, number), lamp, number + 1))
        return edges

    def _next_false(self, lamp: int, after_s: float, number: int) -> float:
        if not self.model.false_per_h:
            return math.inf
        return after_s - math.log(1 - uniform(self._seed, lamp, number, 1 << 40)) * HOUR_S / self.model.false_per_h
