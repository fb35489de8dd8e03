"""Faults in the cabinet and behind it: the gateway dies, its clock is wrong, its disk is full or damaged, the broker is
away, requests come again, a plan is nonsense."""

from __future__ import annotations

import random
from dataclasses import dataclass

from lampsim.faults.base import Fault, Shape, Stage, fault


@fault("gateway-death")
@dataclass(frozen=True)
class GatewayDeath(Fault):
    """kill -9; it is started again when the fault is over."""

    def begin(self, stage: Stage) -> None:
        stage.set_gateway(False)

    def end(self, stage: Stage) -> None:
        stage.set_gateway(True)


@fault("gateway-clock")
@dataclass(frozen=True)
class GatewayClock(Fault):
    """The gateway's clock is wrong, and so is the time it tells."""

    ahead_s: int = 60

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        return cls(at_s, for_s, draw.choice((-7200, -20, 20, 3600, 50_000)))

    def begin(self, stage: Stage) -> None:
        stage.set_gateway_clock(self.ahead_s)

    def end(self, stage: Stage) -> None:
        stage.set_gateway_clock(0)


@fault("broker-death")
@dataclass(frozen=True)
class BrokerDeath(Fault):
    """The broker is away; what it had taken and not acknowledged comes twice."""

    def begin(self, stage: Stage) -> None:
        stage.set_broker(False)

    def end(self, stage: Stage) -> None:
        stage.set_broker(True)


@fault("clock-jumps")
@dataclass(frozen=True)
class ClockJumps(Fault):
    """The gateway's clock jumps to another time again and again, forth and back, and is right at the end."""

    STEPS_S = (-86_000, -7200, -61, -2, 2, 61, 3600, 50_000)  # the longest: just inside of what the ledger stands
    EVERY_US = 15_000_000  # longer than any fade: so a lamp's level comes from two times at most

    def begin(self, stage: Stage) -> None:
        draw = self.random()
        self.keep_on(stage, lambda: stage.set_gateway_clock(draw.choice(self.STEPS_S)), lambda: self.EVERY_US)

    def end(self, stage: Stage) -> None:
        stage.set_gateway_clock(0)


@fault("full-disk")
@dataclass(frozen=True)
class FullDisk(Fault):
    """The gateway's disk is full. `kind`: page (the store cannot grow), byte (nothing at all can be written)."""

    kind: str = "page"

    KINDS = ("page", "byte")

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        return cls(at_s, for_s, draw.choice(cls.KINDS))

    def begin(self, stage: Stage) -> None:
        stage.set_disk(self.kind)

    def end(self, stage: Stage) -> None:
        stage.set_disk("")


@fault("damaged-store")
@dataclass(frozen=True)
class DamagedStore(Fault):
    """The gateway dies, and its database with it: it must begin a new one. `kind`: what is left of the file."""

    kind: str = "header"

    KINDS = ("header", "half", "pages", "zeros")

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        return cls(at_s, for_s, draw.choice(cls.KINDS))

    def begin(self, stage: Stage) -> None:
        stage.set_gateway(False)
        stage.damage_store(self.kind, self.random())
        if not self.for_s:
            self.end(stage)

    def end(self, stage: Stage) -> None:
        stage.set_gateway(True)


@fault("replayed-requests")
@dataclass(frozen=True)
class ReplayedRequests(Fault):
    """Every request that was ever published comes again, each EVERY_US: a broker or a script that has lost its mind."""

    EVERY_US = 20_000_000

    def begin(self, stage: Stage) -> None:
        until_us = stage.loop.now_us + round(self.for_s * 1e6)

        def again() -> None:
            if stage.loop.now_us <= until_us:
                stage.replay_requests()
                stage.loop.at(stage.loop.now_us + self.EVERY_US, again)

        again()

    def end(self, stage: Stage) -> None:
        stage.replay_requests()


@fault("rollover")
@dataclass(frozen=True)
class Rollover(Fault):
    """The operator asks for new keys of a line (`kind` bus), of `some` posts, or both; a thief has the keys before, and
    says what he can with them, as soon as they are worthless."""

    line: str = "a"
    kind: str = "bus"
    some: tuple[str, ...] = ()

    KINDS = ("bus", "posts", "both")
    EVERY_US = 10_000_000

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        line, kind = shape.line(draw), draw.choice(cls.KINDS)
        names = shape.lines[line]
        some = sorted(draw.sample(names, draw.randint(1, len(names))))
        return cls(at_s, for_s, line, kind, tuple(some) if kind != "bus" else ())

    def begin(self, stage: Stage) -> None:
        until_us = stage.loop.now_us + round(self.for_s * 1e6)

        def steal() -> None:
            stage.stolen(self.line)
            if stage.loop.now_us < until_us:
                stage.loop.at(stage.loop.now_us + self.EVERY_US, steal)

        stage.roll(self.line, self.kind != "posts", self.some)
        steal()

    def end(self, stage: Stage) -> None:
        stage.stolen(self.line)


@fault("wrong-plan")
@dataclass(frozen=True)
class WrongPlan(Fault):
    """The gateway sends a post a plan that is none: the post must refuse it and keep its own."""

    post: str = ""
    kind: str = "noise"

    KINDS = ("noise", "empty-array", "huge-level", "truncated", "deep")

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        return cls(at_s, 0.0, shape.post(draw), draw.choice(cls.KINDS))

    def begin(self, stage: Stage) -> None:
        stage.send_plan(self.post, self.raw())

    def raw(self) -> bytes:
        """The bytes that are sent."""
        noise = self.random()
        wrong_level = [1, "UTC0", 0, 0, 100, 0, [["p", 1001, 0, -1, [], []]], [], [], [], [], [0, 1000, 30000, 300]]
        from lamppost.wire import cbor

        if self.kind == "noise":
            return noise.randbytes(noise.randint(1, 700))
        if self.kind == "empty-array":
            return b"\x80"
        if self.kind == "deep":
            return b"\x81" * noise.randint(50, 1500) + b"\x00"
        raw = cbor.encode(wrong_level)
        return raw[: noise.randrange(1, len(raw))] if self.kind == "truncated" else raw
