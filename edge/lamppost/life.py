"""What a post counts over its life, and what it learns of its feeder: one record, written again and again.

Kept: energy, the hours the lamp has burnt, writes to flash; how long this period of power has lasted so far, the pieces
of a night that was interrupted before it, and the last whole nights. A post gets no warning before its power goes, so
it notes its age each CHECKPOINT_MS: a night is known to half of that. After NIGHT_MAX_MIN of power there is no night
to learn (the post is powered by day too), and it notes only each hour.

The record: CBOR [energy_mwh, lit_s, writes, age_min, pieces_min, nights_min]; a damaged one begins anew.
"""

from lamppost.limits import (
    CHECKPOINT_DAY_MS,
    CHECKPOINT_MS,
    NIGHT_MAX_MIN,
    NIGHT_MIN_MIN,
    NIGHT_SPREAD_MIN,
    NIGHTS_KEPT,
    NIGHTS_LEAST,
)
from lamppost.wire import cbor
from lamppost.wire.errors import WireError


class Life:
    """The counts as they were when the power came, and what follows from them for this period of power.

    `night_s`: the learned length of a night, if this period is one that has just begun; else 0.
    """

    def __init__(self, raw: "bytes | None"):
        values = _read(raw)
        self.energy_mwh, self.lit_s, self.writes, age_min, self._pieces_min, self.nights_min = values
        self.night_s = 0
        self.due_ms = CHECKPOINT_MS
        self._age_min = 0
        self._begin(age_min)

    def checkpoint(self, energy_mwh: int, lit_s: int, writes: int, t_ms: int) -> bytes:
        """The record to write now, at `due_ms`."""
        self.energy_mwh, self.lit_s, self.writes = energy_mwh, lit_s, writes
        self._age_min = min(t_ms // 60000, NIGHT_MAX_MIN + 1)
        self.due_ms = t_ms + (CHECKPOINT_MS if self._age_min <= NIGHT_MAX_MIN else CHECKPOINT_DAY_MS)
        return cbor.encode([energy_mwh, lit_s, writes, self._age_min, self._pieces_min, self.nights_min])

    def _begin(self, age_min: int) -> None:
        """The power has come; the period before was `age_min` old when it was last noted."""
        if age_min > NIGHT_MAX_MIN:
            self.nights_min, self._pieces_min = [], 0
            return
        lasted_min = age_min + CHECKPOINT_MS // 120000 if age_min else 0
        mean_min = self._mean()
        whole_min = self._pieces_min + lasted_min
        if whole_min < (max(NIGHT_MIN_MIN, mean_min - NIGHT_SPREAD_MIN) if mean_min else NIGHT_MIN_MIN):
            self._pieces_min = whole_min  # a piece of a night: this period may be the rest of it
            return
        if not self._pieces_min:
            self.nights_min = self.nights_min[1 - NIGHTS_KEPT :] + [lasted_min]
        self._pieces_min = 0
        self.night_s = self._mean() * 60

    def _mean(self) -> int:
        nights = self.nights_min
        if len(nights) < NIGHTS_LEAST or max(nights) - min(nights) > NIGHT_SPREAD_MIN:
            return 0
        return sum(nights) // len(nights)


def _read(raw):
    try:
        values = cbor.decode(raw) if raw else None
    except WireError:
        values = None
    if not isinstance(values, list) or len(values) != 6 or not isinstance(values[5], list):
        return [0, 0, 0, 0, 0, []]
    numbers = values[:5] + values[5]
    if len(values[5]) > NIGHTS_KEPT or any([type(n) is not int or n < 0 for n in numbers]):
        return [0, 0, 0, 0, 0, []]
    return values
