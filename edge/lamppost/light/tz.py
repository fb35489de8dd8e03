"""Local wall time from a POSIX TZ rule, so that a post needs neither a database nor a network for it.

Promises: `offset_s` and `utc_s` are pure functions of the rule and their argument; a rule that is not understood is
refused with what is wrong in it. The grammar is that of POSIX (IEEE 1003.1-2017, 8.3) with the hours of -167..167 of
RFC 8536, 3.3.1: "CET-1CEST,M3.5.0,M10.5.0/3", "IST-1GMT0,M10.5.0,M3.5.0/1", "<+0330>-3:30". A zone with daylight saving
must say when it starts and ends. Times are seconds since 2000-01-01, of UTC or of the wall clock.
"""

from lamppost.forget import forget
from lamppost.light import dates

RULE_MAX = 64  # the longest rule in the tz database has 41 characters
MONTH, JULIAN, ORDINAL = range(3)  # Mm.w.d, Jn and n: the three forms of a date


class Zone:
    """A time zone. `Zone(rule)` raises ValueError with a message that names the fault."""

    def __init__(self, rule):
        try:
            from lamppost.light import tz_rule

            self.rule, self.std_s, self.dst_s, self._dates = tz_rule.read(rule)
        finally:
            forget("lamppost.light", "tz_rule")
        self._year = None
        self._changes = ()

    def offset_s(self, utc_s):
        """Return what to add to UTC, in seconds, to get the time on the wall at `utc_s`."""
        offset = self.std_s
        for moment, after in self._around(utc_s):
            if moment > utc_s:
                break
            offset = after
        return offset

    def utc_s(self, local_s):
        """Return the UTC at which wall clocks show `local_s`.

        A wall time that is skipped in spring gives the moment of the skip; one that comes twice gives its first.
        """
        since, offset = None, self.std_s
        for moment, after in self._around(local_s):
            if local_s - offset < moment:
                break
            since, offset = moment, after
        utc_s = local_s - offset
        return utc_s if since is None or utc_s > since else since

    def _around(self, s):
        """Return the changes [(utc_s, offset from then on)] of the year of `s` and its neighbours, in order."""
        if not self._dates:
            return ()
        year = dates.civil(s // 86400)[0]
        if year != self._year:
            self._year, self._changes = year, self._changes_of((year - 1, year, year + 1))
        return self._changes

    def _changes_of(self, years):
        start, end = self._dates
        pairs = []
        for y in years:
            pairs.append((_change_s(start, y) - self.std_s, y, 0, self.dst_s))
            pairs.append((_change_s(end, y) - self.dst_s, y, 1, self.std_s))
        changes = []
        for moment, _, _, offset in sorted(pairs):
            # Daylight saving all year ends at the very second at which next year's starts: only the later one counts.
            if changes and changes[-1][0] == moment:
                changes.pop()
            changes.append((moment, offset))
        return changes


def _change_s(date, year):
    """Return the wall time, in seconds, of a change in a year; `date` is as tz_rule.py reads it."""
    form, month, week, n, seconds = date
    if form == MONTH:  # the w-th weekday (Sunday is 0) of a month; week 5 is the last
        first = dates.day_of(year, month, 1)
        nth = (n - 1 - dates.weekday(first)) % 7 + 7 * (week - 1)
        day = first + (nth if nth < dates.month_days(year, month) else nth - 7)
    else:  # day 1..365, of which 29 February is none, or day 0..365
        day = dates.day_of(year, 1, 1) + n
        if form == JULIAN and not (n > 59 and dates.month_days(year, 2) == 29):
            day -= 1
    return day * 86400 + seconds
