"""Where one can go: streets and paths as a graph, joined where they meet, with shortest ways between any two points.

What it promises
- Streets that cross or touch (within `JOIN_M`) are joined there; parts that still lie apart stay apart.
- A way is the shortest one, the same each time: ties go to the lower node.
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from .model import Point, Street

JOIN_M = 25.0  # the end of a street drawn through lamps lies about half a lamp's spacing off the crossing
CELL_M = 60.0  # of the index that finds what is near; about the length of a section


class Graph:
    """Nodes (points in metres) and, for each, its neighbours with their distance."""

    def __init__(self, streets: Sequence[Street], kinds: Sequence[str] | None = None) -> None:
        """Of all streets, or of those of some `kinds`."""
        self.points: list[Point] = []
        self.near: list[dict[int, float]] = []
        self.kinds: list[str] = []  # of the street that brought a node
        self._at: dict[Point, int] = {}
        self._cells: dict[tuple[int, int], list[int]] = defaultdict(list)
        lines = [street for street in streets if kinds is None or street.kind in kinds]
        for street, cut in zip(lines, _crossings(lines), strict=True):
            self._add(street, cut)
        self._join_ends(lines)

    def node(self, x_m: float, y_m: float) -> int:
        """The node nearest to a point. Raises ValueError in an empty graph."""
        if not self.points:
            raise ValueError("no streets to walk on; give the town some")
        cx, cy = math.floor(x_m / CELL_M), math.floor(y_m / CELL_M)
        for ring in range(1, 4):
            found = [
                (math.dist((x_m, y_m), self.points[i]), i)
                for dx in range(-ring, ring + 1)
                for dy in range(-ring, ring + 1)
                for i in self._cells.get((cx + dx, cy + dy), ())
            ]
            if found and min(found)[0] <= ring * CELL_M:
                return min(found)[1]
        return min((math.dist((x_m, y_m), point), i) for i, point in enumerate(self.points))[1]

    def ends(self) -> list[int]:
        """Nodes with one way on: where people come into town, and leave it."""
        return [i for i, near in enumerate(self.near) if len(near) == 1]

    def way(self, start: int, goal: int) -> list[Point]:
        """The points of the shortest way (A*), both ends included; empty where there is none."""
        before: dict[int, int] = {start: start}
        gone = {start: 0.0}
        queue = [(math.dist(self.points[start], self.points[goal]), start)]
        done: set[int] = set()
        while queue:
            _, here = heapq.heappop(queue)
            if here == goal:
                return self._back(before, goal)
            if here in done:
                continue
            done.add(here)
            for there, length_m in self.near[here].items():
                far = gone[here] + length_m
                if far < gone.get(there, math.inf) - 1e-9:
                    gone[there], before[there] = far, here
                    heapq.heappush(queue, (far + math.dist(self.points[there], self.points[goal]), there))
        return []

    def _back(self, before: dict[int, int], goal: int) -> list[Point]:
        nodes = [goal]
        while before[nodes[-1]] != nodes[-1]:
            nodes.append(before[nodes[-1]])
        return [self.points[i] for i in reversed(nodes)]

    # --- building

    def _add(self, street: Street, cut: list[tuple[int, float, Point]]) -> None:
        points = [(i, 0.0, point) for i, point in enumerate(street.points)]
        nodes = [self._node(point, street.kind) for _, _, point in sorted(points + cut)]
        for a, b in pairwise(nodes):
            self._link(a, b)

    def _node(self, point: Point, kind: str) -> int:
        rounded = round(point[0], 1), round(point[1], 1)
        if rounded not in self._at:
            self._at[rounded] = len(self.points)
            self._cells[math.floor(rounded[0] / CELL_M), math.floor(rounded[1] / CELL_M)].append(len(self.points))
            self.points.append(rounded)
            self.near.append({})
            self.kinds.append(kind)
        return self._at[rounded]

    def _link(self, a: int, b: int) -> None:
        if a != b:
            self.near[a][b] = self.near[b][a] = math.dist(self.points[a], self.points[b])

    def _join_ends(self, streets: Sequence[Street]) -> None:
        """An end that stops just short of another street is joined to the nearest node there."""
        ends = {self._at[round(x, 1), round(y, 1)] for s in streets for x, y in (s.points[0], s.points[-1])}
        for end in sorted(ends):
            x_m, y_m = self.points[end]
            cx, cy = math.floor(x_m / CELL_M), math.floor(y_m / CELL_M)
            around = [i for dx in (-1, 0, 1) for dy in (-1, 0, 1) for i in self._cells.get((cx + dx, cy + dy), ())]
            for i in around:
                if i != end and i not in self.near[end] and math.dist((x_m, y_m), self.points[i]) <= JOIN_M:
                    self._link(end, i)


def _crossings(streets: Sequence[Street]) -> list[list[tuple[int, float, Point]]]:
    """For each street: (segment, share of it, point) of every crossing with another, found over a grid of cells."""
    cells: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for s, street in enumerate(streets):
        for k, (a, b) in enumerate(pairwise(street.points)):
            for cell in _cells_of(a, b):
                cells[cell].append((s, k))
    found: list[dict[Point, tuple[int, float, Point]]] = [{} for _ in streets]
    for segments in cells.values():
        for n, (s, k) in enumerate(segments):
            for t, m in segments[n + 1 :]:
                if s != t and (hit := _cross(*streets[s].points[k : k + 2], *streets[t].points[m : m + 2])):
                    share, other, point = hit
                    found[s].setdefault(point, (k, share, point))
                    found[t].setdefault(point, (m, other, point))
    return [list(cuts.values()) for cuts in found]


def _cells_of(a: Point, b: Point) -> set[tuple[int, int]]:
    steps = max(1, math.ceil(math.dist(a, b) / CELL_M) * 2)
    cells = set()
    for step in range(steps + 1):
        share = step / steps
        x, y = (a[0] + share * (b[0] - a[0])) / CELL_M, (a[1] + share * (b[1] - a[1])) / CELL_M
        cells |= {(math.floor(x + dx), math.floor(y + dy)) for dx in (-0.02, 0.02) for dy in (-0.02, 0.02)}
    return cells


def _cross(a: Point, b: Point, c: Point, d: Point) -> tuple[float, float, Point] | None:
    """Shares of ab and cd where they cross, and the point to whole decimetres; None where they do not."""
    (rx, ry), (sx, sy) = (b[0] - a[0], b[1] - a[1]), (d[0] - c[0], d[1] - c[1])
    turn = rx * sy - ry * sx
    if abs(turn) < 1e-9:
        return None  # parallel: what they share is their ends, which join by themselves
    u = ((c[0] - a[0]) * sy - (c[1] - a[1]) * sx) / turn
    v = ((c[0] - a[0]) * ry - (c[1] - a[1]) * rx) / turn
    if not (0 <= u <= 1 and 0 <= v <= 1):
        return None
    return u, v, (round(a[0] + u * rx, 1), round(a[1] + u * ry, 1))
