"""A post's two clocks: milliseconds since it woke, which never wrap here, and UTC, which it may not know.

Boards count milliseconds modulo 2**30 (12.4 days); `now` unwraps them, given that it is called at least every six
days (the Post asks to be woken every ten minutes). UTC is only an offset to that, set by the gateway's TIME or an RTC.
"""

from lamppost.limits import TICKS_MASK


class Clock:
    """`t_ms` is the last moment seen by `now`."""

    def __init__(self):
        self.t_ms = 0
        self._ticks = None
        self._offset_ms = None

    def now(self, ticks: int) -> int:
        """Unwrap a tick count; return t_ms, which never goes back."""
        if self._ticks is not None:
            step = (ticks - self._ticks) & TICKS_MASK
            if step > TICKS_MASK // 2:  # a tick from before: two sources a hair apart
                return self.t_ms
            self.t_ms += step
        self._ticks = ticks & TICKS_MASK
        return self.t_ms

    def set(self, utc_s: int, ms: int, t_ms: int) -> int:
        """Take the time; return by how many milliseconds the clock was stepped (0 when it was unknown)."""
        offset_ms = utc_s * 1000 + ms - t_ms
        step = 0 if self._offset_ms is None else offset_ms - self._offset_ms
        self._offset_ms = offset_ms
        return step

    def utc_s(self, t_ms: int) -> "int | None":
        """UTC in seconds since 2000-01-01 at t_ms, None while it is unknown."""
        if self._offset_ms is None:
            return None
        return (t_ms + self._offset_ms) // 1000

    def utc(self, t_ms: int):
        """(utc_s, milliseconds into that second) at t_ms, or (None, 0) while the time is unknown."""
        if self._offset_ms is None:
            return None, 0
        utc_ms = t_ms + self._offset_ms
        return utc_ms // 1000, utc_ms % 1000
