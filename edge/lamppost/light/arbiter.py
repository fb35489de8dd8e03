"""Which level a lamp should have, of nine layers, and why.

Promises: the level is a pure function of plan, time, inputs and the commands in force, whatever was decided before;
only the *fade* towards it depends on what changed. Without a plan: full output. With a plan but without the time: the
photocell if the post has one (on below 35 lx, off above 70 lx), else the learned middle of the mains-on period
(half_night.py), else full output. It is always 0..1000.

How a Post uses it. It owns one Plan or None, one Presence, one Arbiter, one Dimmer, and at every event and deadline:

    decision = arbiter.decide(plan, presence, utc_s, t_ms, lux_mlx, temperature_dc, sub_ms)
    if decision.jump:                                # the first decision after a start
        dimmer.go(decision.now_pm, 0, t_ms)
    if decision.changed:
        dimmer.go(decision.level_pm, decision.fade_ms, t_ms)
    ask again at decision.next_t_ms, or at the next event

`utc_s` is None while the time is unknown; `sub_ms` (0..999) is how far into that second it is, so that switch moments
are met to the millisecond; `lux_mlx` (millilux) and `temperature_dc` (tenths of a degree) are None where there is no
sensor. Commands: `arbiter.commands.give / clear / touch`. After a new plan: `presence.configure(plan, own_address)`,
then `decide` with it. `why` gives the chain of reasons for now, `explain` for any other moment.

A decision is a straight fade: `level_pm` is where the lamp should be when `fade_ms` is over. While a ramp of the plan
or a scene runs, that is its end; where other layers bend the ramp it is cut into short straight steps.
"""

from lamppost.light.commands import Commands
from lamppost.light.dimmer import ramped_pm
from lamppost.light.half_night import HalfNight
from lamppost.light.layers import PLAN, PRESENCE, PROTECTION, chain_of, derated_pm, fold, ground, ground_ends
from lamppost.light.program import CAP, RAISE, SET
from lamppost.limits import (
    ASK_AGAIN_MAX_MS,
    COMMAND_FADE_MS,
    EMERGENCY_FADE_MS,
    HALF_NIGHT_STEP_MS,
    LEVEL_MAX,
    PHOTOCELL_DAY_MS,
    PHOTOCELL_OFF_MLX,
    PHOTOCELL_ON_MLX,
    PROTECTION_FADE_MS,
    SLOW_FADE_MS,
)

_LEAP_PM = 20  # less is a ramp's rounding, or what a clock set right moves it
_STEP_S = 2  # a clock that is set right by less is followed without a fade of its own
_RAMP_STEPS = 30  # a bent ramp is cut so that no step covers more than a thirtieth of it
_FADES = (  # (up, down) of layers 4 to 9
    (COMMAND_FADE_MS, SLOW_FADE_MS),  # crowd
    (SLOW_FADE_MS, SLOW_FADE_MS),  # energy cap: a whole town moves at once, nobody should see it
    (COMMAND_FADE_MS, COMMAND_FADE_MS),  # override
    (COMMAND_FADE_MS, COMMAND_FADE_MS),  # technician
    (EMERGENCY_FADE_MS, EMERGENCY_FADE_MS),
    (PROTECTION_FADE_MS, PROTECTION_FADE_MS),
)


class Decision:
    """`level_pm` to be reached in `fade_ms`; `now_pm`: where the lamp should be at this moment; `layer` (1..9) and
    `reason` (words) of what settled it; `changed`: fade now; `jump`: first put it at `now_pm` (after a start, and for
    a step without a fade amid a ramp); `next_t_ms`: ask again.

    One object for each arbiter, written anew by every `decide`.
    """

    def __init__(self):
        self.level_pm = self.now_pm = LEVEL_MAX
        self.fade_ms = 0
        self.layer = PLAN
        self.reason = ""
        self.changed = self.jump = False
        self.next_t_ms = 0


class Arbiter:
    """The decision of one post. `commands` holds what people and the gateway ask; `half_night` what was learned of
    the feeder's nights.

    `heeds_presence`: whether somebody near can change the last decision before it is due again.
    """

    def __init__(self):
        self.commands = Commands()
        self.half_night = HalfNight()
        self._half_pm = self._was_half_pm = -1  # what it asks while the time is unknown, -1 nothing
        self.heeds_presence = False
        self._decision = Decision()
        self._plan = None
        self._begun = False
        self._dark = True  # the photocell's memory between its two thresholds: in doubt it is dark
        self._was_dark = None
        self._limit_pm = LEVEL_MAX
        self._heard = self._ordered = -1
        self._from_s = self._to_s = None  # the UTC for which the last decision holds
        self._from_ms = 0
        self._upper = []  # the asks of layers 3 to 9, as last decided
        self._fades = (COMMAND_FADE_MS, SLOW_FADE_MS)  # of the presence profile last in use
        self._ahead_s = 0  # of the time over t_ms, at the last decision that was worked out
        self._night_ms = 0  # when the photocell last saw none of day; a post that starts knows of none
        self._settled_ms = 0  # when the fade between two states of the layers is over
        self._done_ms = 0  # when the fade last decided is over
        self._start_pm, self._start_ms = 0, 0  # where and when it began

    def decide(self, plan, presence, utc_s, t_ms, lux_mlx=None, temperature_dc=None, sub_ms=0):
        """Return the Decision for now: a few comparisons where nothing has changed."""
        decision = self._decision
        limit_pm = derated_pm(temperature_dc)
        if utc_s is None:
            self._look(lux_mlx, plan, t_ms)
            same = self._from_s is None and self._was_dark == self._dark
        else:
            same = self._from_s is not None and self._from_s <= utc_s < self._to_s
            same = same and -2 < utc_s - t_ms // 1000 - self._ahead_s < 2  # else its next moment is another now
        if (
            same
            and t_ms < decision.next_t_ms
            and plan is self._plan
            and presence.version == self._heard
            and self.commands.version == self._ordered
            and limit_pm == self._limit_pm
        ):
            decision.changed = decision.jump = False
            return decision
        self._ahead_s = 0 if utc_s is None else utc_s - t_ms // 1000
        self.commands.drop_ended(utc_s, t_ms)
        segment = None if plan is None or utc_s is None else plan.at(utc_s)
        profile = self._profile(plan, segment)
        ask = presence.ask(profile, t_ms) if profile >= 0 else None
        self.heeds_presence = profile >= 0
        self._limit_pm, self._heard, self._ordered = limit_pm, presence.version, self.commands.version
        self._settle(plan, segment, ask, utc_s, t_ms, sub_ms)
        return decision

    def why(self, plan, presence, utc_s, t_ms, temperature_dc=None):
        """Return (level_pm, chain) for now: what every layer asks, lowest first, as `layers.chain_of` has it."""
        segment = None if plan is None or utc_s is None else plan.at(utc_s)
        profile = self._profile(plan, segment)
        ask = presence.ask(profile, t_ms) if profile >= 0 else None
        upper = self._asks_above(plan, ask, derated_pm(temperature_dc), utc_s, t_ms)
        return chain_of(self._asks_below(plan, segment, utc_s, utc_s) + upper, plan)

    def explain(self, plan, utc_s, now_s, t_ms):
        """Return (level_pm, chain) for another moment `utc_s`, seen from now (`now_s`, or None, and `t_ms`).

        It has the layers that are functions of plan and time, and the commands known now that are in force then (none
        while the time is unknown); who will be near, and how warm the driver will be, nobody knows.
        """
        segment = None if plan is None else plan.at(utc_s)
        upper = [] if now_s is None else self.commands.asks(plan, utc_s, t_ms + (utc_s - now_s) * 1000)
        return chain_of(self._asks_below(plan, segment, utc_s, utc_s) + upper, plan)

    def _profile(self, plan, segment):
        """Return the index of the presence profile that counts now, -1 if none does."""
        if segment is not None:
            return segment.profile
        return self.half_night.profile(plan) if self._half_pm >= 0 else -1

    def _look(self, lux_mlx, plan, t_ms):
        """While the time is unknown: the photocell, unless it has seen day for longer than one lasts; else the learned
        night."""
        if lux_mlx is None or lux_mlx < PHOTOCELL_ON_MLX:
            self._night_ms = t_ms
        elif t_ms - self._night_ms > PHOTOCELL_DAY_MS:
            lux_mlx = None
        self._half_pm = self.half_night.level_pm(plan, t_ms) if lux_mlx is None else -1
        if lux_mlx is None or lux_mlx < PHOTOCELL_ON_MLX:
            self._dark = True
        elif lux_mlx > PHOTOCELL_OFF_MLX:
            self._dark = False

    def _asks_below(self, plan, segment, utc_s, at_s):
        """Return the asks of layers 1 and 2."""
        if segment is not None:
            return ground(plan, segment, utc_s, at_s)
        if plan is None:
            return [(PLAN, SET, LEVEL_MAX, LEVEL_MAX, 0, "no plan: full output")]
        if self._half_pm >= 0:
            return [(PLAN, SET, self._half_pm, LEVEL_MAX, 0, "time unknown: as learned from the nights")]
        if self._dark:
            return [(PLAN, SET, LEVEL_MAX, LEVEL_MAX, 0, "time unknown: full output unless it is day")]
        return [(PLAN, SET, 0, LEVEL_MAX, 0, "time unknown: the photocell sees day")]

    def _asks_above(self, plan, ask, limit_pm, utc_s, t_ms):
        """Return the asks of layers 3 to 9."""
        asks = self.commands.asks(plan, utc_s, t_ms)
        if ask is not None:
            until_s = 0 if utc_s is None else utc_s + (ask[1] - t_ms) // 1000
            asks.insert(0, (PRESENCE, RAISE, ask[0], LEVEL_MAX, until_s, ask[4]))
        if limit_pm < LEVEL_MAX:
            asks.append((PROTECTION, CAP, limit_pm, LEVEL_MAX, 0, "the driver is too hot"))
        return asks

    def _settle(self, plan, segment, ask, utc_s, t_ms, sub_ms):
        """Write the decision: which fade goes on or begins, where it ends, and when to ask again."""
        decision = self._decision
        upper = self._asks_above(plan, ask, self._limit_pm, utc_s, t_ms)
        asks = self._asks_below(plan, segment, utc_s, utc_s) + upper
        level, winner = fold(asks)
        new_fade_ms = self._new_fade_ms(plan, utc_s, t_ms, ask, asks, upper, level)
        if new_fade_ms is not None:
            self._settled_ms = t_ms + new_fade_ms
        fade_ms = max(0, self._settled_ms - t_ms)
        due_ms = t_ms + ASK_AGAIN_MAX_MS if ask is None else ask[1]
        if utc_s is None and self._half_pm >= 0:
            due_ms = min(due_ms, t_ms + HALF_NIGHT_STEP_MS)
        lamp_pm = self._lamp_pm(t_ms)
        steps = new_fade_ms == 0 or (self._to_s is not None and utc_s is not None and utc_s >= self._to_s)
        decision.now_pm = level if plan is None else plan.luminaire_pm(level)
        leap = False
        self._to_s = None if utc_s is None else utc_s + ASK_AGAIN_MAX_MS // 1000
        if segment is not None:
            self._to_s, at_s = _horizon(plan, segment, asks, upper, utc_s, utc_s + (sub_ms + fade_ms) // 1000, fade_ms)
            due_ms = min(due_ms, t_ms + (self._to_s - utc_s) * 1000 - sub_ms)
            if at_s != utc_s:
                if not fade_ms:
                    leap = steps and abs(decision.now_pm - lamp_pm) > _LEAP_PM
                    fade_ms = (at_s - utc_s) * 1000 - sub_ms
                due_ms = min(due_ms, t_ms + fade_ms)
                asks = self._asks_below(plan, segment, utc_s, at_s) + upper
                level, winner = fold(asks)
        target_pm = level if plan is None else plan.luminaire_pm(level)
        sooner = new_fade_ms is not None and t_ms + fade_ms < self._done_ms
        decision.jump = leap or not self._begun
        decision.changed = decision.jump or sooner or target_pm != decision.level_pm
        if decision.changed:
            self._start_pm, self._start_ms = decision.now_pm if decision.jump else lamp_pm, t_ms
            self._done_ms = t_ms + fade_ms
        decision.level_pm, decision.fade_ms = target_pm, fade_ms
        decision.layer, decision.reason = asks[winner][0], asks[winner][5]
        decision.next_t_ms = max(t_ms + 1, self.commands.deadline(utc_s, t_ms, due_ms))
        self._plan, self._upper, self._from_s, self._from_ms = plan, upper, utc_s, t_ms
        self._begun, self._was_dark, self._was_half_pm = True, self._dark, self._half_pm

    def _lamp_pm(self, t_ms):
        """Return how far the fade last decided has got."""
        if t_ms >= self._done_ms:
            return self._decision.level_pm
        return ramped_pm(self._start_pm, self._decision.level_pm, t_ms - self._start_ms, self._done_ms - self._start_ms)

    def _new_fade_ms(self, plan, utc_s, t_ms, ask, asks, upper, level_pm):
        """Return the length of the fade that begins now because something changed, None if none does."""
        if ask is not None:
            self._fades = (ask[2], ask[3])
        if not self._begun:
            return 0
        if not self._goes_on(plan, utc_s, t_ms):
            return COMMAND_FADE_MS
        layer = _highest_change(self._upper, upper)
        if not layer:
            return None
        before_pm, _ = fold(asks[: len(asks) - len(upper)] + self._upper)
        if before_pm == level_pm:
            return None
        up_ms, down_ms = self._fades if layer == PRESENCE else _FADES[layer - PRESENCE - 1]
        return up_ms if level_pm > before_pm else down_ms

    def _goes_on(self, plan, utc_s, t_ms):
        """Whether layer 1 takes its own course since the last decision: the same plan, and both clocks in step."""
        if plan is not self._plan:
            return False
        if utc_s is None or self._from_s is None:
            same = self._dark == self._was_dark and self._half_pm == self._was_half_pm
            return utc_s is self._from_s and same
        return -_STEP_S <= utc_s - self._from_s - (t_ms - self._from_ms) // 1000 <= _STEP_S


def _horizon(plan, segment, asks, upper, utc_s, faded_s, fade_ms):
    """Return (next_s, at_s): when layers 1 and 2 next change their course, and the moment whose level to aim at."""
    next_s, ramps, least_s = ground_ends(plan, segment, utc_s)
    if not ramps:
        return next_s, utc_s
    if fade_ms:  # to where the ramp will have got by then, and on from there
        return next_s, max(faded_s, utc_s + 1)
    below = len(asks) - len(upper)
    straight = ramps == 1 and not upper and below <= (1 if utc_s < segment.ramp_end_s() else 2)
    straight = straight and plan.min_pm == 0 and plan.max_pm == LEVEL_MAX  # the luminaire's limits bend it too
    return next_s, next_s if straight else min(next_s, utc_s + max(1, least_s // _RAMP_STEPS))


def _highest_change(old, new):
    """Return the highest layer whose op or level differs between two lists of asks, 0 if none does."""
    i, j = len(old) - 1, len(new) - 1
    while i >= 0 or j >= 0:
        before = old[i][0] if i >= 0 else 0
        after = new[j][0] if j >= 0 else 0
        if before != after or old[i][1:3] != new[j][1:3]:
            return max(before, after)
        i -= 1
        j -= 1
    return 0
