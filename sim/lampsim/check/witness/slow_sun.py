"""When the sun rises and sets, a second time: the formulas of NOAA's solar calculator (J. Meeus, Astronomical
Algorithms, chapters 25 and 28), in double precision and sharing nothing with `lamppost.light.sun`.

Below 60 degrees of latitude it agrees with JPL DE421 within a few seconds.
"""

from __future__ import annotations

from math import acos, asin, cos, degrees, radians, sin, tan

J2000_S = 43_200  # the epoch of the formulas, 2000-01-01T12:00, in seconds since 2000
CENTURY_S = 36_525 * 86_400
RISE_DEG, CIVIL_DEG = -0.8333, -6.0


def times(day: int, lat_deg: float, lon_deg: float) -> tuple[int | None, int | None, int | None, int | None]:
    """(dawn, sunrise, sunset, dusk) in utc_s of solar date `day` (days since 2000); None where it does not happen."""
    noon_s = day * 86_400 + 43_200 - lon_deg * 240.0
    noon_s -= _equation_s(noon_s)
    found = [_event(noon_s, lat_deg, altitude, side) for altitude, side in _EVENTS]
    return found[0], found[1], found[2], found[3]


_EVENTS = ((CIVIL_DEG, -1), (RISE_DEG, -1), (RISE_DEG, 1), (CIVIL_DEG, 1))


def above(day: int, lat_deg: float, lon_deg: float, civil: bool) -> bool:
    """Whether, where an event does not happen, the sun stays above that altitude the whole day."""
    noon_s = day * 86_400 + 43_200 - lon_deg * 240.0
    declination = _declination(noon_s)
    return abs(lat_deg + declination) > 90 + (CIVIL_DEG if civil else RISE_DEG)


def _event(noon_s: float, lat_deg: float, altitude_deg: float, side: int) -> int | None:
    at_s = noon_s + side * 21_600
    for _ in range(4):
        declination, lat = radians(_declination(at_s)), radians(lat_deg)
        cosine = (sin(radians(altitude_deg)) - sin(lat) * sin(declination)) / (cos(lat) * cos(declination))
        if not -1 <= cosine <= 1:
            return None
        drift_s = _equation_s(at_s) - _equation_s(noon_s)
        at_s = noon_s - drift_s + side * degrees(acos(cosine)) * 240.0
    return round(at_s)


def _orbit(utc_s: float) -> tuple[float, float, float, float]:
    """(mean longitude, mean anomaly, eccentricity, obliquity) in degrees."""
    t = (utc_s + 64 - J2000_S) / CENTURY_S  # 64 s: from UTC to terrestrial time, about
    longitude = 280.46646 + t * (36000.76983 + t * 0.0003032)
    anomaly = 357.52911 + t * (35999.05029 - 0.0001537 * t)
    eccentricity = 0.016708634 - t * (0.000042037 + 0.0000001267 * t)
    obliquity = 23.4392911 - t * 0.0130042 + 0.00256 * cos(radians(125.04 - 1934.136 * t))
    return longitude % 360, anomaly, eccentricity, obliquity


def _declination(utc_s: float) -> float:
    longitude, anomaly, _, obliquity = _orbit(utc_s)
    t, m = (utc_s - J2000_S) / CENTURY_S, radians(anomaly)
    centre = sin(m) * (1.914602 - t * 0.004817) + sin(2 * m) * 0.019993 + sin(3 * m) * 0.000289
    apparent = longitude + centre - 0.00569 - 0.00478 * sin(radians(125.04 - 1934.136 * t))
    return degrees(asin(sin(radians(obliquity)) * sin(radians(apparent))))


def _equation_s(utc_s: float) -> float:
    """The equation of time: how much the sundial is ahead of the mean sun, in seconds."""
    longitude, anomaly, e, obliquity = _orbit(utc_s)
    y, twice, m = tan(radians(obliquity / 2)) ** 2, radians(2 * longitude), radians(anomaly)
    value = y * sin(twice) - 2 * e * sin(m) + 4 * e * y * sin(m) * cos(twice)
    value -= 0.5 * y * y * sin(2 * twice) + 1.25 * e * e * sin(2 * m)
    return degrees(value) * 240.0
