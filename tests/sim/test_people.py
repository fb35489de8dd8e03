"""People move as their speed says; sensors see what is in range, as often as their figure says, and report edges."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lampsim.people import HOLD_MS, LOOK_MS, Edge, Person, Sensors, way_past

STRAIGHT = ((0.0, 0.0), (100.0, 0.0), (100.0, 50.0))


def walker(**kwargs):
    return Person("ann", "pedestrian", STRAIGHT, **{"speed_mps": 2.0, **kwargs})


def test_a_walker_is_where_speed_and_time_say():
    ann = walker(start_ms=1_000)
    assert ann.at(999) is None
    assert ann.at(1_000) == (0, 0)
    assert ann.at(26_000) == pytest.approx((50, 0))
    assert ann.at(61_000) == pytest.approx((100, 20))
    assert ann.heading_deg(26_000) == pytest.approx(90)
    assert ann.heading_deg(61_000) == pytest.approx(0)
    assert ann.end_ms == 76_000
    assert ann.at(76_000) == pytest.approx((100, 50))
    assert ann.at(76_001) is None


def look(sensors, people, until_ms):
    """All edges from 0 to `until_ms`."""
    return sensors.look(people, 0) + sensors.look(people, until_ms)


WAYS = st.lists(st.tuples(st.integers(-200, 200), st.integers(-200, 200)), min_size=2, max_size=6)


@given(WAYS, st.floats(0.5, 20), st.integers(0, 600_000), st.integers(0, 60_000))
def test_nobody_moves_faster_than_their_speed(way, speed, t_ms, later_ms):
    person = Person("x", "car", tuple(way), speed_mps=speed)
    here, there = person.at(t_ms), person.at(t_ms + later_ms)
    if here and there:
        assert math.dist(here, there) <= speed * later_ms / 1000 + 1e-6


@pytest.mark.parametrize("kwargs", [{"kind": "ghost"}, {"way": ((0, 0),)}, {"speed_mps": -1}])
def test_impossible_people_are_refused(kwargs):
    with pytest.raises(ValueError, match="a person is one of pedestrian, cyclist, car"):
        Person(**{"name": "x", "kind": "car", "way": STRAIGHT, **kwargs})


def test_a_way_past_lamps_begins_before_and_ends_behind_them():
    assert way_past([(0, 0), (10, 0), (10, 10)], 30, 5) == ((-30, 0), (0, 0), (10, 0), (10, 10), (10, 15))


def test_each_lamp_sees_the_walker_once_in_order():
    posts = {f"p{i}": (10.0 + 30 * i, 3.0) for i in range(3)}
    edges = look(Sensors(posts, detection_per_s=1), [walker()], 60_000)
    assert [(e.post, e.active) for _, e in edges] == [(p, on) for p in ("p0", "p1", "p2") for on in (True, False)]
    on_ms = [t for t, e in edges if e.active]
    assert [b - a for a, b in [(on_ms[1], on_ms[2])]] == [15_000]  # 30 m at 2 m/s; p0 sees her at once
    off_ms = [t for t, e in edges if not e.active]
    reach_m = math.sqrt(12**2 - 3**2)
    assert off_ms[1] - on_ms[1] == pytest.approx(1000 * 2 * reach_m / 2 + HOLD_MS, abs=2 * LOOK_MS)


def test_a_car_beside_a_walker_is_reported_too():
    parked = Person("car", "car", ((0.0, 1.0), (1.0, 1.0)), start_ms=2_000, speed_mps=0.1)
    waiting = walker(speed_mps=0.1)
    edges = look(Sensors({"p": (0.0, 0.0)}, detection_per_s=1), [waiting, parked], 4_000)
    assert [e for _, e in edges] == [Edge("p", True, 0), Edge("p", True, 2)]
    assert edges[1][0] == 2_000


def test_misses_come_at_their_rate():
    """One second in range of 300 sensors that see 60 % of it."""
    posts = {str(i): (0.0, 0.0) for i in range(300)}
    standing = walker(speed_mps=0.001)
    seen = sum(e.active for _, e in look(Sensors(posts, seed=5, detection_per_s=0.6), [standing], 999))
    assert seen == pytest.approx(180, abs=30)


@given(st.integers(0, 2**32), st.integers(20, 5_000))
@settings(deadline=None, max_examples=30)
def test_how_often_one_looks_changes_nothing(seed, step_ms):
    posts = {"a": (20.0, 0.0), "b": (50.0, 5.0)}
    once, often = Sensors(posts, seed), Sensors(posts, seed)
    whole = once.look([walker()], 0) + once.look([walker()], 40_000)
    parts = []
    for t_ms in [*range(0, 40_000, step_ms), 40_000]:
        parts += often.look([walker()], t_ms)
    assert parts == whole


def test_an_edge_is_a_line_of_the_field_channel():
    assert Edge("p01", True, 1).line == "presence 0 1 1"
    assert Edge("p01", False, 0).line == "presence 0 0 0"
