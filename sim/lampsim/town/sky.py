"""Daylight and weather over a town: lux on the ground, rain and air temperature at any moment, by seed.

What it promises
- Everything is a pure function of place, seed and `utc_s` (seconds of UTC since 2000-01-01).
- Lux under a clear sky comes from the sun's altitude: Explanatory Supplement to the Astronomical Almanac (1992), table
  9.3, 129,000 lx with the sun overhead, 460 at its setting, 0.0006 in the night. Altitude: Astronomical Almanac's
  low-precision formula, 0.01 degrees.
- Weather is drawn anew each hour, kept for some hours as weather is, and fades from one hour to the next.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple

from .chance import seed_of, uniform

_TABLE = (  # sun's altitude in degrees from .. on, then log10(lux) as a cubic of altitude / 90
    (-18.0, (13.84, 262.72, 1447.42, 2797.93)),
    (-12.0, (2.70, 12.17, -431.69, -1899.83)),
    (-5.0, (2.88, 21.81, -258.11, -858.36)),
    (-0.8, (2.88, 22.26, -207.64, 1034.30)),
    (5.0, (3.05, 13.28, -45.98, 64.33)),
    (20.0, (3.74, 3.97, -4.07, 1.47)),
)
NIGHT_LUX = 0.0006
_FROM = [altitude for altitude, _ in _TABLE]
SPELL_H = 6  # weather lasts about as long
LOOK_S = 60  # `changes` looks as often: at dusk light halves in four minutes
CHANGE = 1.15  # and reports light that changed by this factor, up to BRIGHT_LUX, where no photocell cares
BRIGHT_LUX = 1000


class Weather(NamedTuple):
    """`light` is the share of a clear sky's lux that comes through."""

    name: str
    light: float
    rain_mm_h: float


KINDS = (Weather("clear", 1.0, 0.0), Weather("cloudy", 0.6, 0.0), Weather("overcast", 0.2, 0.0),
         Weather("rain", 0.12, 2.0), Weather("storm", 0.06, 12.0))  # fmt: skip
SHARES = (0.28, 0.27, 0.25, 0.17, 0.03)  # of a Belgian year


class Sky:
    """Over a place in degrees. `weather` names a kind that stays, else it is drawn from `seed`."""

    def __init__(self, lat: float, lon: float, seed: int = 0, weather: str = "") -> None:
        names = [kind.name for kind in KINDS]
        if weather and weather not in names:
            raise ValueError(f"weather {weather!r}; one of {', '.join(names)}, or none to draw it by seed")
        self.lat, self.lon = lat, lon
        self._fixed = KINDS[names.index(weather)] if weather else None
        self._seed = seed_of("weather", seed)

    def altitude_deg(self, utc_s: float) -> float:
        """Of the sun's centre, without refraction."""
        return sun_altitude_deg(utc_s, self.lat, self.lon)

    def lux(self, utc_s: float) -> float:
        """On the ground, horizontally."""
        return clear_lux(self.altitude_deg(utc_s)) * self._mixed(utc_s, _light)

    def rain_mm_h(self, utc_s: float) -> float:
        return self._mixed(utc_s, _rain)

    def weather(self, utc_s: float) -> Weather:
        """Of the hour."""
        return self._of_hour(math.floor(utc_s / 3600))

    def temperature_c(self, utc_s: float) -> float:
        """Of the air: a year's and a day's wave as at 50 degrees north (mean 10.5 C), and some days off it."""
        year = math.cos(2 * math.pi * (utc_s / 86400 - 199) / 365.25) * math.copysign(1, self.lat)
        day = math.cos(2 * math.pi * (utc_s / 3600 + self.lon / 15 - 15) / 24)
        whole, share = divmod(utc_s / 86400, 1)
        off = [7 * uniform(self._seed, 2, int(whole) + i) - 3.5 for i in (0, 1)]
        return 10.5 + 8 * year + 4 * day * self._mixed(utc_s, _light) + off[0] + share * (off[1] - off[0])

    def changes(self, start_s: int, end_s: int) -> Iterator[tuple[int, int]]:
        """(utc_s, whole lux) at the start and whenever a photocell would tell a difference, of [start_s, end_s)."""
        told = None
        for utc_s in range(start_s, end_s, LOOK_S):
            lux = min(BRIGHT_LUX, round(self.lux(utc_s)))
            if told is None or max(lux, told) + 1 > CHANGE * (min(lux, told) + 1):
                told = lux
                yield utc_s, lux

    def _of_hour(self, hour: int) -> Weather:
        """A spell begins at an hour drawn for each SPELL_H; until it does, the one before lasts."""
        if self._fixed:
            return self._fixed
        spell = hour // SPELL_H
        if hour % SPELL_H < _begins(self._seed, spell):
            spell -= 1
        draw, kinds = uniform(self._seed, 1, spell), iter(zip(KINDS, SHARES, strict=True))
        for kind, share in kinds:
            if draw < share:
                return kind
            draw -= share
        return KINDS[0]

    def _mixed(self, utc_s: float, pick: Callable[[Weather], float]) -> float:
        """A figure of the weather, linear between the middles of two hours."""
        hour, share = divmod(utc_s / 3600 - 0.5, 1)
        a, b = pick(self._of_hour(int(hour))), pick(self._of_hour(int(hour) + 1))
        return a + share * (b - a)


def _light(weather: Weather) -> float:
    return weather.light


def _rain(weather: Weather) -> float:
    return weather.rain_mm_h


def _begins(seed: int, spell: int) -> int:
    """The hour of its SPELL_H at which a spell begins."""
    return int(uniform(seed, 0, spell) * SPELL_H)


def clear_lux(altitude_deg: float) -> float:
    """Lux under a clear sky without moon."""
    if altitude_deg < _FROM[0]:
        return NIGHT_LUX
    a, b, c, d = _TABLE[bisect_right(_FROM, altitude_deg) - 1][1]
    x = altitude_deg / 90
    return 10 ** (a + x * (b + x * (c + x * d)))


def sun_altitude_deg(utc_s: float, lat: float, lon: float) -> float:
    """Astronomical Almanac, "low precision formulas for the Sun": 0.01 degrees from 1950 to 2050."""
    days = utc_s / 86400 - 0.5  # since J2000.0, which is 2000-01-01 12:00
    anomaly = math.radians((357.528 + 0.9856003 * days) % 360)
    longitude = math.radians((280.460 + 0.9856474 * days) % 360)
    longitude += math.radians(1.915) * math.sin(anomaly) + math.radians(0.020) * math.sin(2 * anomaly)
    tilt = math.radians(23.439 - 4e-7 * days)
    ascension = math.atan2(math.cos(tilt) * math.sin(longitude), math.cos(longitude))
    declination = math.asin(math.sin(tilt) * math.sin(longitude))
    sidereal = math.radians((280.46062 + 360.98564737 * days + lon) % 360)
    up = math.sin(math.radians(lat)) * math.sin(declination)
    up += math.cos(math.radians(lat)) * math.cos(declination) * math.cos(sidereal - ascension)
    return math.degrees(math.asin(max(-1.0, min(1.0, up))))
