"""Streets of an Eclipse SUMO network (`.net.xml`), with lamps put along them.

Metres are those of the file, so that its FCD output fits. Where the network has a projection, its middle lies at the
middle of its boundary in degrees; else at Louvain-la-Neuve. Roads in both directions become one street.
"""

import io
import math
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree  # expat resolves no external entities; read_text bounds the size

from ..inventory import LAMPS_MAX, LOUVAIN_LA_NEUVE, Flat
from .model import Point, Street, TownError, TownLamp, place

SPACING_M = 30.0
BESIDE_M = 5.0  # from the middle of the road to the lamp
RATED_W = {"street": 80.0, "park": 40.0}
SHORTEST_M = 10.0  # stubs within a crossing have no lamp of their own
FILE_MAX = 512 * 2**20  # the network of a city with 50,000 edges is 60 MB

Found = tuple[tuple[TownLamp, ...], tuple[Street, ...], tuple[float, float]]


def lamps_along(path: Path, spacing_m: float = SPACING_M) -> Found:
    """Lamps each `spacing_m` beside every street, the streets, and the origin's latitude and longitude."""
    root = _parse(path)
    streets, seen = [], set()
    for edge in root.iter("edge"):
        found = _street(edge, path)
        if found is None:
            continue
        ends = tuple(sorted((edge.get("from", edge.get("id", "")), edge.get("to", ""))))
        if ends not in seen:  # the other direction of the same road
            seen.add(ends)
            streets.append(found)
    lamps = [lamp for street in streets for lamp in _lamps(street, spacing_m)]
    if not lamps:
        raise TownError(f"{path}: no road of {SHORTEST_M:.0f} m or more in it; give the network of netconvert")
    if len(lamps) > LAMPS_MAX:
        raise TownError(f"{path}: {len(lamps)} lamps along it, at most {LAMPS_MAX}; cut out the part you need")
    origin = _origin(root)
    named = [TownLamp(f"n{i:05}", *lamp) for i, lamp in enumerate(lamps, 1)]
    return place(named, Flat(*origin)), tuple(streets), origin


def _parse(path: Path) -> ElementTree.Element:
    from .load import read_text

    try:
        root = ElementTree.parse(io.StringIO(read_text(path, FILE_MAX))).getroot()
    except ElementTree.ParseError as error:
        raise TownError(f"{path}: not XML: {error}; write it again with netconvert") from None
    if root is None or root.tag != "net":
        raise TownError(f"{path}: its root is <{root.tag if root is not None else ''}>; give a SUMO .net.xml")
    return root


def _street(edge: ElementTree.Element, path: Path) -> Street | None:
    """The middle of its lanes; None for what lies within a crossing, for rails and for water."""
    lanes = edge.findall("lane")
    if edge.get("function") or not lanes or not any(map(_walkable, lanes)):
        return None
    shape = edge.get("shape") or lanes[len(lanes) // 2].get("shape", "")
    try:
        points = tuple((float(x), float(y)) for x, y, *_ in (pair.split(",") for pair in shape.split()))
    except ValueError:
        raise TownError(f"{path}: edge {edge.get('id')}: its shape is {shape[:40]!r}; run netconvert again") from None
    if len(points) < 2 or not all(math.isfinite(c) for point in points for c in point):
        raise TownError(f"{path}: edge {edge.get('id')}: its shape is {shape[:40]!r}; run netconvert again")
    return Street(edge.get("id", ""), "street" if any(map(_drivable, lanes)) else "park", points)


def _classes(lane: ElementTree.Element) -> tuple[set[str], set[str]]:
    return set(lane.get("allow", "").split()), set(lane.get("disallow", "").split())


def _drivable(lane: ElementTree.Element) -> bool:
    allowed, refused = _classes(lane)
    return bool(allowed & {"passenger", "all"}) if allowed else not refused & {"passenger", "all"}


def _walkable(lane: ElementTree.Element) -> bool:
    allowed, _ = _classes(lane)
    return _drivable(lane) or bool(allowed & {"pedestrian", "bicycle"})


def _lamps(street: Street, spacing_m: float) -> list[tuple]:
    """(lat, lon, x_m, y_m, street, kind, rated_w) of its lamps, centred along it, to its right."""
    from .generate import spaced

    points = list(street.points)
    length_m = sum(map(math.dist, points, points[1:]))
    if length_m < SHORTEST_M:
        return []
    count = max(1, round(length_m / spacing_m))
    first_m = (length_m - (count - 1) * spacing_m) / 2
    middles = spaced(points, spacing_m, max(0.0, first_m))[:count]
    found = [_beside(points, middle) for middle in middles]
    return [(0.0, 0.0, x, y, street.id, street.kind, RATED_W[street.kind]) for x, y in found]


def _beside(points: list[Point], middle: Point) -> Point:
    """BESIDE_M to the right of the segment that `middle` lies on."""

    def off(pair: tuple[Point, Point]) -> float:
        return math.dist(pair[0], middle) + math.dist(middle, pair[1]) - math.dist(*pair)

    (ax, ay), (bx, by) = min(pairwise(points), key=off)
    length_m = math.dist((ax, ay), (bx, by)) or 1.0
    right = (by - ay) / length_m, -(bx - ax) / length_m
    return round(middle[0] + BESIDE_M * right[0], 2), round(middle[1] + BESIDE_M * right[1], 2)


def _origin(root: ElementTree.Element) -> tuple[float, float]:
    """Latitude and longitude of x = y = 0."""
    location = root.find("location")
    if location is None or location.get("projParameter", "!") == "!":
        return LOUVAIN_LA_NEUVE
    try:
        west, south, east, north = map(float, location.get("convBoundary", "").split(","))
        lon_a, lat_a, lon_b, lat_b = map(float, location.get("origBoundary", "").split(","))
    except ValueError:
        return LOUVAIN_LA_NEUVE
    lat, lon = (lat_a + lat_b) / 2, (lon_a + lon_b) / 2
    if not (abs(lat) <= 89 and abs(lon) <= 180):
        return LOUVAIN_LA_NEUVE
    return Flat(lat, lon).lat_lon(-(west + east) / 2, -(south + north) / 2)
