"""The times and dates a plan file may hold, as the integers that a post gets.

Clock times count minutes from local noon, because a lighting night runs from noon to noon. Dates are days since
2000-01-01. Every function raises ValueError as `what is wrong; what to do`.
"""

from __future__ import annotations

import datetime
import re
from typing import NamedTuple

from lamplighter.plans.faults import nearest, quote
from lamppost import limits

CLOCK = 0
SUN = {"sunset": 1, "sunrise": 2, "dusk": 3, "dawn": 4}
OFFSET_MAX = limits.SUN_OFFSET_MAX_MIN
YEARS = (2001, 2099)  # from the first year that lies after 2000-01-01 UTC in every zone, to the end of the sun table
DAY_MAX = (datetime.date(YEARS[1], 12, 31) - datetime.date(2000, 1, 1)).days

ALWAYS, DAYS, YEARLY = 0, 1, 2

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_SUN = re.compile(r"(sunset|sunrise|dusk|dawn)(?:([+-])([0-9]{1,3}))?")
_LOOSE_CLOCK = re.compile(r"([0-9]{1,2})[:.hH]([0-9]{2})")
_LOOSE_SUN = re.compile(r"([A-Za-z]+)([+-][0-9]{1,3})?")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_YEARLY = re.compile(r"--([0-9]{2})-([0-9]{2})")
_LOCAL = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([01][0-9]|2[0-3]):([0-5][0-9])")


class Moment(NamedTuple):
    """A time of a night: kind 0 and minutes after local noon, or a sun event (1 to 4) and minutes after it."""

    kind: int
    offset: int


def moment(text: str) -> Moment:
    """`22:30`, `sunset`, `sunset+10`, `dawn-5`."""
    if found := _CLOCK.fullmatch(text):
        return Moment(CLOCK, (int(found[1]) * 60 + int(found[2]) - 720) % 1440)
    if found := _SUN.fullmatch(text):
        offset = int((found[2] or "+") + (found[3] or "0"))
        if abs(offset) > OFFSET_MAX:
            raise ValueError(f"{quote(text)} is more than {OFFSET_MAX} minutes from the sun's event; use a clock time")
        return Moment(SUN[found[1]], offset)
    raise ValueError(f"{quote(text)} is no time of a night; {_better_moment(text)}")


def _better_moment(text: str) -> str:
    bare = re.sub(r"\s", "", text)
    guess = ""
    if found := _LOOSE_CLOCK.fullmatch(bare):
        guess = f"{int(found[1]):02d}:{found[2]}"
    elif found := _LOOSE_SUN.fullmatch(bare):
        event = nearest(found[1], SUN)
        guess = event + (found[2] or "") if event else ""
    if guess and (_CLOCK.fullmatch(guess) or _SUN.fullmatch(guess)):
        return f"did you mean {quote(guess)}?"
    return "write 00:00 to 23:59, or sunset, sunrise, dusk or dawn with minutes, such as sunset+10"


def date(text: str) -> tuple[int, int]:
    """`2026-12-24` -> (DAYS, days since 2000-01-01); `--12-24` (every year) -> (YEARLY, 1224)."""
    if found := _YEARLY.fullmatch(text):
        month, day = int(found[1]), int(found[2])
        _real(2004, month, day, text)  # a leap year: --02-29 exists in some years
        return YEARLY, month * 100 + day
    if found := _DATE.fullmatch(text):
        return DAYS, day_number(_real(int(found[1]), int(found[2]), int(found[3]), text))
    raise ValueError(f"{quote(text)} is no date; write 2026-12-24, or --12-24 for every year")


def local(text: str) -> int:
    """`2026-06-21T22:00` -> seconds of local wall time since 2000-01-01T00:00."""
    found = _LOCAL.fullmatch(text)
    if not found:
        raise ValueError(f"{quote(text)} is no local date and time; write 2026-06-21T22:00")
    return date(found[1])[1] * 86400 + int(found[2]) * 3600 + int(found[3]) * 60


def day_number(day: datetime.date) -> int:
    """Days since 2000-01-01."""
    return (day - datetime.date(2000, 1, 1)).days


def _real(year: int, month: int, day: int, text: str) -> datetime.date:
    try:
        found = datetime.date(year, month, day)
    except ValueError:
        reason = _why_impossible(year, month)
        raise ValueError(f"{quote(text)} is an impossible date; {reason}") from None
    if not YEARS[0] <= year <= YEARS[1]:
        raise ValueError(f"{quote(text)} is an impossible date; a plan knows the years {YEARS[0]} to {YEARS[1]}")
    return found


def _why_impossible(year: int, month: int) -> str:
    if not 1 <= month <= 12:
        return "months are 01 to 12"
    if not 1 <= year <= 9998:
        return f"a plan knows the years {YEARS[0]} to {YEARS[1]}"
    after = datetime.date(year + month // 12, month % 12 + 1, 1)
    last = (after - datetime.timedelta(days=1)).day
    return f"that month has the days 01 to {last:02d}"
