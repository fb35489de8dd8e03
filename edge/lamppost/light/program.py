"""The rows of a compiled plan, read once: programs, rules, scenes and profiles, checked and packed small.

A plan may hold 16 programs of 24 points and 64 rules: as Python lists that is 20 KB, packed it is 3 KB. What a night
needs of them is unpacked once a night. Every function raises PlanError on anything that is not as PROTOCOL.md says.
"""

import struct

from lamppost.light import dates
from lamppost.light.checks import fault, name, row, table, whole
from lamppost.limits import (
    FADE_MAX_MS,
    HOLD_MAX_S,
    LEVEL_MAX,
    NEIGHBOUR_DM_MAX,
    PERIODS_MAX,
    POINTS_MAX,
    RAMP_MAX_S,
    REACHES_MAX,
    SUN_OFFSET_MAX_MIN,
)

CLOCK, SUNSET, SUNRISE, DUSK, DAWN = range(5)
ALWAYS, DAYS, YEARLY = range(3)
SET, RAISE, CAP = range(3)

_PERIOD = "<BhBh"  # kind, offset, kind, offset
_POINT = "<Bhh"  # kind, offset, level
_RULE = "<BBHHB"  # program, kind, a, b, weekdays
_PERIOD_SIZE = 6
_POINT_SIZE = 5
_RULE_SIZE = 7
_UTC_MAX = 0xFFFFFFFF  # 2136


class Program:
    """A control program: `id`, `level_pm`, `ramp_s`, `profile` (index or -1), and its periods and points, packed."""

    def __init__(self, value, profiles, i):
        row(value, 6, "program", i)
        self.id = name(value[0], "program", i, "id")
        self.level_pm = whole(value[1], 0, LEVEL_MAX, "program", i, "level")
        self.ramp_s = whole(value[2], 0, RAMP_MAX_S, "program", i, "ramp")
        self.profile = whole(value[3], -1, profiles - 1, "program", i, "profile")
        periods = bytearray()
        for j, period in enumerate(table(value[4], PERIODS_MAX, "program", i, "periods")):
            row(period, 4, "program", i, "period", j)
            for k in (0, 2):
                _check_moment(period[k], period[k + 1], "program", i, "period", j)
            periods.extend(struct.pack(_PERIOD, *period))
        points = bytearray()
        for j, point in enumerate(table(value[5], POINTS_MAX, "program", i, "points")):
            row(point, 3, "program", i, "point", j)
            _check_moment(point[0], point[1], "program", i, "point", j)
            whole(point[2], 0, LEVEL_MAX, "program", i, "point", j, "level")
            points.extend(struct.pack(_POINT, *point))
        self._periods = bytes(periods)
        self._points = bytes(points)

    def period(self, i):
        """Return (kind, offset, kind, offset): from and to of period `i`."""
        return struct.unpack_from(_PERIOD, self._periods, i * _PERIOD_SIZE)

    def periods(self):
        return [self.period(i) for i in range(len(self._periods) // _PERIOD_SIZE)]

    def point(self, i):
        """Return (kind, offset, level_pm) of switch point `i`."""
        return struct.unpack_from(_POINT, self._points, i * _POINT_SIZE)

    def points(self):
        return [self.point(i) for i in range(len(self._points) // _POINT_SIZE)]


def _check_moment(kind, offset, *where):
    if whole(kind, CLOCK, DAWN, *(where + ("kind",))) == CLOCK:
        whole(offset, 0, 1439, *(where + ("minutes after noon",)))
    else:
        whole(offset, -SUN_OFFSET_MAX_MIN, SUN_OFFSET_MAX_MIN, *(where + ("offset",)))


def pack_rules(rules, programs):
    """Return the calendar rules, checked and packed; `programs` is how many there are."""
    packed = bytearray()
    for i, rule in enumerate(rules):
        row(rule, 5, "rule", i)
        whole(rule[0], 0, programs - 1, "rule", i, "program")
        kind = whole(rule[1], ALWAYS, YEARLY, "rule", i, "kind")
        a = whole(rule[2], 0, 0 if kind == ALWAYS else 0xFFFF, "rule", i, "first day")
        b = whole(rule[3], 0, 0 if kind == ALWAYS else 0xFFFF, "rule", i, "last day")
        if kind == DAYS and a > b:
            raise fault("its last day lies before its first", "rule", i)
        if kind == YEARLY:
            _check_yearly(a, "rule", i, "first day")
            _check_yearly(b, "rule", i, "last day")
        whole(rule[4], 1, 127, "rule", i, "weekdays")
        packed.extend(struct.pack(_RULE, *rule))
    return bytes(packed)


def _check_yearly(date, *where):
    month, day = date // 100, date % 100
    if not 1 <= month <= 12 or not 1 <= day <= dates.month_days(2000, month):
        raise fault("%d is not a month and day such as 1224" % date, *where)


def program_of(rules, day, default):
    """Return the index of the program of the night of `day`: that of the first rule that matches, or `default`."""
    _, month, date = dates.civil(day)
    yearly = month * 100 + date
    weekday = 1 << dates.weekday(day)
    for at in range(0, len(rules), _RULE_SIZE):
        program, kind, a, b, weekdays = struct.unpack_from(_RULE, rules, at)
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


def check_scene(value, i):
    """Return the scene as a tuple (id, start_utc_s, end_utc_s, op, level_pm, ramp_s)."""
    row(value, 6, "scene", i)
    name(value[0], "scene", i, "id")
    start = whole(value[1], 0, _UTC_MAX, "scene", i, "start")
    whole(value[2], 0, _UTC_MAX, "scene", i, "end")
    if value[2] <= start:
        raise fault("it ends before it starts", "scene", i)
    whole(value[3], SET, CAP, "scene", i, "op")
    whole(value[4], 0, LEVEL_MAX, "scene", i, "level")
    whole(value[5], 0, RAMP_MAX_S, "scene", i, "ramp")
    return tuple(value)


class Profile:
    """A presence profile: `id`, `hold_ms`, `up_ms`, `down_ms`, `reaches`: for each class of user a flat tuple
    (reach_dm, level_pm, reach_dm, level_pm, ...) with the reaches rising."""

    def __init__(self, value, i):
        row(value, 7, "profile", i)
        self.id = name(value[0], "profile", i, "id")
        self.hold_ms = whole(value[1], 1, HOLD_MAX_S, "profile", i, "hold") * 1000
        self.up_ms = whole(value[2], 0, FADE_MAX_MS, "profile", i, "up")
        self.down_ms = whole(value[3], 0, FADE_MAX_MS, "profile", i, "down")
        self.reaches = tuple([_reaches(value[4 + c], "profile", i, "class", c) for c in range(3)])

    def level_pm(self, user_class, distance_dm):
        """Return the level for a user who counts as `distance_dm` away, 0 if out of reach."""
        reaches = self.reaches[user_class]
        for k in range(0, len(reaches), 2):
            if distance_dm <= reaches[k]:
                return reaches[k + 1]
        return 0


def _reaches(value, *where):
    flat = []
    last = 0
    for pair in table(value, REACHES_MAX, *where):
        row(pair, 2, *where)
        last = whole(pair[0], last, NEIGHBOUR_DM_MAX, *(where + ("reach (they must rise)",)))
        flat.append(last)
        flat.append(whole(pair[1], 0, LEVEL_MAX, *(where + ("level",))))
    return tuple(flat)
