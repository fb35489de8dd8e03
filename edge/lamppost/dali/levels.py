"""Levels and fade times of control gear (IEC 62386-102, sections 9.3 and 9.5)."""

from math import log, sqrt

from lamppost.limits import LEVEL_MAX

ARC_MAX = 254
_ARCS_A_DECADE = 253 / 3  # of the logarithmic curve: 0.1 % is arc power level 1, 100 % is 254
FADE_MAX_MS = 90510  # code 15


def arc_of(level_pm: int, linear=False) -> int:
    """The arc power level whose light is nearest to a level of 0..1000; 0 only for 0."""
    if level_pm <= 0:
        return 0
    if linear:
        return max(1, (level_pm * ARC_MAX + LEVEL_MAX // 2) // LEVEL_MAX)
    return int(1.5 + _ARCS_A_DECADE * log(level_pm) / log(10))


def level_of(arc: int, linear=False) -> int:
    """The level, 0..1000, of an arc power level."""
    if arc <= 0:
        return 0
    if linear:
        return (arc * LEVEL_MAX + ARC_MAX // 2) // ARC_MAX
    return int(0.5 + 10 ** ((arc - 1) / _ARCS_A_DECADE))


def fade_code(fade_ms: int) -> int:
    """The fade time code, 0..15, nearest to a time; 0 is at once, code n takes sqrt(2**n) / 2 seconds."""
    if fade_ms < 350:
        return 0
    code = int(0.5 + 2 * log(fade_ms / 500) / log(2))
    return min(max(code, 1), 15)


def fade_ms(code: int) -> int:
    """How long a fade with a code takes, milliseconds."""
    return int(500 * sqrt(2**code) + 0.5) if code else 0
