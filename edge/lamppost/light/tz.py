"""Local wall time from a POSIX TZ rule, so that a post needs neither a database nor a network for it.

Promises: `offset_s` and `utc_s` are pure functions of the rule and their argument; a rule that is not understood is
refused with what is wrong in it. The grammar is that of POSIX (IEEE 1003.1-2017, 8.3) with the hours of -167..167 of
RFC 8536, 3.3.1: "CET-1CEST,M3.5.0,M10.5.0/3", "IST-1GMT0,M10.5.0,M3.5.0/1", "<+0330>-3:30". A zone with daylight saving
must say when it starts and ends. Times are seconds since 2000-01-01, of UTC or of the wall clock.
"""

from . import dates

RULE_MAX = 64  # the longest rule in the tz database has 41 characters


class Zone:
    """A time zone. `Zone(rule)` raises ValueError with a message that names the fault."""

    def __init__(self, rule):
        reader = _Reader(rule)
        reader.name()
        self.std_s = self.dst_s = -reader.time(24, "offset from UTC")
        self._dates = []
        if reader.left():
            reader.name()
            one_hour = reader.peek() in ","
            self.dst_s = self.std_s + 3600 if one_hour else -reader.time(24, "offset from UTC")
            self._dates = [reader.date(), reader.date()]
        if reader.left():
            reader.fail("expected the end of the rule")
        self.rule = rule
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
            pairs.append((start(y) - self.std_s, y, 0, self.dst_s))
            pairs.append((end(y) - self.dst_s, y, 1, self.std_s))
        changes = []
        for moment, _, _, offset in sorted(pairs):
            # Daylight saving all year ends at the very second at which next year's starts: only the later one counts.
            if changes and changes[-1][0] == moment:
                changes.pop()
            changes.append((moment, offset))
        return changes


class _Reader:
    """A cursor over a rule; every method takes what it names or raises ValueError."""

    def __init__(self, rule):
        if not isinstance(rule, str) or not 0 < len(rule) <= RULE_MAX:
            raise ValueError("a TZ rule is text of 1..%d characters, such as CET-1CEST,M3.5.0,M10.5.0/3" % RULE_MAX)
        self.rule = rule
        self.at = 0

    def fail(self, what):
        raise ValueError("TZ rule %r, character %d: %s" % (self.rule, self.at + 1, what))

    def left(self):
        return self.at < len(self.rule)

    def peek(self):
        """Return the next character, or "" at the end."""
        return self.rule[self.at : self.at + 1]

    def skip(self, character):
        """Step over `character` if it is next; return whether it was."""
        if self.peek() != character:
            return False
        self.at += 1
        return True

    def need(self, character, what):
        if not self.skip(character):
            self.fail("expected %r, %s" % (character, what))

    def name(self):
        """Take a name: three letters or more, or letters, digits and signs in <>."""
        quoted = self.skip("<")
        begin = self.at
        while self.left() and (_is_letter(self.peek()) or (quoted and self.peek() in "+-0123456789")):
            self.at += 1
        if self.at - begin < 3:
            self.fail("a zone's name has 3 letters or more (in <> also digits and signs)")
        if quoted:
            self.need(">", "the end of the name")

    def number(self, low, high, what):
        begin = self.at
        while self.left() and self.peek() in "0123456789" and self.at - begin < 4:
            self.at += 1
        if begin == self.at:
            self.fail("expected %s, %d..%d" % (what, low, high))
        value = int(self.rule[begin : self.at])
        if not low <= value <= high:
            self.at = begin
            self.fail("%s %d is not in %d..%d" % (what, value, low, high))
        return value

    def time(self, hours_max, what):
        """Take [+-]hh[:mm[:ss]]; return seconds."""
        sign = -1 if self.peek() == "-" else 1
        if self.peek() in "+-" and self.left():
            self.at += 1
        seconds = self.number(0, hours_max, "hours of the " + what) * 3600
        if self.skip(":"):
            seconds += self.number(0, 59, "minutes") * 60
            if self.skip(":"):
                seconds += self.number(0, 59, "seconds")
        return sign * seconds

    def date(self):
        """Take `,date[/time]`; return the function from a year to the wall time, in seconds, of that change."""
        self.need(",", "then when daylight saving starts and ends, such as ,M3.5.0,M10.5.0/3")
        if self.skip("M"):
            month = self.number(1, 12, "month")
            self.need(".", "then the week")
            week = self.number(1, 5, "week")
            self.need(".", "then the weekday")
            day = _month_rule(month, week, self.number(0, 6, "weekday"))
        elif self.skip("J"):
            day = _julian_rule(self.number(1, 365, "day of the year without 29 February"))
        else:
            day = _ordinal_rule(self.number(0, 365, "day of the year, Jn or Mm.w.d"))
        seconds = self.time(167, "change") if self.skip("/") else 7200
        return lambda year: day(year) * 86400 + seconds


def _is_letter(character):
    return "a" <= character <= "z" or "A" <= character <= "Z"


def _month_rule(month, week, weekday):
    """Mm.w.d: the w-th weekday d (Sunday is 0) of month m; week 5 is the last."""

    def day(year):
        first = dates.day_of(year, month, 1)
        n = (weekday - 1 - dates.weekday(first)) % 7 + 7 * (week - 1)
        return first + (n if n < dates.month_days(year, month) else n - 7)

    return day


def _julian_rule(n):
    """Jn: day 1..365 of the year; 29 February is never counted."""
    return lambda year: dates.day_of(year, 1, 1) + n - (0 if n > 59 and dates.month_days(year, 2) == 29 else 1)


def _ordinal_rule(n):
    """n: day 0..365 of the year; 29 February is counted."""
    return lambda year: dates.day_of(year, 1, 1) + n
