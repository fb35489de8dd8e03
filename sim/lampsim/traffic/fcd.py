"""Recorded road users: the night benchmark's CSV (NIGHT.md), or the FCD output of Eclipse SUMO (XML), plain or gzipped.

What it promises
- CSV: `t_s`, `id`, `kind`, `x_m`, `y_m`, `speed_mps`, `heading_deg`; `ped` and `bike` are understood as kinds too.
- SUMO FCD: `<timestep time="..">` with `<vehicle>` and `<person>` (id, x, y, speed, angle); the kind is told by the
  element and the type's name. Steps between whole seconds are left out; of a second given twice the last counts.
- Bounded: at most ROWS_MAX rows, about 64 B each in memory. Faults name the file and what to do.
"""

import csv
import gzip
import io
import math
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from .model import KINDS, TrafficError, User

ROWS_MAX = 20_000_000  # 5,000 users for an hour and more; 1.3 GB
KIND_OF = {
    **{kind: kind for kind in KINDS},
    "ped": "pedestrian",
    "person": "pedestrian",
    "walker": "pedestrian",
    "bike": "cyclist",
    "bicycle": "cyclist",
}
COLUMNS = ("t_s", "id", "kind", "x_m", "y_m", "speed_mps", "heading_deg")


class Row(NamedTuple):
    """One user in one second, as read."""

    t_s: int
    user: User


class Recorded:
    """Traffic of rows. Ids are unique over kinds: `ped:17` where the same id has two kinds."""

    def __init__(self, rows: Iterator[Row], name: str = "traffic", duration_s: int | None = None) -> None:
        """Rows may come in any order; `duration_s` else ends with the last one. Raises TrafficError."""
        self._names: list[tuple[str, str]] = []
        self._columns = _Columns()
        numbers: dict[tuple[str, str], int] = {}
        for row in rows:
            who = row.user.id, row.user.kind
            if who not in numbers:
                numbers[who] = len(self._names)
                self._names.append(who)
            self._columns.add(row, numbers[who])
            if len(self._columns.t_s) > ROWS_MAX:
                raise TrafficError(f"{name}: over {ROWS_MAX} rows; cut out a part")
        self._columns.sort()
        self._ids = self._unique()
        self._begin: dict[int, int] = {}
        for i in range(len(self._columns.t_s) - 1, -1, -1):
            self._begin[self._columns.t_s[i]] = i
        self._busy = sorted(self._begin)
        last = self._busy[-1] + 1 if self._busy else 0
        self.duration_s = last if duration_s is None else min(last, duration_s)
        present = {kind for _, kind in self._names}
        self.kinds = tuple(kind for kind in KINDS if kind in present)

    def __len__(self) -> int:
        """Rows in all: user-seconds."""
        return len(self._columns.t_s)

    def users(self, t_s: int) -> list[User]:
        begin = self._begin.get(t_s)
        if begin is None or t_s >= self.duration_s:
            return []
        c, found, i = self._columns, [], begin
        while i < len(c.t_s) and c.t_s[i] == t_s:
            name, kind = self._ids[c.who[i]], self._names[c.who[i]][1]
            found.append(User(name, kind, c.x_m[i], c.y_m[i], c.speed_mps[i], c.heading_deg[i]))
            i += 1
        return found

    def next_busy(self, t_s: int) -> int | None:
        i = bisect_left(self._busy, t_s)
        return self._busy[i] if i < len(self._busy) and self._busy[i] < self.duration_s else None

    def _unique(self) -> list[str]:
        times = Counter(name for name, _ in self._names)
        return [f"{kind}:{name}" if times[name] > 1 else name for name, kind in self._names]


class _Columns:
    """Rows as arrays, a fifth of the memory of tuples."""

    def __init__(self) -> None:
        self.t_s, self.who = array("l"), array("l")
        self.x_m, self.y_m, self.speed_mps, self.heading_deg = array("d"), array("d"), array("d"), array("d")

    def add(self, row: Row, who: int) -> None:
        user = row.user
        self.t_s.append(row.t_s)
        self.who.append(who)
        self.x_m.append(user.x_m)
        self.y_m.append(user.y_m)
        self.speed_mps.append(user.speed_mps)
        self.heading_deg.append(user.heading_deg)

    def sort(self) -> None:
        """By second; within one in the order of the file. Recordings mostly are sorted already."""
        t_s = self.t_s
        if all(t_s[i] <= t_s[i + 1] for i in range(len(t_s) - 1)):
            return
        order = sorted(range(len(t_s)), key=lambda i: (t_s[i], i))
        for name in ("t_s", "who", "x_m", "y_m", "speed_mps", "heading_deg"):
            column = getattr(self, name)
            setattr(self, name, array(column.typecode, [column[i] for i in order]))


def load(path: str | Path, duration_s: int | None = None) -> Recorded:
    """The recording in a file: `.csv`, `.csv.gz`, `.xml`, `.xml.gz`. Raises TrafficError."""
    path = Path(path)
    plain = path.name.removesuffix(".gz")
    if not plain.endswith((".csv", ".xml")):
        raise TrafficError(f"{path}: what kind of file is it? Name it .csv, .csv.gz, .xml or .xml.gz")
    try:
        with gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb") as file:
            read = _csv if plain.endswith(".csv") else _xml
            rows = read(cast(BinaryIO, file), str(path))
            return Recorded(rows, str(path), duration_s)
    except UnicodeDecodeError:
        raise TrafficError(f"{path}: not UTF-8; save it as UTF-8") from None
    except (OSError, EOFError) as error:
        raise TrafficError(f"{path}: {getattr(error, 'strerror', None) or error}; check the path") from None


def _csv(file: BinaryIO, name: str) -> Iterator[Row]:
    with io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
        rows = csv.reader(text)
        header = next(rows, [])
        missing = [column for column in COLUMNS if column not in header]
        if missing:
            raise TrafficError(f"{name}:1: no column {missing[0]}; the header is {','.join(COLUMNS)}")
        t, who, kind, x, y, speed, heading = (header.index(column) for column in COLUMNS)
        for row in rows:
            try:
                values = _finite(row[x], row[y], row[speed], row[heading])
                yield Row(int(float(row[t])), User(row[who], KIND_OF[row[kind]], *values))
            except KeyError:
                raise TrafficError(f"{name}:{rows.line_num}: kind {row[kind]!r}; one of {', '.join(KINDS)}") from None
            except (ValueError, IndexError, OverflowError):
                raise TrafficError(f"{name}:{rows.line_num}: {','.join(row)[:60]!r} is no row; mend it") from None


def _finite(*texts: str) -> tuple[float, ...]:
    values = tuple(map(float, texts))
    if not all(map(math.isfinite, values)):
        raise ValueError
    return values


def _xml(file: BinaryIO, name: str) -> Iterator[Row]:
    """Read step by step: an FCD file of a night is larger than memory would like."""
    from xml.etree import ElementTree  # nosec: external entities are not resolved by expat; steps are freed as read

    try:
        steps = ElementTree.iterparse(file, events=("start", "end"))
        _, root = next(steps)
        if root.tag != "fcd-export":
            raise TrafficError(f"{name}: its root is <{root.tag}>; give the file of sumo --fcd-output")
        for event, element in steps:
            if event == "end" and element.tag == "timestep":
                yield from _step(element, name)
                root.clear()
    except (ElementTree.ParseError, StopIteration) as error:
        raise TrafficError(f"{name}: not XML: {error}; write it again with sumo --fcd-output") from None


def _step(step, name: str) -> Iterator[Row]:
    try:
        second = float(step.get("time", ""))
        if not second.is_integer():
            return
        for element in step:
            if element.tag in ("vehicle", "person"):
                values = _finite(*(element.get(key, "") for key in ("x", "y", "speed", "angle")))
                yield Row(int(second), User(element.get("id", ""), _kind(element), *values))
    except (ValueError, OverflowError):
        raise TrafficError(f"{name}: time {step.get('time')!r}: a value is no number; write it again") from None


def _kind(element) -> str:
    if element.tag == "person":
        return "pedestrian"
    kind = element.get("type", "").lower()
    return "cyclist" if "bike" in kind or "bicycle" in kind else "pedestrian" if kind.startswith("ped") else "car"
