"""Which lamps a report is about: those of a file, of one park of it, or the nearest to its middle."""

import difflib
import importlib.resources
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from ..inventory import Flat, default
from ..town import load as files
from ..town.model import Town, TownError, TownLamp, place
from ..town.streets import through_lamps
from ..town.wiring import wire


def town_of(path: Path | None, park: str | None, most: int, origin: tuple[float, float] | None) -> tuple[Town, str]:
    """The town, and in words what it was taken from; without a file the example park. Raises TownError.

    `origin` (latitude, longitude) places a file that has metres only, and is refused for one with degrees.
    """
    if path is None:
        return files.from_inventory(default(*origin) if origin else default(), "example park"), "the built-in example"
    whole = files.load(path)
    if origin:
        whole = _moved(whole, path, origin)
    chosen: Sequence[TownLamp] = whole.lamps
    if park is not None:
        chosen = [lamp for lamp in whole.lamps if _plain(lamp.street) == _plain(park)]
    if not chosen:
        raise TownError(_no_such_place(park or "", whole))
    source = f"{len(chosen):,} of {path.name}" if park is None else f"“{chosen[0].street}” in {path.name}"
    if len(chosen) > most:
        x_m, y_m = (sum(getattr(p, axis) for p in chosen) / len(chosen) for axis in ("x_m", "y_m"))
        chosen = sorted(chosen, key=lambda lamp: math.hypot(lamp.x_m - x_m, lamp.y_m - y_m))[:most]
        source += f", the {most:,} nearest to its middle"
    if len(chosen) == len(whole.lamps):
        return whole, source
    return _part(whole, chosen), source


def nearest_zone(lat: float, lon: float) -> str:
    """The time zone of the nearest of the world's reference cities (`zone1970.tab` of the tz database).

    Near a border it may be the neighbour's: a report says which one it took.
    """
    flat = Flat(lat, lon)

    def far_m(row: tuple[float, float, str]) -> float:
        return math.hypot(*flat.xy_m(row[0], lon + (row[1] - lon + 180) % 360 - 180))

    return min(_zones(), key=far_m)[2]


@cache
def _zones() -> list[tuple[float, float, str]]:
    table = importlib.resources.files("tzdata").joinpath("zoneinfo/zone1970.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    found = []
    for row in rows:
        match = re.fullmatch(r"([+-]\d{4,6})([+-]\d{5,7})", row[1])
        if match:
            found.append((_degrees(match[1], 2), _degrees(match[2], 3), row[2]))
    return found


def _degrees(text: str, whole: int) -> float:
    """ISO 6709: +DDMM[SS]."""
    sign, digits = -1 if text[0] == "-" else 1, text[1:]
    seconds = int(digits[whole + 2 :] or 0)
    return sign * (int(digits[:whole]) + int(digits[whole : whole + 2]) / 60 + seconds / 3600)


def _moved(town: Town, path: Path, origin: tuple[float, float]) -> Town:
    if not path.name.endswith((".csv", ".csv.gz")) or (town.lat, town.lon) != files.LOUVAIN_LA_NEUVE:
        raise TownError(f"{path}: it has places of its own; leave --place away")
    return replace(town, lamps=place(town.lamps, Flat(*origin)), lat=origin[0], lon=origin[1])


def _part(whole: Town, chosen: Sequence[TownLamp]) -> Town:
    """A town of some of the lamps, wired anew, on the same map: recorded users still fit."""
    wired, buses, feeders = wire(chosen)
    return Town(wired, through_lamps(chosen), feeders, buses, whole.lat, whole.lon, whole.name)


def _plain(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()


def _no_such_place(park: str, town: Town) -> str:
    known = sorted({lamp.street for lamp in town.lamps if lamp.street})
    near = difflib.get_close_matches(park, known, 3, 0.3) or known[:5]
    return f"no place called {park!r} in the inventory; near it: {', '.join(near) or 'no lamp names its place'}"
