"""Lines without a wire in the checker: what holds on them, and that their broker and their gates do something."""

import random
from dataclasses import replace

import pytest

from lamppost.wire import frame as frames
from lamppost.wire import messages
from lampsim.check.run import Case, drawn, play
from lampsim.check.witness.promises import Witness
from lampsim.check.world.air import Air
from lampsim.check.world.street import Street
from lampsim.check.worlds import AIR_EVERY, draw
from lampsim.faults import REGISTRY, Fault, Shape, draw_plan
from lampsim.faults.cabinet import GatewayDeath
from lampsim.faults.lines import FrameLoss, LineBroker

SEEDS = (72, 80)  # small worlds


def faulted(name: str, seed: int) -> tuple[Fault, ...]:
    """Two of one kind on a world's lines without a wire."""
    spec, chance = draw(seed), random.Random(f"{name} {seed}")
    shape = Shape({bus: spec.lines[bus] for bus in spec.air}, spec.duration_s, spec.air)
    return tuple(REGISTRY[name].draw(chance, shape, at_s, 20.0) for at_s in (15.0, 50.0))


def test_every_eighth_world_has_one_and_no_other() -> None:
    for seed in range(1, 200):
        spec = draw(seed)
        assert set(spec.air) <= set(spec.lines)
        assert bool(spec.air) == (seed % AIR_EVERY == 0)
        shape = Shape(spec.lines, spec.duration_s, spec.air)
        assert spec.air or not [fault for fault in draw_plan(seed, shape) if fault.name == "line-broker"]
    assert {len(draw(seed).air) for seed in range(8, 400, 8)} == {1, 2}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "name",
    ["line-broker", "frame-loss", "cable-cut", "mad-post", "hostile", "stolen-bus-key", "lost-place", "gateway-death"],
)
def test_the_promises_hold_with_each(name: str, seed: int) -> None:
    assert play(Case(seed, faulted(name, seed))).text == ""


def test_a_case_replays() -> None:
    case = drawn(72)
    assert play(case) == play(case)


class Watched(Street):
    """A street of one line without a wire that counts what its posts and its gateway hear."""

    def __init__(self, faults: list[Fault], seed: int = 72) -> None:
        spec = draw(seed)
        super().__init__(replace(spec, air=tuple(spec.lines)), faults, Witness())
        self.kinds: dict[str, list[tuple[float, int]]] = {}

    def heard(self, bus: str, node: str, data: bytes) -> None:
        kind = frames.unpack(data.strip(b"\0")).type
        self.kinds.setdefault("gateway" if node == "gateway" else "post", []).append((self.loop.now_us / 1e6, kind))
        super().heard(bus, node, data)

    def between(self, who: str, from_s: float, to_s: float) -> set[int]:
        return {kind for at_s, kind in self.kinds[who] if from_s <= at_s < to_s}


def test_while_its_broker_is_dead_nobody_hears_anybody_and_then_all_are_back() -> None:
    street = Watched([LineBroker(30.0, 20.0, bus) for bus in draw(72).lines])
    street.run()
    assert street.between("post", 5, 30) >= {messages.POLL, messages.TIME}
    assert not street.between("post", 30, 50)
    assert not street.between("gateway", 30, 50)
    assert set(street.cabinet.online) == set(street.posts)


def test_without_a_gateway_events_go_from_post_to_post_and_nobody_keeps_the_line() -> None:
    """[W-8]"""
    street = Watched([GatewayDeath(20.0, 60.0)])
    for at_s in range(25, 75, 5):
        street.loop.at(at_s * 1_000_000, lambda: [street.sense(name, 1, 0) for name in street.posts])
        street.loop.at(at_s * 1_000_000 + 1, lambda: [street.sense(name, 0, 0) for name in street.posts])
    street.run()
    assert street.between("post", 21, 80) == {messages.EVENT}


def test_a_frame_that_is_not_of_its_topics_post_reaches_nobody() -> None:
    """[W-3] [W-4]"""
    street = Watched([])
    air = street.buses["a"]
    assert isinstance(air, Air)
    street.run()
    names = street.spec.lines["a"]
    before = {who: len(heard) for who, heard in street.kinds.items()}
    post = street.posts[names[0]].post
    assert post is not None
    assert post.line is not None
    event = post.line._link.event(1, 0, 0)
    for way, data in (
        ("event/9", event), ("up/1", event), ("down/all", event), ("up/1", b"\0noise\0"), ("down/all", event + event),
    ):  # fmt: skip
        air._deliver("gateway", way, data) if not way.startswith("down") else None
        for name in names:
            air._deliver(name, way, data) if not way.startswith("up") else None
    street.loop.run_until(street.loop.now_us + 200_000)
    new = {who: street.kinds[who][before[who] :] for who in before}
    assert messages.EVENT not in {kind for heard in new.values() for _, kind in heard}
    assert air.refused >= 2


def test_a_reader_that_is_slow_misses_frames_and_all_is_told_in_the_end() -> None:
    street = Watched([FrameLoss(10.0, 80.0, bus, 0.3) for bus in draw(72).lines])
    street.run()
    missed = sum(poller.counters.retries for poller in street.cabinet.pollers.values())
    assert missed > 5
