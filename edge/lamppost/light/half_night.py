"""A post that does not know the time, on a feeder that is switched at dusk and dawn: how long nights are, learned.

The middle of the mains-on period is solar midnight (drivers on the market call it the virtual midnight). From it a post
knows the local clock time within a window: summer time or not, the equation of time, and the error of what was
learned. Of all programs of its plan, at all clock times in that window, it takes the brightest: so it saves the deep
hours and is not darker than its plan whatever the date is. Never below the plan's safe floor.

What depends on the sun counts as if it were always in force where it is bright, and never where it is dark. Dated
scenes are left out: without a date nobody can tell.
"""

from lamppost.light.program import CLOCK

_EQUATION_MIN = 17  # the sun is up to 16.5 minutes early or late
_LEARNED_MIN = 30  # a checkpoint each 20 minutes, half of it; clouds at dusk; nights that get shorter
_NOON_MIN = 720


class HalfNight:
    """`night_s`: the learned length of a night, 0 where there is none to rely on. Power came at t_ms 0."""

    def __init__(self, night_s: int = 0):
        self.night_s = night_s

    def level_pm(self, plan, t_ms: int) -> int:
        """The level now, or -1: nothing is known, and the lamp burns full."""
        since_s = t_ms // 1000
        if not self.night_s or plan is None or since_s > self.night_s + _LEARNED_MIN * 60:
            return -1  # a feeder that is on for longer is not the one that was learned
        low_min, high_min = window(plan.tz, plan.lon_ud, since_s - self.night_s // 2)
        return max(plan.floor_pm, max([_brightest(program, low_min, high_min) for program in plan.programs]))

    def profile(self, plan) -> int:
        """The presence profile that counts then: the first that a program of the plan has; -1 without one."""
        for program in plan.programs if self.night_s and plan is not None else ():
            if program.profile >= 0:
                return program.profile
        return -1


def window(tz, lon_ud: int, after_midnight_s: int):
    """(low, high): the minutes after local noon between which a moment may lie, so long after solar midnight."""
    # Solar midnight is at 24:00 UTC minus 4 minutes a degree of longitude east.
    middle_min = _NOON_MIN - lon_ud * 4 // 1000000 + after_midnight_s // 60
    low_s, high_s = min(tz.std_s, tz.dst_s), max(tz.std_s, tz.dst_s)
    slack_min = _EQUATION_MIN + _LEARNED_MIN
    return middle_min + low_s // 60 - slack_min, middle_min + high_s // 60 + slack_min


def _brightest(program, low_min: int, high_min: int) -> int:
    """The brightest that a program can be between two moments after local noon."""
    level = 0
    before_min, before_pm = -1, program.level_pm
    for kind, offset_min, level_pm in program.points():
        if kind != CLOCK or low_min <= offset_min <= high_min:
            level = max(level, level_pm)
        elif before_min <= offset_min < low_min:
            before_min, before_pm = offset_min, level_pm
    return max(level, before_pm)
