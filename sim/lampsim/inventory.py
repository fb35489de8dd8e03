"""Lamps from a GeoJSON file of points, or a generated park with two streets; and a flat map of them in metres.

Understands the fields of open inventories: an id (`PoleID`, `id`, ...), a park (`ParkName`), a street (`StreetName`),
a fixture type (A1, A2, A3 with 120, 80, 40 LEDs), a number of lamps a pole, its age (town/age.py). All but the point
are optional.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from .town.age import NEW, Age, of_fields

FILE_MAX = 64 * 2**20  # a city of 100,000 lamps is 26 MB
LAMPS_MAX = 200_000
EARTH_M = 6_371_008.8  # mean radius (IUGG)
WATT = {"A1": 120, "A2": 80, "A3": 40}  # one watt an LED, driver included
PARK_WATT, STREET_WATT = 40, 80  # where the file names no fixture
ID_KEYS = ("id", "PoleID", "pole_id", "POLE_ID", "ref", "name")
LOUVAIN_LA_NEUVE = (50.6693, 4.6150)  # north, east


class InventoryError(ValueError):
    """The file is no inventory; the text is one line: what is wrong where, and what to do."""


@dataclass(frozen=True)
class Lamp:
    """One post. `lat`, `lon` in degrees, `rated_w` at full level, `place` the park or street it belongs to."""

    id: str
    lat: float
    lon: float
    rated_w: float = STREET_WATT
    place: str = ""
    kind: str = "street"  # or "park"
    age: Age = NEW


class Flat:
    """A local map in metres around a point: x east, y north. Below 0.1 % off within 20 km (equirectangular)."""

    def __init__(self, lat: float, lon: float) -> None:
        self.lat, self.lon = lat, lon
        self._y_m = math.radians(1) * EARTH_M
        self._x_m = self._y_m * math.cos(math.radians(lat))

    @classmethod
    def around(cls, lamps: Sequence[Lamp]) -> "Flat":
        return cls(sum(p.lat for p in lamps) / len(lamps), sum(p.lon for p in lamps) / len(lamps))

    def xy_m(self, lat: float, lon: float) -> tuple[float, float]:
        return (lon - self.lon) * self._x_m, (lat - self.lat) * self._y_m

    def lat_lon(self, x_m: float, y_m: float) -> tuple[float, float]:
        return self.lat + y_m / self._y_m, self.lon + x_m / self._x_m


def load(path: str | Path) -> list[Lamp]:
    """All lamps of a GeoJSON file, in its order. Raises InventoryError."""
    path = Path(path)
    try:
        if path.stat().st_size > FILE_MAX:
            raise InventoryError(f"{path}: over {FILE_MAX // 2**20} MB; cut the part you need out of it")
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise InventoryError(f"{path}: {(error.strerror or str(error)).lower()}; give a GeoJSON file") from None
    except RecursionError:
        raise InventoryError(f"{path}: nested too deep; export a FeatureCollection of points") from None
    except ValueError as error:
        where = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise InventoryError(f"{path}{where}: not JSON; export the layer as GeoJSON") from None
    return from_document(document, str(path))


def from_document(document: object, name: str = "inventory") -> list[Lamp]:
    """The lamps of a parsed GeoJSON FeatureCollection. Raises InventoryError, which names the feature."""
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise InventoryError(f"{name}: no list of features; export a FeatureCollection of points")
    if len(features) > LAMPS_MAX:
        raise InventoryError(f"{name}: {len(features)} features, at most {LAMPS_MAX}; cut out the part you need")
    if not features:
        raise InventoryError(f"{name}: no lamps in it")
    taken: set[str] = set()
    return [_lamp(feature, f"{name}: feature {i}", i, taken) for i, feature in enumerate(features, 1)]


def nearest(lamps: Sequence[Lamp], count: int, park: str | None = None) -> list[Lamp]:
    """The `count` lamps of one place nearest to its middle, nearest neighbour first along the way.

    The place is `park` (case and spaces do not matter), else the park with the most lamps, else the street with the
    most. Raises InventoryError where there is no such place, or nothing at all.
    """
    places = Counter(p.place for p in lamps if p.place and (park is not None or p.kind == "park"))
    places = places or Counter(p.place for p in lamps if p.place)
    if park is not None:
        place = _find_place(park, places)
    else:
        place = places.most_common(1)[0][0] if places else ""
    members = [p for p in lamps if p.place == place]
    flat = Flat.around(members)
    return _walk(sorted(members, key=lambda p: math.hypot(*flat.xy_m(p.lat, p.lon)))[:count], flat)


def routes(lamps: Sequence[Lamp], flat: Flat) -> list[tuple[str, tuple[tuple[float, float], ...]]]:
    """Where one walks or drives past them, as ("path" or "street", points in metres), the longest of a place first.

    The lamps of a place are joined in their order; a gap of more than 2.5 times the usual one ends a route.
    """
    found = []
    for place in dict.fromkeys(p.place for p in lamps):
        members = [p for p in lamps if p.place == place]
        points = [flat.xy_m(p.lat, p.lon) for p in members]
        pieces = [piece for piece in _split(points) if len(piece) > 1]
        kind = "path" if members[0].kind == "park" else "street"
        found += [(kind, tuple(piece)) for piece in sorted(pieces, key=len, reverse=True)]
    return found


def default(lat: float = LOUVAIN_LA_NEUVE[0], lon: float = LOUVAIN_LA_NEUVE[1]) -> list[Lamp]:
    """24 posts: p01..p12 along a curved park path (25 m apart), a01..a06 and b01..b06 on two streets (30 m)."""
    flat = Flat(lat, lon)
    path = [(x, y, f"p{i:02}", "park path", "park") for i, (x, y) in enumerate(_path(), 1)]
    upper = [(-75.0 + 30 * i, 62.0 + 2 * i, f"a{i + 1:02}", "upper street", "street") for i in range(6)]
    lower = [(-75.0 + 30 * i, -62.0 - 3 * i, f"b{i + 1:02}", "lower street", "street") for i in range(6)]
    return [_generated(flat.lat_lon(x, y), name, place, kind) for x, y, name, place, kind in path + upper + lower]


def _generated(lat_lon: tuple[float, float], name: str, place: str, kind: str) -> Lamp:
    """To whole microdegrees, as a plan holds coordinates."""
    return Lamp(name, round(lat_lon[0], 6), round(lat_lon[1], 6), _watt(kind), place, kind)


def _path() -> list[tuple[float, float]]:
    """Twelve points of y = 30 sin(x / 45), 25 m apart in a straight line from each to the next."""
    points, x = [], -125.0
    while len(points) < 12:
        y = 30 * math.sin(x / 45)
        if not points or math.hypot(x - points[-1][0], y - points[-1][1]) >= 25:
            points.append((x, y))
        x += 0.05
    return points


def _watt(kind: str) -> int:
    return PARK_WATT if kind == "park" else STREET_WATT


def _find_place(park: str, places: Iterable[str]) -> str:
    def plain(text: str) -> str:
        return re.sub(r"\W+", "", text).casefold()

    known = sorted(places)
    for place in known:
        if plain(place) == plain(park):
            return place
    some = ", ".join(known[:5]) + (", ..." if len(known) > 5 else "")
    raise InventoryError(f"no place called {park!r} in the inventory; there are: {some or 'none'}")


def _walk(lamps: list[Lamp], flat: Flat) -> list[Lamp]:
    """Order them as one would walk: from the westernmost, always to the nearest left."""
    at = {p.id: flat.xy_m(p.lat, p.lon) for p in lamps}
    left = sorted(lamps, key=lambda p: at[p.id])
    ordered = [left.pop(0)]
    while left:
        here = at[ordered[-1].id]
        left.sort(key=lambda p: math.dist(here, at[p.id]))
        ordered.append(left.pop(0))
    return ordered


def _split(points: list[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    gaps = [math.dist(a, b) for a, b in pairwise(points)]
    usual = sorted(gaps)[len(gaps) // 2] if gaps else 0.0
    pieces = [points[:1]]
    for point, gap in zip(points[1:], gaps, strict=True):
        if gap > 2.5 * max(usual, 1.0):
            pieces.append([])
        pieces[-1].append(point)
    return pieces


# --- one feature


def _lamp(feature: object, where: str, number: int, taken: set[str]) -> Lamp:
    if not isinstance(feature, dict):
        raise InventoryError(f"{where}: not an object")
    lon, lat = _point(feature.get("geometry"), where)
    properties = feature.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    park = _text(properties.get("ParkName"))
    street = " ".join(filter(None, [_text(properties.get("StreetName")), _text(properties.get("StreetSuffix"))]))
    kind = "park" if park else "street"
    return Lamp(
        _id(properties, number, taken),
        lat,
        lon,
        _rated_w(properties, kind),
        park or street,
        kind,
        of_fields(properties),
    )


def _point(geometry: object, where: str) -> tuple[float, float]:
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        kind = geometry.get("type") if isinstance(geometry, dict) else "nothing"
        raise InventoryError(f"{where}: its geometry is {kind}; give points only")
    coordinates = geometry.get("coordinates")
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        raise InventoryError(f"{where}: no coordinates [longitude, latitude]")
    lon, lat = coordinates[:2]
    numbers = all(isinstance(c, int | float) and not isinstance(c, bool) and math.isfinite(c) for c in (lon, lat))
    if not numbers or not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise InventoryError(f"{where}: [{lon}, {lat}] is not [longitude, latitude] in degrees; reproject to WGS 84")
    return float(lon), float(lat)


def _id(properties: dict, number: int, taken: set[str]) -> str:
    """A slug [a-z0-9-]{1,32}, unique in the file: a pole named twice gets -2, -3."""
    raw = next((_text(properties[key]) for key in ID_KEYS if _text(properties.get(key))), "") or f"lamp-{number}"
    slug = re.sub(r"[^a-z0-9]+", "-", raw.lower()).strip("-")[:26].rstrip("-") or f"lamp-{number}"
    name, again = slug, 2
    while name in taken:
        name, again = f"{slug}-{again}", again + 1
    taken.add(name)
    return name


def _rated_w(properties: dict, kind: str) -> float:
    """Watts of the pole: per fixture, times its lamps. `A2 / A3F` counts as the first it names."""
    fixture = re.match(r"A[123]", _text(properties.get("FixtureType")).upper())
    count = properties.get("NumLamps")
    lamps = count if isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= 20 else 1
    return float(lamps * (WATT[fixture[0]] if fixture else _watt(kind)))


def _text(value: object) -> str:
    """A property as text; not given, whatever that looks like in a shape file's export, is ''."""
    text = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    return "" if text in ("None", "<Null>") else text
