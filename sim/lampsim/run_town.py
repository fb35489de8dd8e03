"""The town that `lampsim run` runs: lamps and plan, who is about in it, and what goes wrong.

Whatever cannot be used raises Wrong: one line that says what to do, exit code 2.
"""

from __future__ import annotations

import datetime
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from .virtual.world import World

NOON_LOCAL = 13  # World.START is 12:00 UTC on a winter day, 13:00 in Brussels
AUCKLAND = "auckland:"
HOW = "a CSV file with hour and a column for each kind, or auckland:DATE:SENSOR[,SENSOR...]"


class Wrong(click.ClickException):
    """Input that cannot be used: one line, exit code 2."""

    exit_code = 2


class Place(NamedTuple):
    """A town, its plan, and its people or None."""

    town: Any
    plan: Any
    traffic: Any


def place(
    posts: int, hours: float, seed: int, share: float, plan_file: Path | None, counted: str | None = None
) -> Place:
    """A generated town. `share` scales its people; `counted` says who they are (HOW), else a winter day of ours."""
    from lamplighter.plans.document import PlanFileError, load_file, load_value

    from .town.generate import town as generate
    from .virtual import town_life

    town = generate(posts, seed)
    try:
        plan = load_file(plan_file) if plan_file else load_value(town_life.plan())
    except PlanFileError as error:
        raise Wrong(str(error)) from None
    if not share:
        return Place(town, plan, None)
    if counted is None:
        return Place(town, plan, town_life.people(town, hours, NOON_LOCAL, seed, share))
    return Place(town, plan, _counted(counted, town, hours, seed, share))


def of_scenario(name: str, hours: float | None, seed: int | None, options: dict) -> tuple[World, float]:
    """The world of a scenario, and its hours."""
    from .scenario import ScenarioError, load

    try:
        scenario = load(name, seed)
    except ScenarioError as error:
        raise Wrong(str(error)) from None
    if hours is not None:
        if hours > scenario.hours:
            raise Wrong(f"--hours {hours:g}: the scenario {scenario.name!r} lasts {scenario.hours:g} hours")
        scenario = scenario.shortened(hours)
    return scenario.world(**options), scenario.hours


def faults_in(file: Path | None) -> list:
    """The faults of a plan; none where there is no file."""
    if file is None:
        return []
    from . import faults

    try:
        return faults.loads(file.read_text(encoding="utf-8"))
    except (faults.FaultPlanError, UnicodeDecodeError) as error:
        raise Wrong(f"{file}: {error}") from None
    except OSError as error:
        raise Wrong(f"{file}: {error.strerror}") from None


def apply(world: World, faults: list, file: Path | None) -> None:
    """Let faults play on a world."""
    from .faults import FaultPlanError

    for number, fault in enumerate(faults, 1):
        try:
            world.apply(fault)
        except FaultPlanError as error:
            raise Wrong(f"{file}: fault {number}: {error}") from None


def peak_mb() -> int:
    """The most memory this process has held: getrusage counts KiB on Linux, bytes on macOS."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024 * 1024 if sys.platform == "darwin" else 1024)


def _counted(text: str, town: Any, hours: float, seed: int, share: float) -> Any:
    from .traffic import counts
    from .traffic.model import TrafficError
    from .traffic.walkers import walkers

    try:
        if text.startswith(AUCKLAND):
            rates = counts.auckland(*_sensors(text), hours)
        else:
            rates = counts.from_csv(Path(text), NOON_LOCAL, hours)
        scaled = {kind: [rate * share for rate in row] for kind, row in rates.items()}
        return walkers(town, scaled, round(hours * 3600), seed)
    except TrafficError as error:
        raise Wrong(f"--traffic {error}") from None


def _sensors(text: str) -> tuple[list[str], datetime.datetime]:
    """The sensors and the moment at which the run begins, of auckland:DATE:SENSOR[,SENSOR...]."""
    date, _, sensors = text.removeprefix(AUCKLAND).partition(":")
    try:
        day = datetime.date.fromisoformat(date)
    except ValueError:
        raise Wrong(f"--traffic {text}: {date!r} is no date such as 2024-06-14; give {HOW}") from None
    moment = datetime.datetime.combine(day, datetime.time(NOON_LOCAL))
    return [sensor.strip() for sensor in sensors.split(",")], moment
