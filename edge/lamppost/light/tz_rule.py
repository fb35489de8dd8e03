"""A POSIX TZ rule, read: what a post needs when a plan comes, and forgets. The grammar is told in tz.py."""

from lamppost.light.tz import JULIAN, MONTH, ORDINAL, RULE_MAX


def read(rule) -> tuple:
    """Return (rule, std_s, dst_s, dates): the offsets from UTC in winter and summer, and when summer begins and ends,
    no dates where it never does. Raises ValueError with a message that names the fault."""
    reader = _Reader(rule)
    reader.name()
    std_s = dst_s = -reader.time(24, "offset from UTC")
    dates = ()
    if reader.left():
        reader.name()
        one_hour = reader.peek() in ","
        dst_s = std_s + 3600 if one_hour else -reader.time(24, "offset from UTC")
        dates = (reader.date(), reader.date())
    if reader.left():
        reader.fail("expected the end of the rule")
    return rule, std_s, dst_s, dates


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
        """Take `,date[/time]`; return (form, month, week, weekday or day, seconds) for tz.py."""
        self.need(",", "then when daylight saving starts and ends, such as ,M3.5.0,M10.5.0/3")
        form = month = week = 0
        if self.skip("M"):
            form, month = MONTH, self.number(1, 12, "month")
            self.need(".", "then the week")
            week = self.number(1, 5, "week")
            self.need(".", "then the weekday")
            day = self.number(0, 6, "weekday")
        elif self.skip("J"):
            form, day = JULIAN, self.number(1, 365, "day of the year without 29 February")
        else:
            form, day = ORDINAL, self.number(0, 365, "day of the year, Jn or Mm.w.d")
        return form, month, week, day, self.time(167, "change") if self.skip("/") else 7200


def _is_letter(character):
    return "a" <= character <= "z" or "A" <= character <= "Z"
