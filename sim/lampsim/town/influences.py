"""What happens to a town from outside, as a World takes it: mains, the office out of reach, cabinets, daylight.

Each has a `name`, `to_json()` and `apply(world)`, which puts everything it will do on the world's loop at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..traffic.model import Traffic
from .chance import seed_of
from .mains import Mains, MainsEvent
from .sensors import Edge, SensorModel, Sensors
from .sky import Sky

if TYPE_CHECKING:
    from ..virtual.world import World

BEGUN_S = 0.06  # a World gives its posts power within 50 ms; what is so from the start happens just after


@dataclass(frozen=True)
class MainsPlan:
    """Feeders go off and come back: posts lose their power, and with it what they hold in RAM."""

    mains: Mains
    name: str = "mains"

    def to_json(self) -> dict[str, Any]:
        events = [[event.t_s, event.feeder, event.volts] for event in self.mains.events]
        return {"fault": self.name, "events": events}

    def moved(self, by_s: float) -> MainsPlan:
        """The same mains in a scenario that begins `by_s` later: what each feeder has then, and what comes after."""
        now = [MainsEvent(0.0, feeder, self.mains.volts(feeder, by_s)) for feeder in self.mains.feeders]
        later = [replace(event, t_s=event.t_s - by_s) for event in self.mains.events if event.t_s > by_s]
        return MainsPlan(self.mains.other([*now, *later]))

    def apply(self, world: World) -> None:
        for event in self.mains.events:
            world.at_s(
                max(event.t_s, BEGUN_S), lambda event=event: self._happen(world, event.feeder, event.on, event.volts)
            )

    def _happen(self, world: World, feeder: str, on: bool, volts: float) -> None:
        world.note("mains", f"{feeder} {volts:g} V")
        for lamp in self.mains.lamps(feeder):
            post = world.posts[lamp]
            if on:
                post.power_on()
            else:
                post.power_off()


@dataclass(frozen=True)
class Away:
    """The office (the broker) is out of reach, or a cabinet without power, for a while. `gateway` "": all of them."""

    what: str  # "office" or "gateway"
    at_s: float
    for_s: float
    gateway: str = ""

    @property
    def name(self) -> str:
        return f"{self.what}-away"

    def to_json(self) -> dict[str, Any]:
        return {"fault": self.name, "at_s": self.at_s, "for_s": self.for_s, "gateway": self.gateway}

    def apply(self, world: World) -> None:
        world.at_s(self.at_s, lambda: self._set(world, False))
        world.at_s(self.at_s + self.for_s, lambda: self._set(world, True))

    def _set(self, world: World, there: bool) -> None:
        world.note(self.name, "ends" if there else "begins")
        for gateway in [world.gateways[self.gateway]] if self.gateway else world.gateways.values():
            if self.what == "office":
                gateway.connect(there)
            elif there:
                gateway.start()
            else:
                gateway.kill()


@dataclass(frozen=True)
class Daylight:
    """Every post's photocell tells its lux as it changes, from `start_utc_s` on for `duration_s`."""

    sky: Sky
    start_utc_s: int
    duration_s: int
    name: str = "daylight"

    def to_json(self) -> dict[str, Any]:
        return {"fault": self.name}

    def apply(self, world: World) -> None:
        for utc_s, lux in self.sky.changes(self.start_utc_s, self.start_utc_s + self.duration_s):
            after_s = max(BEGUN_S, utc_s - self.start_utc_s)
            world.at_s(after_s, lambda lux=lux: self._tell(world, lux))

    def _tell(self, world: World, lux: int) -> None:
        for post in world.posts.values():
            post.give(("lux", lux))


class Watchers:
    """Sensors with field of view, false alarms and blindness, in place of the World's own plain ones.

    Give the World no traffic then, so that nobody is seen twice.
    """

    name = "watchers"

    def __init__(
        self, traffic: Traffic, model: SensorModel, sky: Sky | None, start_utc_s: int, duration_s: int
    ) -> None:
        self.traffic, self.model, self.sky = traffic, model, sky
        self.start_utc_s, self.duration_s = start_utc_s, duration_s

    def to_json(self) -> dict[str, Any]:
        return {"fault": self.name}

    def apply(self, world: World) -> None:
        """From the present on, which is second 0 of the traffic."""
        lamps: Sequence = world.town.lamps
        sensors = Sensors(lamps, self.model, _number(world.seed), self._conditions if self.sky else None)
        self._next(world, sensors, 0)

    def _conditions(self, t_s: int) -> tuple[float, float]:
        assert self.sky is not None
        utc_s = self.start_utc_s + t_s
        return self.sky.rain_mm_h(utc_s), self.sky.altitude_deg(utc_s)

    def _next(self, world: World, sensors: Sensors, from_s: int) -> None:
        due = [s for s in (self.traffic.next_busy(from_s), sensors.next_due_s) if s is not None]
        if due and (second := max(from_s, min(due))) < self.duration_s:
            world.at_s(second, lambda: self._look(world, sensors, second))

    def _look(self, world: World, sensors: Sensors, t_s: int) -> None:
        for edge in sensors.step(self.traffic.users(t_s), t_s):
            world.at_s(max(edge.t_ms / 1000, t_s), lambda edge=edge: self._tell(world, edge))
        self._next(world, sensors, t_s + 1)

    def _tell(self, world: World, edge: Edge) -> None:
        world.sense(world.town.lamps[edge.lamp].id, edge.active, edge.user_class)


def _number(seed: object) -> int:
    return seed if isinstance(seed, int) else seed_of(seed)
