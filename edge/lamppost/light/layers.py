"""The layers of the arbiter and how they combine: one fold, lowest layer first.

An *ask* is what one layer wants: a tuple (layer, op, level_pm, share, until_s, text). `op` is SET, RAISE (max) or CAP
(min); `share` is how much of it counts, 0..1000, less than 1000 only while a scene ramps in or out; `until_s` is the
UTC at which it ends, 0 if unknown. The level of a lamp is the fold of all asks, in the order of DESIGN.md, "Which
level".
"""

from lamppost.light.program import CAP, RAISE, SET
from lamppost.limits import DERATE_FROM_DC, DERATE_TO_DC, DERATED_PM, LEVEL_MAX, REASON_MAX, TEMPERATURE_MAX_DC

PLAN, SCENE, PRESENCE, CROWD, ENERGY, OPERATOR, TECHNICIAN, EMERGENCY, PROTECTION, LUMINAIRE = range(1, 11)
NAMES = (
    "",
    "plan",
    "event scene",
    "presence",
    "crowd",
    "energy cap",
    "override",
    "technician",
    "emergency",
    "protection",
    "luminaire",
)
SCALE = 3  # kept for constant light output and virtual output


def fold(asks):
    """Return (level 0..1000, index of the ask that settled it): the last one that set or changed the level."""
    level = 0
    winner = 0
    for i, (_, op, asked, share, _, _) in enumerate(asks):
        to = asked if op == SET else max(level, asked) if op == RAISE else min(level, asked)
        if to != level or op == SET:
            winner = i
            level += (to - level) * share // LEVEL_MAX
    return level, winner


def ground(plan, segment, utc_s, at_s):
    """Return the asks of layers 1 and 2 at `at_s`, with the scenes that run at `utc_s`. The two differ when a fade
    looks ahead: its end must not see a scene that has not begun."""
    asks = [(PLAN, SET, segment.level_at(at_s), LEVEL_MAX, segment.end_s, segment.reason)]
    for name, start, end, op, level, ramp in plan.scenes:
        if start <= utc_s < end + ramp:
            share = _scene_share(start, end, ramp, utc_s, at_s)
            if share:
                asks.append((SCENE, op, level, share, end, name))
    return asks


def _scene_share(start, end, ramp, utc_s, at_s):
    if utc_s < end:
        return LEVEL_MAX if at_s - start >= ramp else (at_s - start) * LEVEL_MAX // ramp
    reached = LEVEL_MAX if end - start >= ramp else (end - start) * LEVEL_MAX // ramp
    return max(0, reached - (at_s - end) * LEVEL_MAX // ramp)


def ground_ends(plan, segment, utc_s):
    """Return (next_s, ramps, shortest_s): when layers 1 and 2 next begin, end or finish a ramp; how many ramps run at
    `utc_s`, and the shortest of them."""
    next_s = segment.end_s
    ramps = least = 0
    if segment.ramp_s and utc_s < segment.ramp_end_s():
        next_s = min(next_s, segment.ramp_end_s())
        ramps, least = 1, segment.ramp_s
    for _, start, end, _, _, ramp in plan.scenes:
        ramp = min(ramp, end - start)  # a ramp that was cut short is undone in as long as it took
        for begin in (start, end):
            if utc_s < begin:
                next_s = min(next_s, begin)
            elif utc_s < begin + ramp:
                next_s = min(next_s, begin + ramp)
                ramps += 1
                least = min(least or ramp, ramp)
    return next_s, ramps, least


def _clipped(text):
    """Return at most 40 characters: a plan's reason keeps the beginning of its name, and the moment and level."""
    return text if len(text) <= REASON_MAX else text[:16] + ".." + text[18 - REASON_MAX :]


def derated_pm(temperature_dc):
    """Return what protection allows at a driver temperature in tenths of a degree: 1000 to 80 C, down to 400 at 95 C.

    A sensor that is missing or shows over 150 C protects nothing.
    """
    if temperature_dc is None or temperature_dc <= DERATE_FROM_DC or temperature_dc > TEMPERATURE_MAX_DC:
        return LEVEL_MAX
    over = min(temperature_dc, DERATE_TO_DC) - DERATE_FROM_DC
    return LEVEL_MAX - (LEVEL_MAX - DERATED_PM) * over // (DERATE_TO_DC - DERATE_FROM_DC)


def chain_of(asks, plan):
    """Return (level_pm, chain): the level after the luminaire's limits, and for `why` a list, lowest layer first, of
    [layer, op, level_pm, won 0 or 1, until_utc_s or 0, text]."""
    level, winner = fold(asks)
    chain = []
    for i, (layer, op, asked, _, until_s, text) in enumerate(asks):
        chain.append([layer, op, asked, 1 if i == winner else 0, until_s, _clipped(text)])
    if plan is not None:
        limited = plan.luminaire_pm(level)
        if limited != level:
            words = "luminaire minimum" if limited > level else "luminaire maximum"
            chain.append([LUMINAIRE, RAISE if limited > level else CAP, limited, 0, 0, words])
        level = limited
    return level, chain
