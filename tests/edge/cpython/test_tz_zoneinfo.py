"""TZ rules against CPython's zoneinfo: the footers of the tz database, and any rule that hypothesis can think of."""

import datetime
import importlib.resources
import io
import struct
import zoneinfo
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamppost.light import tz

EPOCH = datetime.datetime(2000, 1, 1)
UNIX_EPOCH_S = 946684800
HOURS_MAX = 99  # zoneinfo of Python 3.11.2, which Debian 12 has, reads no three digits; test_tz.py has 167, by hand
END_S = 36525 * 86400  # 2100-01-01
NAMES = [
    "Europe/Brussels",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Lisbon",
    "Europe/Helsinki",
    "Europe/Chisinau",
    "Atlantic/Azores",
    "America/New_York",
    "America/St_Johns",
    "America/Santiago",
    "America/Havana",
    "America/Asuncion",
    "America/Nuuk",
    "America/Caracas",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Australia/Adelaide",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Norfolk",
    "Asia/Tehran",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Jerusalem",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Tokyo",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "UTC",
]


def tzif(name: str) -> bytes:
    region, _, place = name.rpartition("/")
    package = ".".join(["tzdata.zoneinfo", *([region] if region else [])])
    return importlib.resources.files(package).joinpath(place).read_bytes()


def footer(data: bytes) -> str:
    return data.rstrip(b"\n").rpartition(b"\n")[2].decode()


def last_change_s(data: bytes) -> int:
    """The second of UTC, since 2000, of the last change that the file lists; from there on its footer holds."""
    first = 44 + sum(n * size for n, size in zip(struct.unpack(">6l", data[20:44]), (1, 1, 8, 5, 6, 1), strict=True))
    changes = struct.unpack(">6l", data[first + 20 : first + 44])[3]
    if not changes:
        return -(10**9)
    return struct.unpack(">q", data[first + 44 + 8 * (changes - 1) :][:8])[0] - UNIX_EPOCH_S


def zone_of_rule(rule: str) -> zoneinfo.ZoneInfo:
    """The zone of nothing but a rule: a version 3 TZif file (RFC 8536) without a single change."""
    head = b"TZif3" + bytes(15) + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + struct.pack(">lBB", 0, 0, 0) + b"AAA\0"
    return zoneinfo.ZoneInfo.from_file(io.BytesIO(head + head + b"\n" + rule.encode() + b"\n"), key=rule)


def theirs_offset_s(zone: zoneinfo.ZoneInfo, utc_s: int) -> int:
    moment = (EPOCH + datetime.timedelta(seconds=utc_s)).replace(tzinfo=datetime.UTC).astimezone(zone)
    offset = moment.utcoffset()
    assert offset is not None
    return round(offset.total_seconds())


def theirs_utc_s(zone: zoneinfo.ZoneInfo, local_s: int) -> int | None:
    """The first UTC with this wall time, or None in a gap (where zoneinfo's fold does not round-trip)."""
    wall = (EPOCH + datetime.timedelta(seconds=local_s)).replace(tzinfo=zone)
    utc = wall.astimezone(datetime.UTC)
    if utc.astimezone(zone).replace(tzinfo=None) != wall.replace(tzinfo=None):
        return None
    return round((utc.replace(tzinfo=None) - EPOCH).total_seconds())


def moments(zone: tz.Zone, since_s: int) -> list[int]:
    """A moment a week, and the seconds about every change: where the two could differ."""
    coarse = list(range(since_s, END_S, 7 * 86400 - 3607))
    found = []
    for a, b in pairwise(coarse):
        if zone.offset_s(a) != zone.offset_s(b):
            low, high = a, b
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if zone.offset_s(middle) == zone.offset_s(a) else (low, middle)
            found += [high - 7200, high - 1801, high - 1, high, high + 1, high + 1799, high + 3600, high + 7201]
    return coarse + found


@pytest.mark.parametrize("name", NAMES)
def test_footers_of_the_database_over_the_century(name: str) -> None:
    data = tzif(name)
    ours, theirs = tz.Zone(footer(data)), zoneinfo.ZoneInfo.from_file(io.BytesIO(data), key=name)
    for s in moments(ours, max(0, last_change_s(data) + 2 * 86400)):
        assert ours.offset_s(s) == theirs_offset_s(theirs, s), (name, s)
        local_s = s + ours.offset_s(s)
        expected = theirs_utc_s(theirs, local_s)
        assert expected is not None
        assert ours.utc_s(local_s) == expected, (name, s)


def signed_hours(hours: st.SearchStrategy[int]) -> st.SearchStrategy[str]:
    return st.builds("{}:{:02d}:{:02d}".format, hours, st.integers(0, 59), st.integers(0, 59)) | hours.map(str)


def change(months: st.SearchStrategy[int]) -> st.SearchStrategy[str]:
    by_month = st.builds("M{}.{}.{}".format, months, st.integers(1, 5), st.integers(0, 6))
    # Not here: `n`, which zoneinfo counts from 1 where POSIX counts from 0, and J59, which it takes for 29 February
    # (CPython 3.11, _DayOffset.year_to_epoch). test_tz.py has both, by hand.
    julian = months.flatmap(lambda m: st.integers(30 * m + 1, 30 * m + 25)).map("J{}".format)
    hour = st.just("") | signed_hours(st.integers(-HOURS_MAX, HOURS_MAX)).map("/{}".format)
    return st.builds("{}{}".format, by_month | julian, hour)


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Two changes, months apart in either order, at any hour RFC 8536 allows; forwards or backwards."""
    early, late = draw(change(st.integers(2, 5))), draw(change(st.integers(8, 11)))
    start, end = draw(st.permutations([early, late]))
    std = draw(st.integers(-14, 12))
    dst = draw(st.just("") | st.sampled_from([-2, -1, 1, 2]).map(lambda d: str(std - d)) | st.just(f"{std}:30"))
    name = draw(st.sampled_from(["CEST", "<+0330>", "<-02>", "abc"]))
    return f"STD{std}{name}{dst},{start},{end}"


@settings(max_examples=300)
@given(rules(), st.lists(st.integers(366 * 86400, END_S), min_size=20, max_size=40))
def test_any_rule(rule: str, when: list[int]) -> None:
    ours, theirs = tz.Zone(rule), zone_of_rule(rule)
    for s in when:
        assert ours.offset_s(s) == theirs_offset_s(theirs, s), s
        expected = theirs_utc_s(theirs, s)
        utc_s = ours.utc_s(s)
        if expected is None:  # a gap: the moment at which the offset grows over it
            before, after = ours.offset_s(utc_s - 1), ours.offset_s(utc_s)
            assert utc_s + before <= s < utc_s + after
        else:
            assert utc_s == expected, s


@given(st.text(alphabet="AZaz<>+-:,./JM0123456789 é\n", max_size=70))
def test_nonsense_is_a_zone_or_one_line(rule: str) -> None:
    try:
        zone = tz.Zone(rule)
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017 - most nonsense is refused, some happens to be a rule
        assert "TZ rule" in str(error)  # noqa: PT017
    else:
        assert -90000 <= zone.offset_s(0) <= 90000
