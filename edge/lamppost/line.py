"""The post on its bus: hears every frame, answers the gateway, and tells everybody when somebody is here.

Kept here: frames for others are looked at no further than the address and, while an event of this post is
unacknowledged, the poll's `heard` field; light rises before anything is said; an event is said again until the
gateway has heard it or the tries are used up.
"""

from lamppost.limits import EVENTS_OUT_MAX
from lamppost.wire import messages, packed
from lamppost.wire.access import Access, Outgoing
from lamppost.wire.errors import WireError
from lamppost.wire.frame import EVERYBODY, FINDING, GATEWAY, Decoder


class Line:
    """One post's end of one line; `out` are the events that wait for silence.

    `answer(message, t_ms)` gives the bytes of a reply or None.
    """

    def __init__(self, link, answer, event_heard, random, baud: int):
        self.refused = 0
        self.last_refusal = ""
        self._link = link
        self._answer = answer
        self._event_heard = event_heard
        self._random = random
        self._us_a_byte = 10000000 // baud
        self._decoder = Decoder()
        self._access = Access(random)
        self.out = []
        self.find = _nobody  # takes a frame for whoever is searched for

    @property
    def noise(self) -> int:
        """Pieces heard that were no frames."""
        return self._decoder.errors

    @property
    def first_number(self) -> int:
        """The gateway takes events of items from this number on."""
        return self._link.first_number

    def received(self, data: bytes, t_ms: int) -> list:
        """Take bytes from the line; return the replies to send, at once."""
        self._access.heard(t_ms)
        replies = []
        for frame in self._decoder.feed(data):
            reply = self.frame(frame, t_ms)
            if reply:
                replies.append(reply)
        return replies

    def frame(self, frame, t_ms: int) -> "bytes | None":
        """Take a whole Frame that ends at t_ms, from whoever finds frames itself; return the reply to send, at once."""
        self._access.frame(frame.src, frame.dst, t_ms)
        if frame.dst == FINDING:
            return self.find(frame, t_ms)
        if frame.dst != self._link.address and frame.dst != EVERYBODY:
            if self.out and frame.src == GATEWAY and frame.type == messages.POLL:
                self._overhear(frame.payload)
            return None
        reply = self._accept(frame, t_ms)
        if reply:
            self._access.frame(self._link.address, GATEWAY, t_ms + self._on_air_ms(reply))
        return reply

    def passed(self, src: int, dst: int, t_ms: int) -> None:
        """A whole frame for somebody else ended at t_ms: all that it means to a post with nothing to send."""
        self._access.frame(src, dst, t_ms)

    @property
    def listening(self) -> bool:
        """Whether every byte on the line matters now: an event waits for silence, or half a frame was heard."""
        return bool(self.out) or self._decoder.begun

    def announce(self, seq: int, user_class: int, source: int, t_ms: int, repeat: int = 0) -> None:
        """Queue the event of item `seq`: somebody of `user_class` (0..2) is at sensor `source` (0..3), for the
        `repeat`th time (0..255). One that still waits is not said twice."""
        for event in self.out:
            if event.seq == seq:
                return
        if len(self.out) >= EVENTS_OUT_MAX:
            self.out = self.out[1:]
        self.out.append(Outgoing(seq, (user_class, source, repeat), t_ms))

    def pump(self, t_ms: int) -> "bytes | None":
        """Return an event to send now, if the line is free and one is due."""
        due_ms = self.deadline()
        if due_ms is None or t_ms < due_ms:
            return None
        event = self.out[0]
        user_class, source, repeat = event.values
        age_ms = min(t_ms - event.since_ms, packed.AGE_MAX_MS)
        data = self._link.event(event.seq, user_class, source, age_ms, repeat)
        self.out = self.out[1:]
        if event.tried(t_ms, self._random(1)[0]):
            self.out.append(event)
        self._access.frame(self._link.address, EVERYBODY, t_ms + self._on_air_ms(data))
        return data

    def deadline(self) -> "int | None":
        """When `pump` may have something, in t_ms; None while nothing waits."""
        if not self.out:
            return None
        return max(self._access.free_at(), self.out[0].next_ms)

    def heard_by_gateway(self, pairs: bytes) -> None:
        """Stop repeating the events whose (address, low byte of seq) is in `pairs`."""
        mine = self._link.address
        for at in range(0, len(pairs) - 1, 2):
            if pairs[at] == mine:
                self.out = [event for event in self.out if event.seq & 255 != pairs[at + 1]]

    def _accept(self, frame, t_ms: int) -> "bytes | None":
        try:
            message = self._link.receive(frame)
            if message is None:
                return None
            if message.kind == messages.EVENT:
                self._event_heard(message, t_ms)
                return None
            return self._answer(message, t_ms)
        except WireError as error:
            self.refused += 1
            self.last_refusal = "frame type %d from %d: %s" % (frame.type, frame.src, error)
            return None

    def _overhear(self, payload: bytes) -> None:
        # Not verified: whoever forges it only silences a repetition; the item itself waits in the queue.
        try:
            self.heard_by_gateway(messages.decode(messages.POLL, payload)[1])
        except WireError:
            pass

    def _on_air_ms(self, data: bytes) -> int:
        return (len(data) * self._us_a_byte + 999) // 1000


def _nobody(frame, t_ms: int) -> "bytes | None":
    return None
