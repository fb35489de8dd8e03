"""What a board's inputs mean: contacts debounced, light with hysteresis, energy pulses. No pins and no clock here.

Every class takes what was read and `t_ms`, an unwrapped count of milliseconds, and says what is new.
"""

_MWH_A_KWH = 1000000
_MS_AN_HOUR = 3600000
PULSE_OLD_MS = (
    600000  # without a pulse for ten minutes a lamp of 40 W is off at 1,000 pulses a kWh: 6.7 would have come
)


class Contact:
    """A switch or sensor output: on after `on_ms` without a break, off after `off_ms`; `state` begins as off."""

    def __init__(self, on_ms: int, off_ms: int):
        self.state = False
        self._on_ms = on_ms
        self._off_ms = off_ms
        self._since_ms = None  # since when it has been other than `state`

    def look(self, active, t_ms: int) -> "bool | None":
        """Take a reading; return the new state when it has changed, else None."""
        if bool(active) == self.state:
            self._since_ms = None
            return None
        if self._since_ms is None:
            self._since_ms = t_ms
        if t_ms - self._since_ms < (self._off_ms if self.state else self._on_ms):
            return None
        self.state = not self.state
        self._since_ms = None
        return self.state


class Lux:
    """A light sensor: a new value counts when it is `hysteresis_percent` (and 1 lx) away from the last for `hold_ms`.

    The first reading counts at once, and each `again_ms` the value of that moment, so that a listener can tell a quiet
    sky from a dead board.
    """

    def __init__(self, hysteresis_percent: int, hold_ms: int, again_ms: int = 600000):
        self._percent = hysteresis_percent
        self._hold_ms = hold_ms
        self._again_ms = again_ms
        self._told_lx = None
        self._told_ms = 0
        self._since_ms = None

    def look(self, lx: int, t_ms: int) -> "int | None":
        """Take a reading; return the value to tell, None while there is nothing new."""
        if self._told_lx is None or t_ms - self._told_ms >= self._again_ms:
            return self._tell(lx, t_ms)
        if abs(lx - self._told_lx) <= max(1, self._told_lx * self._percent // 100):
            self._since_ms = None  # a headlight that came and went
            return None
        if self._since_ms is None:
            self._since_ms = t_ms
        if t_ms - self._since_ms < self._hold_ms:
            return None
        return self._tell(lx, t_ms)

    def forget(self) -> bool:
        """The sensor does not answer; return whether there was a value before."""
        told, self._told_lx = self._told_lx is not None, None
        return told

    def _tell(self, lx: int, t_ms: int) -> int:
        self._told_lx, self._told_ms, self._since_ms = lx, t_ms, None
        return lx


class Pulses:
    """The S0 output of an energy meter (IEC 62053-31), `pulses_kwh` pulses a kWh: power from the time between two.

    While the next pulse is late the power can be no more than if it came now: it falls when a lamp is switched off.
    After a look, `reach_ms` is how far back the value reaches, and `most_mw` what it can be at most while the next
    pulse is late, -1 while it is not: at 1,000 pulses a kWh a lamp of 40 W makes one in 90 s, of 4 W one in 15 min.
    """

    def __init__(self, pulses_kwh: int):
        self._mwh_ms = _MWH_A_KWH * _MS_AN_HOUR // pulses_kwh  # milliwatts times milliseconds of one pulse
        self._count = 0
        self._last_ms = None
        self._power_mw = None
        self._since_ms = 0
        self.most_mw, self.reach_ms = -1, 0

    def look(self, count: int, last_ms: int, t_ms: int) -> "int | None":
        """Take the number of pulses so far and when the last came; return milliwatts, None before two are known."""
        new = count - self._count
        if new:
            if self._last_ms is not None and last_ms > self._last_ms:
                self._power_mw = new * self._mwh_ms // (last_ms - self._last_ms)
                self._since_ms = self._last_ms
            self._count, self._last_ms = count, last_ms
        if self._last_ms is None:
            return None
        late_ms = t_ms - self._last_ms
        self.most_mw, self.reach_ms = self._mwh_ms // max(1, late_ms), late_ms
        if self._power_mw is not None and self._power_mw <= self.most_mw:
            self.most_mw, self.reach_ms = -1, t_ms - self._since_ms
        if late_ms >= PULSE_OLD_MS:
            return 0
        if self._power_mw is not None and late_ms > 0:
            return min(self._power_mw, self._mwh_ms // late_ms)
        return self._power_mw
