"""When a post may speak without being asked.

The gateway speaks, a post answers, and behind every POLL and every frame that expects no answer stands one slot, in
which any post with an event begins; who is polled lets it pass. A post that hears a byte first waits. Two that begin
together garble each other and cannot know it; the gateway hears the garbage and says GO(low..high), which gives each
address in it a place of its own: its rank after the GO, counted only while the line is silent.

What was not heard is learned from the next frame that acknowledges (a POLL to anybody, a GO): an event that was said
and is not named there is said again. Nobody relies on hearing a collision of its own.

Where no frame comes at all the line is free after a while of silence, which lets posts speak to each other without a
gateway. Whoever is late for its slot (an interpreter that collected garbage) leaves it and takes the next.
"""

from lamppost.limits import EVENT_TRIES, EVENT_TRIES_ALONE

EVENT_BYTES = 16  # on the line
SLOTS = 4  # a silent line: two posts with an event begin together once in four times
RETRY_MS = 100  # without any frame that acknowledges: times the tries so far, and a random part


class Timing:
    """The moments of a line in whole milliseconds, which both ends compute from its baud and its turn-around.

    `turn_ms`: from the last byte of a frame to the first of whatever follows it, at the latest; 2 for boards on RS-485,
    more where an adapter or a busy computer hands bytes over late. A post may begin up to `late_ms` after that.
    Without a baud there is no wire but a broker, where nobody garbles anybody: all is said at once, and there is no
    keeper.
    """

    def __init__(self, baud: int, turn_ms: int = 2):
        if not baud:
            from lamppost.wire import no_wire  # only a post without a wire pays for it

            no_wire.time(self)
            return
        char_us = 10000000 // baud
        self.turn_ms = turn_ms
        self.late_ms = turn_ms // 4
        # a start, the character that shows it, a millisecond of phase between two clocks, a tenth for their edges
        self.slot_ms = _whole(1000 * (turn_ms + self.late_ms) + char_us + 1100)
        self.rank_ms = _whole(1000 * self.late_ms + char_us + 1100)  # and from one such start to the next
        self.answer_ms = turn_ms + self.rank_ms  # to a POLL: an event that begins behind it is heard by then
        self.keep_ms = self.slot_ms + turn_ms  # a gateway that has something to say has begun by then
        self.event_ms = _whole(EVENT_BYTES * char_us)
        self.reply_ms = 10 + 5 * turn_ms  # an answer's first byte: a board may have to collect garbage first
        self.idle_ms = self.reply_ms + 10  # after a request: whoever was asked does not answer
        self.free_ms = 2 * self.slot_ms + 2  # after any other frame: the gateway has nothing to say
        self.us_a_byte = char_us

    def span_ms(self, size: int) -> int:
        """How long `size` bytes take on the line, rounded up."""
        return _whole(size * self.us_a_byte)


class Access:
    """The rules for the post at `address`. `random(n)` gives n unpredictable bytes."""

    def __init__(self, address: int, timing: Timing, random):
        self._address = address
        self._timing = timing
        self._random = random
        self._slot_at = -1  # the one moment at which to begin, -1: none
        self._free_at = 0  # from here on the line counts as silent
        self._drawn = True
        self._low, self._high = 1, 0  # of the GO whose ranks are being counted
        self._over_at = 0  # when they are over if nobody speaks

    def heard(self, t_ms: int) -> None:
        """Bytes came at t_ms: the line is in use."""
        self._slot_at = -1
        self._free(t_ms + self._timing.idle_ms)

    def request(self, t_ms: int) -> None:
        """A frame that expects an answer ended."""
        self._low, self._high = 1, 0
        self.heard(t_ms)

    def poll(self, t_ms: int) -> None:
        """A POLL ended: an event may begin before its answer does."""
        self._low, self._high = 1, 0
        self._slot_at = t_ms + self._timing.turn_ms
        self._free_at = t_ms + self._timing.idle_ms
        self._drawn = False

    def done(self, t_ms: int) -> None:
        """A frame that expects none ended: an answer, a TIME."""
        self._low, self._high = 1, 0
        self._open(t_ms)

    def event(self, src: int, t_ms: int) -> None:
        """An EVENT of `src` ended."""
        if not self._low <= src <= self._high or t_ms - self._timing.event_ms > self._over_at:
            self._low, self._high = 1, 0
            self._open(t_ms)
            return
        self._low = src + 1
        self._ranks(t_ms)

    def go(self, low: int, high: int, t_ms: int) -> None:
        """A GO ended: those from low to high may speak, each at its rank; nobody else. With low above high it only
        acknowledges, and a slot stands behind it."""
        self._low, self._high = low, high
        if low > high:
            self._open(t_ms)
        else:
            self._ranks(t_ms)

    @property
    def places(self) -> int:
        """How many of a GO are still to come behind the last frame."""
        return max(0, self._high - self._low + 1)

    def due(self, not_before_ms: int) -> int:
        """When to begin with something that may not be said earlier than that, if nothing is heard until then."""
        slot = self._slot_at
        if slot >= 0 and not_before_ms <= slot + self._timing.late_ms:
            return max(slot, not_before_ms)
        return max(self.free_at(), not_before_ms)

    def may(self, t_ms: int) -> bool:
        """Whether a start at t_ms, which `due` has given, is not too late for its slot; if it is, the slot is left."""
        if self._slot_at < 0 or t_ms >= self.free_at():
            return True
        if t_ms <= self._slot_at + self._timing.late_ms:
            return True
        self._slot_at = -1
        return False

    def free_at(self) -> int:
        """From when on the line counts as silent if nothing is heard."""
        if not self._drawn:  # only now: most of what is heard ends no wait
            self._drawn = True
            self._free_at += self._timing.slot_ms * (self._random(1)[0] % SLOTS)
        return self._free_at

    def _open(self, t_ms: int) -> None:
        self._slot_at = t_ms + self._timing.turn_ms
        self._free(t_ms + self._timing.free_ms)

    def _ranks(self, t_ms: int) -> None:
        timing = self._timing
        first_ms = t_ms + timing.turn_ms
        rank = self._address - self._low
        mine = self._low <= self._address <= self._high
        self._slot_at = first_ms + rank * timing.rank_ms if mine else -1
        self._over_at = first_ms + self.places * timing.rank_ms
        self._free(self._over_at + timing.free_ms)

    def _free(self, at_ms: int) -> None:
        self._free_at = at_ms
        self._drawn = False


class Outgoing:
    """One event on its way: how often it was tried and when the next try may be."""

    __slots__ = ("judged", "next_ms", "seq", "since_ms", "tries", "values", "waits")

    def __init__(self, seq: int, values, t_ms: int, ready_ms: int):
        self.seq = seq
        self.values = values
        self.since_ms = t_ms
        self.tries = 0
        self.judged = 0  # how often a frame that acknowledges did not name it
        self.waits = False  # for such a frame
        self.next_ms = ready_ms

    def tried(self, t_ms: int, spread: int) -> None:
        """Note a try. `spread` 0..255 keeps two colliding posts apart where nobody acknowledges."""
        self.tries += 1
        self.waits = True
        self.next_ms = t_ms + RETRY_MS * self.tries + spread

    def missed(self, t_ms: int) -> None:
        """A frame that acknowledges has come and does not name it."""
        if self.waits:
            self.waits = False
            self.judged += 1
            self.next_ms = t_ms

    @property
    def over(self) -> bool:
        """Whether it has been tried often enough; the item waits in the queue."""
        return self.tries >= EVENT_TRIES or self.tries - self.judged >= EVENT_TRIES_ALONE


def _whole(us: int) -> int:
    return -(-us // 1000)
