"""Faults of a lamp and of what feeds it: its driver, relay, meter, mains; and a post that restarts again and again.

Drawn in one group with sensors.py. What each kind makes of the power, voltage and power factor that are measured stands
in lampsim.check.world.instruments.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from lampsim.faults.base import Fault, Shape, Stage, fault
from lampsim.faults.posts import PostFault
from lampsim.faults.sensors import Spoilt, lasting


@fault("lamp-trouble")
@dataclass(frozen=True)
class LampTrouble(Spoilt):
    """A lamp is dead, has lost more than half of its strings, does not dim, burns though it is off, goes out and comes
    back (some minutes must pass until it counts as cycling), or takes its power while its DALI gear says it failed."""

    kind: str = "dead"

    KINDS = ("dead", "half", "undimmed", "burning", "cycling", "says")
    part = "lamp"
    needs = ("meter",)
    least_s = 200.0


@fault("mains-trouble")
@dataclass(frozen=True)
class MainsTrouble(Spoilt):
    """The mains voltage, or the power factor, is too low or too high; between the thresholds; or for moments only."""

    kind: str = "low"

    KINDS = ("low", "high", "between", "dips", "factor", "factor-between")
    part = "mains"
    needs = ("meter",)
    least_s = 120.0

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        kind = draw.choice(cls.KINDS)
        at_s, for_s = lasting(draw, shape, at_s, for_s, 700.0 if kind == "factor" else cls.least_s)
        return cls(at_s, for_s, shape.post(draw), kind)


@fault("stuck-relay")
@dataclass(frozen=True)
class StuckRelay(Spoilt):
    """The relay of a lamp does not open any more, or does not close."""

    kind: str = "closed"

    KINDS = ("closed", "open")
    part = "relay"
    needs = ("meter", "relay")
    least_s = 150.0


@fault("silent-meter")
@dataclass(frozen=True)
class SilentMeter(Spoilt):
    """A power sensor says nothing any more."""

    kind: str = "silent"

    KINDS = ("silent",)
    part = "meter"
    needs = ("meter",)
    least_s = 700.0


@fault("silent-thermometer")
@dataclass(frozen=True)
class SilentThermometer(Spoilt):
    """The thermometer of a driver shows 90 C, and then nothing any more."""

    kind: str = "hot"

    KINDS = ("hot",)
    part = "thermometer"
    needs = ("thermometer",)
    least_s = 1300.0


@fault("reset-storm")
@dataclass(frozen=True)
class ResetStorm(PostFault):
    """A post restarts again and again, for as long as the fault lasts and every `every_s` seconds: a bad contact of its
    supply, or a program that dies."""

    every_s: float = 10.0

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        every_s = draw.choice((2.0, 10.0, 40.0))
        at_s, for_s = lasting(draw, shape, at_s, for_s, 6 * every_s)
        return cls(at_s, min(for_s, 12 * every_s), shape.post(draw), every_s)

    def begin(self, stage: Stage) -> None:
        chance = self.random()

        def reset() -> None:
            stage.power(self.post, False)
            stage.power(self.post, True)

        self.keep_on(stage, reset, lambda: round(self.every_s * chance.uniform(0.5, 1.5) * 1e6))

    def end(self, stage: Stage) -> None:
        stage.power(self.post, True)
