"""Zone names become POSIX rules that give the offsets of the IANA database for years to come."""

import datetime
import zoneinfo

import pytest

from lamplighter.plans import zones
from lamppost.light.tz import Zone

EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
# Offsets each six hours of four years, from a leap year on, in which every zone follows its footer.
MOMENTS = [
    int((datetime.datetime(2031, 1, 1, tzinfo=datetime.UTC) - EPOCH).total_seconds()) + i * 86400
    for i in range(366 * 2)
]


def test_brussels():
    assert zones.posix_rule("Europe/Brussels") == "CET-1CEST,M3.5.0,M10.5.0/3"


@pytest.mark.parametrize(
    "name",
    [
        "Europe/Brussels",
        "Europe/Dublin",
        "America/St_Johns",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "America/Nuuk",
        "UTC",
    ],
)
def test_the_rule_gives_the_offsets_of_the_database(name):
    rule, known = Zone(zones.posix_rule(name)), zoneinfo.ZoneInfo(name)
    for utc_s in MOMENTS:
        at = (EPOCH + datetime.timedelta(seconds=utc_s)).astimezone(known)
        assert rule.offset_s(utc_s) == at.utcoffset().total_seconds(), at


def test_every_zone_has_a_rule_that_a_post_understands():
    for name in zones.names():
        if name not in ("localtime", "Factory"):
            assert Zone(zones.posix_rule(name)).rule


@pytest.mark.parametrize("rule", ["CET-1CEST,M3.5.0,M10.5.0/3", "<+0330>-3:30", "UTC0", "EST5"])
def test_a_rule_stands_for_itself(rule):
    assert zones.posix_rule(rule) == rule or rule == "EST5"
    assert Zone(zones.posix_rule(rule)).std_s == Zone(rule).std_s


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Europe/Brusels", 'did you mean "Europe/Brussels"?'),
        ("brussels", "no time zone is named"),
        ("europe/brussels", 'did you mean "Europe/Brussels"?'),
        ("../../etc/passwd", "no time zone is named"),
        ("/etc/localtime", "no time zone is named"),
        ("CET-1CEST,M13.5.0,M10.5.0", "is no POSIX rule"),
        ("CET-1CEST," + "9" * 90, "longer than 64"),
        ("", "no time zone is named"),
        ("Europe", "no time zone is named"),
    ],
)
def test_what_is_no_zone_says_what_to_write(text, words):
    with pytest.raises(ValueError, match=r"; (did you mean|write)") as refused:
        zones.posix_rule(text)
    assert words in str(refused.value)


def test_the_system_serves_where_the_package_is_missing(monkeypatch):
    if not zoneinfo.TZPATH or not any(zones.Path(folder, "Europe/Brussels").exists() for folder in zoneinfo.TZPATH):
        pytest.skip("this system has no zone files")
    zones._footer.cache_clear()
    monkeypatch.setattr(zones, "_from_package", lambda name: b"")
    assert zones.posix_rule("Europe/Brussels") == "CET-1CEST,M3.5.0,M10.5.0/3"
    zones._footer.cache_clear()
