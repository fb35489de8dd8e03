"""The options of `lampsim report`, checked as far as they can be without the lamps."""

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lamppost.light.output import read_table

from .policies import NAMES

LUX = {"street": 7.5, "park": 5.0, "square": 10.0}  # EN 13201-2: classes P3, P4 and P2
WIDTH_M = {
    "street": 10.0,
    "park": 5.0,
    "square": 20.0,
}  # carriageway of 6 m and two footpaths; a path with its verges; a square's rim


@dataclass(frozen=True)
class Wishes:
    """What a planner asked for; None where the lamps decide."""

    lamps: Path | None
    park: str | None
    most: int
    origin: tuple[float, float] | None
    zone: str | None
    crowd: tuple[float | None, float | None, float | None]  # pedestrians, cyclists, cars an hour
    traffic: Path | None
    traffic_start: datetime.time
    day: datetime.date
    nights: int
    policies: tuple[str, ...]
    plans: tuple[Path, ...]
    lux: dict[str, float]
    area_m2: dict[str, float]
    meter_error: float
    clo: str
    seed: int

    @classmethod
    def of(cls, lamps: Path | None, options: dict[str, Any]) -> "Wishes":
        """From the command line. Raises ValueError."""
        named_by_user = options["policies"]
        policies = tuple(filter(None, (word.strip() for word in (named_by_user or "").split(","))))
        if not policies and not options["plans"]:
            policies = NAMES
        elif len(policies) + len(options["plans"]) < 2:
            policies = (NAMES[0], *(name for name in policies if name != NAMES[0]))  # something to compare with
        _zone_exists(options["time_zone"])
        lux = {kind: options.get(f"{kind}_lux") for kind in LUX}
        area = {kind: options.get(f"{kind}_area") for kind in LUX}
        return cls(
            lamps,
            options["park"],
            options["most"],
            parse_place(options["place"]),
            options["time_zone"],
            (options["people"], options["cyclists"], options["cars"]),
            options["traffic"],
            parse_time(options["traffic_start"]),
            parse_day(options["date"]),
            options["nights"],
            policies,
            tuple(options["plans"]),
            {kind: value or LUX[kind] for kind, value in lux.items()},
            {kind: value for kind, value in area.items() if value},
            options["meter_error"] / 100,
            parse_clo(options["clo"]),
            options["seed"],
        )


def parse_place(text: str | None) -> tuple[float, float] | None:
    """LAT,LON in degrees. Raises ValueError."""
    if text is None:
        return None
    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"--place {text}: give LAT,LON in degrees, such as 50.67,4.61") from None
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise ValueError(f"--place {text}: latitude -90..90, longitude -180..180")
    return lat, lon


def parse_clo(text: str) -> str:
    """A table of constant light output, as the setting of a post. Raises ValueError."""
    try:
        read_table(text)
    except ValueError as error:
        raise ValueError(f"--clo {text}: {error}") from None
    return text


def parse_day(text: str) -> datetime.date:
    """A day of 2000 to 2098, which the rule engine's sun knows. Raises ValueError."""
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"--date {text}: give a day such as 2026-09-22") from None
    if not 2000 <= day.year <= 2098:
        raise ValueError(f"--date {text}: a year from 2000 to 2098")
    return day


def parse_time(text: str) -> datetime.time:
    """HH:MM. Raises ValueError."""
    try:
        return datetime.datetime.strptime(text, "%H:%M").time()
    except ValueError:
        raise ValueError(f"--traffic-start {text}: give a local time such as 18:00") from None


def _zone_exists(zone: str | None) -> None:
    if zone is None:
        return
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"--time-zone {zone}: no such zone; give a name such as Europe/Brussels") from None
