"""Faults in the cabinet and behind it: the gateway dies, its clock is wrong, the broker is away, a plan is nonsense."""

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
