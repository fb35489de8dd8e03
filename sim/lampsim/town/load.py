"""A town from a file: lamps as GeoJSON points or CSV, or the streets of an Eclipse SUMO network with lamps put along.

What it promises
- The kind of file is told by its name: `.geojson` and `.json`, `.csv`, `.net.xml`, each also with `.gz`.
- CSV has a header. It names `lamp` or `id`, and either `x_m`, `y_m` (kept as they are, so that road users of the same
  map fit) or `lat`, `lon`; `street`, `kind`, `rated_w`, and `burnt_h` (hours at full output) or `installed` (a year
  or a date; age.py) may follow. Other columns are let be.
- A fault is one line: the file, the row, what is wrong, what to do.
"""

import csv
import gzip
import io
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..inventory import FILE_MAX, LAMPS_MAX, LOUVAIN_LA_NEUVE, Flat, InventoryError, Lamp
from ..inventory import load as load_geojson
from .age import of_fields
from .model import BUS_POSTS, FEEDER_POSTS, KINDS, Street, Town, TownError, TownLamp, place
from .streets import through_lamps
from .wiring import wire

Found = tuple[tuple[TownLamp, ...], tuple[Street, ...], tuple[float, float]]  # lamps, streets, origin
SUFFIXES = (".geojson", ".json", ".csv", ".csv.gz", ".net.xml", ".net.xml.gz")


def load(path: str | Path, bus_posts: int = BUS_POSTS, feeder_posts: int = FEEDER_POSTS) -> Town:
    """The town of a file, wired. Raises TownError."""
    path = Path(path)
    if path.name.endswith((".csv", ".csv.gz")):
        lamps, streets, origin = _csv(path)
    elif path.name.endswith((".net.xml", ".net.xml.gz")):
        from .sumo import lamps_along  # the XML parser is loaded only where it is needed

        lamps, streets, origin = lamps_along(path)
    elif path.name.endswith((".geojson", ".json")):
        lamps, streets, origin = _geojson(path)
    else:
        raise TownError(f"{path}: what kind of file is it? Name it {', '.join(SUFFIXES)}")
    wired, buses, feeders = wire(lamps, bus_posts, feeder_posts)
    lat, lon = origin
    return Town(wired, streets, feeders, buses, lat, lon, path.name.split(".")[0])


def from_inventory(lamps: Sequence[Lamp], name: str = "town", bus_posts: int = BUS_POSTS) -> Town:
    """The town of an inventory that is loaded already; x = y = 0 is the middle of its lamps."""
    placed, streets, origin = _of_inventory(lamps)
    wired, buses, feeders = wire(placed, bus_posts)
    return Town(wired, streets, feeders, buses, origin[0], origin[1], name)


def read_text(path: Path, most: int = FILE_MAX) -> str:
    """The text of a plain or gzipped file of at most `most` bytes unpacked. Raises TownError."""
    try:
        with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise TownError(f"{path}: over {most // 2**20} MB; cut the part you need out of it")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TownError(f"{path}: not UTF-8; save it as UTF-8") from None
    except (OSError, EOFError) as error:
        raise TownError(f"{path}: {getattr(error, 'strerror', None) or error}; check the path") from None


def _geojson(path: Path) -> Found:
    try:
        return _of_inventory(load_geojson(path))
    except InventoryError as error:
        raise TownError(str(error)) from None


def _of_inventory(lamps: Sequence[Lamp]) -> Found:
    flat = Flat.around(lamps)
    placed = []
    for p in lamps:
        x_m, y_m = flat.xy_m(p.lat, p.lon)
        placed.append(TownLamp(p.id, p.lat, p.lon, round(x_m, 2), round(y_m, 2), p.place, p.kind, p.rated_w, age=p.age))
    return tuple(placed), through_lamps(placed), (flat.lat, flat.lon)


# --- CSV


def _csv(path: Path) -> Found:
    rows = csv.DictReader(io.StringIO(read_text(path)))
    columns = set(rows.fieldnames or ())
    metres = {"x_m", "y_m"} <= columns
    if not metres and not {"lat", "lon"} <= columns:
        raise TownError(f"{path}: its columns are {', '.join(sorted(columns)) or 'none'}; give x_m, y_m or lat, lon")
    lamps, taken = [], set()
    for number, row in enumerate(rows, 2):
        if len(lamps) >= LAMPS_MAX:
            raise TownError(f"{path}: over {LAMPS_MAX} lamps; cut out the part you need")
        lamps.append(_csv_lamp(row, f"{path}:{number}", metres, taken))
    if not lamps:
        raise TownError(f"{path}: no lamps in it")
    if metres:
        origin = LOUVAIN_LA_NEUVE
        lamps = list(place(lamps, Flat(*origin)))
    else:
        origin = sum(p.lat for p in lamps) / len(lamps), sum(p.lon for p in lamps) / len(lamps)
        flat = Flat(*origin)
        xys = [flat.xy_m(p.lat, p.lon) for p in lamps]
        lamps = [replace(p, x_m=round(x, 2), y_m=round(y, 2)) for p, (x, y) in zip(lamps, xys, strict=True)]
    return tuple(lamps), through_lamps(lamps), origin


def _csv_lamp(row: dict, where: str, metres: bool, taken: set[str]) -> TownLamp:
    name = re.sub(r"[^a-z0-9]+", "-", (row.get("id") or row.get("lamp") or "").lower()).strip("-")
    if not name or len(name) > 32 or name in taken:
        raise TownError(f"{where}: lamp {name!r} is no name of its own; number the lamps in a column `lamp` or `id`")
    taken.add(name)
    kind = row.get("kind") or "street"
    if kind not in KINDS:
        raise TownError(f"{where}: kind {kind!r}; one of {', '.join(KINDS)}")
    first, second = ("x_m", "y_m") if metres else ("lat", "lon")
    a, b = (_number(row, key, where) for key in (first, second))
    if not metres and not (abs(a) <= 90 and abs(b) <= 180):
        raise TownError(f"{where}: {a}, {b} is no latitude and longitude in degrees; reproject to WGS 84")
    rated_w = _number(row, "rated_w", where) if row.get("rated_w") else 80.0
    if not 1 <= rated_w <= 2000:
        raise TownError(f"{where}: rated_w {rated_w}; give 1 to 2000 watts")
    lat, lon, x_m, y_m = (0.0, 0.0, a, b) if metres else (a, b, 0.0, 0.0)
    try:
        age = of_fields(row, strict=True)
    except ValueError as error:
        raise TownError(f"{where}: {error}") from None
    return TownLamp(name, lat, lon, x_m, y_m, row.get("street") or "", kind, rated_w, age=age)


def _number(row: dict, key: str, where: str) -> float:
    try:
        value = float(row.get(key) or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise TownError(f"{where}: {key} {row.get(key)!r} is no number; mend it")
    return value
