"""The sun against JPL DE421, against a second theory in floating point over the century, and against geometry."""

import ast
import csv
import datetime
import math
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamppost.light import sun

ROOT = Path(__file__).parents[3]
TABLE = ROOT.parent / "shared" / "data" / "sun" / "sun-de421.csv"
SOURCE = Path(sun.__file__).read_text()
EPOCH = datetime.datetime(2000, 1, 1)
EVENTS = ("civil_dawn_utc", "sunrise_utc", "sunset_utc", "civil_dusk_utc")
MILLENNIUM_S = 365250 * 86400
TURN = 2**30
RADIAN = TURN / (2 * math.pi)

DAYS = st.integers(0, sun.DAY_MAX)
LATITUDES = st.integers(-90_000_000, 90_000_000)
LONGITUDES = st.integers(-180_000_000, 180_000_000)


def limit_s(lat_deg: float) -> float:
    """What sun.py promises."""
    return 1.0 if abs(lat_deg) <= 60 else 3.0


@pytest.mark.skipif(
    not TABLE.exists(), reason="the table of DE421 sun times (../shared/data/sun) is not on this machine"
)
def test_every_event_of_the_de421_table() -> None:
    with TABLE.open() as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) > 4000
    for row in rows:
        lat, lon = float(row["lat_deg"]), float(row["lon_deg"])
        day = (datetime.datetime.fromisoformat(row["date"]) - EPOCH).days
        ours = sun.times(day, round(lat * 1e6), round(lon * 1e6))
        for event, utc_s in zip(EVENTS, ours, strict=True):
            assert (utc_s is None) == (row[event] == ""), (row, event)
            if utc_s is None:
                civil = "civil" in event
                assert sun.above(day, round(lat * 1e6), round(lon * 1e6), civil)  # the table has white nights only
            else:
                theirs = (datetime.datetime.fromisoformat(row[event]) - EPOCH).total_seconds()
                assert abs(utc_s - theirs) <= limit_s(lat), (row, event, utc_s - theirs)


def test_nothing_in_it_can_become_a_float() -> None:
    # Single precision is a question only where there is a float: no literal, no true division, no power, no math.
    for node in ast.walk(ast.parse(SOURCE)):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float))
        assert not (isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div | ast.Pow))
        assert not (isinstance(node, ast.Name) and node.id in ("float", "round", "pow"))
        if isinstance(node, ast.ImportFrom | ast.Import):
            assert ast.unparse(node) == "from lamppost.limits import const"


def test_every_term_is_what_its_comment_says() -> None:
    found = re.findall(r"\((\d+), (\d+), (\d+)\),  # (\d+) ([\d.]+) ([\d.]+) \(", SOURCE)
    assert len(found) == len(sun._TERMS) >= 15
    for line, term in zip(found, sun._TERMS, strict=True):
        amplitude, phase, rate = (float(text) for text in line[3:])
        assert term[0] == round(amplitude * 1e-8 * RADIAN)
        assert term[1] == round((phase + math.pi / 2) * RADIAN) % TURN
        assert term[2] == round(rate * RADIAN / MILLENNIUM_S * 2**16)


@given(st.integers(-(2**40), 2**40))
def test_the_sine_is_within_4_of_its_unit(angle: int) -> None:
    assert abs(sun._sine(angle) - 2**28 * math.sin(angle / RADIAN)) < 4


# --- a second theory, in degrees and doubles, with right ascension, declination and hour angle


def theirs_sun(utc_s: float) -> tuple[float, float, float]:
    """Right ascension, declination and Greenwich sidereal time, radians.

    Meeus, Astronomical Algorithms, ch. 25 (low accuracy), with the corrections for Venus, Jupiter and the Moon of his
    older Astronomical Formulae for Calculators, ch. 18, which go back to Newcomb: not VSOP87. Good to 10 arcseconds.
    """
    d = utc_s / 86400 - 0.5
    t = (d + 69 / 86400) / 36525
    rad = math.radians
    mean = 280.46646 + 36000.76983 * t + 0.0003032 * t * t
    m = rad(357.52911 + 35999.05029 * t - 0.0001537 * t * t)
    centre = (1.914602 - 0.004817 * t) * math.sin(m) + (0.019993 - 0.000101 * t) * math.sin(2 * m)
    centre += 0.000289 * math.sin(3 * m)
    century = t + 1  # from 1900, day for day
    venus = rad(153.23 + 22518.7541 * century)
    venus_2 = rad(216.57 + 45037.5082 * century)
    jupiter = rad(312.69 + 32964.3577 * century)
    moon = rad(350.74 + 445267.1142 * century)
    slow = rad(231.19 + 20.20 * century)
    perturbed = 0.00134 * math.cos(venus) + 0.00154 * math.cos(venus_2) + 0.002 * math.cos(jupiter)
    perturbed += 0.00179 * math.sin(moon) + 0.00178 * math.sin(slow)
    node = rad(125.04 - 1934.136 * t)
    twice = rad(2 * mean)
    nutation = -0.00478 * math.sin(node) - 0.00037 * math.sin(twice)
    tilt = rad(23.43929 - 0.0130042 * t + 0.00256 * math.cos(node) + 0.00016 * math.cos(twice))
    lam = rad(mean + centre + perturbed + nutation - 0.00569)
    sidereal = 280.46061837 + 360.98564736629 * d + 0.000387933 * t * t + nutation * math.cos(tilt)
    ascension = math.atan2(math.cos(tilt) * math.sin(lam), math.cos(lam))
    return ascension, math.asin(math.sin(tilt) * math.sin(lam)), rad(sidereal)


def theirs_altitude_deg(utc_s: float, lat_deg: float, lon_deg: float) -> float:
    ascension, declination, sidereal = theirs_sun(utc_s)
    hour = sidereal + math.radians(lon_deg) - ascension
    phi = math.radians(lat_deg)
    sine = math.sin(phi) * math.sin(declination) + math.cos(phi) * math.cos(declination) * math.cos(hour)
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))


@settings(max_examples=3000, deadline=None)
@given(DAYS, LATITUDES, LONGITUDES)
def test_the_sun_stands_at_its_altitude_at_every_event_of_the_century(day: int, lat_ud: int, lon_ud: int) -> None:
    for utc_s, altitude in zip(sun.times(day, lat_ud, lon_ud), (-6, -0.8333, -0.8333, -6), strict=True):
        if utc_s is not None:
            error = theirs_altitude_deg(utc_s, lat_ud / 1e6, lon_ud / 1e6) - altitude
            # 10 arcseconds of the second theory, 7.5 of rounding to a second, and what sun.py may err; no drift
            assert abs(error) * 3600 < 22, (utc_s, error * 3600)


@settings(max_examples=3000, deadline=None)
@given(DAYS, LATITUDES, LONGITUDES)
def test_events_are_in_order_about_the_solar_noon(day: int, lat_ud: int, lon_ud: int) -> None:
    mean_noon = day * 86400 + 43200 - lon_ud * 240 / 1e6
    dawn, sunrise, sunset, dusk = sun.times(day, lat_ud, lon_ud)
    there = [s for s in (dawn, sunrise, sunset, dusk) if s is not None]
    assert there == sorted(there)
    for s in there:
        assert abs(s - mean_noon) <= 43200 + 17 * 60  # the equation of time is 16 min 33 s at most
    # Within 70 degrees of the equator morning and evening mirror each other but for the sun's own motion.
    for early, late in ((dawn, dusk), (sunrise, sunset)):
        if abs(lat_ud) <= 60_000_000 and early is not None and late is not None:
            assert abs((early + late) / 2 - mean_noon) < 17 * 60 + 240


@settings(max_examples=1000, deadline=None)
@given(DAYS, LATITUDES, LONGITUDES)
def test_an_event_is_missing_only_where_the_sun_stays_on_one_side(day: int, lat_ud: int, lon_ud: int) -> None:
    mean_noon = day * 86400 + 43200 - lon_ud * 240 / 1e6
    ours = sun.times(day, lat_ud, lon_ud)
    for k, civil, half in ((0, True, -1), (1, False, -1), (2, False, 1), (3, True, 1)):
        if ours[k] is None:
            up = sun.above(day, lat_ud, lon_ud, civil)
            for hour in range(1, 12):  # the solar midnights are up to 17 minutes off
                altitude = theirs_altitude_deg(mean_noon + half * hour * 3600, lat_ud / 1e6, lon_ud / 1e6)
                edge = -6 if civil else -0.8333
                # by the poles the sun can graze the edge within the day by its change of declination alone
                assert altitude > edge - 0.4 if up else altitude < edge + 0.4


@settings(max_examples=1000, deadline=None)
@given(st.integers(1, sun.DAY_MAX), st.integers(-60_000_000, 60_000_000), st.integers(0, 179_999_999))
def test_longitude_is_time_and_the_date_line_is_no_seam(day: int, lat_ud: int, lon_ud: int) -> None:
    # 180 W is 180 E, where the calendar is a day ahead: the same place, the same second.
    here, there = sun.times(day - 1, lat_ud, -180_000_000), sun.times(day, lat_ud, 180_000_000)
    assert here == there
    # A microdegree is a quarter of a millisecond: stepping over one never jumps.
    for a, b in zip(sun.times(day, lat_ud, lon_ud), sun.times(day, lat_ud, lon_ud + 1), strict=True):
        if a is not None and b is not None:
            assert abs(a - b) <= 1
    # Half a turn west is half a day later, but for the sun's motion (sunrise moves 4 minutes a day at 60 degrees).
    for a, b in zip(sun.times(day, lat_ud, lon_ud), sun.times(day, lat_ud, lon_ud - 180_000_000), strict=True):
        if a is not None and b is not None and abs(lat_ud) <= 50_000_000:
            assert abs(b - a - 43200) < 240
