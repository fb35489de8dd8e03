"""A street graph from GeoJSON lines, and how far two posts are from each other along it.

What it promises
- Lines join where they have a vertex in common, where an end stops within JOIN_M of another line, and where they cross,
  unless their `layer`, `bridge` or `tunnel` differ (OpenStreetMap's words: a bridge is no crossing).
- A post belongs to the street nearest to it, within SNAP_M, and to any other hardly farther away (BESIDE_M): a corner
  belongs to both streets, the middle of a dual carriageway to both roads.
- A way is the shortest one along the streets between the two feet; what a post stands off its street is not counted.
"""

from __future__ import annotations

import heapq
import json
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

JOIN_M = 2.0  # a drawing's slip of the mouse; lanes are 3 m wide
SNAP_M = 30.0  # half the width of the widest boulevard, and the inventory's own error
BESIDE_M = 8.0  # two lanes and a median
CELL_M = 50.0
FILE_MAX = 8 << 20  # every street of a town of 50,000
LEGS_MAX = 50_000
METRES_A_DEGREE = 111_194.93  # of the sphere with the mean radius 6,371,008.8 m (IUGG)

Point = tuple[float, float]
Level = tuple[str, str, str]


class StreetsError(ValueError):
    """The file is no street graph; one line that says what to do."""


class Streets:
    """Lines of (longitude, latitude) in degrees, each with its level."""

    def __init__(self, lines: Sequence[tuple[Sequence[Point], Level]]) -> None:
        self._origin = lines[0][0][0] if lines else (0.0, 0.0)
        self._squeeze = math.cos(math.radians(self._origin[1]))
        self._points: list[Point] = []
        self._at: dict[Point, int] = {}
        legs: list[tuple[int, int, Level]] = []
        ends: list[int] = []
        for line, level in lines:
            nodes = [self._node(self.metres(*point)) for point in line]
            legs += [(a, b, level) for a, b in pairwise(nodes) if a != b]
            ends += [nodes[0], nodes[-1]]
        self._edges: list[tuple[int, int, float]] = []  # node, node, metres
        self._of_node: dict[int, list[int]] = defaultdict(list)
        self._join(legs, ends)
        self._cells = _index([(self._points[a], self._points[b]) for a, b, _ in self._edges])

    def metres(self, lon: float, lat: float) -> Point:
        """East and north of the first vertex; good to a centimetre or two within some kilometres of it."""
        east = (lon - self._origin[0]) * METRES_A_DEGREE * self._squeeze
        return east, (lat - self._origin[1]) * METRES_A_DEGREE

    @property
    def length_m(self) -> float:
        """Of all streets together."""
        return sum(length for _, _, length in self._edges)

    def feet(self, point: Point) -> list[tuple[int, float]]:
        """(edge, metres from its first node) of the streets that a point belongs to; none: it stands off them all."""
        found = []
        for edge in _near(self._cells, point):
            a, b, length = self._edges[edge]
            share, off_m = _foot(point, self._points[a], self._points[b])
            found.append((off_m, edge, share * length))
        nearest = min(found, default=(math.inf,))[0]
        if nearest > SNAP_M:
            return []
        return [(edge, along) for off_m, edge, along in sorted(found) if off_m <= min(SNAP_M, nearest + BESIDE_M)]

    def ways(self, points: Sequence[Point], most_m: float) -> list[dict[int, float] | None]:
        """For each point (see `metres`) how far the others within `most_m` along the streets are; None: off them."""
        feet = [self.feet(point) for point in points]
        standing: dict[int, list[tuple[float, int]]] = defaultdict(list)
        for i, mine in enumerate(feet):
            for edge, along in mine:
                standing[edge].append((along, i))
        return [self._ways_from(i, mine, standing, most_m) if mine else None for i, mine in enumerate(feet)]

    def _ways_from(
        self, i: int, feet: list[tuple[int, float]], standing: dict[int, list[tuple[float, int]]], most_m: float
    ) -> dict[int, float]:
        """Dijkstra's shortest paths from one post, no farther than `most_m`."""
        found: dict[int, float] = {}
        gone: dict[int, float] = {}
        queue: list[tuple[float, int]] = []

        def meet(j: int, way: float) -> None:
            if j != i and way <= most_m and way < found.get(j, math.inf):
                found[j] = way

        for edge, along in feet:
            a, b, length = self._edges[edge]
            for other, j in standing[edge]:
                meet(j, abs(other - along))
            queue += [(along, a), (length - along, b)]
        heapq.heapify(queue)
        while queue:
            way, node = heapq.heappop(queue)
            if way > most_m or gone.get(node, math.inf) <= way:
                continue
            gone[node] = way
            for edge in self._of_node[node]:
                a, b, length = self._edges[edge]
                for other, j in standing.get(edge, ()):
                    meet(j, way + (other if node == a else length - other))
                heapq.heappush(queue, (way + length, b if node == a else a))
        return found

    # --- building

    def _node(self, point: Point) -> int:
        rounded = round(point[0], 1), round(point[1], 1)
        if rounded not in self._at:
            self._at[rounded] = len(self._points)
            self._points.append(rounded)
        return self._at[rounded]

    def _join(self, legs: list[tuple[int, int, Level]], ends: list[int]) -> None:
        """Cut the legs where others meet them, and make the edges."""
        cuts: list[set[int]] = [set() for _ in legs]
        spans = [(self._points[a], self._points[b]) for a, b, _ in legs]
        cells = _index(spans)
        seen: set[tuple[int, int]] = set()
        for members in list(cells.values()):
            for k, i in enumerate(members):
                for j in members[k + 1 :]:
                    if legs[i][2] == legs[j][2] and (i, j) not in seen:
                        seen.add((i, j))
                        self._cross(i, j, spans, cuts)
        edges: set[tuple[int, int]] = set()
        for end in dict.fromkeys(ends):
            for i in _near(cells, self._points[end]):
                if end in legs[i][:2]:
                    continue
                share, off_m = _foot(self._points[end], *spans[i])
                if off_m <= JOIN_M:
                    (ax, ay), (bx, by) = spans[i]
                    foot = self._node((ax + share * (bx - ax), ay + share * (by - ay)))
                    cuts[i].add(foot)
                    edges.add((min(foot, end), max(foot, end)))
        for (a, b, _), cut in zip(legs, cuts, strict=True):
            start = self._points[a]
            nodes = sorted({a, b, *cut}, key=lambda node, start=start: math.dist(start, self._points[node]))
            edges.update((min(pair), max(pair)) for pair in pairwise(nodes))
        for a, b in sorted(edges):
            if a != b:
                self._of_node[a].append(len(self._edges))
                self._of_node[b].append(len(self._edges))
                self._edges.append((a, b, math.dist(self._points[a], self._points[b])))

    def _cross(self, i: int, j: int, spans: list[tuple[Point, Point]], cuts: list[set[int]]) -> None:
        (a, b), (c, d) = spans[i], spans[j]
        (rx, ry), (sx, sy) = (b[0] - a[0], b[1] - a[1]), (d[0] - c[0], d[1] - c[1])
        turn = rx * sy - ry * sx
        if abs(turn) < 1e-9:
            return  # parallel
        u = ((c[0] - a[0]) * sy - (c[1] - a[1]) * sx) / turn
        v = ((c[0] - a[0]) * ry - (c[1] - a[1]) * rx) / turn
        if 0 <= u <= 1 and 0 <= v <= 1:
            node = self._node((a[0] + u * rx, a[1] + u * ry))
            cuts[i].add(node)
            cuts[j].add(node)


def read_streets(data: bytes, name: str) -> Streets:
    """The LineStrings and MultiLineStrings of a GeoJSON file (RFC 7946). Raises StreetsError."""
    if len(data) > FILE_MAX:
        raise StreetsError(f"{name}: over {FILE_MAX >> 20} MiB; cut it to the streets of this cabinet")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise StreetsError(f"{name}: not GeoJSON; export the streets as a GeoJSON file in WGS 84") from None
    if not isinstance(value, dict) or value.get("type") != "FeatureCollection":
        raise StreetsError(f"{name}: not a FeatureCollection; export the streets as GeoJSON features")
    features = value.get("features")
    lines: list[tuple[list[Point], Level]] = []
    for number, feature in enumerate(features if isinstance(features, list) else [], 1):
        try:
            lines += _lines(feature)
        except (TypeError, ValueError, KeyError, IndexError) as error:
            raise StreetsError(f"{name}: feature {number}: {error}; mend or remove it") from None
        if sum(len(line) for line, _ in lines) > LEGS_MAX:
            raise StreetsError(f"{name}: more than {LEGS_MAX} vertices; cut it to the streets of this cabinet")
    if not lines:
        raise StreetsError(f"{name}: no LineString in it; is this the file of the streets?")
    return Streets(lines)


def _lines(feature: Any) -> Iterator[tuple[list[Point], Level]]:
    geometry = feature["geometry"] if isinstance(feature, dict) else None
    if geometry is None:
        return
    kind, coordinates = geometry["type"], geometry.get("coordinates")
    properties = feature.get("properties") or {}
    level = tuple(str(properties.get(key) or "") for key in ("layer", "bridge", "tunnel"))
    for line in {"LineString": [coordinates], "MultiLineString": coordinates}.get(kind, []):
        points = [(float(point[0]), float(point[1])) for point in line]
        if len(points) < 2:
            raise ValueError("a line needs two points")
        for lon, lat in points:
            if not (abs(lon) <= 180 and abs(lat) <= 90):
                raise ValueError(f"{lon}, {lat} is no longitude and latitude (is the file in WGS 84?)")
        yield points, level  # type: ignore[misc] # three texts


def _index(spans: Sequence[tuple[Point, Point]]) -> dict[tuple[int, int], list[int]]:
    """Which spans pass through or by a cell."""
    cells: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, (a, b) in enumerate(spans):
        steps = max(1, math.ceil(math.dist(a, b) / CELL_M * 2))
        touched = set()
        for step in range(steps + 1):
            x, y = a[0] + (b[0] - a[0]) * step / steps, a[1] + (b[1] - a[1]) * step / steps
            touched.add((math.floor(x / CELL_M), math.floor(y / CELL_M)))
        around = {(cx + dx, cy + dy) for cx, cy in touched for dx in (-1, 0, 1) for dy in (-1, 0, 1)}
        for cell in around:
            cells[cell].append(i)
    return cells


def _near(cells: dict[tuple[int, int], list[int]], point: Point) -> list[int]:
    """Every span that passes within CELL_M of the point, and others."""
    return cells.get((math.floor(point[0] / CELL_M), math.floor(point[1] / CELL_M)), [])


def _foot(point: Point, a: Point, b: Point) -> tuple[float, float]:
    """Where on ab (0..1) the nearest place to the point is, and how far off it lies."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    share = ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / (dx * dx + dy * dy)
    share = min(1.0, max(0.0, share))
    return share, math.dist(point, (a[0] + share * dx, a[1] + share * dy))
