"""The arbiter against a second one, over random plans, commands, walkers, temperatures and clock steps.

A lamp is driven as a post drives it: it asks only at events and when it was told to ask again. Whenever no fade is
under way its level must be what the slow arbiter says for that very moment.
"""

import plans
import slow_arbiter
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lamppost.light.arbiter import Arbiter
from lamppost.light.commands import CommandError, Commands
from lamppost.light.dimmer import Dimmer
from lamppost.light.layers import CROWD, EMERGENCY, ENERGY, OPERATOR, TECHNICIAN, fold, ground_ends
from lamppost.light.plan import Plan
from lamppost.light.presence import Presence
from lamppost.light.program import CAP, RAISE, SET
from lamppost.limits import OVERRIDE_MAX_S

OPS = {CROWD: (RAISE,), ENERGY: (CAP,), OPERATOR: (SET, RAISE, CAP), TECHNICIAN: (SET, RAISE, CAP), EMERGENCY: (RAISE,)}

orders = st.sampled_from(sorted(OPS)).flatmap(
    lambda layer: st.tuples(
        st.just("order"), st.just(layer), st.sampled_from(OPS[layer]), plans.levels, st.integers(1, 4000)
    )
)
events = st.one_of(
    st.tuples(st.just("wait"), st.one_of(st.integers(0, 30000), st.integers(0, 7200000))),
    orders,
    st.tuples(st.just("clear"), st.sampled_from(sorted(OPS))),
    st.tuples(st.just("walker"), st.integers(0, 24), st.integers(0, 2)),
    st.tuples(st.just("warm"), st.integers(700, 1000)),
    st.tuples(st.just("step"), st.integers(-200000, 200000)),
)


class Lamp:
    def __init__(self, blob, utc_s):
        self.plan = Plan.from_bytes(blob)
        self.shadow = Plan.from_bytes(blob)
        self.arbiter, self.presence, self.dimmer = Arbiter(), Presence(), Dimmer()
        self.presence.configure(self.plan, 251)
        self.utc_s, self.t_ms, self.temperature = utc_s, 0, 250
        self.commands = {}
        self.decide()

    def now(self):
        return self.utc_s + self.t_ms // 1000

    def decide(self):
        d = self.arbiter.decide(
            self.plan, self.presence, self.now(), self.t_ms, None, self.temperature, self.t_ms % 1000
        )
        if d.jump:
            self.dimmer.go(d.now_pm, 0, self.t_ms)
        if d.changed:
            self.dimmer.go(d.level_pm, d.fade_ms, self.t_ms)
        assert d.next_t_ms > self.t_ms
        assert 0 <= d.level_pm <= 1000
        self.next_ms = d.next_t_ms

    def take(self, event):
        kind = event[0]
        if kind == "wait":
            self.wait(event[1])
        elif kind == "order":
            _, layer, op, level, for_s = event
            self.arbiter.commands.give(layer, op, level, "test", self.now(), self.t_ms, for_s)
            until = self.t_ms + min(for_s, 900 if layer == TECHNICIAN else for_s) * 1000
            self.commands[layer] = (op, level, self.t_ms, until)
        elif kind == "clear":
            self.arbiter.commands.clear(event[1])
            self.commands.pop(event[1], None)
        elif kind == "walker":
            known = [251, *(n[0] for n in self.plan.neighbours)]
            self.presence.detect(known[event[1] % len(known)], event[2], self.t_ms)
        elif kind == "warm":
            self.temperature = event[1]
        else:
            self.utc_s = max(86400, self.utc_s + event[1])
        self.decide()

    def wait(self, ms):
        end = self.t_ms + ms
        while self.next_ms <= end:
            self.t_ms = self.next_ms
            self.decide()
        self.t_ms = end

    def expected(self):
        segment = self.shadow.at(self.now())
        near = self.presence.ask(segment.profile, self.t_ms)
        near = near[0] if near else 0
        return slow_arbiter.level_pm(self.shadow, self.now(), self.t_ms, near, self.commands, self.temperature)

    def check(self):
        expected = self.expected()
        level, chain = self.arbiter.why(self.plan, self.presence, self.now(), self.t_ms, self.temperature)
        assert level == expected
        assert sum(link[3] for link in chain) == 1
        assert [link[0] for link in chain] == sorted(link[0] for link in chain)
        assert 0 <= self.dimmer.level(self.t_ms) <= 1000
        _, ramps, _ = ground_ends(self.shadow, self.shadow.at(self.now()), self.now())
        if not ramps and self.t_ms >= self.dimmer.done_ms:
            assert self.dimmer.level(self.t_ms) == expected
        if not ramps:
            assert self.dimmer.target_pm == expected


@settings(max_examples=200, deadline=None)
@given(plans.blobs(), plans.seconds(), st.lists(events, max_size=25))
def test_the_lamp_is_where_the_slow_arbiter_says(blob, utc_s, happenings):
    lamp = Lamp(blob, utc_s)
    lamp.check()
    for event in happenings:
        lamp.take(event)
        lamp.check()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_scenes_near_now(data):
    """Scenes that really run: their starts are drawn around now."""
    utc_s = data.draw(plans.seconds())
    value = data.draw(plans.values(with_scenes=False))
    for _ in range(data.draw(st.integers(1, 3))):
        start = utc_s + data.draw(st.integers(-600, 1200))
        end = start + data.draw(st.integers(1, 1200))
        ramp = data.draw(st.sampled_from([0, 0, 7, 100, 1000]))
        value[8].append(["s", start, end, data.draw(st.integers(0, 2)), data.draw(plans.levels), ramp])
    lamp = Lamp(plans.cbor.encode(value), utc_s)
    lamp.check()
    for event in data.draw(st.lists(events, max_size=12)):
        lamp.take(event)
        lamp.check()


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_lamp_stays_near_its_ramp(data):
    """While a ramp runs, whatever bends it, the lamp is within a thirtieth of its height and of a second."""
    value = data.draw(plans.values(with_scenes=False))
    value[11] = [0, 1000, 1, 1]
    lamp = Lamp(plans.cbor.encode(value), data.draw(plans.seconds()))
    for _ in range(data.draw(st.integers(0, 2))):
        lamp.take(data.draw(orders))
    for _ in range(40):
        lamp.wait(data.draw(st.integers(1, 400)) * 1000)
        segment = lamp.shadow.at(lamp.now())
        if lamp.t_ms > 10000 and lamp.arbiter._settled_ms <= lamp.t_ms and segment.ramp_s:
            assert abs(lamp.dimmer.level(lamp.t_ms) - lamp.expected()) <= 2 + 1000 // min(30, segment.ramp_s)


@settings(max_examples=100, deadline=None)
@given(plans.blobs(), plans.seconds(), st.lists(events, max_size=15))
def test_a_restart_finds_the_same_level(blob, utc_s, happenings):
    """A post that starts now with the same commands and walkers aims where the one that ran all along does."""
    lamp = Lamp(blob, utc_s)
    for event in happenings:
        lamp.take(event)
    lamp.wait(60000)
    born = Arbiter()
    born.commands = lamp.arbiter.commands
    d = born.decide(
        Plan.from_bytes(blob), lamp.presence, lamp.now(), lamp.t_ms, None, lamp.temperature, lamp.t_ms % 1000
    )
    assert d.jump
    assert d.now_pm == lamp.expected()


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 10),
    st.integers(-1, 4),
    st.integers(-10, 1100),
    st.one_of(st.none(), st.integers(0, 10**9)),
    st.integers(0, 2**40),
    st.integers(-10, 2 * OVERRIDE_MAX_S),
    st.one_of(st.just(0), st.integers(-10, 10**9 + 2 * OVERRIDE_MAX_S)),
    st.one_of(st.just(0), st.integers(-10, 10**9 + 2 * OVERRIDE_MAX_S)),
)
def test_no_command_is_without_an_end(layer, op, level, utc_s, t_ms, for_s, until_s, from_s):
    commands = Commands()
    try:
        commands.give(layer, op, level, "x" * 60, utc_s, t_ms, for_s, until_s, from_s)
    except CommandError:
        assert commands.version == 0
        assert not commands.asks(None, utc_s, t_ms)
        return
    # From now on the clock may be lost or run backwards: two weeks of uptime end everything.
    for clock in (None, 0, utc_s):
        assert not commands.asks(None, clock, t_ms + 2 * OVERRIDE_MAX_S * 1000)
    commands.drop_ended(None, t_ms + 2 * OVERRIDE_MAX_S * 1000)
    assert not commands._given


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 2), plans.levels, plans.levels), min_size=1))
def test_a_raise_never_lowers_and_a_cap_never_raises(asks):
    asks = [(layer, op, level, share, 0, "") for layer, op, level, share in asks]
    level, winner = fold(asks)
    assert 0 <= level <= 1000
    assert 0 <= winner < len(asks)
    below = fold(asks[:-1])[0] if len(asks) > 1 else 0
    if asks[-1][1] == RAISE:
        assert level >= below
    if asks[-1][1] == CAP:
        assert level <= below


@settings(max_examples=150, deadline=None)
@given(plans.values(), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2), st.integers(0, 60000)), max_size=60))
def test_presence_is_bounded_and_only_raises(value, detections):
    assume(value[9])
    plan = Plan.from_bytes(plans.cbor.encode(value))
    presence = Presence()
    presence.configure(plan, 251)
    known = [251, *(n[0] for n in plan.neighbours)]
    t_ms = 0
    for which, user, later in detections:
        t_ms += later
        presence.detect(known[which % len(known)], user, t_ms)
        ask = presence.ask(0, t_ms)
        if ask is not None:
            level, until, up, down, reason = ask
            assert 0 < level <= 1000
            assert t_ms < until <= t_ms + plan.profiles[0].hold_ms
            assert (up, down) == (plan.profiles[0].up_ms, plan.profiles[0].down_ms)
            assert len(reason) <= 40
            assert presence.ask(0, until - 1)[0] == level
        presence.ask(0, t_ms)
        assert len(presence._seen) <= 3 * len(known)
    assert presence.ask(0, t_ms + plan.profiles[0].hold_ms) is None
