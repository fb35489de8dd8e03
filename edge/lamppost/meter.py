"""Power and energy of the lamp, from the sensor where there is one, else from the level.

Estimate: standby + rated * (0.03 + 0.97 * level) while lit, which is how LED drivers of this size behave within a few
per cent. All integers: milliwatts, millijoules inside, milliwatt-hours outside.
"""

_MJ_A_MWH = 3600
SENSOR_FRESH_MS = 60000  # a power reading older than a minute no longer says what the lamp takes


class Meter:
    """`rated_mw` and `standby_mw` may be changed at any time; energy counts from the beginning, `since_ms` up to when.

    At a level that does not change, without a power sensor, it makes no difference how often `advance` is called.
    """

    def __init__(self):
        self.rated_mw = 0
        self.standby_mw = 0
        self._energy_mwh = 0
        self._rest_mj = 0
        self._rest_uj = 0
        self.since_ms = -1
        self._power_mw = 0
        self._sensor_mw = None
        self._sensor_ms = 0

    def measured(self, power_mw: int, t_ms: int) -> None:
        """A value from the power sensor, milliwatts."""
        self._sensor_mw = power_mw
        self._sensor_ms = t_ms

    def advance(self, level_pm: int, t_ms: int) -> None:
        """Add what was used until now, then take the power at `level_pm` from now on."""
        if self.since_ms >= 0:
            self._add(t_ms - self.since_ms)
        self.since_ms = t_ms
        if self._sensor_mw is not None and t_ms - self._sensor_ms <= SENSOR_FRESH_MS:
            self._power_mw = self._sensor_mw
        else:
            self._power_mw = self.standby_mw
            if level_pm > 0:
                self._power_mw += self.rated_mw * (30000 + 970 * level_pm) // 1000000

    @property
    def sensor(self) -> bool:
        """Whether there is a power sensor."""
        return self._sensor_mw is not None

    @property
    def power_mw(self) -> int:
        return self._power_mw

    @property
    def energy_mwh(self) -> int:
        return self._energy_mwh

    def _add(self, span_ms: int) -> None:
        # milliwatts times milliseconds are microjoules; the rests are kept, so short spans add up exactly
        used_uj = self._power_mw * span_ms + self._rest_uj
        self._rest_uj = used_uj % 1000
        used_mj = used_uj // 1000 + self._rest_mj
        self._energy_mwh += used_mj // _MJ_A_MWH
        self._rest_mj = used_mj % _MJ_A_MWH
