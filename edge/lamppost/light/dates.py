"""Calendar dates as day numbers: integers only, the proleptic Gregorian calendar, years 1 to 9999.

Day 0 is 2000-01-01, a Saturday. The year is counted from 1 March inside, so that the leap day is the last of its year
(the algorithm of H. Hinnant, "chrono-compatible low-level date algorithms", 2013).
"""

_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FIRST_DAY = -730119  # 0001-01-01
_LAST_DAY = 2921939  # 9999-12-31


def day_of(y, m, d):
    """Return the day number of a date. Raises ValueError, naming the fault, for a date that does not exist."""
    if not 1 <= y <= 9999:
        raise ValueError("year %d is not in 1..9999" % y)
    if not 1 <= m <= 12:
        raise ValueError("month %d is not in 1..12" % m)
    if not 1 <= d <= month_days(y, m):
        raise ValueError("day %d is not in 1..%d, the days of %04d-%02d" % (d, month_days(y, m), y, m))
    if m < 3:
        y -= 1
        m += 12
    return 365 * y + y // 4 - y // 100 + y // 400 + (153 * m - 457) // 5 + d - 730426


def civil(day):
    """Return (year, month, day of the month) of a day number. Raises ValueError outside the years 1 to 9999."""
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise ValueError("day %d is not in the years 1..9999: give days since 2000-01-01" % day)
    day += 730425  # from 0000-03-01
    era, in_era = divmod(day, 146097)
    year = (in_era - in_era // 1460 + in_era // 36524 - in_era // 146096) // 365
    in_year = in_era - (365 * year + year // 4 - year // 100)
    month = (5 * in_year + 2) // 153
    first = (153 * month + 2) // 5
    if month >= 10:
        return era * 400 + year + 1, month - 9, in_year - first + 1
    return era * 400 + year, month + 3, in_year - first + 1


def weekday(day):
    """Return the day of the week: Monday is 0, Sunday 6."""
    return (day + 5) % 7


def month_days(y, m):
    """Return how many days month `m` (1..12) of year `y` has."""
    if m == 2 and y % 4 == 0 and (y % 100 != 0 or y % 400 == 0):
        return 29
    return _DAYS[m - 1]


def text(utc_s):
    """Return seconds of UTC since 2000-01-01 in words of RFC 3339, such as "2026-06-21T20:05:00Z"."""
    day, second = divmod(utc_s, 86400)
    minute = second // 60
    return "%04d-%02d-%02dT%02d:%02d:%02dZ" % (civil(day) + (minute // 60, minute % 60, second % 60))
