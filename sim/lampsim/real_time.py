"""`lampsim run --scenario NAME --real-time`: a scenario on ptys, against a real gateway and a real broker.

The posts of the town's first line run as processes; the cabinet's clock is shifted to the scenario's hour, and the
people of that hour pass the sensors. Weather, switched mains and faults belong to virtual time and are left out.
"""

from __future__ import annotations

import asyncio
import math
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .inventory import Flat, Lamp
from .nightfall import J2000_UNIX_S
from .outcome import Outcome
from .people import Person, Sensors
from .scenario import Scenario
from .scene import Scene
from .story import Story
from .street import Options, Street
from .traffic.model import busy_seconds

POSTS_MAX = 24  # a process each: what two cores run without being late
LEAD_S = 10  # the cabinet starts so long before the first person
DARK_DEG = -4.0  # the sun's altitude when lamps that begin at sunset have risen


@dataclass(frozen=True)
class Part:
    """What of a scenario runs in real time: `lamps` of one line, from scenario second `begin_s` on."""

    scenario: Scenario
    lamps: tuple[Lamp, ...]
    begin_s: int

    @classmethod
    def of(cls, scenario: Scenario, from_h: float | None = None, posts: int = POSTS_MAX) -> Part:
        """The first line's first posts; without `from_h` shortly before the first person they see in the dark."""
        town = scenario.town
        ids = (town.buses[0].lamps if town.buses else tuple(lamp.id for lamp in town.lamps))[:posts]
        known = {lamp.id: lamp for lamp in town.inventory()}
        begin_s = round(from_h * 3600) if from_h is not None else max(0, _first_s(scenario, ids) - LEAD_S)
        return cls(scenario, tuple(known[post] for post in ids), begin_s)

    @property
    def note(self) -> str:
        """What is taken and what is left out, in one line."""
        scenario = self.scenario
        posts = f"{len(self.lamps)} of {len(scenario.town.lamps)} posts"
        faults = f"; its {len(scenario.faults)} faults are left out" if scenario.faults else ""
        return f"{scenario.name}: {posts}, the first line's, from hour {self.begin_s / 3600:.2f} on{faults}"

    @property
    def start_utc_s(self) -> int:
        return self.scenario.start_utc_s + self.begin_s

    def plan(self) -> dict[str, Any]:
        """The scenario's plan without the posts that are not here, and without groups of which nobody is left."""
        here = {lamp.id for lamp in self.lamps}
        source = dict(self.scenario.plan.source)
        cut = [{**group, "posts": _left(group["posts"], here)} for group in source["groups"]]
        source["groups"] = [group for group in cut if group["posts"]]
        if "eventScenes" in source:
            groups = {group["id"] for group in source["groups"]}
            scenes = [{**scene, "groups": _left(scene["groups"], groups)} for scene in source["eventScenes"]]
            source["eventScenes"] = [scene for scene in scenes if scene["groups"]]
        return source

    def people(self, since_s: int, flat: Flat) -> list[Person]:
        """Who is there `since_s` seconds after the beginning."""
        town = self.scenario.town.flat
        there = self.scenario.traffic.users(self.begin_s + since_s)
        return [_Standing(user.id, user.kind, (flat.xy_m(*town.lat_lon(user.x_m, user.y_m)),) * 2) for user in there]


class RealTime(Story):
    """Plays a Part on a Street for `seconds` after every post has its plan."""

    def __init__(self, street: Street, part: Part, seconds: int) -> None:
        super().__init__(street, seconds)
        self.part = part
        scenario = part.scenario
        street._sensors = Sensors(street.places, scenario.seed, scenario.sensors.range_m, scenario.sensors.detection)

    async def play(self) -> Outcome:
        begun = time.monotonic()
        await self.street.start()
        self.outcome.interpreters = dict(Counter(post.interpreter for post in self.street.posts.values()))
        await self.street.start_gateway(round(self.part.start_utc_s - (time.time() - J2000_UNIX_S)))
        walk = asyncio.create_task(self._walk())
        try:
            await self._publish("plan.json", self.part.plan())
            await asyncio.sleep(self.seconds)
        finally:
            walk.cancel()
        self.street.people.clear()
        await self._reconcile()
        self._figures()
        self.outcome.seconds = time.monotonic() - begun
        return self.outcome

    async def _walk(self) -> None:
        """Once a second, those whom the traffic has in this second."""
        begun = time.monotonic()
        flat = Flat.around(self.street.lamps)
        while True:
            since_s = time.monotonic() - begun
            self.street.people[:] = self.part.people(int(since_s), flat)
            await asyncio.sleep(1 - since_s % 1)

    def _figures(self) -> None:
        """As in the story; that nobody passed is no fault of a scenario."""
        super()._figures()
        self.outcome.faults = [fault for fault in self.outcome.faults if not fault.startswith("no light followed")]


async def play(part: Part, seconds: int, options: Options) -> Outcome:
    """Run it; everything that was started is stopped again. Raises what `Street.start` raises."""
    with tempfile.TemporaryDirectory(prefix="lamplighter-run-") as folder:
        street = Street(Path(folder), part.lamps, Scene(part.scenario.name, []), options)
        try:
            return await RealTime(street, part, seconds).play()
        finally:
            await street.stop()


def report(part: Part, outcome: Outcome) -> dict[str, Any]:
    """For --json."""
    found = {"scenario": part.scenario.name, "of_posts": len(part.scenario.town.lamps), **outcome.report()}
    return found | {"from_hour": round(part.begin_s / 3600, 3), "waves": found["waves"]["with_gateway"]}


def lines(outcome: Outcome) -> list[str]:
    """For a person."""
    shown = [line for line in outcome.lines()[:-1] if "gateway dead" not in line]
    return [*shown, "nothing was lost" if outcome.held else "the run did not hold"]


def _first_s(scenario: Scenario, ids: tuple[str, ...]) -> int:
    """The first second in which one of these posts has somebody in range, in the dark if there is any."""
    places = [scenario.town.lamp(post).at for post in ids]
    first = None
    for t_s in busy_seconds(scenario.traffic, 0, scenario.duration_s):
        dark = scenario.sky.altitude_deg(scenario.start_utc_s + t_s) < DARK_DEG
        if not dark and first is not None:
            continue
        there = [(user.x_m, user.y_m) for user in scenario.traffic.users(t_s)]
        if any(math.dist(at, place) <= scenario.sensors.range_m for at in there for place in places):
            if dark:
                return t_s
            first = t_s
    return first or 0


def _left(names: Any, here: set[str]) -> Any:
    """Those of a list who are here; the word "all" stays."""
    return [name for name in names if name in here] if isinstance(names, list) else names


class _Standing(Person):
    """Somebody who is there until taken away."""

    def at(self, t_ms: int) -> tuple[float, float]:
        return self.way[0]
