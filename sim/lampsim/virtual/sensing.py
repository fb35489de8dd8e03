"""From people to sensor edges: each lamp's sensor looks once a second at a moment of its own.

What it promises
- A look finds everybody within `range_m` with probability `detection` (NIGHT.md: 12 m, 0.95 per second).
- The output goes on at the first look that finds somebody, with the fastest class found, and off HOLD_MS after the last
  one. Seconds without anybody cost nothing. The same seed sees the same, each sensor by itself: whether others are
  looked at (`only`) makes no difference to it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection, Sequence

from ..people import CLASS, DETECTION_PER_S, HOLD_MS, RANGE_M
from .loop import Loop

Sense = Callable[[int, bool, int], None]  # post index, active, user class


class Sensing:
    """One sensor at each of `points`; `sense` is told of edges. `traffic` as in lampsim.traffic.model."""

    def __init__(
        self,
        loop: Loop,
        points: Sequence[tuple[float, float]],
        traffic,
        sense: Sense,
        seed: object,
        range_m: float = RANGE_M,
        detection: float = DETECTION_PER_S,
        only: Collection[int] | None = None,
    ) -> None:
        self._loop, self._points, self._traffic, self._sense = loop, points, traffic, sense
        generator = random.Random(f"{seed} sensors")
        self._range_m, self._detection = range_m, detection
        self._phase_us = [generator.randrange(1_000_000) for _ in points]
        self._chance: dict[int, Callable[[], float]] = {}  # each sensor's own, once somebody came by
        self._cell_m = 2 * range_m
        self._cells: dict[tuple[int, int], list[int]] = {}
        self._seed = seed
        for i in range(len(points)) if only is None else sorted(only):
            x, y = points[i]
            self._cells.setdefault((math.floor(x / self._cell_m), math.floor(y / self._cell_m)), []).append(i)
        self._boxes: dict[tuple[int, int, int, int], list[int]] = {}  # cells from, to -> the sensors in them
        self.looks = 0  # seconds looked at
        self._active: dict[int, int] = {}  # post -> class
        self._seen_us: dict[int, int] = {}

    def start(self) -> None:
        """Begin at the present, which is second 0 of the traffic."""
        self._begin_us = self._loop.now_us
        self._next(0)

    def _next(self, t_s: int) -> None:
        busy_s = self._traffic.next_busy(t_s)
        if busy_s is not None:
            self._loop.at(self._begin_us + busy_s * 1_000_000, lambda: self._look(busy_s))

    def _look(self, t_s: int) -> None:
        """Draw every look of second t_s."""
        self.looks += 1
        found: dict[int, int] = {}
        for user in self._traffic.users(t_s):
            kind = CLASS[user.kind]
            for i in self._near(user):
                chance = self._chance.get(i) or self._chance.setdefault(i, random.Random(f"{self._seed} {i}").random)
                if chance() < self._detection and kind >= found.get(i, 0):
                    found[i] = kind
        for i, kind in found.items():
            seen_us = self._begin_us + t_s * 1_000_000 + self._phase_us[i]
            self._loop.at(seen_us, lambda i=i, kind=kind: self._found(i, kind))
        self._next(t_s + 1)

    def _near(self, user) -> list[int]:
        """The sensors that have the user in range at their look within this second."""
        x, y, speed = user.x_m, user.y_m, user.speed_mps
        turn = math.radians(user.heading_deg)
        east, north = speed * math.sin(turn), speed * math.cos(turn)
        near = []
        for i in self._around(min(x, x + east), min(y, y + north), max(x, x + east), max(y, y + north)):
            share = self._phase_us[i] / 1e6
            px, py = self._points[i]
            dx, dy = x + east * share - px, y + north * share - py
            if dx * dx + dy * dy <= self._range_m * self._range_m:
                near.append(i)
        return near

    def _around(self, west: float, south: float, east: float, north: float) -> list[int]:
        """The sensors in the cells that a box and their range touch."""
        cell_m, range_m = self._cell_m, self._range_m
        box = (
            math.floor((west - range_m) / cell_m), math.floor((east + range_m) / cell_m) + 1,
            math.floor((south - range_m) / cell_m), math.floor((north + range_m) / cell_m) + 1,
        )  # fmt: skip
        found = self._boxes.get(box)
        if found is None:
            cells = [(cx, cy) for cx in range(*box[:2]) for cy in range(*box[2:])]
            found = self._boxes[box] = [i for cell in cells for i in self._cells.get(cell, ())]
        return found

    def _found(self, i: int, kind: int) -> None:
        before = self._active.get(i)
        self._seen_us[i] = self._loop.now_us
        if before is None:
            self._loop.after(HOLD_MS * 1000, lambda: self._hold(i))
        if before is None or kind > before:
            self._active[i] = kind
            self._sense(i, True, kind)

    def _hold(self, i: int) -> None:
        end_us = self._seen_us[i] + HOLD_MS * 1000
        if end_us > self._loop.now_us:
            self._loop.at(end_us, lambda: self._hold(i))
        else:
            self._sense(i, False, self._active.pop(i))
