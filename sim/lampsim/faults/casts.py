"""Firmware for all posts of a gateway at once: wanted, wanted no more, and spoilt on its way.

Drawn in a group of their own (plan.py), so that a seed keeps its other faults.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import partial

from lampsim.faults.base import Fault, Shape, Stage, fault
from lampsim.faults.flash import BadImage

EVERY_US = 120_000  # between two blocks of a stranger, as hostile.py


@fault("cast")
@dataclass(frozen=True)
class Cast(Fault):
    """The office wants an image on all posts; it takes the place of the one before. `kind`: as of `update` and
    `bad-image`."""

    kind: str = "good"

    KINDS = ("good", "dies", "deaf", *BadImage.KINDS)

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        kinds = "good", "good", "good", "good", "dies", "deaf", draw.choice(BadImage.KINDS)
        return cls(at_s, 0.0, draw.choice(kinds))

    def begin(self, stage: Stage) -> None:
        stage.cast(self.kind, self.random())


@fault("withdrawn-cast")
@dataclass(frozen=True)
class WithdrawnCast(Fault):
    """The office wants no firmware any more."""

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        return cls(at_s)

    def begin(self, stage: Stage) -> None:
        stage.take_back()


@fault("hostile-blocks")
@dataclass(frozen=True)
class HostileBlocks(Fault):
    """Somebody says blocks of the image that is on its way. `kind`: stolen (he has the key of the line, and what he
    says counts), forged (he has not), replay (recordings, also of other images)."""

    line: str = "a"
    kind: str = "stolen"

    KINDS = ("stolen", "forged", "replay")

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        return cls(at_s, for_s, shape.line(draw), draw.choice(cls.KINDS))

    def begin(self, stage: Stage) -> None:
        noise = self.random()
        say = partial(stage.say_block, self.line, self.kind, noise)
        self.keep_on(stage, say, lambda: noise.randint(EVERY_US // 2, 2 * EVERY_US))
