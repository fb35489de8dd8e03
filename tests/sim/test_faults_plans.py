"""Fault plans: JSON both ways, the same every time, and errors that say what to do."""

import pytest

from lamppost.light.plan import Plan, PlanError
from lamppost.wire.frame import Decoder, header, pack
from lampsim.faults import REGISTRY, Fault, FaultPlanError, Shape, draw_plan, dumps, fault, loads
from lampsim.faults.cabinet import WrongPlan
from lampsim.faults.hostile import checked, opened, stuffed

SHAPE = Shape({"a": ("p01", "p02", "p03"), "b": ("p04", "p05")}, 600.0)


def test_every_kind_of_fault_of_the_design_is_there():
    assert set(REGISTRY) >= {
        "bit-errors", "frame-loss", "jabber", "split-bus", "power-cut", "feeder-cut", "clock-step", "clock-drift",
        "dead-sensor", "stuck-sensor", "lamp-failure", "cable-cut", "gateway-death", "broker-death", "hostile",
        "wrong-plan", "torn-write", "full-disk", "damaged-store", "clock-jumps", "replayed-requests",
        "mad-post", "two-keepers", "stolen-bus-key", "rollover", "lost-place", "line-broker",
        "flash-cut", "worn-flash", "old-flash",
        "update", "bad-image", "chattering-sensor", "photocell", "door", "lamp-trouble",
        "mains-trouble", "stuck-relay", "silent-meter", "silent-thermometer", "reset-storm",
        "cast", "withdrawn-cast", "hostile-blocks",
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(40))
def test_a_plan_is_the_same_each_time_and_survives_json(seed):
    plan = draw_plan(seed, SHAPE)
    assert plan == draw_plan(seed, SHAPE)
    assert loads(dumps(plan)) == plan
    assert all(one.at_s + one.for_s <= SHAPE.duration_s + 30 for one in plan)
    assert [one.random().random() for one in plan] == [one.random().random() for one in loads(dumps(plan))]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("{}", "a list"),
        ("[1]", "an object"),
        ('[{"fault": "power-cutt", "at_s": 1}]', "did you mean 'power-cut'"),
        ('[{"fault": "power-cut", "at_s": 1, "pots": "p01"}]', "did you mean 'post'"),
        ('[{"fault": "power-cut"}]', "at_s"),
        ('[{"fault": "power-cut", "at_s": -1}]', "seconds from 0"),
        ('[{"fault": "power-cut", "at_s": "1"}]', "seconds from 0"),
    ],
)
def test_what_is_wrong_with_a_plan_is_said(text, words):
    with pytest.raises(FaultPlanError, match=words):
        loads(text)


def test_a_name_is_taken_once():
    with pytest.raises(ValueError, match="already"):
        fault("power-cut")(type("Another", (Fault,), {}))


@pytest.mark.parametrize("kind", WrongPlan.KINDS)
def test_a_wrong_plan_is_wrong(kind):
    with pytest.raises(PlanError):
        Plan.from_bytes(WrongPlan(1.0, 0.0, "p01", kind).raw())


def test_a_stranger_speaks_real_frames():
    signed = header(7, 0, 0x20, 5) + bytes(range(60)) + bytes(3)
    data = pack(signed, b"12345678")
    whole = opened(data)
    assert whole == checked(signed + b"12345678")
    assert stuffed(whole) == data
    long = whole[:7] + bytes(range(1, 190)) * 1 + whole[-10:-2]
    assert [frame.payload for frame in Decoder().feed(stuffed(checked(long)))] == [bytes(range(1, 190))]
    short = pack(header(255, 7, 0x12, 5) + bytes([0x60, 3]), b"12345678")
    assert stuffed(opened(short)) == short
