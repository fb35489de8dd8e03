"""The clock chip DS3231 on I2C: keeps the time over a power cut, 2 ppm. Times are seconds of UTC since 2000-01-01.

Registers 0..6 are seconds, minutes, hours, day of week, day, month with the century bit, year, in BCD; bit 7 of
register 15 says that the oscillator has stood still, so that the time is worth nothing (datasheet, Maxim 19-5170).
"""

from lamppost.light import dates

_ADDRESS = 0x68
_STATUS = 15
_STOPPED = 0x80


class Ds3231:
    """`i2c` has readfrom_mem(address, register, count) and writeto_mem(address, register, bytes), as MicroPython's."""

    def __init__(self, i2c):
        self._i2c = i2c

    def read(self) -> "int | None":
        """The time, None where the chip is missing, was without its battery, or says nonsense."""
        try:
            if self._i2c.readfrom_mem(_ADDRESS, _STATUS, 1)[0] & _STOPPED:
                return None
            raw = self._i2c.readfrom_mem(_ADDRESS, 0, 7)
            second, minute, hour = _number(raw[0]), _number(raw[1]), _number(raw[2] & 0x3F)
            day = dates.day_of(2000 + _number(raw[6]), _number(raw[5] & 0x1F), _number(raw[4]))
        except (OSError, ValueError):
            return None
        if second > 59 or minute > 59 or hour > 23:
            return None
        return day * 86400 + hour * 3600 + minute * 60 + second

    def write(self, utc_s: int) -> bool:
        """Set the time, and that it counts from now; False where the chip does not answer."""
        year, month, day = dates.civil(utc_s // 86400)
        clock = utc_s % 86400
        weekday = dates.weekday(utc_s // 86400) + 1
        values = (clock % 60, clock // 60 % 60, clock // 3600, weekday, day, month, year - 2000)
        try:
            self._i2c.writeto_mem(_ADDRESS, 0, bytes([value // 10 << 4 | value % 10 for value in values]))
            self._i2c.writeto_mem(_ADDRESS, _STATUS, b"\0")
        except OSError:
            return False
        return True


def _number(bcd: int) -> int:
    if bcd & 15 > 9 or bcd >> 4 > 9:
        raise ValueError
    return (bcd >> 4) * 10 + (bcd & 15)
