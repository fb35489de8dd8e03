"""A scenario: a town, a plan, people, weather and what goes wrong, in one TOML file that anybody can write.

    scenario = load("park.toml")        # or the name of a packaged one: load("park-at-night")
    recording = scenario.world().run(scenario.hours)

What it promises
- The file is checked whole: every fault is one line that names file, table and key, and the nearest key there is.
- A scenario that loads can run: its plan compiles for every post, its feeders, squares and gateways exist.
- Paths in it are relative to it. The same file and seed give the same town, people and weather.
"""

from __future__ import annotations

import datetime
import importlib.resources
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamplighter.plans.compile import compile_for
from lamplighter.plans.document import Document, PlanFileError, load_value
from lamplighter.plans.document import load_file as load_plan
from lamplighter.plans.faults import nearest
from lamppost.light.tz import Zone

from .scenario_tables import EPOCH, FILE_MAX, Maker, ScenarioError
from .town.influences import Daylight, MainsPlan, Watchers
from .town.model import Town
from .town.sensors import SensorModel
from .town.sky import Sky
from .traffic.model import Cut, Traffic

if TYPE_CHECKING:
    from .virtual.world import World

__all__ = ["Scenario", "ScenarioError", "load", "packaged"]

PLAIN = SensorModel()


@dataclass(frozen=True)
class Line:
    """How good the lines are; as in the World's options."""

    baud: int = 19_200
    loss: float = 0.0
    bit_error: float = 0.0


@dataclass(frozen=True)
class Luminaires:
    """What the lamps are; as in the World's options."""

    power: str = "estimate"
    air_c: float = 10.0
    age_h: float | None = None
    counted_h: float | None = None
    clo: str = ""


@dataclass(frozen=True)
class Scenario:
    """Everything a World needs. `faults` are applied in order; `start_utc_s` counts from 2000."""

    name: str
    about: str
    town: Town
    plan: Document
    traffic: Traffic
    faults: tuple[Any, ...]
    hours: float
    start_utc_s: int
    seed: int
    sky: Sky
    sensors: SensorModel = PLAIN
    line: Line = field(default_factory=Line)
    photocells: bool = False
    luminaires: Luminaires = field(default_factory=Luminaires)
    path: Path = Path()

    @property
    def duration_s(self) -> int:
        return round(self.hours * 3600)

    def world(self, **options: Any) -> World:
        """A World ready to run; `options` go over the scenario's own into the World's Options."""
        from .virtual.world import Options, World

        plain = replace(self.sensors, range_m=12.0, detection=0.95) == PLAIN
        chosen = {
            "baud": self.line.baud,
            "loss": self.line.loss,
            "bit_error": self.line.bit_error,
            "detection": self.sensors.detection,
            "range_m": self.sensors.range_m,
            **vars(self.luminaires),
        } | options
        world = World(
            self.town, self.plan, self.traffic if plain else None, self.faults, self.seed, self.start_utc_s,
            Options(**chosen),
        )  # fmt: skip
        if not plain:
            Watchers(self.traffic, self.sensors, self.sky, self.start_utc_s, self.duration_s).apply(world)
        if self.photocells:
            Daylight(self.sky, self.start_utc_s, self.duration_s).apply(world)
        return world

    def shortened(self, hours: float, from_h: float = 0.0) -> Scenario:
        """A part of it, for a quick look; it begins `from_h` later, and what goes wrong before that is left out."""
        from_s = round(from_h * 3600)
        return replace(
            self,
            traffic=Cut(self.traffic, from_s, round(hours * 3600)),
            faults=tuple(moved for one in self.faults if (moved := _moved(one, from_s)) is not None),
            hours=hours,
            start_utc_s=self.start_utc_s + from_s,
        )


def _moved(fault: Any, from_s: float) -> Any:
    """The same fault in a scenario that begins `from_s` later; None where it lies before that."""
    if not from_s:
        return fault
    if isinstance(fault, MainsPlan):
        return fault.moved(from_s)
    return replace(fault, at_s=fault.at_s - from_s) if fault.at_s >= from_s else None


def packaged() -> dict[str, Path]:
    """The worked examples by name."""
    folder = importlib.resources.files("lampsim") / "scenarios"
    return {path.stem: path for path in sorted(Path(str(folder)).glob("*.toml"))}


def load(path: str | Path, seed: int | None = None) -> Scenario:
    """The scenario of a file, or the packaged one of that name; `seed` goes over its own: other people, other chance.

    Raises ScenarioError with every fault.
    """
    path = packaged().get(str(path), Path(path))
    raw = _parse(path)
    if seed is not None:
        raw["seed"] = seed
    maker = Maker(path, raw)
    scenario = _make(maker)
    if maker.faults or scenario is None:
        raise ScenarioError([f"{path}: {fault}" for fault in maker.faults])
    return scenario


def _parse(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
        if len(data) > FILE_MAX:
            raise ScenarioError([f"{path}: over {FILE_MAX} bytes; is this the right file?"])
        return tomllib.loads(data.decode())
    except OSError as error:
        known = packaged()
        near = nearest(str(path), known)
        hint = f"did you mean {near!r}?" if near else f"give a TOML file, or one of {', '.join(known)}"
        raise ScenarioError([f"{path}: {(error.strerror or str(error)).lower()}; {hint}"]) from None
    except UnicodeDecodeError:
        raise ScenarioError([f"{path}: not UTF-8; save the file as UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError([f"{path}: not TOML: {error}"]) from None


def _make(maker: Maker) -> Scenario | None:
    top = maker.top()
    line, sensors, sky, luminaires = (maker.table(name) for name in ("line", "sensors", "sky", "luminaires"))
    town = maker.town()
    plan = _plan(maker, top, town) if top and town else None
    if plan is None or town is None or not top or maker.faults:
        maker.check_rest()
        return None
    start = _local(top["start"], plan)
    seed, duration_s = top["seed"], round(top["hours"] * 3600)
    over = Sky(town.lat, town.lon, sky["seed"], sky["weather"])
    made = Scenario(
        top["name"], top["about"], town, plan, maker.traffic(town, start, duration_s, seed),
        tuple(maker.disturbances(town, _utc_s(start, plan), duration_s)), top["hours"], _utc_s(start, plan), seed,
        over, SensorModel(**sensors), Line(**line), sky["photocells"],
        Luminaires(**luminaires), maker.path,
    )  # fmt: skip
    return None if maker.faults else made


def _plan(maker: Maker, top: dict[str, Any], town: Town) -> Document | None:
    """The plan with its groups filled, known to compile for every post."""
    path = maker.path.parent / top["plan"]
    try:
        plan = load_plan(path)
        groups = maker.groups(town, [group.id for group in plan.groups])
        if groups:
            source = dict(plan.source)
            source["groups"] = [
                {**group, "posts": groups[group["id"]]} if group["id"] in groups else group
                for group in source["groups"]
            ]
            plan = load_value(source, path.name)
        near = {bus.id: [town.lamp(lamp).site for lamp in bus.lamps] for bus in town.buses}
        for site in town.sites:
            compile_for(plan, site, near[site.bus])
    except PlanFileError as error:
        maker.faults += [f"plan: {line}" for line in error.lines()]
        return None
    return plan


def _local(start: datetime.datetime, plan: Document) -> datetime.datetime:
    """The start as the plan's local time."""
    if start.tzinfo is None:
        return start
    utc_s = round((start - EPOCH).total_seconds())
    return EPOCH.replace(tzinfo=None) + datetime.timedelta(seconds=utc_s + Zone(plan.tz_rule).offset_s(utc_s))


def _utc_s(local: datetime.datetime, plan: Document) -> int:
    return Zone(plan.tz_rule).utc_s(round((local - EPOCH.replace(tzinfo=None)).total_seconds()))
