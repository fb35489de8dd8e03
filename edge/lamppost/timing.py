"""The time as a post takes it: from whom, what it does to the light, what the log says, and what is kept in flash.

How far each source may move the clock is decided in clock.py. The record `clock` is [drift_ppb, how wrong it may be].
"""

from lamppost.clock import DRIFT_MAX_PPB, STEP_MS, Clock
from lamppost.wire import cbor
from lamppost.wire.errors import WireError

RTC_UNCERTAIN_MS = 2000  # a chip that counts whole seconds, read once at the start
SAID_MS = 500  # in the log; less than that is the weather
FELT_MS = 50  # the light looks again; less no fade shows
SAVE_PPB = 500  # 43 ms a day: less is not worth a write to flash


class Timing:
    """The time of one Post; `record` is what flash holds."""

    def __init__(self, post, record: "bytes | None"):
        self._post = post
        self._refused = False
        self._saved_ppb = 0
        self._off_ms = 0  # when last moved
        values = _values(record)
        if values:
            self._saved_ppb = values[0]
            self.clock = Clock(values[0], values[1])
        else:
            self.clock = Clock()

    def set(self, utc_s: int, ms: int, uncertainty_ms: int, t_ms: int) -> int:
        """Take the time from a session or an RTC; return by how many milliseconds the clock was off."""
        known = self.clock.known
        off_ms = self.clock.set(utc_s, ms, t_ms, uncertainty_ms)
        self._refused = False
        self._post.upkeep.timed_ms = t_ms
        if known:
            self._moved(off_ms, t_ms)
        else:
            self._post.upkeep.due_ms = t_ms
            self._post.items.jump(utc_s)
            self._post.log("time known", t_ms)
            self._post.look_again(t_ms)
        return off_ms

    def hear(self, utc_s: int, ms: int, uncertainty_ms: int, t_ms: int) -> None:
        """Take the time from a broadcast, as far as one may move it."""
        off_ms = self.clock.heard(utc_s, ms, t_ms, uncertainty_ms)
        if off_ms is not None:
            self._refused = False
            self._post.upkeep.timed_ms = t_ms
            self._moved(off_ms, t_ms)
        elif self.clock.known and not self._refused:  # said once, or a forger fills the log
            self._refused = True
            self._post.log("a broadcast time is too far off: only a session may set that", t_ms)

    def session(self, utc_s: int, ms: int, uncertainty_ms: int, t_ms: int):
        """Take the time in a session and learn from it; return the fields of a TIME_OK."""
        clock = self.clock
        if clock.learn(utc_s, ms, t_ms, uncertainty_ms) and abs(clock.drift_ppb - self._saved_ppb) >= SAVE_PPB:
            self._saved_ppb = clock.drift_ppb
            self._post.save("clock", cbor.encode([clock.drift_ppb, clock.error_ppb]))
        off_ms = self.set(utc_s, ms, uncertainty_ms, t_ms)
        return off_ms, clock.drift_ppb, clock.uncertainty_ms(t_ms)

    def _moved(self, off_ms: int, t_ms: int) -> None:
        if abs(off_ms) > STEP_MS:
            self._post.log("clock was %d ms off and is stepped" % off_ms, t_ms)
        elif abs(off_ms) >= SAID_MS and abs(off_ms) > self._off_ms:  # and not the same one again, on its way
            self._post.log("clock is %d ms off and is slewed" % off_ms, t_ms)
        self._off_ms = abs(off_ms)
        if abs(off_ms) > FELT_MS:
            self._post.look_again(t_ms)


def _values(record):
    """What a record says, None where it is missing or no good: then nothing is known of the crystal."""
    try:
        values = cbor.decode(record) if record else None
    except WireError:
        return None
    if not isinstance(values, list) or len(values) != 2:
        return None
    for value in values:
        if not isinstance(value, int) or not -DRIFT_MAX_PPB <= value <= DRIFT_MAX_PPB:
            return None
    return values if values[1] >= 0 else None
