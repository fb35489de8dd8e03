"""Whose turn it is on a half-duplex line, and until when: for an answer, for events, or for us.

Rules kept here
- A reply's first byte is due `reply_ms` after the question has left the wire; a frame that has begun may end.
- A window is for events. A frame heard in it opens another, at most WINDOWS_MAX times in a row.
- Bytes in a window are an event that began with them, or several, which end when the last does.
- Behind a POLL somebody's event may come before the answer. Bytes as long as one that are over are judged then, and not
  only when the answer is overdue.
What bytes mean is not known here.
"""

from __future__ import annotations

from lamppost.limits import FRAME_MAX
from lamppost.wire.access import EVENT_BYTES, Timing

WINDOWS_MAX = 8  # a talkative or broken post must not keep the line
GAP_MS = 20  # silence inside a frame: USB adapters hand bytes over every 16 ms
FREE, WAIT, WINDOW = 0, 1, 2


class Slot:
    """The line now: `phase`, `until_ms` when it ends, `began_ms` when something was first heard in it (None: nothing),
    `sent_ms` when what we say has left the wire. `reply_ms` 0 takes what the speed asks for."""

    __slots__ = (
        "_after_poll", "_baud", "_hard_until_ms", "_heard", "_last_ms", "_quiet_ms", "_reply_ms", "_timing", "_windows",
        "began_ms", "judge_ms", "phase", "sent_ms", "until_ms",
    )  # fmt: skip

    def __init__(self, baud: int, turn_ms: int, reply_ms: int) -> None:
        self._baud = baud
        self._timing = Timing(baud, turn_ms)
        self._reply_ms = reply_ms or self._timing.reply_ms
        self._quiet_ms = max(2, turn_ms)
        self._windows = 0
        self._hard_until_ms = 0
        self._after_poll = False
        self._heard = self._last_ms = 0  # how many bytes since it began, and when the last came
        self.phase = FREE
        self.until_ms = self.sent_ms = 0
        self.began_ms: int | None = None
        self.judge_ms: int | None = None  # when what is heard cannot be one event any more

    def free(self) -> None:
        """It has ended, or the line is gone."""
        self.phase, self.judge_ms = FREE, None

    def sent(self, size: int, t_ms: int) -> None:
        """We begin to say so many bytes; `window` or `wait` follows."""
        self.until_ms = self.sent_ms = t_ms + self.wire_ms(size)

    def wait(self, least_ms: int, poll: bool) -> None:
        """For an answer to what we say, `least_ms` at least; `poll`: events may come before it."""
        self.phase, self._after_poll = WAIT, poll
        self.began_ms = self.judge_ms = None
        self.until_ms += max(self._reply_ms, least_ms)
        self._hard_until_ms = self.until_ms + 2 * self.wire_ms(FRAME_MAX)

    def window(self, t_ms: int, places: int = 0) -> None:
        """For events, behind something of ours or an answer: one slot, and so many places of a burst behind it."""
        self._windows = 0
        self.open(t_ms, places)

    def open(self, t_ms: int, places: int = 0) -> None:
        """As `window`, one more in the row of those before it."""
        self.phase, self.began_ms, self.judge_ms = WINDOW, None, None
        self.until_ms = t_ms + self._timing.slot_ms + places * self._timing.rank_ms
        self._hard_until_ms = self.until_ms + 2 * self.wire_ms(FRAME_MAX)

    def again(self, left: int, t_ms: int) -> None:
        """A frame that nobody waited for has ended; `left` places of a burst come behind its own, -1: it had none."""
        if self.phase != WINDOW:
            return
        self._windows += left < 0
        if self._windows < WINDOWS_MAX:
            self.open(t_ms, max(0, left - 1))

    def event_passed(self, t_ms: int) -> bool:
        """An event has ended; whether the answer to a POLL is still to follow it."""
        if self.phase != WAIT or not self._after_poll:
            return False
        self.began_ms = self.judge_ms = None
        self.until_ms = min(self._hard_until_ms, t_ms + self._reply_ms)
        return True

    def received(self, size: int, t_ms: int) -> None:
        """So many bytes came; a line that was free is a window then."""
        if self.phase == FREE:
            self.open(t_ms)
        if self.phase == WINDOW:
            if self.began_ms is None:
                self.began_ms = t_ms
            event_ends_ms = self.began_ms + self._timing.event_ms + 2
            until_ms = max(self.until_ms, event_ends_ms, t_ms + max(2, self._timing.late_ms))
            self.until_ms = min(self._hard_until_ms, until_ms)
            return
        self.until_ms = min(self._hard_until_ms, max(self.until_ms, t_ms + GAP_MS))
        if self._after_poll:
            if self.began_ms is None:
                self.began_ms, self._heard = t_ms, 0
                self.judge_ms = t_ms + self._timing.event_ms + 1 + self._quiet_ms
            self._heard += size
            self._last_ms = t_ms

    def judge(self, t_ms: int) -> bool:
        """An event that began first behind a POLL must have ended: whether what came was as long as one and is over. Of
        half an answer that is not known: adapters hand bytes over late."""
        if self.judge_ms is None or t_ms < self.judge_ms:
            return False
        self.judge_ms = None
        return self._heard >= EVENT_BYTES - 2 and t_ms - self._last_ms >= self._quiet_ms

    def wire_ms(self, size: int) -> int:
        """How long so many bytes take."""
        return -(-size * 10_000 // self._baud)
