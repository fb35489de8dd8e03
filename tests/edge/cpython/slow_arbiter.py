"""The nine layers written down a second time, from DESIGN.md: the oracle for `Arbiter`.

The test keeps its own list of commands, and this file its own idea of when one counts.
"""

from lamppost.light.program import CAP, RAISE


def combine(level, op, asked):
    if op == RAISE:
        return max(level, asked)
    if op == CAP:
        return min(level, asked)
    return asked


def level_pm(plan, utc_s, t_ms, presence_pm, commands, temperature_dc):
    """Return the level of a post with a plan that knows the time.

    `presence_pm` is 0 where nobody is near; `commands` maps layer -> (op, level, from_ms, until_ms).
    """
    level = plan.level_at(utc_s)
    for _, start, end, op, asked, ramp in plan.scenes:
        share = scene_share(start, end, ramp, utc_s)
        level += (combine(level, op, asked) - level) * share // 1000
    if presence_pm and plan.at(utc_s).active:
        level = max(level, presence_pm)
    for layer in sorted(commands):
        op, asked, from_ms, until_ms = commands[layer]
        if from_ms <= t_ms < until_ms:
            level = combine(level, op, max(asked, plan.floor_pm) if layer == 5 else asked)
    if 800 < temperature_dc <= 1500:
        level = min(level, 1000 - 600 * (min(temperature_dc, 950) - 800) // 150)
    return min(max(level, plan.min_pm), plan.max_pm) if level else 0


def scene_share(start, end, ramp, utc_s):
    """Return 0..1000: it rises from `start` for `ramp` seconds and falls from `end` as fast."""
    if utc_s < start:
        return 0
    if utc_s < end:
        return 1000 if utc_s - start >= ramp else (utc_s - start) * 1000 // ramp
    at_end = scene_share(start, end, ramp, end - 1) if ramp == 0 else min(1000, (end - start) * 1000 // ramp)
    return 0 if utc_s >= end + ramp else max(0, at_end - (utc_s - end) * 1000 // ramp)
