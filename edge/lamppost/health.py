"""Health: what is measured becomes faults that come once, stay while they last, and go once.

Promises: every fault has a threshold to come and another to go, and a delay for each way (DELAYS_S), so that nothing
flickers at a limit; between the thresholds, and where nothing can be said (no sensor, a fade, a lamp that is off), it
stays as it is. Pure: values and `t_ms` in, `changed(number, on, value, t_ms)` out. Thresholds stand in limits.py.

Power is held against what the level should take (`expected_mw`, from lamppost.meter), never against a fixed number, so
that a dimmed lamp is judged as well as a bright one.
"""

from lamppost import limits
from lamppost.wire import faults

# seconds until it comes, seconds until it goes, by number of the fault
DELAYS_S = (
    (0, 0),
    (120, 30),  # lamp: cold discharge lamps and soft-starting drivers need a minute
    (120, 30),
    (120, 30),  # day burning
    (0, 0),  # cycling counts by itself
    (30, 30),  # relay: contacts and meter settle in seconds
    (60, 60),  # voltage: EN 50160 looks at ten minutes, motors start in ten seconds
    (60, 60),
    (600, 600),  # power factor: nothing is urgent about it
    (60, 300),  # heat moves in minutes
    (0, 60),  # a stuck sensor must have been well for a minute
    (0, 0),
    (0, 0),
    (0, 0),
    (600, 0),  # no plan: a gateway brings it within minutes
    (0, 0),
    (0, 0),
    (0, 0),
    (0, 0),
    (0, 0),
    (5, 60),  # door: not each slam of a gust
)


class Health:
    """The faults of one post; `bits` has bit n set while fault n is on, `values` what was measured when it came."""

    def __init__(self, changed):
        self.bits = 0
        self.values = {}
        self.failed = None  # whether DALI gear says that it or its lamp has failed; None: it says nothing
        self._changed = changed
        self._since = {}  # fault -> when its condition turned, while its delay runs
        self._lit = None  # whether the lamp burnt at the last look, None: not known
        self._out_ms = []  # when it went out by itself, at most CYCLES_ON moments

    def due_ms(self, t_ms: int, last_ms: int) -> int:
        """When the first delay after `t_ms` runs out, at most `last_ms`: one that has run out waits for a judgement."""
        for number, since_ms in self._since.items():
            delay_s = DELAYS_S[number][self.bits >> number & 1]
            if since_ms + delay_s * 1000 > t_ms:
                last_ms = min(last_ms, since_ms + delay_s * 1000)
        return last_ms

    def judge(self, number: int, bad, value: int, t_ms: int) -> None:
        """Fault `number` is there (True), is not (False), or nothing can be said (None)."""
        on = self.bits >> number & 1
        if bad is None or bool(bad) == bool(on):
            self._since.pop(number, None)
            return
        since_ms = self._since.setdefault(number, t_ms)
        if t_ms - since_ms < DELAYS_S[number][on] * 1000:
            return
        self._since.pop(number, None)
        self.bits ^= 1 << number
        if bad:
            self.values[number] = value
        else:
            self.values.pop(number, None)
        self._changed(number, bool(bad), value, t_ms)

    def between(self, number: int, value: int, on_below: int, off_above: int, t_ms: int) -> None:
        """A value that must not fall below `on_below`; well again above `off_above`."""
        self.judge(number, True if value < on_below else False if value > off_above else None, value, t_ms)

    def lamp(self, level_pm: int, expected_mw: int, standby_mw: int, rated_mw: int, power_mw: int, t_ms: int) -> None:
        """A fresh value of the power sensor, with the level at rest and the relay (if there is one) closed."""
        if self.failed:
            self.judge(faults.LAMP, True, power_mw, t_ms)
        lit_mw = standby_mw + max(limits.LIT_MW, rated_mw // 10)
        if level_pm == 0:
            self._lit = None
            self.judge(faults.DAY_BURNING, power_mw > lit_mw, power_mw, t_ms)
            return
        if level_pm < limits.LAMP_LEVEL_PM or expected_mw - standby_mw < limits.LIT_MW:
            self._lit = None  # so little that a sensor of 1 % cannot tell
            return
        percent = power_mw * 100 // expected_mw
        low = True if percent < limits.LAMP_ON_PERCENT else False if percent > limits.LAMP_OFF_PERCENT else None
        if not self.failed:
            self.judge(faults.LAMP, low, power_mw, t_ms)
        over_mw = power_mw - limits.LIT_MW
        high = True if over_mw * 100 > expected_mw * limits.DRIVER_ON_PERCENT else None
        if power_mw * 100 < expected_mw * limits.DRIVER_OFF_PERCENT:
            high = False
        self.judge(faults.DRIVER, high, power_mw, t_ms)
        self._cycle(low, t_ms)

    def relay_open(self, standby_mw: int, power_mw: int, t_ms: int) -> None:
        """A fresh value of the power sensor while the relay should be open."""
        least_mw = max(limits.RELAY_MW, standby_mw * 3 // 4)
        bad = True if power_mw >= least_mw else False if power_mw < least_mw // 2 else None
        self.judge(faults.RELAY_STUCK, bad, power_mw, t_ms)
        self._lit = None

    def no_power(self, silent: bool, level_pm: int, t_ms: int) -> None:
        """There is no fresh value of the power sensor: of the lamp is known what its gear says, if that says anything;
        `silent`: there used to be one. A gear whose lamp is off does not know whether it would burn."""
        self.judge(faults.LAMP, self.failed if self.failed or level_pm else None, 0, t_ms)
        for number in (faults.DRIVER, faults.DAY_BURNING, faults.RELAY_STUCK):
            self.judge(number, None, 0, t_ms)
        self._lit = None
        self.judge(faults.METER_SILENT, silent, 0, t_ms)

    def voltage(self, voltage_mv: int, t_ms: int) -> None:
        """Mains voltage, millivolts."""
        self.between(faults.VOLTAGE_LOW, voltage_mv, limits.VOLTAGE_LOW_ON_MV, limits.VOLTAGE_LOW_OFF_MV, t_ms)
        high = True if voltage_mv > limits.VOLTAGE_HIGH_ON_MV else None
        if voltage_mv < limits.VOLTAGE_HIGH_OFF_MV:
            high = False
        self.judge(faults.VOLTAGE_HIGH, high, voltage_mv, t_ms)

    def factor(self, factor_pm: int, level_pm: int, t_ms: int) -> None:
        """Power factor, per mille. Drivers keep theirs near full load only, so a dimmed lamp says nothing."""
        if level_pm < limits.FACTOR_LEVEL_PM:
            self.judge(faults.POWER_FACTOR, None, factor_pm, t_ms)
        else:
            self.between(faults.POWER_FACTOR, factor_pm, limits.FACTOR_ON_PM, limits.FACTOR_OFF_PM, t_ms)

    def heat(self, temperature_dc: int, t_ms: int) -> None:
        """Driver temperature, tenths of a degree. A sensor that shows nonsense is not believed."""
        if temperature_dc > limits.TEMPERATURE_MAX_DC:
            bad = None
        else:
            bad = True if temperature_dc > limits.DERATE_FROM_DC else None
            if temperature_dc < limits.HOT_OFF_DC:
                bad = False
        self.judge(faults.HOT, bad, temperature_dc, t_ms)

    def _cycle(self, low, t_ms: int) -> None:
        """Count how often a lamp whose level does not change goes out."""
        lit = None if low is None else not low
        if lit is not None:
            if self._lit and not lit:
                self._out_ms = self._out_ms[1 - limits.CYCLES_ON :] + [t_ms]
            self._lit = lit
        recent = len([at for at in self._out_ms if t_ms - at <= 3600000])
        calm = not self._out_ms or t_ms - self._out_ms[-1] > limits.CYCLES_OFF_S * 1000
        bad = True if recent >= limits.CYCLES_ON else False if calm else None
        self.judge(faults.CYCLING, bad, recent, t_ms)
