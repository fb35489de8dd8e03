"""Power and energy of the lamp, from the sensor where there is one, else from the level.

Estimate: standby + rated * (0.03 + 0.97 * level) while lit, which is how LED drivers of this size behave within a few
per cent. All integers: milliwatts, millijoules inside, milliwatt-hours outside.
"""

from lamppost.limits import MEASURED_FRESH_MS

_MJ_A_MWH = 3600


class Meter:
    """`rated_mw` and `standby_mw` may be changed at any time. `energy_mwh` goes on from where it was; `since_ms`: up to
    when it has counted; `lit_ms`: how long the lamp has burnt since the power came.

    Without a power sensor it makes no difference (0.1 %) how often `advance` is called: a fade is a straight line, and
    its energy is that of its mean power. Call it before the dimmer is told to go elsewhere.
    """

    def __init__(self, energy_mwh: int = 0):
        self.rated_mw = 0
        self.standby_mw = 0
        self.scale_pm = 1000  # how strongly the lamp is driven for a level
        self.lit_ms = 0
        self._energy_mwh = energy_mwh
        self._rest_mj = 0
        self._rest_uj = 0
        self.since_ms = -1
        self._power_mw = 0
        self._sensor_mw = -1  # none
        self._sensor_ms = 0

    def measured(self, power_mw: int, t_ms: int) -> None:
        """A value from the power sensor, milliwatts."""
        self._sensor_mw = power_mw
        self._sensor_ms = t_ms

    def advance(self, dimmer, t_ms: int) -> None:
        """Add what the lamp of `dimmer` used until now, and take its power of this moment."""
        if 0 <= self.since_ms < t_ms:
            if dimmer.level(self.since_ms) > 0:
                self.lit_ms += t_ms - self.since_ms
            if self._sensed(self.since_ms):
                self._add(self._power_mw, t_ms - self.since_ms)
            else:
                self._add_estimate(dimmer, t_ms)
        self.since_ms = t_ms
        self._power_mw = self._sensor_mw if self._sensed(t_ms) else self.expected_mw(dimmer.level(t_ms))

    @property
    def sensor(self) -> bool:
        """Whether there is a power sensor."""
        return self._sensor_mw >= 0

    @property
    def power_mw(self) -> int:
        return self._power_mw

    @property
    def energy_mwh(self) -> int:
        return self._energy_mwh

    def _sensed(self, t_ms: int) -> bool:
        return self._sensor_mw >= 0 and t_ms - self._sensor_ms <= MEASURED_FRESH_MS

    def expected_mw(self, level_pm: int) -> int:
        """The power that the lamp should take at a level."""
        if level_pm <= 0:
            return self.standby_mw
        return self.standby_mw + self.rated_mw * (30000 + 970 * level_pm * self.scale_pm // 1000) // 1000000

    def _add_estimate(self, dimmer, t_ms: int) -> None:
        """The rest of a fade by its mean power, then the level that it reached."""
        begin_ms = self.since_ms
        end_ms = min(max(dimmer.done_ms, begin_ms), t_ms)
        if end_ms > begin_ms:
            both_mw = self.expected_mw(dimmer.level(begin_ms)) + self.expected_mw(dimmer.level(end_ms))
            self._add(both_mw // 2, end_ms - begin_ms)
        if t_ms > end_ms:
            self._add(self.expected_mw(dimmer.level(t_ms)), t_ms - end_ms)

    def _add(self, power_mw: int, span_ms: int) -> None:
        # milliwatts times milliseconds are microjoules; the rests are kept, so short spans add up exactly
        used_uj = power_mw * span_ms + self._rest_uj
        self._rest_uj = used_uj % 1000
        used_mj = used_uj // 1000 + self._rest_mj
        self._energy_mwh += used_mj // _MJ_A_MWH
        self._rest_mj = used_mj % _MJ_A_MWH
