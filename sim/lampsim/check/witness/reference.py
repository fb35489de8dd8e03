"""What a post should do, written down a second time and slowly: the reference of the five promises.

Nothing here is shared with `lamppost.light`: the compiled plan is read with cbor2 where it is installed, time zones
are Python's own reading of a POSIX rule, the sun is NOAA's, a night is evaluated at every one of its cuts by the rules
in the order of the specification. Levels come as bounds (low, high): a switch moment that depends on the sun may be
`SUN_SLACK_S` early or late, and where somebody may be walking away both answers are right.
"""

from __future__ import annotations

import datetime
import io
import struct
from bisect import bisect_right
from typing import NamedTuple
from zoneinfo import ZoneInfo

from lamppost.wire import cbor
from lampsim.check.witness import slow_sun

SUN_SLACK_S = 15  # ours and NOAA's formulas differ by at most 4 s below 60 degrees
CLOCK_SLACK_S = 2  # the second in which a switch moment falls, and the one a clock may be off
NIGHTS_MAX = 8  # resolved nights kept for each plan
SET, RAISE, CAP = 0, 1, 2
PLAN, SCENE, PRESENCE, CROWD, ENERGY, OPERATOR, TECHNICIAN, EMERGENCY, PROTECTION = range(1, 10)
_EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
_DAY = datetime.timedelta(days=1)


class Bounds(NamedTuple):
    """Between which levels, in per mille, a lamp may be."""

    low: int
    high: int

    def plus(self, other: Bounds) -> Bounds:
        return Bounds(min(self.low, other.low), max(self.high, other.high))


class Command(NamedTuple):
    """A command as a post was given it; `until_ms` by its monotonic clock."""

    layer: int
    op: int
    level_pm: int
    until_ms: int


def combine(level: int, op: int, asked: int) -> int:
    if op == RAISE:
        return max(level, asked)
    return min(level, asked) if op == CAP else asked


def zone_of(rule: str) -> ZoneInfo:
    """Python's own reading of a POSIX time zone rule: a TZif file (RFC 8536) that has nothing but its footer."""
    head = struct.pack(">4sc15x6l", b"TZif", b"2", 0, 0, 0, 0, 1, 4)
    body = struct.pack(">lbb", 0, 0, 0) + b"UTC\0"
    return ZoneInfo.from_file(io.BytesIO(head + body + head + body + b"\n" + rule.encode() + b"\n"), key=rule)


class SlowPlan:
    """A compiled plan, evaluated slowly."""

    def __init__(self, raw: bytes) -> None:
        fields = decoded(raw)
        _, rule, lat_ud, lon_ud, self.floor_pm, self._default, self._programs, self._rules = fields[:8]
        self.scenes, self.profiles, self.neighbours = fields[8], fields[9], fields[10]
        self.min_pm, self.max_pm = fields[11][:2]
        self._lat, self._lon = lat_ud / 1e6, lon_ud / 1e6
        self._zone = zone_of(rule)
        self._nights: dict[datetime.date, _Night] = {}

    def program(self, utc_s: int) -> tuple[int, bool]:
        """(level without scenes, whether a period is active), ramps included, at exactly this second."""
        night = self._night(self._date(utc_s))
        return night.at(utc_s)

    def profile(self, utc_s: int) -> list | None:
        """The presence profile that the night's program names, active or not."""
        index = self._night(self._date(utc_s)).profile
        return self.profiles[index] if index >= 0 else None

    def moments(self, utc_s: int, slack_s: int) -> list[int]:
        """Moments that stand for utc_s +- slack: both ends, the middle, and both sides of every cut between."""
        chosen = {utc_s - slack_s, utc_s, utc_s + slack_s}
        for date in {self._date(utc_s - slack_s), self._date(utc_s + slack_s)}:
            night = self._night(date)
            for cut in (*night.cuts, night.start_s):
                chosen.update(moment for moment in (cut - 1, cut) if abs(moment - utc_s) < slack_s)
        for _, start, end, _, _, ramp in self.scenes:
            for cut in (start, start + ramp, end, end + ramp):
                chosen.update(moment for moment in (cut - 1, cut) if abs(moment - utc_s) < slack_s)
        return sorted(chosen)

    def bent(self, utc_s: int) -> int:
        """A moment a little ahead: where layers bend a running ramp a post cuts it into thirtieths, each straight."""
        night = self._night(self._date(utc_s))
        ahead_s = max([night.ramp_s, *(scene[5] for scene in self.scenes)]) // 30 + 1
        cuts = [*night.cuts, *(t for s in self.scenes for t in (s[1], s[1] + s[5], s[2], s[2] + s[5]))]
        return min([utc_s + ahead_s, *(cut - 1 for cut in cuts if cut > utc_s)])

    def slack_s(self, utc_s: int) -> int:
        return SUN_SLACK_S if self._night(self._date(utc_s)).sunny else CLOCK_SLACK_S

    def ground(self, utc_s: int) -> tuple[int, bool]:
        """(level of plan and event scenes, active)."""
        level, active = self.program(utc_s)
        for _, start, end, op, asked, ramp in self.scenes:
            level += (combine(level, op, asked) - level) * _share(start, end, ramp, utc_s) // 1000
        return level, active

    def luminaire(self, level_pm: int) -> int:
        return min(max(level_pm, self.min_pm), self.max_pm) if level_pm else 0

    # --- nights

    def _date(self, utc_s: int) -> datetime.date:
        local = (_EPOCH + datetime.timedelta(seconds=utc_s)).astimezone(self._zone)
        return local.date() if local.hour >= 12 else local.date() - _DAY

    def _night(self, date: datetime.date) -> _Night:
        if date not in self._nights:
            if len(self._nights) >= NIGHTS_MAX:
                self._nights.clear()
            before = _Night(self._resolve(date - _DAY), 0)
            self._nights[date] = _Night(self._resolve(date), before.targets[-1])
        return self._nights[date]

    def _resolve(self, date: datetime.date) -> _Resolved:
        start, end = self._noon(date), self._noon(date + _DAY)
        _, level, ramp, profile, periods, points = self._programs[self._program_of(date)]
        wall = self._wall_clock(start, end, date)
        spans, marks, sunny = [], [], False
        for kind_from, from_, kind_to, to in periods:
            begin = self._moment(wall, start, end, kind_from, from_)
            finish = self._moment(wall, start, end, kind_to, to)
            sunny = sunny or bool(kind_from or kind_to)
            if begin is not None and finish is not None:
                spans.append((begin, finish))
        for kind, offset, point_level in points:
            at = self._moment(wall, start, end, kind, offset)
            sunny = sunny or bool(kind)
            if at is not None:
                marks.append((at, point_level))
        cuts = sorted({start, *(t for span in spans for t in span), *(t for t, _ in marks)})
        states = [(t, _state(t, level, spans, marks)) for t in cuts if start <= t < end]
        return _Resolved(start, ramp, profile, sunny, states)

    def _noon(self, date: datetime.date) -> int:
        noon = datetime.datetime.combine(date, datetime.time(12), self._zone)
        return int((noon - _EPOCH).total_seconds())

    def _wall_clock(self, start: int, end: int, date: datetime.date) -> list[int]:
        """For each minute of wall time after noon the first UTC at which it has been reached."""
        noon = datetime.datetime.combine(date, datetime.time(12))
        reached: list[int] = []
        for utc_s in range(start, end, 60):
            local = (_EPOCH + datetime.timedelta(seconds=utc_s)).astimezone(self._zone).replace(tzinfo=None)
            minute = int((local - noon).total_seconds()) // 60
            reached += [utc_s] * (minute + 1 - len(reached))
        return reached

    def _program_of(self, date: datetime.date) -> int:
        for program, kind, a, b, weekdays in self._rules:
            if weekdays >> date.weekday() & 1 and _dated(kind, a, b, date):
                return program
        return self._default

    def _moment(self, wall: list[int], start: int, end: int, kind: int, offset: int) -> int | None:
        if kind == 0:
            return wall[offset]
        morning = kind in (2, 4)
        day = int(start + self._lon * 240) // 86_400 + morning
        event = slow_sun.times(day, self._lat, self._lon)[{1: 2, 2: 1, 3: 3, 4: 0}[kind]]
        if event is None:
            if slow_sun.above(day, self._lat, self._lon, kind >= 3):
                return None
            event = end if morning else start
        return event + offset * 60


class _Resolved(NamedTuple):
    start_s: int
    ramp_s: int
    profile: int
    sunny: bool
    states: list[tuple[int, tuple[int, bool]]]


class _Night:
    """One resolved night, walked through from the level at which the night before ended."""

    def __init__(self, resolved: _Resolved, before_pm: int) -> None:
        self.start_s, self.ramp_s, self.profile, self.sunny, states = resolved
        self.cuts: list[int] = []
        self.targets: list[int] = []
        self._active: list[bool] = []
        self._from: list[int] = []
        for at, (level, active) in states:
            if self.cuts and (level, active) == (self.targets[-1], self._active[-1]):
                continue
            self._from.append(self.at(at)[0] if self.cuts else before_pm)
            self.cuts.append(at)
            self.targets.append(level)
            self._active.append(active)

    def at(self, utc_s: int) -> tuple[int, bool]:
        i = max(0, bisect_right(self.cuts, utc_s) - 1)
        since, to = utc_s - self.cuts[i], self.targets[i]
        if since >= self.ramp_s:
            return to, self._active[i]
        return self._from[i] + round((to - self._from[i]) * max(0, since) / self.ramp_s), self._active[i]


def expected(plan: SlowPlan | None, utc_s: int | None, presence: Bounds, commands: list[Command], limit_pm: int,
             day: Bounds) -> Bounds:  # fmt: skip
    """The level of a post at rest: `presence` asks between its two levels, `day` is what the photocell allows while the
    time is unknown, `limit_pm` is what the driver's temperature allows."""
    if plan is None:
        choices = [(1000, False)]
    elif utc_s is None:
        choices = [(day.low, False), (day.high, False)]
    else:
        choices = [plan.ground(moment) for moment in (*plan.moments(utc_s, plan.slack_s(utc_s)), plan.bent(utc_s))]
    lows, highs = [], []
    for level, active in choices:
        for asked, levels in ((presence.low, lows), (presence.high, highs)):
            levels.append(_upper(plan, max(level, asked) if active else level, commands, limit_pm))
    return Bounds(min(lows), max(highs))


def _upper(plan: SlowPlan | None, level: int, commands: list[Command], limit_pm: int) -> int:
    for layer, op, asked, _ in sorted(commands):
        if layer == ENERGY:
            asked = max(asked, 1000 if plan is None else plan.floor_pm)
        level = combine(level, op, asked)
    level = min(level, limit_pm)
    return level if plan is None else plan.luminaire(level)


def derated_pm(temperature_dc: int | None) -> int:
    """Full output to 80 C, 400 at 95 C, a straight line between; over 150 C it is the sensor that is broken."""
    if temperature_dc is None or not 800 < temperature_dc <= 1500:
        return 1000
    return 1000 - 600 * (min(temperature_dc, 950) - 800) // 150


def reached_pm(profile: list, user_class: int, distance_dm: int) -> int:
    """What a profile gives for a user of a class at a distance."""
    for reach_dm, level in profile[4 + user_class]:
        if distance_dm <= reach_dm:
            return level
    return 0


def _state(at: int, level: int, spans: list, marks: list) -> tuple[int, bool]:
    if not any(begin <= at < finish for begin, finish in spans):
        return 0, False
    latest = None
    for moment, point_level in marks:
        if moment <= at and (latest is None or moment >= latest):
            latest, level = moment, point_level
    return level, True


def _dated(kind: int, a: int, b: int, date: datetime.date) -> bool:
    if kind == 1:
        return a <= (date - datetime.date(2000, 1, 1)).days <= b
    if kind == 2:
        today, first, last = (date.month, date.day), divmod(a, 100), divmod(b, 100)
        return first <= today <= last if first <= last else not last < today < first
    return True


def _share(start: int, end: int, ramp: int, utc_s: int) -> int:
    if utc_s < start or utc_s >= end + ramp:
        return 0
    if utc_s < end:
        return 1000 if utc_s - start >= ramp else (utc_s - start) * 1000 // ramp
    top = 1000 if end - start >= ramp else (end - start) * 1000 // ramp
    return max(0, top - (utc_s - end) * 1000 // ramp)


def decoded(raw: bytes) -> list:
    """The fields of a compiled plan."""
    try:
        import cbor2
    except ImportError:  # a simulator without the tools of its developers
        return cbor.decode(raw)
    return cbor2.loads(raw)
