"""The people of a report's nights: so many an hour along the streets and paths, or a recording."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from ..town.model import Town
from ..traffic.fcd import load
from ..traffic.model import Traffic, Trips
from ..traffic.walkers import Ways, walkers
from .simulate import Later, Window
from .study import EPOCH

# Share of the given number by local hour: evenings are full, between two and five hardly anybody is about.
HOURS = {22: 0.7, 23: 0.45, 0: 0.25, 1: 0.15, 2: 0.1, 3: 0.1, 4: 0.1, 5: 0.25, 6: 0.6}


@dataclass(frozen=True)
class Crowd:
    """How many begin a trip in an hour of the evening, by kind."""

    pedestrians: float
    cyclists: float
    cars: float

    def words(self) -> str:
        numbers = ((self.pedestrians, "pedestrians"), (self.cyclists, "cyclists"), (self.cars, "cars"))
        many = ", ".join(f"{number:g} {kind}" for number, kind in numbers)
        return (
            f"{many} begin a trip each hour of the evening between random places of the streets and paths, by shortest "
            "ways; after 22:00 fewer, a tenth from 2:00 to 5:00"
        )


def generated(town: Town, crowd: Crowd, zone: str, seed: int) -> Callable[[Window, int], Traffic]:
    """Other people each night, the same for the same seed. Raises TrafficError where nobody can walk."""
    most = {"pedestrian": crowd.pedestrians, "cyclist": crowd.cyclists, "car": crowd.cars}
    ways = Ways(town) if any(most.values()) else None

    def people(window: Window, number: int) -> Traffic:
        hours = [_local(window.start_s + 3600 * h, zone).hour for h in range(window.seconds // 3600 + 1)]
        rates = {kind: [count * HOURS.get(hour, 1.0) for hour in hours] for kind, count in most.items() if count}
        return walkers(town, rates, window.seconds, seed + 1000 * number, ways) if rates else Trips([], window.seconds)

    return people


def recorded(path: Path, begins: datetime.time, zone: str) -> Callable[[Window, int], Traffic]:
    """A recording whose second 0 is `begins` local time, the same in every night. Raises TrafficError."""
    whole = load(path)

    def people(window: Window, number: int) -> Traffic:
        day = _local(window.sunset_s, zone).date()
        begin = datetime.datetime.combine(day, begins, ZoneInfo(zone))
        return Later(whole, round((begin - EPOCH).total_seconds()) - window.start_s)

    return people


def _local(utc_s: int, zone: str) -> datetime.datetime:
    return (EPOCH + datetime.timedelta(seconds=utc_s)).astimezone(ZoneInfo(zone))
