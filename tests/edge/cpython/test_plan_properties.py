"""The plan is a pure function of time, agrees with a slow second evaluator, and refuses everything else politely."""

import random

import plans
import pytest
import slow_plan
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lamppost.light.plan import Plan, PlanError
from lamppost.light.tz import Zone
from lamppost.wire import cbor
from lamppost.wire.errors import WireError

NIGHT_S = 86400


@settings(max_examples=80, deadline=None)
@given(st.data(), plans.towns())
def test_agrees_with_the_slow_evaluator(data, town):
    value = data.draw(plans.values(town=town))
    plan = Plan.from_bytes(cbor.encode(value))
    for utc_s in data.draw(st.lists(plans.seconds(), min_size=1, max_size=4)):
        segment = plan.at(utc_s)
        assert (segment.level_pm, segment.active) == slow_plan.level_and_active(value, town[1], utc_s)
        for edge in (segment.start_s, segment.end_s - 1):
            assert (segment.level_pm, segment.active) == slow_plan.level_and_active(value, town[1], edge)


@settings(max_examples=80, deadline=None)
@given(plans.blobs(), plans.seconds(), st.integers(1, 3), st.randoms(use_true_random=False))
def test_at_once_equals_stepping(blob, start, nights, rng):
    """Walking by `end_s` meets every moment with the segment that asking for it alone gives."""
    walker = Plan.from_bytes(blob)
    at, seen = start, []
    while at < start + nights * NIGHT_S:
        segment = walker.at(at)
        assert segment.start_s <= at < segment.end_s
        if seen:
            assert segment.start_s == seen[-1].end_s
        seen.append(segment)
        at = segment.end_s
    moments = [(rng.randrange(max(s.start_s, start), s.end_s), s) for s in seen]
    rng.shuffle(moments)
    for moment, segment in moments:
        assert vars(Plan.from_bytes(blob).at(moment)) == vars(segment)


@settings(max_examples=60, deadline=None)
@given(plans.blobs(), st.lists(plans.seconds(), min_size=2, max_size=20))
def test_what_was_asked_before_does_not_matter(blob, moments):
    """A clock that steps anywhere, and back, finds the level of the moment: nothing is missed, nothing is replayed."""
    plan = Plan.from_bytes(blob)
    for moment in moments + moments[::-1]:
        assert vars(plan.at(moment)) == vars(Plan.from_bytes(blob).at(moment))


@settings(max_examples=100, deadline=None)
@given(plans.blobs(), plans.seconds())
def test_the_level_is_continuous_on_ramps(blob, start):
    """Within a night the level moves no faster than its ramp, and is always 0..1000; a ramp of 0 s may jump."""
    plan = Plan.from_bytes(blob)
    segment = plan.at(start)
    for s in (segment.start_s, segment.start_s + 1, start, segment.end_s - 1):
        if s < segment.end_s:
            assert min(segment.previous_pm, segment.level_pm) <= plan.level_at(s)
            assert plan.level_at(s) <= max(segment.previous_pm, segment.level_pm)
    after = plan.at(segment.end_s)
    night = slow_noon(plan, segment.start_s) == slow_noon(plan, after.start_s)
    if after.ramp_s and night:
        steepest = 1000 // after.ramp_s + 2
        assert abs(plan.level_at(segment.end_s) - plan.level_at(segment.end_s - 1)) <= steepest


def slow_noon(plan, utc_s):
    return (utc_s + plan.tz.offset_s(utc_s) - 43200) // 86400


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_strange_zones(data):
    """Any POSIX rule, however odd, keeps nights that touch and a level for every moment."""
    change = st.one_of(
        st.builds(
            "M{}.{}.{}/{}".format, st.integers(1, 12), st.integers(1, 5), st.integers(0, 6), st.integers(-24, 26)
        ),
        st.builds("J{}/{}".format, st.integers(1, 365), st.integers(0, 24)),
        st.builds("{}".format, st.integers(0, 365)),
    )
    name = st.builds("<{}>{}".format, st.just("+00"), st.integers(-14, 12))
    rule = data.draw(st.builds("{}{},{},{}".format, name, name, change, change))
    value = data.draw(plans.values())
    value[1] = rule
    Zone(rule)
    plan = Plan.from_bytes(cbor.encode(value))
    at = start = data.draw(plans.seconds())
    while at < start + 2 * NIGHT_S:
        segment = plan.at(at)
        assert segment.start_s <= at < segment.end_s
        assert 0 <= segment.level_pm <= 1000
        at = segment.end_s


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_by_plan_error_only(blob):
    accept_or_refuse(blob)


JUNK = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**64), 2**64 - 1),
        st.integers(-2000, 2000),
        st.text(max_size=30),
        st.binary(max_size=30),
    ),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(plans.values(), st.randoms(use_true_random=False), st.lists(JUNK, min_size=1, max_size=3))
def test_a_plan_with_junk_in_it(value, rng, junk):
    """Replace random fields, deep or not: refused by PlanError, or accepted and then good for any moment."""
    for piece in junk:
        at = value
        while True:
            i = rng.randrange(len(at))
            if not isinstance(at[i], list) or not at[i] or rng.random() < 0.2:
                break
            at = at[i]
        at[i] = piece
    try:
        blob = cbor.encode(value)
    except WireError:
        assume(False)  # deeper than CBOR_DEPTH_MAX: nobody can send it
    accept_or_refuse(blob)


@settings(max_examples=80, deadline=None)
@given(plans.blobs(), st.randoms(use_true_random=False), st.integers(1, 4))
def test_a_plan_with_flipped_and_cut_bytes(blob, rng, flips):
    damaged = bytearray(blob)
    for _ in range(flips):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    accept_or_refuse(bytes(damaged))
    accept_or_refuse(blob[: rng.randrange(len(blob))])


def accept_or_refuse(blob):
    fault = ""
    try:
        plan = Plan.from_bytes(blob)
    except PlanError as error:
        fault = str(error)
    assert "\n" not in fault
    assert len(fault) < 250
    rng = random.Random(blob)
    for _ in range(0 if fault else 3):
        assert 0 <= plan.level_at(rng.randrange(30 * 366 * 86400)) <= 1000


@pytest.mark.parametrize("rule", ["", "x" * 65, "CET-1CEST", "CET-1CEST,M13.1.0,M10.5.0", "\n", "🏮"])
def test_a_bad_zone_is_named(rule):
    value = [1, rule, 0, 0, 0, 0, [["p", 0, 0, -1, [], []]], [], [], [], [], [0, 1000, 1, 1]]
    with pytest.raises(PlanError, match="TZ rule"):
        Plan.from_bytes(cbor.encode(value))
