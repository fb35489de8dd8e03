"""Strategies for valid compiled plans, for every property test that needs one.

`blobs()` gives bytes that a post must accept; `values()` the array before encoding, to be changed. `towns()` gives the
same time zone as a POSIX rule and by its IANA name, so that a test can compare with zoneinfo.
"""

from hypothesis import strategies as st

from lamppost.light import dates
from lamppost.wire import cbor

TOWNS = [  # POSIX rule, IANA name, latitude and longitude in microdegrees
    ("CET-1CEST,M3.5.0,M10.5.0/3", "Europe/Brussels", 50669300, 4615000),
    ("EST5EDT,M3.2.0,M11.1.0", "America/New_York", 40712800, -74006000),
    ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "Australia/Lord_Howe", -31550000, 159080000),
    ("IST-5:30", "Asia/Kolkata", 28613900, 77209000),
    ("<+14>-14", "Pacific/Kiritimati", 1870000, -157400000),
    ("NST3:30NDT,M3.2.0,M11.1.0", "America/St_Johns", 47560000, -52710000),
    ("CET-1CEST,M3.5.0,M10.5.0/3", "Europe/Oslo", 69650000, 18960000),  # Tromsø: polar day and night
]
FIRST_DAY, LAST_DAY = dates.day_of(2020, 1, 1), dates.day_of(2036, 12, 31)  # where zoneinfo and the rules agree

levels = st.integers(0, 1000)
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-é", min_size=1, max_size=20).filter(
    lambda s: len(s.encode()) <= 24
)
yearly = st.dates().map(lambda d: d.month * 100 + d.day)


def towns():
    return st.sampled_from(TOWNS)


def moments(sun=True):
    """Return a strategy of (kind, offset)."""
    clock = st.tuples(st.just(0), st.integers(0, 1439))
    return st.one_of(clock, st.tuples(st.integers(1, 4), st.integers(-720, 720))) if sun else clock


def programs(profiles, sun=True):
    period = st.tuples(moments(sun), moments(sun)).map(lambda p: [*p[0], *p[1]])
    if sun:
        period = st.one_of(st.just([1, -720, 2, 720]), period, period)  # lit all round, so that noon matters too
    point = st.tuples(moments(sun), levels).map(lambda p: [*p[0], p[1]])
    ramp = st.one_of(st.just(0), st.integers(0, 120), st.integers(0, 3600))
    return st.tuples(
        names,
        levels,
        ramp,
        st.integers(-1, profiles - 1),
        st.lists(period, max_size=4),
        st.lists(point, max_size=24),
    ).map(list)


def rules(count):
    weekdays = st.one_of(st.just(127), st.integers(1, 127))
    days = st.tuples(st.integers(FIRST_DAY, LAST_DAY), st.integers(0, 60)).map(lambda p: (p[0], p[0] + p[1]))
    span = st.one_of(
        st.just((0, 0, 0)),
        days.map(lambda d: (1, *d)),
        st.tuples(yearly, yearly).map(lambda d: (2, *d)),
    )
    return st.tuples(st.integers(0, count - 1), span, weekdays).map(lambda r: [r[0], *r[1], r[2]])


@st.composite
def scenes(draw):
    start = draw(st.integers(FIRST_DAY * 86400, LAST_DAY * 86400))
    end = start + draw(st.integers(1, 7200))
    return [draw(names), start, end, draw(st.integers(0, 2)), draw(levels), draw(st.integers(0, 3600))]


def profiles():
    reaches = st.lists(st.tuples(st.integers(0, 2000), levels), max_size=6).map(lambda r: [list(p) for p in sorted(r)])
    return st.tuples(
        names, st.integers(1, 600), st.integers(0, 10000), st.integers(0, 60000), reaches, reaches, reaches
    ).map(list)


def neighbours():
    return st.lists(
        st.tuples(st.integers(1, 250), st.integers(0, 1500), st.integers(0, 359)).map(list),
        max_size=24,
        unique_by=lambda n: n[0],
    )


@st.composite
def values(draw, town=None, sun=True, with_scenes=True):
    """Return the array of a valid plan, for `town` (a row of TOWNS) or any."""
    rule, _, lat, lon = town or draw(towns())
    known = draw(st.lists(profiles(), max_size=3))
    chosen = draw(st.lists(programs(len(known), sun), min_size=1, max_size=4))
    least = draw(st.integers(0, 300))
    return [
        1,
        rule,
        lat,
        lon,
        draw(levels),
        draw(st.integers(0, len(chosen) - 1)),
        chosen,
        draw(st.lists(rules(len(chosen)), max_size=8)),
        draw(st.lists(scenes(), max_size=4)) if with_scenes else [],
        known,
        draw(neighbours()),
        [least, draw(st.integers(max(1, least), 1000)), 30000, 500],
    ]


def blobs(**kwargs):
    """Return a strategy of compiled plans as bytes."""
    return values(**kwargs).map(cbor.encode)


def seconds():
    """Return a strategy of moments, many of them near a change of daylight saving, new year or a leap day."""
    dated = st.datetimes(min_value=_date(2020, 1, 2), max_value=_date(2036, 12, 30)).map(_utc)
    special = st.builds(
        lambda year, md, s: dates.day_of(year, *md) * 86400 + s,
        st.integers(2021, 2035),
        st.sampled_from([(1, 1), (2, 28), (3, 1), (3, 8), (3, 28), (4, 3), (10, 4), (10, 27), (11, 4), (12, 31)]),
        st.integers(-3 * 86400, 3 * 86400),
    )
    noons = st.builds(
        lambda day, s: day * 86400 + s, st.integers(FIRST_DAY + 1, LAST_DAY - 1), st.integers(9 * 3600, 13 * 3600)
    )
    return st.one_of(dated, special, noons)


def _date(y, m, d):
    import datetime

    return datetime.datetime(y, m, d)


def _utc(moment):
    return int((moment - _date(2000, 1, 1)).total_seconds())
