"""Counters of broadcasts: numbers that never repeat, also across power cuts and with few writes to flash."""

from lamppost.limits import COUNTER_MAX, COUNTER_RESERVE
from lamppost.wire.errors import WireError


class Counter:
    """Numbers above `used`. `reserve(n)` must have stored n, the next start's `used`, when it returns.

    It is called before a number above the last n is given out; what it raises goes through, and nothing is used up.
    """

    def __init__(self, used: int, reserve):
        self._used = used
        self._reserved = used
        self._reserve = reserve

    def next(self) -> int:
        """The number that `take` gives next, as far as a frame can say it."""
        return min(self._used + 1, COUNTER_MAX)

    def take(self) -> int:
        """Use up a number. Raises WireError when there is none left (2**32 last decades)."""
        if self._used >= COUNTER_MAX:
            raise WireError("counter used up")
        if self._used >= self._reserved:
            reserved = min(self._used + COUNTER_RESERVE, COUNTER_MAX)
            self._reserve(reserved)
            self._reserved = reserved
        self._used += 1
        return self._used
