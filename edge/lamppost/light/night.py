"""One lighting night, resolved: from local noon to local noon, the level of every moment and why.

Promises: a `Night` is a pure function of (plan, day); its segments are half-open, touch, cover the night whole, and two
that touch differ in level or in being active. A switch point or period bound is a moment in UTC: a wall time that a
change of daylight saving skips is the moment of the change, one that comes twice is its first. Where the sun does not
set (polar day) a period bound to it is empty and a point is ignored; where it does not rise (polar night) sunset and
dusk are the night's start, sunrise and dawn its end.
"""

from lamppost.light import sun
from lamppost.light.dimmer import ramped_pm
from lamppost.light.program import CLOCK, DAWN, DUSK, SUNRISE, SUNSET

NOON_S = 43200
_WORDS = ("", "sunset", "sunrise", "dusk", "dawn")
_BY_DAY, _POINT, _FROM, _TO = range(4)  # what a segment is due to; times 256 plus an index


class Segment:
    """A stretch of constant target: `level_pm` from `start_s` to before `end_s`, reached from `previous_pm` in a ramp
    of `ramp_s` that begins at `start_s`. `active`: inside a period; `profile`: of presence, or -1; `reason`: words."""

    def __init__(self, start_s, end_s, level_pm, previous_pm, ramp_s, active, profile, reason):
        self.start_s = start_s
        self.end_s = end_s
        self.level_pm = level_pm
        self.previous_pm = previous_pm
        self.ramp_s = ramp_s
        self.active = active
        self.profile = profile
        self.reason = reason

    def level_at(self, utc_s):
        """Return the level at a moment of this segment, on its ramp; integers, rounded towards `previous_pm`."""
        return ramped_pm(self.previous_pm, self.level_pm, utc_s - self.start_s, self.ramp_s)

    def ramp_end_s(self):
        """Return when its ramp is over; `start_s` if it has none."""
        return self.start_s if self.level_pm == self.previous_pm else self.start_s + self.ramp_s


class Night:
    """The night of one `day` (of its first noon): `start_s`, `end_s`, `program`, and three lists of equal length:
    `cuts` (seconds after the start, the first 0), `levels`, and `causes`; a level of -1 stands for not active."""

    def __init__(self, plan, day):
        self.day = day
        self.start_s = plan.tz.utc_s(day * 86400 + NOON_S)
        self.end_s = plan.tz.utc_s((day + 1) * 86400 + NOON_S)
        self.program = plan.program_of(day)
        self.cuts = []
        self.levels = []
        self.causes = []
        self._resolve(plan)

    def find(self, utc_s):
        """Return the index of the segment that holds `utc_s`, a moment of this night."""
        after = utc_s - self.start_s
        i = len(self.cuts) - 1
        while i > 0 and self.cuts[i] > after:
            i -= 1
        return i

    def end_of(self, i):
        return self.start_s + self.cuts[i + 1] if i + 1 < len(self.cuts) else self.end_s

    def last_level_pm(self):
        """Return the level that the last segment of the night aims at."""
        return max(0, self.levels[-1])

    def anchor(self, i):
        """Return the last segment, up to `i`, before which a ramp had the time to finish; 0 if there is none."""
        while i > 0 and self.cuts[i] - self.cuts[i - 1] < self.program.ramp_s:
            i -= 1
        return i

    def segment(self, i, before_pm):
        """Return segment `i`; `before_pm`, the level at which the night before ended, matters if `anchor(i)` is 0."""
        program = self.program
        k = self.anchor(i)
        previous = max(0, self.levels[k - 1]) if k else before_pm
        for j in range(k, i):  # ramps that were cut short, each from where the one before had got
            previous = ramped_pm(previous, max(0, self.levels[j]), self.cuts[j + 1] - self.cuts[j], program.ramp_s)
        level = max(0, self.levels[i])
        active = self.levels[i] >= 0
        start = self.start_s + self.cuts[i]
        profile = program.profile if active else -1
        return Segment(start, self.end_of(i), level, previous, program.ramp_s, active, profile, self._reason(i, level))

    def _resolve(self, plan):
        length = self.end_s - self.start_s
        periods = []
        cuts = [0]
        for j, (kind, offset, kind_to, offset_to) in enumerate(self.program.periods()):
            begin = self._moment(plan, kind, offset)
            end = self._moment(plan, kind_to, offset_to)
            if begin is not None and end is not None and max(begin, 0) < min(end, length):
                periods.append((max(begin, 0), min(end, length), j))
                cuts += periods[-1][:2]
        points = []
        for j, (kind, offset, level) in enumerate(self.program.points()):
            at = self._moment(plan, kind, offset)
            if at is not None and at < length:
                points.append((at, j, level))
                cuts.append(max(0, at))
        points.sort()
        cuts.sort()
        for cut in cuts:
            if cut < length and (not self.cuts or cut > self.cuts[-1]):
                self._add(cut, periods, points)
        if not self.cuts:  # two noons in one moment: a zone that skips a whole day
            self._add(0, (), ())

    def _add(self, cut, periods, points):
        """Append the segment that begins at `cut`, unless it goes on as before."""
        level, cause = -1, _BY_DAY << 8
        opened, closed = -1, -1
        for begin, end, j in periods:
            if begin <= cut < end and begin > opened:
                opened, level, cause = begin, self.program.level_pm, _FROM << 8 | j
            elif opened < 0 and closed < end <= cut:
                closed, cause = end, _TO << 8 | j
        if opened >= 0:
            for at, j, point_level in points:
                if at <= cut:
                    level, cause = point_level, _POINT << 8 | j
        if not self.levels or level != self.levels[-1]:
            self.cuts.append(cut)
            self.levels.append(level)
            self.causes.append(cause)

    def _moment(self, plan, kind, offset_min):
        """Return a clock time or an event of the sun in seconds after the night's start; None if it does not happen."""
        if kind == CLOCK:
            return plan.tz.utc_s(self.day * 86400 + NOON_S + offset_min * 60) - self.start_s
        morning = kind in (SUNRISE, DAWN)
        # The solar date of the night's first noon (the sun takes 240 s a degree), or the day after it.
        day = (self.start_s + plan.lon_ud * 3 // 12500) // 86400 + morning
        event = plan.sun(day)[(2, 1, 3, 0)[kind - SUNSET]]
        if event is None:
            if sun.above(clamped(day), plan.lat_ud, plan.lon_ud, kind in (DUSK, DAWN)):
                return None
            event = self.end_s if morning else self.start_s
        return event - self.start_s + offset_min * 60

    def _reason(self, i, level_pm):
        what, j = self.causes[i] >> 8, self.causes[i] & 255
        program = self.program
        if what == _BY_DAY:
            return program.id + ": off by day"
        if what == _POINT:
            kind, offset, _ = program.point(j)
        else:
            period = program.period(j)
            kind, offset = period[:2] if what == _FROM else period[2:]
        return "%s: %s -> %s" % (program.id, moment_text(kind, offset), "off" if what == _TO else percent(level_pm))


def clamped(day):
    """Return `day` brought into the century for which the sun is computed: a post whose clock is wrong lights too."""
    return day if 0 <= day <= sun.DAY_MAX else day % (sun.DAY_MAX + 1)


def moment_text(kind, offset_min):
    """Return "22:30" or "sunset+10"."""
    if kind == CLOCK:
        minutes = (offset_min + 720) % 1440
        return "%02d:%02d" % (minutes // 60, minutes % 60)
    return "%s%+d" % (_WORDS[kind], offset_min) if offset_min else _WORDS[kind]


def percent(level_pm):
    """Return "60 %" or "60.5 %"."""
    if level_pm % 10:
        return "%d.%d %%" % (level_pm // 10, level_pm % 10)
    return "%d %%" % (level_pm // 10)
