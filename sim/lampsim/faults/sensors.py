"""Faults of what a post senses: a contact that bounces, a photocell, a door. Drawn in a group of their own (plan.py).

A dead and a stuck presence sensor, and a driver that is hot, stand in posts.py.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from lampsim.faults.base import Fault, Shape, Stage, fault
from lampsim.faults.posts import PostFault


def lasting(draw: random.Random, shape: Shape, at_s: float, for_s: float, least_s: float) -> tuple[float, float]:
    """(at_s, for_s) for a fault that shows after `least_s` only: earlier and longer, as far as the world has room."""
    if draw.random() < 0.25:
        return at_s, for_s  # and now and then one that is over too soon
    at_s = round(draw.uniform(0, max(0.0, shape.duration_s - 1.3 * least_s)) * 0.9, 3)
    return at_s, round(min(max(for_s, draw.uniform(1.1, 2.0) * least_s), shape.duration_s - at_s), 3)


@dataclass(frozen=True)
class Spoilt(PostFault):
    """A `part` of what a post has is no good, as its `kind` says (lampsim.check.world.instruments). `needs`: what the
    post must have for that, besides; `least_s`: how long it lasts at least before anything is to be reported."""

    kind: str = ""

    KINDS = ()
    part: ClassVar[str] = ""
    needs: ClassVar[tuple[str, ...]] = ()
    least_s: ClassVar[float] = 0.0

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        at_s, for_s = lasting(draw, shape, at_s, for_s, cls.least_s)
        return cls(at_s, for_s, shape.post(draw), draw.choice(cls.KINDS))

    def begin(self, stage: Stage) -> None:
        stage.spoil(self.post, self.part, self.kind)

    def end(self, stage: Stage) -> None:
        stage.spoil(self.post, self.part, "")


@fault("chattering-sensor")
@dataclass(frozen=True)
class ChatteringSensor(PostFault):
    """The contact of a presence sensor bounces without end: it is closed for up to `shut_s` and open for up to `gap_s`,
    again and again. Over two seconds open is nobody, not a bounce."""

    shut_s: float = 3.0
    gap_s: float = 1.0

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        at_s, for_s = lasting(draw, shape, at_s, for_s, 2000.0)
        return cls(at_s, for_s, shape.post(draw), draw.choice((0.3, 3.0, 20.0)), draw.choice((0.1, 1.0, 1.9, 5.0)))

    def begin(self, stage: Stage) -> None:
        chance, until_us = self.random(), stage.loop.now_us + round(self.for_s * 1e6)

        def turn(closed: bool) -> None:
            if stage.loop.now_us < until_us:
                stage.set_sensor(self.post, "stuck" if closed else "dead")
                rest_s = chance.uniform(0.02, max(0.02, self.shut_s if closed else self.gap_s))
                stage.loop.at(stage.loop.now_us + round(rest_s * 1e6), lambda: turn(not closed))

        turn(True)

    def end(self, stage: Stage) -> None:
        stage.set_sensor(self.post, "")


@fault("photocell")
@dataclass(frozen=True)
class Photocell(Spoilt):
    """A photocell is dead, sees always night or always day, or anything at all."""

    kind: str = "dead"

    KINDS = ("dead", "dark", "bright", "noise")
    part = "photocell"
    needs = ("photocell",)


@fault("door")
@dataclass(frozen=True)
class Door(Spoilt):
    """The door of a post stands open (or the post leans), or slams in the wind: each time for under five seconds."""

    kind: str = "open"

    KINDS = ("open", "open", "slams")
    part = "door"
    least_s = 6.0
