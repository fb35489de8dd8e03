"""Faults of a post: its power, its clocks, its sensor, its lamp and driver."""

from __future__ import annotations

import random
from dataclasses import dataclass

from lampsim.faults.base import Fault, Shape, Stage, fault


@dataclass(frozen=True)
class PostFault(Fault):
    post: str = ""

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        return cls(at_s, for_s, shape.post(draw))


@fault("power-cut")
@dataclass(frozen=True)
class PowerCut(PostFault):
    """A post has no power for a while."""

    def begin(self, stage: Stage) -> None:
        stage.power(self.post, False)

    def end(self, stage: Stage) -> None:
        stage.power(self.post, True)


@fault("torn-write")
@dataclass(frozen=True)
class TornWrite(PostFault):
    """The power of a post goes in the middle of its next write to flash; when the fault ends it is back."""

    def begin(self, stage: Stage) -> None:
        stage.power_torn(self.post, self.random())

    def end(self, stage: Stage) -> None:
        stage.power(self.post, True)


@fault("lost-place")
@dataclass(frozen=True)
class LostPlace(PostFault):
    """Somebody clears the address of a post. Its gateway searches the line, through whatever else goes on there, until
    the post has its place again."""

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        return cls(at_s, 0.0, shape.post(draw))

    def begin(self, stage: Stage) -> None:
        stage.unplace(self.post)


@fault("feeder-cut")
@dataclass(frozen=True)
class FeederCut(Fault):
    """All posts of a feeder lose their power at once, and have it back at once."""

    some: tuple[str, ...] = ()

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        return cls(at_s, draw.choice((0.05, 2.0, for_s)), tuple(shape.lines[shape.line(draw)]))

    def begin(self, stage: Stage) -> None:
        for post in self.some:
            stage.power(post, False)

    def end(self, stage: Stage) -> None:
        for post in self.some:
            stage.power(post, True)


@fault("clock-step")
@dataclass(frozen=True)
class ClockStep(PostFault):
    """A post is told a wrong time by its own RTC; the gateway's next broadcast puts it right."""

    ahead_s: int = 3600

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        ahead_s = draw.choice((-90_000, -3600, -30, -3, 3, 40, 3600, 40_000, 86_400 * 200))
        return cls(at_s, 0.0, shape.post(draw), ahead_s)

    def begin(self, stage: Stage) -> None:
        stage.set_clock(self.post, self.ahead_s)


@fault("clock-drift")
@dataclass(frozen=True)
class ClockDrift(PostFault):
    """A crystal is far off, as in great cold."""

    ppm: int = 500

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        return cls(at_s, for_s, shape.post(draw), draw.choice((-5000, -500, 500, 5000)))

    def begin(self, stage: Stage) -> None:
        stage.drift(self.post, self.ppm)

    def end(self, stage: Stage) -> None:
        stage.drift(self.post, 20)


@fault("dead-sensor")
@dataclass(frozen=True)
class DeadSensor(PostFault):
    """A presence sensor sees nobody."""

    def begin(self, stage: Stage) -> None:
        stage.set_sensor(self.post, "dead")

    def end(self, stage: Stage) -> None:
        stage.set_sensor(self.post, "")


@fault("stuck-sensor")
@dataclass(frozen=True)
class StuckSensor(PostFault):
    """A presence sensor always sees somebody."""

    def begin(self, stage: Stage) -> None:
        stage.set_sensor(self.post, "stuck")

    def end(self, stage: Stage) -> None:
        stage.set_sensor(self.post, "")


@fault("lamp-failure")
@dataclass(frozen=True)
class LampFailure(PostFault):
    """A lamp takes no more power than its standby."""

    needs = ("meter",)

    def begin(self, stage: Stage) -> None:
        stage.set_lamp(self.post, False)

    def end(self, stage: Stage) -> None:
        stage.set_lamp(self.post, True)


@fault("hot-driver")
@dataclass(frozen=True)
class HotDriver(PostFault):
    """A driver gets too hot, or its sensor shows nonsense (over 150 C)."""

    needs = ("thermometer",)
    temperature_dc: int = 900

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        return cls(at_s, for_s, shape.post(draw), draw.choice((790, 810, 900, 950, 1200, 2000)))

    def begin(self, stage: Stage) -> None:
        stage.set_temperature(self.post, self.temperature_dc)

    def end(self, stage: Stage) -> None:
        stage.set_temperature(self.post, 400)
