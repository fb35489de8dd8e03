"""The rules of a compiled plan written down a second time, slowly: the oracle for `Plan.at`.

Times come from datetime and zoneinfo. A clock time is found by walking through the night minute by minute and taking
the first minute at which the wall clock has got that far; nothing is shared with the code under test but the sun.
"""

import datetime
from zoneinfo import ZoneInfo

from lamppost.light import sun

EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


def level_and_active(value, iana, utc_s):
    """Return (level_pm, active) of plan array `value` at `utc_s`, ramps aside."""
    zone = ZoneInfo(iana)
    start, end, date = night_of(zone, utc_s)
    program = value[6][_program(value, date)]
    _, level, _, _, periods, points = program
    wall = _wall_clock(zone, start, end, date)
    moment = lambda kind, offset: _moment(value, wall, start, end, kind, offset)  # noqa: E731 - a shorthand
    active = False
    for kind_from, from_, kind_to, to in periods:
        begin, finish = moment(kind_from, from_), moment(kind_to, to)
        active = active or (begin is not None and finish is not None and begin <= utc_s < finish)
    if not active:
        return 0, False
    latest = None
    for kind, offset, point_level in points:
        at = moment(kind, offset)
        if at is not None and at <= utc_s and (latest is None or at >= latest):
            latest, level = at, point_level
    return level, True


def night_of(zone, utc_s):
    """Return (start_s, end_s, date of its first noon) of the night that holds `utc_s`."""
    local = (EPOCH + datetime.timedelta(seconds=utc_s)).astimezone(zone)
    date = local.date() if local.hour >= 12 else local.date() - DAY
    return _noon(zone, date), _noon(zone, date + DAY), date


def _noon(zone, date):
    noon = datetime.datetime.combine(date, datetime.time(12), zone)
    return int((noon - EPOCH).total_seconds())


def _wall_clock(zone, start, end, date):
    """Return for each minute of wall time after noon, 0..1439, the first UTC at which it has been reached."""
    noon = datetime.datetime.combine(date, datetime.time(12))
    reached = {}
    highest = -1
    for utc_s in range(start, end, 60):
        local = (EPOCH + datetime.timedelta(seconds=utc_s)).astimezone(zone).replace(tzinfo=None)
        minute = int((local - noon).total_seconds()) // 60
        for m in range(highest + 1, minute + 1):
            reached[m] = utc_s
        highest = max(highest, minute)
    return reached


def _program(value, date):
    for program, kind, a, b, weekdays in value[7]:
        if not weekdays >> date.weekday() & 1:
            continue
        if kind == 1:
            days = (date - datetime.date(2000, 1, 1)).days
            if not a <= days <= b:
                continue
        if kind == 2:
            today, first, last = (date.month, date.day), divmod(a, 100), divmod(b, 100)
            inside = first <= today <= last if first <= last else not last < today < first
            if not inside:
                continue
        return program
    return value[5]


def _moment(value, wall, start, end, kind, offset):
    if kind == 0:
        return wall[offset]
    lat, lon = value[2], value[3]
    solar = EPOCH + datetime.timedelta(seconds=start) + datetime.timedelta(hours=lon / 15e6)
    day = (solar.date() - datetime.date(2000, 1, 1)).days + (kind in (2, 4))
    event = sun.times(day, lat, lon)[{1: 2, 2: 1, 3: 3, 4: 0}[kind]]
    if event is None:
        if sun.above(day, lat, lon, kind >= 3):
            return None
        event = start if kind in (1, 3) else end
    return event + offset * 60
