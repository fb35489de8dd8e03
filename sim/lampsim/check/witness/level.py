"""Promises 1 and 2: the lamp of a post, and the reasons it gives, are what the reference (reference.py) says.

Who is where is known from what was told to the post; the bounds that the fades and ramps leave are those of the last
seconds together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamppost.light.arbiter import Arbiter
from lamppost.light.plan import Plan
from lampsim.check.broken import Breaks
from lampsim.check.witness.life import BREAK_MS, Life
from lampsim.check.witness.overheard import EVENT, Frame
from lampsim.check.witness.reference import Bounds, SlowPlan, derated_pm, expected, reached_pm

if TYPE_CHECKING:
    from lampsim.check.world.post import StreetPost
    from lampsim.check.world.street import Street

TOLERANCE_PM = 3  # three roundings of integers
FADES_MS = 10_000  # the longest fade that is not a presence profile's: protection
MARGIN_MS = 1_500
ANNOUNCED_MS = 10_500  # somebody who stays is announced again at least every 10 s
OLD_EVENT_MS = 2_500  # an event that is said again tells a moment that has passed
DAY_MS = 86_400_000
STUCK_MS = 1_800_000  # a sensor that has seen somebody for so long without a break is stuck, and not heeded
GRACE_MS = (6_000, 6_000, 2_500)  # so long a place holds, by class, once its user was sensed farther on
NOBODY = Bounds(0, 0)


class Levels:
    """Of the lamps of a street. Raises through `broken`."""

    def __init__(self, street: Street, broken: Breaks) -> None:
        self._street, self._broken = street, broken

    def sensed(self, one: StreetPost, life: Life, event: tuple, heard: list[Frame]) -> None:
        """A post was told by its own sensors, or by these frames, who is where."""
        t_ms = one.ran_ms()
        for frame in heard:
            if frame.kind == EVENT and frame.dst == 255 and frame.src != one.address:
                user_class, _, age_ms, _ = frame.values()
                life.sensed(frame.src, user_class, t_ms - age_ms)
        if event[0] == "presence" and event[2] and event[3] not in life.here:
            life.here.add(event[3])
            since_ms, gone_ms = life.gone[event[3]]
            life.since[event[3]] = since_ms if t_ms - gone_ms < BREAK_MS else t_ms
            if t_ms < life.since[event[3]] + STUCK_MS:
                life.sensed(one.address, event[3], t_ms)
        elif event[0] == "presence" and not event[2] and event[3] in life.here:
            life.here.discard(event[3])
            life.gone[event[3]] = (life.since[event[3]], t_ms)
            life.seen[one.address, event[3]] = min(t_ms, life.since[event[3]] + STUCK_MS)
        elif event[0] == "lux":
            life.lux = event[1]
        elif event[0] == "temp":
            life.temperature_dc, life.heated_ms = event[1], t_ms

    def look(self, one: StreetPost, life: Life) -> None:
        """Hold what a post does at this moment against the reference."""
        post, t_ms = one.post, one.ran_ms()
        assert post is not None
        self._take_plan(one, life)
        utc_s = post.clock.utc_s(t_ms)
        in_force = [command for command in life.commands.values() if t_ms < command.until_ms]
        limit_pm = derated_pm(life.believed_dc(post.temp_dc, t_ms))
        presence = NOBODY if utc_s is None else self._presence(one, life, utc_s, t_ms)
        inputs = (life.plan, presence, in_force, limit_pm, _photocell(life.lux, t_ms))
        now = _expected(inputs, utc_s)
        self._pure(one, life, now, utc_s, t_ms)
        window_ms = max([FADES_MS, *(p[k] for p in (life.plan.profiles if life.plan else []) for k in (2, 3))])
        if life.inputs and life.inputs != (post.clock._offset_ms, inputs):  # until now the ones before held
            offset_ms, before = life.inputs
            life.past.append((t_ms, _expected(before, None if offset_ms is None else (t_ms + offset_ms) // 1000)))
        life.inputs = (post.clock._offset_ms, inputs)
        life.past.append((t_ms, now))
        while len(life.past) > 1 and life.past[1][0] <= t_ms - window_ms - MARGIN_MS:
            life.past.popleft()
        allowed = now
        for _, bounds in life.past:
            allowed = allowed.plus(bounds)
        if utc_s is not None and post.dimmer.done_ms > t_ms:  # a fade may meet a rising ramp where that will be by then
            ahead_ms = min(post.dimmer.done_ms - t_ms, window_ms)
            meets = _expected(inputs, utc_s + (ahead_ms + 999) // 1000)
            allowed = allowed._replace(high=max(allowed.high, meets.high))
        level_pm = post.dimmer.level(t_ms)
        if level_pm < allowed.low - TOLERANCE_PM:
            raise self._broken(1, one, f"its lamp is at {level_pm}, darker than {allowed.low}")
        if level_pm > allowed.high + TOLERANCE_PM:
            raise self._broken(2, one, f"its lamp is at {level_pm}, brighter than {allowed.high}")

    def _pure(self, one: StreetPost, life: Life, now: Bounds, utc_s: int | None, t_ms: int) -> None:
        post = one.post
        assert post is not None
        level_pm = post.why(None, t_ms)[1]
        if utc_s is None and life.lux is not None:
            return  # the photocell remembers: only its lamp tells
        if not now.low - TOLERANCE_PM <= level_pm <= now.high + TOLERANCE_PM:
            promise = 1 if level_pm < now.low else 2
            raise self._broken(promise, one, f"it gives reasons for {level_pm}, the reference {now.low}..{now.high}")
        second = Arbiter()
        second.commands, second.half_night = post.arbiter.commands, post.arbiter.half_night
        plan = None if life.raw is None else Plan.from_bytes(life.raw)
        at_once = second.decide(plan, post.presence, utc_s, t_ms, None, post.temp_dc).now_pm
        if at_once != level_pm:
            raise self._broken(2, one, f"it gives reasons for {level_pm}, a second arbiter at once for {at_once}")

    def _presence(self, one: StreetPost, life: Life, utc_s: int, t_ms: int) -> Bounds:
        if life.plan is None:
            return NOBODY
        slack = life.plan.slack_s(utc_s)
        choices = [self._asked(one, life, life.plan.profile(at), t_ms) for at in (utc_s - slack, utc_s + slack)]
        return Bounds(min(c.low for c in choices), max(c.high for c in choices))

    def _asked(self, one: StreetPost, life: Life, profile: list | None, t_ms: int) -> Bounds:
        """What a profile asks for all that were sensed or heard of."""
        if profile is None or life.plan is None:
            return NOBODY
        hold_ms, places = profile[1] * 1000, {one.address: 0} | {n[0]: n[1] for n in life.plan.neighbours}
        low = high = 0
        for (address, user_class), last_ms in life.seen.items():
            if address not in places:
                continue
            own_now = address == one.address and user_class in life.here
            if own_now:  # announced again every 10 s, until the sensor counts as stuck
                stuck_ms = life.since[user_class] + STUCK_MS
                own_now, last_ms = t_ms < stuck_ms, max(last_ms, min(t_ms, stuck_ms))
            if own_now or t_ms <= last_ms + hold_ms + MARGIN_MS:
                high = max(high, reached_pm(profile, user_class, places[address]))
            sure_ms = last_ms + hold_ms - (ANNOUNCED_MS if address == one.address else OLD_EVENT_MS)
            told_ms = (t_ms if own_now else last_ms) - ANNOUNCED_MS
            if address == one.address and max(told_ms, life.since[user_class]) < life.planned_ms:
                sure_ms = 0  # who came before there was a plan is not known until announced again
            elif own_now and hold_ms > ANNOUNCED_MS:
                sure_ms = t_ms + 1
            left_ms = life.left.get((address, user_class))
            if left_ms is not None:
                sure_ms = min(sure_ms, left_ms + GRACE_MS[user_class] - MARGIN_MS)
            sure = address == one.address or (address, user_class) in life.alone
            if sure and t_ms < sure_ms:
                low = max(low, reached_pm(profile, user_class, places[address]))
        return Bounds(low, high)

    def _take_plan(self, one: StreetPost, life: Life) -> None:
        post = one.post
        assert post is not None
        raw = post.plan.raw if post.plan else None
        if raw == life.raw:
            return
        known = {n[0] for n in life.plan.neighbours} if life.plan else set()
        if life.plan is None:
            life.planned_ms = one.ran_ms()
        life.alone = {key for key in life.alone if key[0] in known}  # what strangers said before did not count
        life.raw = raw
        life.plan = None if raw is None else SlowPlan(raw)
        if raw is not None and raw not in self._street.cabinet.plans.wanted.get(one.name, ()):
            raise self._broken(4, one, "it runs a plan that the office never wanted")


def _expected(inputs: tuple, utc_s: int | None) -> Bounds:
    plan, presence, in_force, limit_pm, day = inputs
    return expected(plan, utc_s, presence, in_force, limit_pm, day)


def _photocell(lux: int | None, t_ms: int) -> Bounds:
    if lux is None or lux < 35:
        return Bounds(1000, 1000)
    if t_ms > DAY_MS:  # it may have seen day for longer than one lasts
        return Bounds(0, 1000)
    return Bounds(0, 0) if lux > 70 else Bounds(0, 1000)
