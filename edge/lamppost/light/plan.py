"""A compiled plan: bytes in, the level of any moment out.

Promises: `Plan.from_bytes` raises PlanError, one line, on anything that is not a whole and consistent plan, and nothing
else; what it accepts can be asked for any moment. `at` is a pure function of the plan and the moment: what was asked
before does not matter, so a restart, a clock step or a change of daylight saving needs no replay. Only the night that
was asked last is kept; asking inside the same segment again costs two comparisons.

Use: `plan = Plan.from_bytes(blob)`, `segment = plan.at(utc_s)`, `plan.level_at(utc_s)`.
"""

import hashlib

from lamppost.light import program, sun
from lamppost.light.checks import PlanError, fault, row, table, whole
from lamppost.light.night import NOON_S, Night, clamped
from lamppost.light.tz import Zone
from lamppost.limits import (
    ADDRESS_MAX,
    LEVEL_MAX,
    NEIGHBOUR_DM_MAX,
    NEIGHBOURS_MAX,
    PLAN_BYTES_MAX,
    PROFILES_MAX,
    PROGRAMS_MAX,
    RATED_MW_MAX,
    RULES_MAX,
    SCENES_MAX,
)
from lamppost.wire import cbor
from lamppost.wire.errors import WireError

VERSION = 1


class Plan:
    """Everything a post needs to light by itself.

    `hash` (8 bytes), `raw`, `tz` (Zone), `lat_ud`, `lon_ud`, `floor_pm`, `programs`, `scenes` [(id, start_s, end_s, op,
    level_pm, ramp_s)], `profiles`, `neighbours` [(address, distance_dm, bearing_deg) or with way_dm, along the
    street, where that is longer], and of the luminaire `min_pm`, `max_pm`, `rated_mw`, `standby_mw`.
    """

    def __init__(self, raw, fields):
        self.raw = raw
        self.hash = hashlib.sha256(raw).digest()[:8]
        self.tz = _zone(fields[1])
        self.lat_ud = whole(fields[2], -90000000, 90000000, "latitude")
        self.lon_ud = whole(fields[3], -180000000, 180000000, "longitude")
        self.floor_pm = whole(fields[4], 0, LEVEL_MAX, "safe floor")
        profiles = table(fields[9], PROFILES_MAX, "profiles")
        self.profiles = [program.Profile(value, i) for i, value in enumerate(profiles)]
        programs = table(fields[6], PROGRAMS_MAX, "programs")
        self.programs = [program.Program(value, len(profiles), i) for i, value in enumerate(programs)]
        self._default = whole(fields[5], 0, len(programs) - 1, "default program")
        self._rules = program.pack_rules(table(fields[7], RULES_MAX, "rules"), len(programs))
        self.scenes = [program.check_scene(value, i) for i, value in enumerate(table(fields[8], SCENES_MAX, "scenes"))]
        self.neighbours = _neighbours(fields[10])
        self.min_pm, self.max_pm, self.rated_mw, self.standby_mw = _luminaire(fields[11])
        self._night = None
        self._segment = None
        self._suns = [(None, None), (None, None)]
        self._ended = (None, 0)  # a night's day and the level at which it ended

    @classmethod
    def from_bytes(cls, raw):
        """Return the plan in `raw`. Raises PlanError on anything malformed, out of range or inconsistent."""
        if not isinstance(raw, (bytes, bytearray)):
            raise fault("expected bytes", "plan")
        if len(raw) > PLAN_BYTES_MAX:
            raise fault("%d bytes, at most %d fit a post" % (len(raw), PLAN_BYTES_MAX), "plan")
        try:
            fields = cbor.decode(bytes(raw))
        except WireError as error:
            raise fault("not CBOR: %s" % error, "plan")
        if type(fields) is not list or not fields or type(fields[0]) is not int:
            raise fault("expected an array that begins with its version", "plan")
        if fields[0] != VERSION:
            raise fault("version %d, this post reads %d" % (fields[0], VERSION), "plan")
        return cls(bytes(raw), row(fields, 12, "plan"))

    def at(self, utc_s):
        """Return the Segment that holds the moment `utc_s` (a moment of the years 1 to 9998)."""
        segment = self._segment
        if segment is None or not segment.start_s <= utc_s < segment.end_s:
            night = self._night_of(utc_s)
            i = night.find(utc_s)
            segment = self._segment = night.segment(i, self._before(night, i))
        return segment

    def level_at(self, utc_s):
        """Return the level 0..1000 that the plan alone gives at `utc_s`, ramps included."""
        return self.at(utc_s).level_at(utc_s)

    def program_of(self, day):
        """Return the Program of the night that begins at local noon of `day`."""
        return self.programs[program.program_of(self._rules, day, self._default)]

    def sun(self, day):
        """Return (dawn, sunrise, sunset, dusk) of a solar date here; the last two dates asked are kept."""
        for known, events in self._suns:
            if known == day:
                return events
        use = clamped(day)
        events = sun.times(use, self.lat_ud, self.lon_ud)
        if use != day:
            events = tuple([e if e is None else e + (day - use) * 86400 for e in events])
        self._suns = [self._suns[1], (day, events)]
        return events

    def luminaire_pm(self, level_pm):
        """Return `level_pm` within what the luminaire can do; 0 stays 0."""
        return max(self.min_pm, min(level_pm, self.max_pm)) if level_pm > 0 else 0

    def _night_of(self, utc_s):
        night = self._night
        if night is None or not night.start_s <= utc_s < night.end_s:
            day = (utc_s + self.tz.offset_s(utc_s) - NOON_S) // 86400
            # An hour that comes twice around noon, or a zone that skips a day, puts the guess a night or two off.
            while self._noon_s(day) > utc_s:
                day -= 1
            while self._noon_s(day + 1) <= utc_s:
                day += 1
            if night is not None:
                self._ended = (night.day, night.last_level_pm())
            night = self._night = Night(self, day)
        return night

    def _noon_s(self, day):
        return self.tz.utc_s(day * 86400 + NOON_S)

    def _before(self, night, i):
        """Return the level at which the night before ended; 0 where it does not matter to segment `i`."""
        if night.anchor(i):
            return 0
        if self._ended[0] != night.day - 1:
            self._ended = (night.day - 1, Night(self, night.day - 1).last_level_pm())
        return self._ended[1]


def _zone(rule):
    try:
        return Zone(rule)
    except ValueError as error:
        raise PlanError("plan refused: %s" % error)


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
