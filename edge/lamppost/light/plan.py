"""A compiled plan: bytes in, the level of any moment out.

Promises: `Plan.from_bytes` raises PlanError, one line, on anything that is not a whole and consistent plan, and nothing
else; what it accepts can be asked for any moment. `at` is a pure function of the plan and the moment: what was asked
before does not matter, so a restart, a clock step or a change of daylight saving needs no replay. Only the night that
was asked last is kept; asking inside the same segment again costs two comparisons.

Use: `plan = Plan.from_bytes(blob)`, `segment = plan.at(utc_s)`, `plan.level_at(utc_s)`.
"""

import hashlib

from lamppost.forget import forget
from lamppost.light import program, sun
from lamppost.light.night import NOON_S, Night, clamped


class PlanError(ValueError):
    """The plan is refused and nothing has changed. The text says where the fault is and what would be right."""


class Plan:
    """Everything a post needs to light by itself.

    `hash` (8 bytes), `raw`, `tz` (Zone), `lat_ud`, `lon_ud`, `floor_pm`, `programs`, `scenes` [(id, start_s, end_s, op,
    level_pm, ramp_s)], `profiles`, `neighbours` [(address, distance_dm, bearing_deg) or with way_dm, along the
    street, where that is longer], and of the luminaire `min_pm`, `max_pm`, `rated_mw`, `standby_mw`.
    """

    def __init__(self, raw):
        try:
            from lamppost.light import read_plan

            found = read_plan.read(raw)
        except (ImportError, OSError) as error:  # flash does not give the code: the plan before stays
            raise PlanError("plan refused: the post cannot load what reads it (%s); update its firmware" % error)
        finally:
            forget("lamppost.light", "read_plan", "checks")
        self.tz, self.lat_ud, self.lon_ud, self.floor_pm, self.profiles, self.programs = found[:6]
        self._default, self._rules, self.scenes, self.neighbours, luminaire = found[6:]
        self.min_pm, self.max_pm, self.rated_mw, self.standby_mw = luminaire
        self.raw = raw
        self.hash = hashlib.sha256(raw).digest()[:8]
        self._night = None
        self._segment = None
        self._suns = [(None, None), (None, None)]
        self._ended = (None, 0)  # a night's day and the level at which it ended

    @classmethod
    def from_bytes(cls, raw):
        """Return the plan in `raw`. Raises PlanError on anything malformed, out of range or inconsistent."""
        if not isinstance(raw, (bytes, bytearray)):
            raise PlanError("plan refused: plan: expected bytes; compile and send it again")
        return cls(bytes(raw))

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
