"""When the sun rises and sets: the same integer second on every board, gateway and desk.

Promises: within 1 s of JPL DE421 up to 60 degrees of latitude and 3 s at 65, for the solar dates 2000-01-01 to
2099-12-31, at any longitude. Sunrise and sunset are those of almanacs: sun's centre at -0.8333 degrees as seen from the
earth's centre, which stands for a flat horizon and the usual refraction. Hills and weather are not in it.

There is not one float here: an angle is a 2**30th of a turn, a sine or cosine is a 2**28th, an offset from local noon
is a `tick`, a 2**25th of twelve hours (1.3 ms). So nothing is lost in the single precision of a board, and what the
operator previews is what the post does, to the second. Products leave the small integers of a board: slower, exact.

Sources. Earth's longitude: VSOP87D (Bretagnon and Francou 1988) as cut in Meeus, Astronomical Algorithms, appendix III,
cut further at 1 arcsecond (3.6 in all, 0.4 s at 60 degrees). Nutation, aberration, obliquity, sidereal time: Meeus,
chapters 12, 22 and 25.

UTC stands for UT1: while leap seconds are kept they differ by 0.9 s at most; if leap seconds end, by what has gathered.
"""

from lamppost.limits import const

DAY_MAX = const(36524)  # 2099-12-31: the long-period terms and the guess of the earth's rotation are good to there

_TURN = const(0x3FFFFFFF)  # mask of an angle
_HALF = const(0x20000000)
_QUARTER = const(0x10000000)
_ONE = const(28)  # bits of a sine
_NODE = const(25)  # bits of ticks in twelve hours
_TWELVE_H = const(1 << 25)

# sin(-0.8333 degrees) and sin(-6 degrees) in 2**28ths
_RISE = const(-3903942)
_CIVIL = const(-28059146)

_MILLENNIUM_S = const(31557600000)  # 365,250 days
_UD_TURN = const(360000000)

# Terms of Earth's longitude: amplitude and phase in 2**30ths of a turn, rate in those a second, times 2**16.
# A sine each. In the comments VSOP87's cosine: amplitude in 1e-8 radian, phase in radian, radians a millennium.
_TERMS = (
    (5976, 737378324, 2041829),  # 3497 2.7441 5753.3849 (Jupiter)
    (5841, 751869908, 1250),  # 3418 2.8289 3.5231 (long period)
    (5359, 888377894, 27579980),  # 3136 3.6277 77713.7715 (Moon)
    (4573, 1023450392, 2789598),  # 2676 4.4181 7860.4194 (Venus)
    (4004, 243146052, 1394799),  # 2343 6.1352 3930.2097 (Venus)
    (2263, 395322260, 4083658),  # 1324 0.7425 11506.7698 (Jupiter)
    (2175, 616558162, 187983),  # 1273 2.0371 529.6910 (Jupiter)
    (2049, 458056463, 559786),  # 1199 1.1096 1577.3435 (Venus)
    (1692, 88967904, 2088512),  # 990 5.233 5884.927 (Jupiter)
    (1541, 617908203, 9333),  # 902 2.045 26.298 (Venus and Earth)
    (1465, 867922203, 141300),  # 857 3.508 398.149 (Mars)
    (1333, 469916321, 1853846),  # 780 1.179 5223.694 (Venus)
    (1287, 701303167, 1954585),  # 753 2.533 5507.553 (Venus)
    (863, 1051630370, 6689436),  # 505 4.583 18849.228 (the ellipse)
    (841, 987033452, 275227),  # 492 4.205 775.523 (Venus)
)


def times(day, lat_ud, lon_ud):
    """Return (dawn, sunrise, sunset, dusk) of the local solar date `day`: `utc_s` each, None where it does not happen.

    `day` counts from 2000-01-01 and lies in 0..36524; the events are those around the solar noon nearest to 12:00 local
    mean time, between the solar midnights before and after it. Coordinates are integer microdegrees, north and east
    positive. Raises ValueError on anything out of range. Dawn and dusk: -6 degrees; sunrise and sunset: -0.8333.
    """
    sky = _Sky(day, lat_ud, lon_ud)
    noon = sky.transit(sky.transit(0))
    before = sky.transit(noon - _TWELVE_H)
    after = sky.transit(noon + _TWELVE_H)
    return (
        sky.crossing(before, noon, _CIVIL),
        sky.crossing(before, noon, _RISE),
        sky.crossing(after, noon, _RISE),
        sky.crossing(after, noon, _CIVIL),
    )


def above(day, lat_ud, lon_ud, civil):
    """Where an event does not happen: True if the sun stays above it (polar day), False if below (polar night).

    `civil` False asks for sunrise and sunset, True for dawn and dusk. It is the sun at solar noon that is compared, so
    on the one day on which only the sunrise (or only the sunset) happens the answer is True. Raises as `times` does.
    """
    sky = _Sky(day, lat_ud, lon_ud)
    altitude, _ = sky.look(sky.transit(sky.transit(0)))
    return altitude > (_CIVIL if civil else _RISE)


class _Sky:
    """The sun over one place during one solar date; ticks count from 12:00 local mean time, rounded to a second."""

    def __init__(self, day, lat_ud, lon_ud):
        _check(day, lat_ud, lon_ud)
        self.noon_s = day * 86400 + 43200 - lon_ud * 3 // 12500  # 240 s a degree
        self.sin_lat, self.cos_lat = _sin_cos(lat_ud * (_TURN + 1) // _UD_TURN)
        s = self.noon_s - 43200  # seconds of UT since 2000-01-01T12:00, the epoch J2000
        s += 64 + s // 157788000  # terrestrial time: about 64 s ahead in 2000, 69 s in 2026; 30 s off costs 0.2 s
        nutation, sin_tilt, cos_tilt = _tilt(s)
        self.nodes = [_direction(s + h, nutation, sin_tilt, cos_tilt) for h in (-43200, 0, 43200)]
        self.angle = _sidereal(self.noon_s - 43200) + (nutation * cos_tilt >> _ONE) + lon_ud * (_TURN + 1) // _UD_TURN

    def sun(self, tick):
        """Return the sun's direction (x, y, z; equator of date) by the parabola through three nodes: error 0.01"."""
        out = []
        for a, b, c in zip(self.nodes[0], self.nodes[1], self.nodes[2]):
            out.append(b + ((c - a + ((a + c - 2 * b) * tick >> _NODE)) * tick >> _NODE + 1))
        return out

    def look(self, tick):
        """Return the sine of the sun's altitude, and its change for a radian of the earth's turn."""
        z, south, west = self._turned(tick)
        return (self.sin_lat * z + self.cos_lat * south) >> _ONE, -(self.cos_lat * west >> _ONE)

    def transit(self, tick):
        """Return the tick, near `tick`, at which the sun is on the meridian (upper or lower, whichever is nearer)."""
        _, south, west = self._turned(tick)
        return tick - _ticks(west, south)

    def crossing(self, midnight, noon, altitude):
        """Return the `utc_s` at which the sun passes `altitude` between a solar midnight and noon, or None.

        Newton's method kept inside a shrinking bracket; after eight steps plain halving, so 34 steps bound it.
        """
        low, high = midnight, noon
        if not self.look(low)[0] <= altitude < self.look(high)[0]:
            return None
        tick = (low + high) >> 1
        for step in range(34):
            sine, slope = self.look(tick)
            if sine <= altitude:
                low = tick
            else:
                high = tick
            jump = _ticks(altitude - sine, slope) if slope and step < 8 else _TWELVE_H
            tick += jump
            if -16 < jump < 16:  # 20 ms
                break
            if not min(low, high) < tick < max(low, high):
                tick = (low + high) >> 1
        return self.noon_s + ((tick * 675 + (1 << 18)) >> 19)  # 43200 s / 2**25 ticks = 675 / 2**19

    def _turned(self, tick):
        """Return the sun's direction from the local meridian: to the pole, to the south on the equator, to the west."""
        x, y, z = self.sun(tick)
        sine, cosine = _sin_cos(self.angle + 16 * tick + (tick * 2871 >> 16))  # 1.00273791 turns a day
        return z, (x * cosine + y * sine) >> _ONE, (x * sine - y * cosine) >> _ONE


def _check(day, lat_ud, lon_ud):
    if not 0 <= day <= DAY_MAX:
        raise ValueError("day %d is not in 0..36524: give days since 2000-01-01, to 2099-12-31" % day)
    if not -90000000 <= lat_ud <= 90000000:
        raise ValueError("latitude %d is beyond +-90000000: give microdegrees, north positive" % lat_ud)
    if not -180000000 <= lon_ud <= 180000000:
        raise ValueError("longitude %d is beyond +-180000000: give microdegrees, east positive" % lon_ud)


def _tilt(s):
    """Return the nutation in longitude, and the sine and cosine of the true obliquity, at terrestrial time `s`."""
    node_sin, node_cos = _sin_cos(372959808 - (119801 * s >> 16))  # the moon's ascending node
    twice_sin, twice_cos = _sin_cos(2 * _mean_longitude(s))
    nutation = -(14250 * node_sin + 1094 * twice_sin) >> _ONE  # 17.20" and 1.32"
    obliquity = 69910409 - 387864 * s // _MILLENNIUM_S + ((7622 * node_cos + 472 * twice_cos) >> _ONE)
    return (nutation,) + _sin_cos(obliquity)


def _direction(s, nutation, sin_tilt, cos_tilt):
    """Return the apparent direction of the sun (x, y, z; equator and equinox of date) at terrestrial time `s`."""
    sine, cosine = _sin_cos(_longitude(s) + _HALF + nutation - 17055)  # aberration 20.50" and FK5's 0.09"
    return cosine, sine * cos_tilt >> _ONE, sine * sin_tilt >> _ONE


def _mean_longitude(s):
    return 299652285 + (146138636500 * s >> 32)  # with 357 cos(2.920 + 0.067 t), which is still for centuries


def _longitude(s):
    """Return Earth's heliocentric longitude at terrestrial time `s` (seconds from J2000), equinox of date."""
    year = 146132965747 * s >> 32  # 6283.07585 radians a millennium
    total = 5710600 * _sine(1066370909 + year)
    total += 59631 * _sine(1058995786 + 2 * year)
    drift = 352137 * _sine(726122567 + year) + 7353 * _sine(718751170 + 2 * year)
    total += (drift + (90434 * s // _MILLENNIUM_S << _ONE)) * s // _MILLENNIUM_S
    for amplitude, phase, rate in _TERMS:
        total += amplitude * _sine(phase + (rate * s >> 16))
    return _mean_longitude(s) + (total >> _ONE)


def _sidereal(s):
    """Return Greenwich mean sidereal time at UT `s` seconds from J2000 (Meeus 12.4; its square term grows to 1.4")."""
    return 836506378 + (53522134221067 * s >> 32) + 115706 * (s // 1000) // 31557600 * (s // 1000) // 31557600


def _ticks(rise, run):
    """Return the ticks in which the earth turns by `rise / run` radians."""
    # 2**30 / (2 pi) angle units a radian / 16.0438 units a tick = 10651545
    return rise * 10651545 // run


def _sin_cos(angle):
    return _sine(angle), _sine(angle + _QUARTER)


def _sine(angle):
    """Return the sine of an angle of any size, within 4 of 2**28: an odd polynomial over a quarter turn."""
    x = angle & _TURN
    if x >= 0x30000000:
        x -= 0x40000000
    elif x > _QUARTER:
        x = _HALF - x
    u = x * x >> _ONE
    p = 1254706 - (40714 * u >> _ONE)
    p = 173399576 - ((21391600 - (p * u >> _ONE)) * u >> _ONE)
    return (421657426 - (p * u >> _ONE)) * x >> _ONE
