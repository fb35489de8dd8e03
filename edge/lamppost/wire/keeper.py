"""The post that keeps the line while the gateway is silent: what it hears it acknowledges, and a burst gets its order.

A gateway acknowledges each event within 60 ms. An event that is said again, without a frame of the gateway since, shows
that there is none (`alone`). From then on, until the gateway is heard, the first post that counts its rank of silence
behind an event says GO without places, which ends the repetitions, and behind garbage GO for all addresses that it
knows of. Whoever kept the line last goes first, so that one post keeps it while it lives; else the lowest address.
"""

from lamppost.limits import POST_ADDRESS_MAX
from lamppost.wire.frame import go
from lamppost.wire.packed import GO_PAIRS_MAX

_FRUITLESS_MAX = 3  # of GOs for garbage that no event follows: it is noise
_PAUSE_MS = 1000


class Keeper:
    """The rules for the post at `address`; `timing` is wire.access.Timing."""

    def __init__(self, address: int, timing):
        self.alone = False
        self._address = address
        self._timing = timing
        self._due_ms = None
        self._garbled = False
        self._pairs = b""  # (address, low byte of the number) of what was heard since the last GO, while alone
        self._low = self._high = address  # of the line, as far as it was heard
        self._last = 0  # who kept it last
        self._fruitless = 0
        self._not_before_ms = 0

    @property
    def deadline(self) -> "int | None":
        """When `say` may have something; None: nothing to wait for."""
        return self._due_ms

    def gateway(self) -> None:
        """A frame of the gateway was heard: it keeps the line."""
        self.alone = False
        self._due_ms = None
        self._pairs = b""
        self._fruitless = 0

    def spoke(self) -> None:
        """This post says an event itself: somebody else acknowledges it."""
        self._due_ms = None

    def unanswered(self) -> None:
        """An event of this post was not acknowledged, whatever was heard since."""
        self.alone = True

    def event(self, src: int, number: int, again: bool, t_ms: int, places: int) -> None:
        """An EVENT of `src` ended; `again`: it had been said before; `places` of a GO are still to come behind it."""
        if src > POST_ADDRESS_MAX:
            self.gateway()  # which alone speaks there
            return
        if src < self._low:
            self._low = src
        elif src > self._high:
            self._high = src
        self.alone = self.alone or again
        self._garbled = False
        self._fruitless = 0
        if self.alone:
            pair = bytes((src, number & 255))
            if pair not in self._named():
                self._pairs = (self._pairs + pair)[-2 * GO_PAIRS_MAX :]
            self._due_ms = t_ms + self._timing.keep_ms + (places + self._rank()) * self._timing.rank_ms

    def bytes_came(self, t_ms: int) -> None:
        """Bytes that ended no frame: they may become one, or are several posts at once."""
        self._due_ms = None
        if self.alone and t_ms >= self._not_before_ms:
            self._garbled = True
            self._due_ms = t_ms + self._timing.event_ms + self._timing.keep_ms + self._rank() * self._timing.rank_ms

    def kept(self, src: int, low: int, high: int, t_ms: int) -> None:
        """A GO of post `src` ended."""
        self._last = src
        self._due_ms = None
        self._pairs = b""
        if low <= high:
            self._count(t_ms)

    def say(self, t_ms: int) -> "tuple[bytes, int, int] | None":
        """(the bytes of a GO, its low, its high) to send now, or None."""
        if self._due_ms is None or t_ms < self._due_ms:
            return None
        self._due_ms = None
        low, high = (self._low, self._high) if self._garbled else (1, 0)
        if self._garbled:
            self._count(t_ms)
        self._garbled = False
        pairs, self._pairs, self._last = self._pairs, b"", self._address
        return go(self._address, low, high, pairs), low, high

    def _rank(self) -> int:
        """Whoever kept the line last goes first, unless that brought nothing: there may be two who did."""
        return 0 if self._last == self._address and self._fruitless < 2 else self._address

    def _named(self):
        return [self._pairs[at : at + 2] for at in range(0, len(self._pairs), 2)]

    def _count(self, t_ms: int) -> None:
        self._fruitless += 1
        if self._fruitless >= _FRUITLESS_MAX:
            self._fruitless = 0
            self._not_before_ms = t_ms + _PAUSE_MS
