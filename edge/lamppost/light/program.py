"""The rows of a compiled plan as it is kept: programs, rules and profiles, checked and packed by read_plan.py.

What a night needs of them is unpacked once a night.
"""

import struct

from lamppost.light import dates

CLOCK, SUNSET, SUNRISE, DUSK, DAWN = range(5)
ALWAYS, DAYS, YEARLY = range(3)
SET, RAISE, CAP = range(3)

PERIOD = "<BhBh"  # kind, offset, kind, offset
POINT = "<Bhh"  # kind, offset, level
RULE = "<BBHHB"  # program, kind, a, b, weekdays
_PERIOD_SIZE = 6
_POINT_SIZE = 5
_RULE_SIZE = 7


class Program:
    """A control program: `id`, `level_pm`, `ramp_s`, `profile` (index or -1), and its periods and points, packed."""

    def __init__(self, ident: str, level_pm: int, ramp_s: int, profile: int, periods: bytes, points: bytes):
        self.id = ident
        self.level_pm = level_pm
        self.ramp_s = ramp_s
        self.profile = profile
        self._periods = periods
        self._points = points

    def period(self, i):
        """Return (kind, offset, kind, offset): from and to of period `i`."""
        return struct.unpack_from(PERIOD, self._periods, i * _PERIOD_SIZE)

    def periods(self):
        return [self.period(i) for i in range(len(self._periods) // _PERIOD_SIZE)]

    def point(self, i):
        """Return (kind, offset, level_pm) of switch point `i`."""
        return struct.unpack_from(POINT, self._points, i * _POINT_SIZE)

    def points(self):
        return [self.point(i) for i in range(len(self._points) // _POINT_SIZE)]


def program_of(rules, day, default):
    """Return the index of the program of the night of `day`: that of the first rule that matches, or `default`."""
    _, month, date = dates.civil(day)
    yearly = month * 100 + date
    weekday = 1 << dates.weekday(day)
    for at in range(0, len(rules), _RULE_SIZE):
        program, kind, a, b, weekdays = struct.unpack_from(RULE, rules, at)
        today = day if kind == DAYS else yearly
        if kind == ALWAYS:
            inside = True
        elif a <= b:
            inside = a <= today <= b
        else:  # over new year
            inside = today >= a or today <= b
        if inside and weekdays & weekday:
            return program
    return default


class Profile:
    """A presence profile: `id`, `hold_ms`, `up_ms`, `down_ms`, `reaches`: for each class of user a flat tuple
    (reach_dm, level_pm, reach_dm, level_pm, ...) with the reaches rising."""

    def __init__(self, ident: str, hold_ms: int, up_ms: int, down_ms: int, reaches: tuple):
        self.id = ident
        self.hold_ms = hold_ms
        self.up_ms = up_ms
        self.down_ms = down_ms
        self.reaches = reaches

    def level_pm(self, user_class, distance_dm):
        """Return the level for a user who counts as `distance_dm` away, 0 if out of reach."""
        reaches = self.reaches[user_class]
        for k in range(0, len(reaches), 2):
            if distance_dm <= reaches[k]:
                return reaches[k + 1]
        return 0
