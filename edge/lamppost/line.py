"""The post on its bus: hears every frame, answers the gateway, and tells everybody when somebody is here.

Kept here: frames for others are looked at no further than the address and, while an event of this post is
unacknowledged, what a poll or GO acknowledges; light rises before anything is said; an event is said again until it is
acknowledged or the tries are used up; the answer to a POLL lets events pass, and is not given over what is no event.
When to speak is decided in wire/access.py.
"""

from lamppost.limits import EVENT_BURST, EVENT_EVERY_MS, EVENTS_OUT_MAX
from lamppost.wire import messages, packed
from lamppost.wire.access import Access, Outgoing
from lamppost.wire.errors import WireError
from lamppost.wire.frame import EVERYBODY, FINDING, GATEWAY, Decoder
from lamppost.wire.keeper import Keeper


class Line:
    """One post's end of one line; `out` are the events that wait for silence.

    `answers` gives the replies: answers.py.
    """

    def __init__(self, link, answers, event_heard, random, timing):
        self.refused = 0
        self.silent_ms = 0  # until then nothing is said unasked
        self.last_refusal = ""
        self._link = link
        self._answers = answers
        self._event_heard = event_heard
        self._random = random
        self._timing = timing
        self._decoder = Decoder()
        self._access = Access(link.address, timing, random)
        self._keeper = Keeper(link.address, timing)
        self.out = []
        self._reply = None  # the answer to a POLL,
        self._reply_ms = None  # and when; None while bytes come that may become an event
        self._raw = False  # whether bytes come: whoever finds frames itself has no use for what is foreseen
        self._foresee_ms = None  # when there is time to prepare the next one
        self._foreseen = None  # wire/foreseen.py
        self._spent_ms = 0  # when what was said unasked is paid for, at EVENT_EVERY_MS an event
        self.find = _nobody  # takes a frame for whoever is searched for

    @property
    def noise(self) -> int:
        """Pieces heard that were no frames."""
        return self._decoder.errors

    @property
    def first_number(self) -> int:
        """The gateway takes events of items from this number on."""
        return self._link.first_number

    def foretold(self, data: bytes, t_ms: int) -> bool:
        """Take bytes that are the POLL which was foreseen, or its end; False, and nothing is taken, for any others."""
        foreseen = self._foreseen
        if foreseen is None or self.out or not self._decoder.ends(foreseen.poll, data):
            return False
        reply = self._answers.still(foreseen, t_ms)
        if reply is None:
            return False
        self._foreseen = None
        self._decoder.forget()
        self._access.poll(t_ms)
        self._keeper.gateway()
        self._hold(reply, t_ms)
        return True

    def received(self, data: bytes, t_ms: int) -> list:
        """Take bytes from the line; return the replies to send, at once."""
        self._access.heard(t_ms)
        self._reply_ms = None
        self._raw = True
        frames = self._decoder.feed(data)
        if not frames:
            self._keeper.bytes_came(t_ms)
        replies = []
        for frame in frames:
            reply = self.frame(frame, t_ms)
            if reply:
                replies.append(reply)
        return replies

    def frame(self, frame, t_ms: int) -> "bytes | None":
        """Take a whole Frame that ends at t_ms, from whoever finds frames itself; return the reply to send, at once."""
        if frame.type == messages.GO:
            self._go(frame, t_ms)
            return None
        self.passed(frame.type, frame.src, frame.dst, t_ms)
        if frame.dst == FINDING:
            return self.find(frame, t_ms)
        if frame.dst != self._link.address and frame.dst != EVERYBODY:
            if self.out and frame.type == messages.POLL:
                self._overhear(frame, t_ms)
            return None
        reply = self._accept(frame, t_ms)
        if reply and (frame.type == messages.POLL or frame.type == messages.KEY):
            self._hold(reply, t_ms)  # of a KEY too: until then it is known whether flash has it
            return None
        if reply:
            self._access.done(t_ms + self._timing.span_ms(len(reply)))
        return reply

    def _hold(self, reply, t_ms: int) -> None:
        self._reply, self._reply_ms = reply, t_ms + self._timing.answer_ms
        self._foresee_ms = None

    def instead(self, reply: bytes) -> None:
        """The answer that waits for its moment is another one."""
        if self._reply:
            self._reply = reply

    def news(self) -> None:
        """Something has happened that the next STATUS may tell: no answer that is ready holds."""
        self._foreseen = None

    def passed(self, kind: int, src: int, dst: int, t_ms: int) -> None:
        """A whole frame of type `kind`, 0 for noise, ended: all that it means to a post with nothing to send."""
        if kind == messages.EVENT:
            self._access.event(src, t_ms)
            if self._reply:
                self._reply_ms = t_ms + self._timing.answer_ms
            return
        self._reply = None
        if src == GATEWAY and kind:
            self._keeper.gateway()
        if kind == messages.POLL:
            self._access.poll(t_ms)
        elif not kind:
            self._access.heard(t_ms)
        elif src == GATEWAY and dst != EVERYBODY:
            self._access.request(t_ms)
        else:
            self._access.done(t_ms)

    @property
    def listening(self) -> bool:
        """Whether every byte on the line matters now: something waits for silence, or half a frame was heard."""
        return self.waiting or self._keeper.alone or self._decoder.begun

    @property
    def answers_ms(self) -> "int | None":
        """When the answer to a POLL is due that came as bytes; None where there is none, or an event goes before it."""
        return self._reply_ms if self._raw and self._reply and not self.out else None

    @property
    def waiting(self) -> bool:
        """Whether `pump` is to be asked."""
        if self.out or self._reply is not None or self._foresee_ms is not None:
            return True
        return self._keeper.deadline is not None

    def renew(self) -> None:
        """Answer nothing but a HELLO: the session no longer says what holds."""
        self._link.forget()
        self._foreseen = self._reply = None

    def again(self, src: int, number: int, t_ms: int) -> None:
        """An EVENT that was said before ended: nobody has acknowledged it."""
        self._keeper.event(src, number, True, t_ms, self._access.places)

    def announce(self, seq: int, user_class: int, source: int, t_ms: int, repeat: int = 0) -> None:
        """Queue the event of item `seq`: somebody of `user_class` (0..2) is at sensor `source` (0..3), for the
        `repeat`th time (0..255). One that still waits is not said twice; one too many, or while this post is to keep
        silent, is not said at all: its item goes with the next answer."""
        spent_ms = max(self._spent_ms, t_ms) + EVENT_EVERY_MS
        if t_ms < self.silent_ms or spent_ms > t_ms + EVENT_BURST * EVENT_EVERY_MS:
            return
        for event in self.out:
            if event.seq == seq:
                return
        if len(self.out) >= EVENTS_OUT_MAX:
            self.out = self.out[1:]
        self._spent_ms = spent_ms
        self.out.append(Outgoing(seq, (user_class, source, repeat), t_ms, t_ms + self._timing.turn_ms))

    def hush(self, for_s: int, t_ms: int) -> None:
        """Say nothing unasked for so long; 0 ends it. What is asked is answered."""
        self.silent_ms = t_ms + for_s * 1000
        self.out = []

    def pump(self, t_ms: int) -> "bytes | None":
        """Return what to send now: an event, if the line is free and one is due, or the answer to a POLL."""
        if self._reply_ms is not None and t_ms >= self._reply_ms and self._reply:
            data, self._reply = self._reply, None
            ends_ms = t_ms + self._timing.span_ms(len(data))
            self._access.done(ends_ms)
            if self._raw:
                self._foresee_ms = ends_ms + 1  # the driver is off the line again
            return data
        if self._foresee_ms is not None and t_ms >= self._foresee_ms:
            self._foresee_ms = None
            self._foreseen = None if self.out else self._answers.foresee(t_ms)
        due_ms = self._access.due(self._first().next_ms) if self.out else None
        if due_ms is None or t_ms < due_ms or not self._access.may(t_ms):
            return self._keep(t_ms)
        event = self._first()
        user_class, source, repeat = event.values
        age_ms = min(t_ms - event.since_ms, packed.AGE_MAX_MS)
        data = self._link.event(event.seq, user_class, source, age_ms, repeat)
        self._keeper.spoke()
        if event.tries > event.judged:
            self._keeper.unanswered()
        event.tried(t_ms, self._random(1)[0])
        if event.over:
            self.out = [other for other in self.out if other is not event]
        ends_ms = t_ms + self._timing.event_ms
        self._access.event(self._link.address, ends_ms)
        if self._reply:
            self._reply_ms = ends_ms + self._timing.answer_ms
        return data

    def deadline(self) -> "int | None":
        """When `pump` may have something, in t_ms; None while nothing waits for a moment."""
        first_ms = self._reply_ms if self._reply else self._foresee_ms
        keep_ms = self._keeper.deadline
        if keep_ms is not None and (first_ms is None or keep_ms < first_ms):
            first_ms = keep_ms
        if not self.out:
            return first_ms
        due_ms = self._access.due(self._first().next_ms)
        return due_ms if first_ms is None or due_ms < first_ms else first_ms

    def acknowledged(self, pairs: bytes, more, t_ms: int) -> None:
        """Stop repeating the events whose (address, low byte of seq) is in `pairs`; those that are not there were not
        heard, unless `more` are to be acknowledged."""
        mine = self._link.address
        for at in range(0, len(pairs) - 1, 2):
            if pairs[at] == mine:
                self.out = [event for event in self.out if not event.tries or event.seq & 255 != pairs[at + 1]]
        if not more:
            for event in self.out:
                event.missed(t_ms)

    def _first(self):
        """The event that may be said first."""
        first = self.out[0]
        for event in self.out:
            if event.next_ms < first.next_ms:
                first = event
        return first

    def _keep(self, t_ms: int) -> "bytes | None":
        """A GO to say now in the place of a gateway that is silent."""
        said = self._keeper.say(t_ms)
        if said is None or t_ms < self.silent_ms:
            return None
        data, low, high = said
        self._access.go(low, high, t_ms + self._timing.span_ms(len(data)))
        return data

    def _go(self, frame, t_ms: int) -> None:
        self._reply = None
        try:
            low, high, pairs, more = frame.values()
        except WireError:
            return
        if frame.src == GATEWAY:
            self._keeper.gateway()
        else:
            self._keeper.kept(frame.src, low, high, t_ms)
        self._access.go(low, high, t_ms)
        if self.out:
            self.acknowledged(pairs, more, t_ms)

    def _accept(self, frame, t_ms: int) -> "bytes | None":
        try:
            message = self._link.receive(frame)
            if message is None:
                return None
            if message.kind == messages.EVENT:
                self._keeper.event(message.src, message.number, False, t_ms, self._access.places)
                self._event_heard(message, t_ms)
                return None
            return self._answers.answer(message, t_ms)
        except WireError as error:
            if frame.type == messages.EVENT and str(error) == "old counter":
                self.again(frame.src, frame.counter, t_ms)
            self.refused += 1
            self.last_refusal = "frame type %d from %d: %s" % (frame.type, frame.src, error)
            return None

    def _overhear(self, frame, t_ms: int) -> None:
        # Not verified: whoever forges it only silences a repetition; the item itself waits in the queue.
        try:
            _, pairs, _, more = frame.values()
        except WireError:
            return
        self.acknowledged(pairs, more, t_ms)


def _nobody(frame, t_ms: int) -> "bytes | None":
    return None
