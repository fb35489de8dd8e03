"""The master of one DALI line: one frame at a time, answers to whoever asked, the lamp's level before everything else.

A sequence is a generator that yields 16-bit frames and gets the answer of each: 0..255, None, or bits.GARBLED. The
master knows which are sent twice and which are answered. It never waits: `look` is called again and again.

A `line` has send(levels): drive the half bits, then rest; listen(): begin to look for an answer; answer(): what has
come, as bits.from_runs says. `late_ms`, where it has one: how much later than on pins a frame is over. All times are
milliseconds of `t_ms`.
"""

from lamppost.dali import bits, commands

# A forward frame of 17 bits takes 14.2 ms and is over after 2.4 ms of rest; an answer begins 5.5 to 10.5 ms after it
# and takes 7.5 ms (IEC 62386-101, section 8). Two milliseconds more each, because whoever calls `look` may be late.
FRAME_MS = 17
ANSWER_MS = 26
SETTLE_MS = 15  # between two frames, 13.5 at least; the second of two equal ones comes within 94
QUEUE_MAX = 8  # sequences that wait: more means that the line is dead

_REST, _SENDING, _LISTENING = range(3)


class Master:
    """`answered_ms`: when a gear last answered anything, None if never."""

    def __init__(self, line):
        self.answered_ms = None
        self._line = line
        self._frame_ms = FRAME_MS + getattr(line, "late_ms", 0)
        self._state = _REST
        self._due_ms = 0
        self._frame = 0
        self._again = False
        self._urgent = []  # frames that nobody waits for, before every sequence
        self._waiting = []  # (sequence, done)
        self._running = None

    def urge(self, frames) -> None:
        """Send these frames as soon as the line is free; those of before that have not been sent are forgotten.

        A sequence that runs is ended and its done(None) called: what it put into the gear's registers is lost.
        """
        self._urgent = list(frames)

    def start(self, sequence, done) -> bool:
        """Run a sequence when those before it are over, and call done(what it returned). False when too many wait."""
        if len(self._waiting) >= QUEUE_MAX:
            return False
        self._waiting.append((sequence, done))
        return True

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do."""
        return self._state == _REST and not self._urgent and self._running is None and not self._waiting

    def look(self, t_ms: int) -> None:
        """Move on."""
        if t_ms < self._due_ms:
            return
        if self._state == _SENDING:
            self._sent(t_ms)
        elif self._state == _LISTENING:
            self._state = _REST
            self._due_ms = t_ms + SETTLE_MS
            answer = self._line.answer()
            if answer is not None:
                self.answered_ms = t_ms
            self._resume(answer)
        elif self._again:
            self._again = False
            self._send(t_ms)
        elif self._urgent:
            self._end_running(None)
            self._frame, self._urgent = self._urgent[0], self._urgent[1:]
            self._begin(t_ms)
        else:
            self._next(t_ms)

    def _next(self, t_ms: int) -> None:
        if self._running is None:
            if not self._waiting:
                return
            self._running, self._waiting = self._waiting[0], self._waiting[1:]
            self._resume(None)
        if self._running is not None:
            self._begin(t_ms)

    def _begin(self, t_ms: int) -> None:
        self._again = commands.sent_twice(self._frame)
        self._send(t_ms)

    def _send(self, t_ms: int) -> None:
        self._line.send(bits.halves(self._frame))
        self._state = _SENDING
        self._due_ms = t_ms + self._frame_ms

    def _sent(self, t_ms: int) -> None:
        if commands.answered(self._frame):
            self._line.listen()
            self._state = _LISTENING
            self._due_ms = t_ms + ANSWER_MS
            return
        self._state = _REST
        self._due_ms = t_ms + SETTLE_MS
        if not self._again:
            self._resume(None)

    def _resume(self, answer) -> None:
        """Give the running sequence the answer to its frame; it gives the next one, or ends."""
        if self._running is None:
            return
        try:
            self._frame = self._running[0].send(answer)
        except StopIteration as end:
            self._end_running(end.value)

    def _end_running(self, found) -> None:
        if self._running is None:
            return
        sequence, done = self._running
        self._running = None
        sequence.close()
        done(found)
