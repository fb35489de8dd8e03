"""What a scenario file may hold, table by table, and the towns, people and disturbances made of it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from lamplighter.gateway.fields import Field, Table, boolean, integer, number, one_of, text, texts
from lamppost.light.output import HOURS_MAX as HOURS_MAX_CLO
from lamppost.light.output import read_table

from .town.age import AGE_MAX_H
from .town.generate import town as generate
from .town.influences import Away, MainsPlan
from .town.load import load as load_town
from .town.mains import Mains, MainsEvent, outage, switched
from .town.model import BUS_POSTS, BUS_POSTS_MAX, FEEDER_POSTS, KINDS, Town, TownError
from .town.sky import KINDS as WEATHERS
from .traffic import counts, fcd
from .traffic.festival import Festival, crowd
from .traffic.model import Cut, Several, Traffic, TrafficError, Trips
from .traffic.walkers import walkers
from .virtual.power import MODES as POWER

FILE_MAX = 1 << 20  # bytes; a scenario is a page
HOURS_MAX = 24 * 31  # a month; a year is twelve scenarios
ROWS_MAX = 200  # of one kind of table
EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
NAME = text(r"[a-zA-Z0-9._ -]{1,64}")
FILE = text(r".{1,255}")
SECONDS = number(0, HOURS_MAX * 3600)


class ScenarioError(ValueError):
    """Every fault of the file, a line each."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


def _start(value: Any) -> datetime.datetime:
    good = isinstance(value, datetime.datetime) and value.microsecond == 0 and 2000 <= value.year < 2099
    if not good:
        raise ValueError("must be a date and time such as 2026-06-20T21:00:00, local or with an offset")
    return value


def _rates(most: float) -> Callable[[Any], list[float]]:
    """A number, or a list of them, one an hour."""
    one = number(0, most)

    def check(value: Any) -> list[float]:
        values = value if isinstance(value, list) else [value]
        if not 1 <= len(values) <= HOURS_MAX:
            raise ValueError("must be trips an hour: a number, or a list of one an hour")
        return [one(item) for item in values]

    return check


def _clo(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text of HOURS:PERMILLE steps, such as 0:850,20000:900,50000:1000")
    read_table(value)
    return value


TOP = Table(
    name=Field(NAME),
    about=Field(text(r"(?s).{0,2000}"), ""),
    start=Field(_start),
    hours=Field(number(0.01, HOURS_MAX)),
    seed=Field(integer(0, 2**62), 0),
    plan=Field(FILE),
)
TOWN = Table(
    file=Field(FILE, None),
    posts=Field(integer(1, 100_000), None),
    seed=Field(integer(0, 2**62), 0),
    lat=Field(number(-89, 89), 50.6693),
    lon=Field(number(-180, 180), 4.6150),
    bus_posts=Field(integer(1, BUS_POSTS_MAX), BUS_POSTS),
    feeder_posts=Field(integer(1, 1000), FEEDER_POSTS),
    switched=Field(boolean, False),  # feeders have mains from sunset to sunrise only
)
LINE = Table(
    baud=Field(one_of(9600, 19200, 38400, 57600, 115200), 19200),
    loss=Field(number(0, 0.5), 0.0),
    bit_error=Field(number(0, 0.01), 0.0),
)
SENSORS = Table(
    range_m=Field(number(1, 100), 12.0),
    detection=Field(number(0, 1), 0.95),
    hold_s=Field(integer(1, 600), 2),
    field_deg=Field(number(1, 360), 360.0),
    bearing_deg=Field(number(0, 360), 0.0),
    false_per_h=Field(number(0, 3600), 0.0),
    blind_by_rain=Field(number(0, 1), 0.0),
    blind_by_sun=Field(number(0, 1), 0.0),
)
SKY = Table(
    weather=Field(one_of("", *(kind.name for kind in WEATHERS)), ""),
    seed=Field(integer(0, 2**62), 0),
    photocells=Field(boolean, False),
)
GROUP = Table(kind=Field(one_of(*KINDS), None), streets=Field(texts(r".{1,64}", 1000), None))
TRAFFIC = {
    "walkers": Table(**{kind: Field(_rates(100_000), None) for kind in ("pedestrian", "cyclist", "car")}),
    "typical": Table(**{kind: Field(number(0, 1e7), None) for kind in ("pedestrian", "cyclist", "car")}),
    "counts": Table(file=Field(FILE)),
    "auckland": Table(sensors=Field(texts(r".{1,64}", 30)), date=Field(_start), share=Field(number(0, 10), 1.0)),
    "recorded": Table(file=Field(FILE), from_s=Field(integer(0, HOURS_MAX * 3600), 0)),
    "festival": Table(
        people=Field(integer(1, 50_000)),
        square=Field(NAME, ""),
        arrive_from_s=Field(integer(0, HOURS_MAX * 3600), 0),
        arrive_to_s=Field(integer(0, HOURS_MAX * 3600), 3600),
        over_s=Field(integer(0, HOURS_MAX * 3600), 7200),
        egress_s=Field(integer(1, 7200), 300),
        per_m2=Field(number(0.05, 4), 1.0),
    ),
}
MAINS = Table(
    feeder=Field(NAME, None),
    at_s=Field(SECONDS),
    for_s=Field(number(0.001, HOURS_MAX * 3600)),
    volts=Field(number(0, 400), 0.0),
)
AWAY = Table(what=Field(one_of("office", "gateway")), gateway=Field(NAME, ""), at_s=Field(SECONDS),
             for_s=Field(number(0.001, HOURS_MAX * 3600)))  # fmt: skip
LUMINAIRES = Table(
    power=Field(one_of(*POWER), POWER[0]),
    air_c=Field(number(-40, 60), 10.0),
    age_h=Field(number(0, AGE_MAX_H), None),  # hours at full output when the run begins; else as the town says
    counted_h=Field(number(0, HOURS_MAX_CLO), None),  # what the posts have counted; else the age, where there is a clo
    clo=Field(_clo, ""),  # constant light output, as the setting of a post
)
TABLES = {"town": TOWN, "line": LINE, "sensors": SENSORS, "sky": SKY, "luminaires": LUMINAIRES}
OTHERS = ("groups", "traffic", "mains", "away", "fault")


class Maker:
    """Reads the parts of one file; `faults` gathers what is wrong."""

    def __init__(self, path: Path, raw: dict[str, Any]) -> None:
        self.path, self.raw = path, raw
        self.faults: list[str] = []

    def top(self) -> dict[str, Any]:
        """The keys that stand in no table; and the names of all tables."""
        known = Table(**TOP.fields, **{name: Field(lambda value: value, None) for name in (*TABLES, *OTHERS)})
        known.unknown(self.raw, "", self.faults)
        return TOP.read({key: value for key, value in self.raw.items() if key in TOP.fields}, "", self.faults)

    def table(self, name: str) -> dict[str, Any]:
        raw = self.raw.get(name, {})
        if not isinstance(raw, dict):
            self.faults.append(f"{name} must be a table; write [{name}]")
            return {}
        return TABLES[name].read(raw, f"[{name}] ", self.faults)

    def rows(self, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """(where, table) of each [[name]]."""
        rows = self.raw.get(name, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows) or len(rows) > ROWS_MAX:
            self.faults.append(f"{name} must be tables, at most {ROWS_MAX}; write [[{name}]]")
            return
        yield from ((f"[[{name}]] {i}: ", row) for i, row in enumerate(rows, 1))

    def check_rest(self) -> None:
        """What can be told without a town, so that one reading names every wrong key."""
        for where, row in self.rows("traffic"):
            self._traffic_row(where, row)
        for name, table in (("mains", MAINS), ("away", AWAY)):
            for where, row in self.rows(name):
                table.read(row, where, self.faults)

    # --- town

    def town(self) -> Town | None:
        values = self.table("town")
        if not values:
            return None
        del values["switched"]
        if (values["file"] is None) == (values["posts"] is None):
            self.faults.append("[town] give either file (an inventory) or posts (their number in a generated town)")
            return None
        try:
            if values["file"] is not None:
                return load_town(self.path.parent / values["file"], values["bus_posts"], values["feeder_posts"])
            return generate(**{key: value for key, value in values.items() if key != "file"})
        except TownError as error:
            self.faults.append(f"[town] {error}")
            return None

    def groups(self, town: Town, known: list[str]) -> dict[str, list[str]]:
        """The posts of the plan's groups that the file fills, by kind or by streets."""
        raw = self.raw.get("groups", {})
        if not isinstance(raw, dict):
            self.faults.append("groups must be a table; write [groups.NAME] with kind or streets")
            return {}
        Table(**{name: Field(lambda value: value, None) for name in known}).unknown(raw, "[groups] ", self.faults)
        found = {}
        for name, row in raw.items():
            values = GROUP.read(row if isinstance(row, dict) else {}, f"[groups.{name}] ", self.faults)
            if not values:
                continue
            kind, streets = values["kind"], values["streets"]
            found[name] = [p.id for p in town.lamps if p.kind == kind or (streets and p.street in streets)]
            if not found[name]:
                self.faults.append(f"[groups.{name}] no lamp is in it; give a kind or streets that the town has")
        return found

    # --- people

    def traffic(self, town: Town, start: datetime.datetime, duration_s: int, seed: int) -> Traffic:
        parts: list[Traffic] = []
        for number_, (where, row) in enumerate(self.rows("traffic")):
            source, values = self._traffic_row(where, row)
            if not values:
                continue
            try:
                make = getattr(self, f"_{source}")
                parts.append(make(values, town=town, start=start, duration_s=duration_s, seed=seed + 1000 * number_))
            except (TrafficError, TownError) as error:
                self.faults.append(f"{where}{error}")
        return parts[0] if len(parts) == 1 else Several([_named(part, f"{i}:") for i, part in enumerate(parts)])

    def _traffic_row(self, where: str, row: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        if "source" not in row:  # it may be misspelt, as may all others
            known = {key: Field(lambda value: value, None) for table in TRAFFIC.values() for key in table.fields}
            Table(**known, source=Field(one_of(*TRAFFIC))).read(row, where, self.faults)
            return "", {}
        source = Table(source=Field(one_of(*TRAFFIC))).read({"source": row["source"]}, where, self.faults)
        if not source:
            return "", {}
        rest = {key: value for key, value in row.items() if key != "source"}
        return source["source"], TRAFFIC[source["source"]].read(rest, f"{where}{source['source']}: ", self.faults)

    def _walkers(self, values: dict, town: Town, duration_s: int, seed: int, **_: Any) -> Traffic:
        return walkers(town, {kind: rate for kind, rate in values.items() if rate}, duration_s, seed)

    def _typical(self, values: dict, town: Town, start: datetime.datetime, duration_s: int, seed: int) -> Traffic:
        a_day = {kind: trips for kind, trips in values.items() if trips}
        return walkers(town, counts.typical(a_day, start, duration_s / 3600), duration_s, seed)

    def _counts(self, values: dict, town: Town, start: datetime.datetime, duration_s: int, seed: int) -> Traffic:
        rates = counts.from_csv(self.path.parent / values["file"], start.hour, duration_s / 3600)
        return walkers(town, rates, duration_s, seed)

    def _auckland(self, values: dict, town: Town, duration_s: int, seed: int, **_: Any) -> Traffic:
        rates = counts.auckland(values["sensors"], values["date"], duration_s / 3600, values["share"])
        return walkers(town, rates, duration_s, seed)

    def _recorded(self, values: dict, duration_s: int, **_: Any) -> Traffic:
        return Cut(fcd.load(self.path.parent / values["file"]), values["from_s"], duration_s)

    def _festival(self, values: dict, town: Town, duration_s: int, seed: int, **_: Any) -> Traffic:
        return crowd(town, Festival(**values), duration_s, seed)

    # --- what goes wrong

    def disturbances(self, town: Town, start_utc_s: int, duration_s: int) -> Iterator[Any]:
        """Mains events as one, then what is away, then the faults of the simulator's registry."""
        events: list[MainsEvent] = []
        if self.raw["town"].get("switched"):
            cables = [feeder.id for feeder in town.feeders]
            events += switched(cables, town.lat, town.lon, start_utc_s, duration_s)
        for where, row in self.rows("mains"):
            values = MAINS.read(row, where, self.faults)
            if values:
                names = [values["feeder"]] if values["feeder"] else [feeder.id for feeder in town.feeders]
                for name in names:
                    events += outage(name, values["at_s"], values["for_s"], values["volts"])
        try:
            if events:
                yield MainsPlan(Mains(town, events))
        except TownError as error:
            self.faults.append(f"[[mains]] {error}")
        gateways = {bus.gateway for bus in town.buses}
        for where, row in self.rows("away"):
            values = AWAY.read(row, where, self.faults)
            if values and values["gateway"] and values["gateway"] not in gateways:
                self.faults.append(f"{where}no gateway {values['gateway']!r}; there are {', '.join(sorted(gateways))}")
            elif values:
                yield Away(**values)
        yield from self._registered(town)

    def _registered(self, town: Town) -> Iterator[Any]:
        """Faults by the names of `lampsim.faults`, as `lampsim check` writes them."""
        lines = {bus.id: bus.lamps for bus in town.buses}
        for where, row in self.rows("fault"):
            import_module("lampsim.faults")  # which registers them all
            from .faults.base import from_json
            from .faults.fit import fits

            try:
                fault = from_json(row)
                fits(fault, lines)
            except ValueError as error:
                self.faults.append(f"{where}{error}")
                continue
            yield fault


def _named(part: Traffic, prefix: str) -> Traffic:
    """The same traffic with ids that begin with `prefix`, so that two generators never give the same name."""
    if not isinstance(part, Trips):
        return _Named(part, prefix)
    for trip in part.trips:
        trip.id = prefix + trip.id
    return part


class _Named:
    """Another traffic whose ids begin with `prefix`, so that two generators never give the same name."""

    def __init__(self, part: Traffic, prefix: str) -> None:
        self.part, self.prefix = part, prefix
        self.kinds, self.duration_s = part.kinds, part.duration_s
        self.next_busy = part.next_busy

    def users(self, t_s: int) -> list:
        return [user._replace(id=self.prefix + user.id) for user in self.part.users(t_s)]
