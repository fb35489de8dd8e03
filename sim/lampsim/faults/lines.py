"""Faults of a line: noise, loss, a cable that is cut, a node that never falls silent."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from lampsim.faults.base import Fault, Shape, Stage, fault

JABBER_BYTES = 60
JABBER_US = 40_000  # one burst after the other, with gaps in which a frame may or may not fit


@fault("bit-errors")
@dataclass(frozen=True)
class BitErrors(Fault):
    """Each hearer reads a bit wrong with this chance."""

    line: str = "a"
    rate: float = 0.0005

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        return cls(at_s, for_s, shape.line(draw), draw.choice((0.0001, 0.0005, 0.002)))

    def begin(self, stage: Stage) -> None:
        stage.impair(self.line, 0.0, self.rate)

    def end(self, stage: Stage) -> None:
        stage.impair(self.line, 0.0, 0.0)


@fault("frame-loss")
@dataclass(frozen=True)
class FrameLoss(Fault):
    """Each hearer misses a frame whole with this chance."""

    line: str = "a"
    rate: float = 0.05

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        return cls(at_s, for_s, shape.line(draw), draw.choice((0.02, 0.05, 0.2, 0.5)))

    def begin(self, stage: Stage) -> None:
        stage.impair(self.line, self.rate, 0.0)

    def end(self, stage: Stage) -> None:
        stage.impair(self.line, 0.0, 0.0)


@fault("cable-cut")
@dataclass(frozen=True)
class CableCut(Fault):
    """The posts from `some` on lose the gateway; among themselves they still hear each other."""

    line: str = "a"
    some: tuple[str, ...] = ()

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        line = shape.line(draw)
        names = shape.lines[line]
        return cls(at_s, for_s, line=line, some=names[draw.randrange(len(names)) :])

    def begin(self, stage: Stage) -> None:
        stage.part(self.line, self.some, True)

    def end(self, stage: Stage) -> None:
        stage.part(self.line, self.some, False)


@fault("split-bus")
@dataclass(frozen=True)
class SplitBus(CableCut):
    """A bad joint: any of the posts hear only each other, and the others do not hear them."""

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        line = shape.line(draw)
        names = shape.lines[line]
        return cls(at_s, for_s, line=line, some=tuple(sorted(draw.sample(names, draw.randint(1, len(names))))))


@fault("jabber")
@dataclass(frozen=True)
class Jabber(Fault):
    """A broken node sends noise, burst after burst."""

    line: str = "a"

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        return cls(at_s, min(for_s, 20.0), line=shape.line(draw))

    def begin(self, stage: Stage) -> None:
        bursts(stage, self, lambda data: stage.inject(self.line, data))


@fault("two-keepers")
@dataclass(frozen=True)
class TwoKeepers(CableCut):
    """The gateway dies and the cable is cut: each half gets a keeper. Halfway the cable is whole again, and there are
    two of them; at the end the gateway is back."""

    def begin(self, stage: Stage) -> None:
        stage.set_gateway(False)
        stage.part(self.line, self.some, True)
        stage.loop.at(stage.loop.now_us + round(self.for_s * 5e5), lambda: stage.part(self.line, self.some, False))

    def end(self, stage: Stage) -> None:
        stage.part(self.line, self.some, False)
        stage.set_gateway(True)


@fault("mad-post")
@dataclass(frozen=True)
class MadPost(Fault):
    """The program of a post sends noise, burst after burst, but still heeds a word that it be silent."""

    post: str = ""

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        return cls(at_s, for_s, shape.post(draw))

    def begin(self, stage: Stage) -> None:
        bursts(stage, self, lambda data: stage.babble(self.post, data))


@fault("line-broker")
@dataclass(frozen=True)
class LineBroker(Fault):
    """The broker of a line without a wire dies, and is started again. A wire has none."""

    line: str = "a"

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        return cls(at_s, for_s, draw.choice(shape.air or sorted(shape.lines)))

    def begin(self, stage: Stage) -> None:
        stage.set_line_broker(self.line, False)

    def end(self, stage: Stage) -> None:
        stage.set_line_broker(self.line, True)


def bursts(stage: Stage, fault: Fault, send: Callable[[bytes], None]) -> None:
    """`send` pieces of noise for as long as the fault lasts."""
    noise = fault.random()
    burst = lambda: send(noise.randbytes(noise.randint(1, JABBER_BYTES)))  # noqa: E731 - a callback
    fault.keep_on(stage, burst, lambda: noise.randint(JABBER_US // 4, 2 * JABBER_US))
