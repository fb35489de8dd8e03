"""A post's two clocks: milliseconds since it woke, which never wrap here, and UTC, which it may not know.

Boards count milliseconds modulo 2**30 (12.4 days); `now` unwraps them, given that it is called at least every six
days (the Post asks to be woken every ten minutes). UTC is an offset to that, plus what the crystal is known to lack.

Rules kept here
- A session (or an RTC on the board) may set the time to anything. A broadcast, for which a stolen bus key is enough,
  cannot give the first time, only slews, and never takes the clock farther from what the last session said than
  BROADCAST_MS and BROADCAST_PPM of the time since then.
- Up to STEP_MS is slewed, SLEW_PARTS to one, so that no second is skipped or comes twice; a leap second is. More is
  a step.
- A time that is less certain than the clock itself moves it only by what lies outside that uncertainty; a broadcast
  makes no clock more certain than the last session did.
- The crystal's drift is learned from session times only, over windows so long that the uncertainty of both ends is at
  most LEARN_PPB of them; a longer window replaces what a shorter one said.
"""

from lamppost.limits import TICKS_MASK

STEP_MS = 1500  # a leap second, and what two bad networks differ
SLEW_PARTS = 100  # 10 ms a second: a leap second is gone in two minutes and no fade shows it
BROADCAST_MS = 1500
BROADCAST_PPM = 250  # the worst crystal, and some
DRIFT_MAX_PPB = 200000  # 200 ppm: a crystal that is worse is broken; cheap ones have 50
WORN_PPM = 100  # by how much a clock that runs alone becomes less certain before its drift is known
AGED_PPM = 5  # and after: temperature
LEARN_PPB = 20000  # 20 ppm: below the 50 of a crystal, or nothing would be learned
JITTER_MS = 4  # of hearing the time: a character, a chunk of a UART, the interpreter
WINDOW_MAX_MS = 86400000  # a day has one of each temperature
UNCERTAIN_MAX_MS = 65535  # what a message can say


class Clock:
    """`t_ms` is the last moment seen by `now`; `drift_ppb` what each second of the crystal lacks, as far as known."""

    def __init__(self, drift_ppb: int = 0, error_ppb: int = DRIFT_MAX_PPB):
        self.t_ms = 0
        self.drift_ppb = drift_ppb
        self.error_ppb = error_ppb  # how wrong that may be
        self._ticks = None
        self._offset_ms = None  # UTC less t_ms, at _since_ms
        self._since_ms = 0
        self._slew_ms = 0  # still to be added from _since_ms on
        self._uncertain_ms = UNCERTAIN_MAX_MS  # at _since_ms
        self._told = None  # (t_ms, utc_ms, uncertainty_ms) of the last time from a session or an RTC
        self._window = None  # (t_ms, utc_ms, uncertainty_ms) of the session time from which drift is measured
        self._learn_ms = 0  # the window's length at which it says something new

    def now(self, ticks: int) -> int:
        """Unwrap a tick count; return t_ms, which never goes back."""
        if self._ticks is not None:
            step = (ticks - self._ticks) & TICKS_MASK
            if step > TICKS_MASK // 2:  # a tick from before: two sources a hair apart
                return self.t_ms
            self.t_ms += step
        self._ticks = ticks & TICKS_MASK
        return self.t_ms

    @property
    def known(self) -> bool:
        """Whether UTC is known."""
        return self._offset_ms is not None

    def utc_s(self, t_ms: int) -> "int | None":
        """UTC in seconds since 2000-01-01 at t_ms, None while it is unknown."""
        if self._offset_ms is None:
            return None
        return self._utc_ms(t_ms) // 1000

    def utc(self, t_ms: int):
        """(utc_s, milliseconds into that second) at t_ms, or (None, 0) while the time is unknown."""
        if self._offset_ms is None:
            return None, 0
        utc_ms = self._utc_ms(t_ms)
        return utc_ms // 1000, utc_ms % 1000

    def uncertainty_ms(self, t_ms: int) -> int:
        """How far the clock may be off at t_ms, by what it was told and how long it has run alone."""
        ppm = AGED_PPM + self.error_ppb // 1000 if self.error_ppb <= LEARN_PPB else WORN_PPM
        return min(self._uncertain_ms + (t_ms - self._since_ms) * ppm // 1000000, UNCERTAIN_MAX_MS)

    def set(self, utc_s: int, ms: int, t_ms: int, uncertainty_ms: int = 0) -> int:
        """Take the time from a session or an RTC; return by how many milliseconds the clock was off (0: unknown)."""
        utc_ms = utc_s * 1000 + ms
        self._told = (t_ms, utc_ms, uncertainty_ms)
        if self._offset_ms is not None:
            return self._move(utc_ms, uncertainty_ms, t_ms)
        self._rest(utc_ms, 0, uncertainty_ms, t_ms)
        return 0

    def heard(self, utc_s: int, ms: int, t_ms: int, uncertainty_ms: int) -> "int | None":
        """Take the time from a broadcast; return by how many milliseconds the clock was off, None where it may not."""
        if self._told is None:
            return None
        utc_ms = utc_s * 1000 + ms
        then_ms, told_ms, sure_ms = self._told
        alone_ms = t_ms - then_ms
        reckoned_ms = told_ms + alone_ms + alone_ms * self.drift_ppb // 1000000000
        if abs(utc_ms - reckoned_ms) > BROADCAST_MS + alone_ms * BROADCAST_PPM // 1000000:
            return None
        if abs(utc_ms - self._utc_ms(t_ms)) > STEP_MS:
            return None
        return self._move(utc_ms, max(uncertainty_ms, sure_ms), t_ms)

    def learn(self, utc_s: int, ms: int, t_ms: int, uncertainty_ms: int) -> bool:
        """Measure the drift by a session's time; return whether `drift_ppb` has become better known."""
        utc_ms = utc_s * 1000 + ms
        window = self._window
        if window is None:
            self._begin(utc_ms, uncertainty_ms, t_ms)
            return False
        ran_ms = t_ms - window[0]
        if ran_ms <= 0:
            return False
        lacks_ms = utc_ms - window[1] - ran_ms
        error_ppb = (uncertainty_ms + window[2] + JITTER_MS) * 1000000000 // ran_ms
        if abs(lacks_ms) * 1000000000 // ran_ms > DRIFT_MAX_PPB + error_ppb:
            self._begin(utc_ms, uncertainty_ms, t_ms)  # the gateway's clock was stepped
            return False
        if uncertainty_ms < window[2] and error_ppb > LEARN_PPB:
            self._begin(utc_ms, uncertainty_ms, t_ms)  # a better beginning than the one there was
            return False
        if error_ppb > LEARN_PPB or ran_ms < self._learn_ms:
            return False
        self._take(lacks_ms * 1000000000 // ran_ms, error_ppb, t_ms)
        self._learn_ms = 2 * ran_ms
        if ran_ms >= WINDOW_MAX_MS:
            self._begin(utc_ms, uncertainty_ms, t_ms)
        return True

    def _begin(self, utc_ms: int, uncertainty_ms: int, t_ms: int) -> None:
        self._window, self._learn_ms = (t_ms, utc_ms, uncertainty_ms), 0

    def _take(self, drift_ppb: int, error_ppb: int, t_ms: int) -> None:
        """A window that is no worse than what is known replaces it; a shorter one counts by its worth."""
        utc_ms = self._utc_ms(t_ms)
        if error_ppb > self.error_ppb:
            whole = self.error_ppb + error_ppb
            drift_ppb = self.drift_ppb + (drift_ppb - self.drift_ppb) * self.error_ppb // whole
        else:
            self.error_ppb = error_ppb
        slew_ms, uncertain_ms = self._slew_left(t_ms), self.uncertainty_ms(t_ms)
        self.drift_ppb = max(-DRIFT_MAX_PPB, min(DRIFT_MAX_PPB, drift_ppb))
        self._rest(utc_ms, slew_ms, uncertain_ms, t_ms)

    def _move(self, utc_ms: int, uncertainty_ms: int, t_ms: int) -> int:
        now_ms = self._utc_ms(t_ms)
        off_ms = now_ms - utc_ms
        own_ms = self.uncertainty_ms(t_ms)
        by_ms = -off_ms
        if uncertainty_ms > own_ms:  # it knows less than we do, except that we are outside what it knows
            by_ms = 0 if abs(off_ms) <= uncertainty_ms else by_ms + (uncertainty_ms if off_ms > 0 else -uncertainty_ms)
            if not by_ms:
                return off_ms
        if abs(by_ms) > STEP_MS:
            self._rest(now_ms + by_ms, 0, uncertainty_ms, t_ms)
        else:
            self._rest(now_ms, by_ms, uncertainty_ms, t_ms)
        return off_ms

    def _rest(self, utc_ms: int, slew_ms: int, uncertain_ms: int, t_ms: int) -> None:
        """From t_ms on: this time, and so much to be slewed."""
        self._offset_ms, self._since_ms = utc_ms - t_ms, t_ms
        self._slew_ms, self._uncertain_ms = slew_ms, uncertain_ms

    def _slew_left(self, t_ms: int) -> int:
        gone_ms = (t_ms - self._since_ms) // SLEW_PARTS
        if gone_ms >= abs(self._slew_ms):
            return 0
        return self._slew_ms - gone_ms if self._slew_ms > 0 else self._slew_ms + gone_ms

    def _utc_ms(self, t_ms: int) -> int:
        ran_ms = t_ms - self._since_ms
        drift_ms = ran_ms * self.drift_ppb // 1000000000
        return t_ms + (self._offset_ms or 0) + drift_ms + self._slew_ms - self._slew_left(t_ms)
