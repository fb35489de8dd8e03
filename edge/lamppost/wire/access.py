"""When a post may speak without being asked.

One rule, so that it also holds without a gateway: an event waits for silence. A frame that expects no answer (a
reply, an event, a broadcast) opens a window at its end: a post sends after one slot and a random number of further
slots, unless it hears something first. After a poll the line belongs to the polled post, so there, and after noise,
the wait is `IDLE_MS` of silence, longer than any post takes to begin its reply.

A post cannot hear its own collision; it sends again until the gateway has acknowledged the event or the tries are
used up (the event itself waits in the items queue until the gateway has it, whatever happens here).
"""

from lamppost.limits import EVENT_TRIES
from lamppost.wire.frame import EVERYBODY, GATEWAY

SLOT_MS = 4  # two characters at 9,600 baud and the turn-around of a slow receiver
SLOTS = 4  # four are enough: the chance of two posts in one slot is a quarter, and the next window is near
IDLE_MS = 60  # a reply begins within 50 ms or the gateway gives the poll up


class Access:
    """The silence rules of one port. `random(n)` gives n unpredictable bytes."""

    def __init__(self, random):
        self._random = random
        self._free_at = 0
        self._drawn = True

    def heard(self, t_ms: int) -> None:
        """Bytes came at t_ms: the line is in use until it has been silent for a while."""
        self._free_at = t_ms + IDLE_MS
        self._drawn = False

    def frame(self, src: int, dst: int, t_ms: int) -> None:
        """A whole frame ended at t_ms."""
        self._free_at = t_ms + (IDLE_MS if src == GATEWAY and dst != EVERYBODY else SLOT_MS)
        self._drawn = False

    def free_at(self) -> int:
        """The moment (t_ms) from which an event may be sent if nothing is heard until then."""
        if not self._drawn:  # only now: most of what is heard ends no wait
            self._drawn = True
            self._free_at += SLOT_MS * (self._random(1)[0] % SLOTS)
        return self._free_at


class Outgoing:
    """One event on its way: how often it was tried and when the next try may be."""

    __slots__ = ("next_ms", "seq", "since_ms", "tries", "values")

    def __init__(self, seq: int, values, t_ms: int):
        self.seq = seq
        self.values = values
        self.since_ms = t_ms
        self.tries = 0
        self.next_ms = t_ms

    def tried(self, t_ms: int, spread: int) -> bool:
        """Note a try; return whether another one may follow. `spread` 0..255 keeps two colliding posts apart."""
        self.tries += 1
        self.next_ms = t_ms + RETRY_MS * self.tries + spread
        return self.tries < EVENT_TRIES


RETRY_MS = 100  # one poll and its reply at 19,200 baud: the acknowledgement rides in the next poll
