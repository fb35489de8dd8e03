"""What a night is made of: the places of the lamps, and a row for every second of every user, as arrays.

`load_users` reads the benchmark's CSV (`t_s,id,kind,x_m,y_m,speed_mps,heading_deg`, plain or .gz) and the FCD output
of Eclipse SUMO (XML, plain or .gz): persons are pedestrians, a vehicle whose type names a bicycle is a cyclist and
every other vehicle a car. Rows come out in the order of time; rows outside the night are left out.
Raises DataError with what to do about it.
"""

import csv
import gzip
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

import numpy as np

NIGHT_S = 43200  # 18:00 to 06:00
PEDESTRIAN, CYCLIST, CAR = range(3)
KINDS = {"ped": PEDESTRIAN, "pedestrian": PEDESTRIAN, "bike": CYCLIST, "cyclist": CYCLIST, "car": CAR}
USERS_MAX = 20_000_000  # rows: 1 GiB of arrays; a town's night has half a million


class DataError(ValueError):
    """A file of lamps or users cannot be used; the text says where and what to do."""


@dataclass(frozen=True)
class Lamps:
    """Places in metres (east, north) and the number of the street each stands in."""

    ids: tuple[str, ...]
    street: np.ndarray
    x_m: np.ndarray
    y_m: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Users:
    """A row a second for every user about: `t_s` from 18:00 (rising), `who`, `kind`, place, speed, heading."""

    t_s: np.ndarray
    who: np.ndarray
    kind: np.ndarray
    x_m: np.ndarray
    y_m: np.ndarray
    speed_mps: np.ndarray
    heading_deg: np.ndarray
    seconds: int = NIGHT_S

    def __len__(self) -> int:
        return len(self.t_s)

    def between(self, begin_s: int, end_s: int) -> "Users":
        """The rows of `begin_s <= t_s < end_s`, with time counted from `begin_s`."""
        a, b = np.searchsorted(self.t_s, (begin_s, end_s))
        rest = [getattr(self, name)[a:b] for name in ("who", "kind", "x_m", "y_m", "speed_mps", "heading_deg")]
        return Users(self.t_s[a:b] - begin_s, *rest, seconds=end_s - begin_s)

    @cached_property
    def count(self) -> int:
        """Different users."""
        return len(np.unique(self.who))


def load_lamps(path: Path) -> Lamps:
    """The lamps of a CSV file with the columns lamp, street, x_m, y_m."""
    with _open(path) as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"lamp", "street", "x_m", "y_m"} <= rows[0].keys():
        raise DataError(f"{path.name}: no lamps; write a CSV file with the columns lamp,street,x_m,y_m")
    try:
        places = np.array([(float(row["x_m"]), float(row["y_m"])) for row in rows])
    except (TypeError, ValueError) as error:
        raise DataError(f"{path.name}: {error}; x_m and y_m are metres") from error
    _, street = np.unique([row["street"] for row in rows], return_inverse=True)
    return Lamps(tuple(row["lamp"] for row in rows), street, places[:, 0], places[:, 1])


def load_users(path: Path, seconds: int = NIGHT_S) -> Users:
    """The users of a night of `seconds`."""
    with _open(path) as file:
        start = file.read(256).lstrip()
        file.seek(0)
        rows = _fcd(file, path) if start.startswith("<") else _table(file, path)
    if not len(rows):
        raise DataError(
            f"{path.name}: nobody is about; give rows t_s,id,kind,x_m,y_m,speed_mps,heading_deg or SUMO FCD"
        )
    rows = rows[(rows["t"] >= 0) & (rows["t"] < seconds)]
    rows = rows[np.argsort(rows["t"], kind="stable")]
    names = ("who", "kind", "x", "y", "speed", "heading")
    return Users(rows["t"].astype(np.int64), *(np.ascontiguousarray(rows[name]) for name in names), seconds=seconds)


_ROW = np.dtype(
    [("t", "f8"), ("who", "i4"), ("kind", "i1"), ("x", "f8"), ("y", "f8"), ("speed", "f4"), ("heading", "f8")]
)


def _open(path: Path) -> IO[str]:
    try:
        return gzip.open(path, "rt") if path.suffix == ".gz" else path.open()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; give the path of the file") from error


def _table(file: IO[str], path: Path) -> np.ndarray:
    header = file.readline().strip().split(",")
    if header != ["t_s", "id", "kind", "x_m", "y_m", "speed_mps", "heading_deg"]:
        raise DataError(
            f"{path.name}:1: columns {','.join(header)}; expected t_s,id,kind,x_m,y_m,speed_mps,heading_deg"
        )
    rows, numbers = [], {}
    for at, line in enumerate(file, 2):
        try:
            t, who, kind, x, y, speed, heading = line.split(",")
            rows.append((t, numbers.setdefault(who, len(numbers)), KINDS[kind], x, y, speed, heading))
        except (KeyError, ValueError) as error:
            raise DataError(f"{path.name}:{at}: {error}; a row is t_s,id,kind,x_m,y_m,speed_mps,heading_deg") from error
        _bounded(rows, path)
    return _packed(rows, path)


def _fcd(file: IO[str], path: Path) -> np.ndarray:
    rows, numbers, t = [], {}, 0.0
    try:
        for event, one in ElementTree.iterparse(file, ("start", "end")):
            if event == "start":
                t = float(one.attrib["time"]) if one.tag == "timestep" else t
            elif one.tag in ("person", "vehicle") and t == int(t):  # the benchmark's step is a second
                a = one.attrib
                who = numbers.setdefault((one.tag, a["id"]), len(numbers))
                kind = PEDESTRIAN if one.tag == "person" else CYCLIST if "bi" in a.get("type", "").lower() else CAR
                rows.append((t, who, kind, a["x"], a["y"], a["speed"], a["angle"]))
                _bounded(rows, path)
            elif one.tag == "timestep":
                one.clear()
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise DataError(f"{path.name}: {error}; expected SUMO's --fcd-output") from error
    return _packed(rows, path)


def _packed(rows: list, path: Path) -> np.ndarray:
    try:
        packed = np.array(rows, _ROW)
    except ValueError as error:
        raise DataError(f"{path.name}: {error}; times, metres and degrees are numbers") from error
    if not all(np.isfinite(packed[name]).all() for name in ("t", "x", "y", "heading")):
        raise DataError(f"{path.name}: a place or a time is not finite; leave such rows out")
    return packed


def _bounded(rows: list, path: Path) -> None:
    if len(rows) > USERS_MAX:
        raise DataError(f"{path.name}: more than {USERS_MAX} rows; cut the night into parts")
