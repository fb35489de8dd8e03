"""From bytes to a Plan: what a post needs when a plan comes, and forgets (lamppost/forget.py).

Nothing here may live on in a Plan but numbers, text and bytes. Programs and rules are packed small: a plan may hold 16
programs of 24 points and 64 rules, which are 20 KB as Python lists and 3 KB packed.
"""

import struct

from lamppost.light import dates
from lamppost.light.checks import fault, name, row, table, whole
from lamppost.light.plan import PlanError
from lamppost.light.program import (
    ALWAYS,
    CAP,
    CLOCK,
    DAWN,
    DAYS,
    PERIOD,
    POINT,
    RULE,
    SET,
    YEARLY,
    Profile,
    Program,
)
from lamppost.light.tz import Zone
from lamppost.limits import (
    ADDRESS_MAX,
    FADE_MAX_MS,
    HOLD_MAX_S,
    LEVEL_MAX,
    NEIGHBOUR_DM_MAX,
    NEIGHBOURS_MAX,
    PERIODS_MAX,
    PLAN_BYTES_MAX,
    POINTS_MAX,
    PROFILES_MAX,
    PROGRAMS_MAX,
    RAMP_MAX_S,
    RATED_MW_MAX,
    REACHES_MAX,
    RULES_MAX,
    SCENES_MAX,
    SUN_OFFSET_MAX_MIN,
)
from lamppost.wire import cbor
from lamppost.wire.errors import WireError

VERSION = 1
_UTC_MAX = 0xFFFFFFFF  # 2136


def read(raw: bytes) -> tuple:
    """What `raw` says, in the order in which Plan takes it. Raises PlanError on anything malformed, out of range or
    inconsistent."""
    fields = _fields(raw)
    tz = _zone(fields[1])
    lat_ud = whole(fields[2], -90000000, 90000000, "latitude")
    lon_ud = whole(fields[3], -180000000, 180000000, "longitude")
    floor_pm = whole(fields[4], 0, LEVEL_MAX, "safe floor")
    values = table(fields[9], PROFILES_MAX, "profiles")
    profiles = [_profile(value, i) for i, value in enumerate(values)]
    values = table(fields[6], PROGRAMS_MAX, "programs")
    programs = [_program(value, len(profiles), i) for i, value in enumerate(values)]
    default = whole(fields[5], 0, len(programs) - 1, "default program")
    rules = _rules(table(fields[7], RULES_MAX, "rules"), len(programs))
    scenes = [_scene(value, i) for i, value in enumerate(table(fields[8], SCENES_MAX, "scenes"))]
    neighbours = _neighbours(fields[10])
    return tz, lat_ud, lon_ud, floor_pm, profiles, programs, default, rules, scenes, neighbours, _luminaire(fields[11])


def _fields(raw: bytes) -> list:
    if len(raw) > PLAN_BYTES_MAX:
        raise fault("%d bytes, at most %d fit a post" % (len(raw), PLAN_BYTES_MAX), "plan")
    try:
        fields = cbor.decode(raw)
    except WireError as error:
        raise fault("not CBOR: %s" % error, "plan")
    if type(fields) is not list or not fields or type(fields[0]) is not int:
        raise fault("expected an array that begins with its version", "plan")
    if fields[0] != VERSION:
        raise fault("version %d, this post reads %d" % (fields[0], VERSION), "plan")
    return row(fields, 12, "plan")


def _zone(rule):
    try:
        return Zone(rule)
    except ValueError as error:
        raise PlanError("plan refused: %s" % error)


def _program(value, profiles, i):
    row(value, 6, "program", i)
    ident = name(value[0], "program", i, "id")
    level_pm = whole(value[1], 0, LEVEL_MAX, "program", i, "level")
    ramp_s = whole(value[2], 0, RAMP_MAX_S, "program", i, "ramp")
    profile = whole(value[3], -1, profiles - 1, "program", i, "profile")
    periods = bytearray()
    for j, period in enumerate(table(value[4], PERIODS_MAX, "program", i, "periods")):
        row(period, 4, "program", i, "period", j)
        for k in (0, 2):
            _check_moment(period[k], period[k + 1], "program", i, "period", j)
        periods.extend(struct.pack(PERIOD, *period))
    points = bytearray()
    for j, point in enumerate(table(value[5], POINTS_MAX, "program", i, "points")):
        row(point, 3, "program", i, "point", j)
        _check_moment(point[0], point[1], "program", i, "point", j)
        whole(point[2], 0, LEVEL_MAX, "program", i, "point", j, "level")
        points.extend(struct.pack(POINT, *point))
    return Program(ident, level_pm, ramp_s, profile, bytes(periods), bytes(points))


def _check_moment(kind, offset, *where):
    if whole(kind, CLOCK, DAWN, *(where + ("kind",))) == CLOCK:
        whole(offset, 0, 1439, *(where + ("minutes after noon",)))
    else:
        whole(offset, -SUN_OFFSET_MAX_MIN, SUN_OFFSET_MAX_MIN, *(where + ("offset",)))


def _rules(rules, programs):
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
        packed.extend(struct.pack(RULE, *rule))
    return bytes(packed)


def _check_yearly(date, *where):
    month, day = date // 100, date % 100
    if not 1 <= month <= 12 or not 1 <= day <= dates.month_days(2000, month):
        raise fault("%d is not a month and day such as 1224" % date, *where)


def _scene(value, i):
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


def _profile(value, i):
    row(value, 7, "profile", i)
    ident = name(value[0], "profile", i, "id")
    hold_ms = whole(value[1], 1, HOLD_MAX_S, "profile", i, "hold") * 1000
    up_ms = whole(value[2], 0, FADE_MAX_MS, "profile", i, "up")
    down_ms = whole(value[3], 0, FADE_MAX_MS, "profile", i, "down")
    reaches = tuple([_reaches(value[4 + c], "profile", i, "class", c) for c in range(3)])
    return Profile(ident, hold_ms, up_ms, down_ms, reaches)


def _reaches(value, *where):
    flat = []
    last = 0
    for pair in table(value, REACHES_MAX, *where):
        row(pair, 2, *where)
        last = whole(pair[0], last, NEIGHBOUR_DM_MAX, *(where + ("reach (they must rise)",)))
        flat.append(last)
        flat.append(whole(pair[1], 0, LEVEL_MAX, *(where + ("level",))))
    return tuple(flat)


def _neighbours(value):
    seen = []
    for i, neighbour in enumerate(table(value, NEIGHBOURS_MAX, "neighbours")):
        row(neighbour, 4 if type(neighbour) is list and len(neighbour) == 4 else 3, "neighbour", i)
        address = whole(neighbour[0], 1, ADDRESS_MAX, "neighbour", i, "address")
        if address in [n[0] for n in seen]:
            raise fault("address %d is there twice" % address, "neighbour", i)
        distance = whole(neighbour[1], 0, NEIGHBOUR_DM_MAX, "neighbour", i, "distance")
        whole(neighbour[2], 0, 359, "neighbour", i, "bearing")
        whole(neighbour[-1] if len(neighbour) == 4 else distance, distance, NEIGHBOUR_DM_MAX, "neighbour", i, "way")
        seen.append(tuple(neighbour))
    return seen


def _luminaire(value):
    row(value, 4, "luminaire")
    most = whole(value[1], 1, LEVEL_MAX, "luminaire maximum")
    least = whole(value[0], 0, most, "luminaire minimum")
    rated = whole(value[2], 0, RATED_MW_MAX, "rated power")
    return least, most, rated, whole(value[3], 0, RATED_MW_MAX, "standby power")
