"""Faults of a post's flash, and firmware that is sent to it: power cuts at any operation, a worn chip, bad images.

Drawn in a group of their own (plan.py), so that a seed keeps its other faults.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from lampsim.faults.base import Fault, Shape, Stage, fault
from lampsim.faults.posts import PostFault


@fault("flash-cut")
@dataclass(frozen=True)
class FlashCut(PostFault):
    """The power of a post goes at an operation of its flash, after `after` others, and `again` times in all: also while
    it recovers. `kind`: what the first leaves behind."""

    kind: str = "torn"
    after: int = 0
    again: int = 1

    KINDS = ("done", "absent", "torn", "garbage")

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        return cls(
            at_s, 0.0, shape.post(draw), draw.choice(cls.KINDS), draw.choice((0, 0, 1, 2, 4)), draw.randint(1, 4)
        )

    def begin(self, stage: Stage) -> None:
        stage.cut_flash(self.post, self.kind, self.after, self.again, self.random())


@fault("worn-flash")
@dataclass(frozen=True)
class WornFlash(PostFault):
    """The flash of a post takes nothing any more, until the fault is over; meanwhile it starts anew `starts` times."""

    starts: int = 0

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        post = shape.post(draw)
        return cls(at_s, for_s, post, random.Random(f"{post} {at_s}").choice((0, 1, 3)))

    def begin(self, stage: Stage) -> None:
        stage.refuse_flash(self.post, True)
        chance, now_us = self.random(), stage.loop.now_us
        for number in range(self.starts):
            at_us = now_us + round((number + chance.uniform(0.1, 0.9)) / self.starts * self.for_s * 1e6)
            stage.loop.at(at_us, lambda: stage.power(self.post, False))
            stage.loop.at(at_us + 50_000, lambda: stage.power(self.post, True))

    def end(self, stage: Stage) -> None:
        stage.refuse_flash(self.post, False)


@fault("old-flash")
@dataclass(frozen=True)
class OldFlash(PostFault):
    """The flash of a post has been written as often as it stands, as its own count says from its next start on, which
    is now. Only where a plan names it: it does not end."""

    def begin(self, stage: Stage) -> None:
        stage.age_flash(self.post)


@dataclass(frozen=True)
class Sent(PostFault):
    """An image on its way to a post, whose power goes `cuts` times at an operation of its flash. `kind`: what it is."""

    kind: str = ""
    cuts: int = 0

    KINDS = ()

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        for_s = max(for_s, min(60.0, shape.duration_s - at_s))
        return cls(at_s, round(for_s, 3), shape.post(draw), draw.choice(cls.KINDS), draw.choice((0, 0, 1, 2, 5)))

    def begin(self, stage: Stage) -> None:
        stage.send_firmware(self.post, self.kind, self.cuts, self.for_s, self.random())


@fault("update")
@dataclass(frozen=True)
class Update(Sent):
    """Signed firmware. `kind`: good, dies (two seconds after each start), deaf (it hears no gateway)."""

    kind: str = "good"

    KINDS = ("good", "good", "dies", "deaf")


@fault("bad-image")
@dataclass(frozen=True)
class BadImage(Sent):
    """Firmware that no post may take. `kind`: why."""

    kind: str = "noise"

    KINDS = (
        "noise", "truncated", "flipped-bit", "flipped-manifest", "flipped-signature", "wrong-key", "wrong-board",
        "downgrade", "trailing", "twice", "outside", "absolute", "no-files", "other-file", "minimum-above", "not-text",
    )  # fmt: skip
