"""The post's end of the wire: what it accepts, from whom, and how it seals what it says.

Rules kept here:
- A frame counts only when its seal is right and its counter is higher than the last one from that sender.
- The gateway speaks to a post in a session, whose key comes from both sides' randoms; HELLO opens one. The old
  session stays until the first good frame of the new one, so a replayed HELLO changes nothing; a HELLO that comes
  twice gets the same answer twice, so a line that doubles frames still opens sessions.
- An answer carries the counter of its request, so a late one is never taken for the answer to something else.
- While a key is rolled over a HELLO is taken under the post's key and the one that comes after it, a broadcast under
  two bus keys (two_keys.py).
- The bus key carries only time and blocks from the gateway and events from posts. Time is taken only once a session
  has given the lowest broadcast counter that is fresh, so a recording cannot set a clock after a power cut.
"""

from lamppost.limits import ADDRESS_MAX, COUNTER_MAX
from lamppost.wire import contexts, messages
from lamppost.wire.errors import WireError
from lamppost.wire.frame import EVERYBODY, GATEWAY, header, pack
from lamppost.wire.seal import Key, fits


class Session:
    """One conversation between the gateway and a post: its key and the last counters of a request and an answer."""

    __slots__ = ("answered", "asked", "key", "kind")

    def __init__(self, post_key: Key, gateway_random: bytes, post_random: bytes):
        self.key = post_key.derive(contexts.SESSION, gateway_random + post_random)
        self.asked = 0
        self.answered = 0
        self.kind = 0  # of the last request; kept by the gateway


class Message:
    """What was said: `kind` and `values` as in messages.FIELDS or packed.decode, from address `src`; `number` is the
    frame's counter, in an EVENT the number of the item that it announces."""

    __slots__ = ("kind", "number", "src", "values")

    def __init__(self, src: int, kind: int, values: list, number: int = 0):
        self.src = src
        self.kind = kind
        self.values = values
        self.number = number


def event_place(src: int, values) -> int:
    """Where the freshness of an EVENT is kept: events of one input of one post follow each other."""
    return src * 4 + values[1]


def event_order(number: int, values) -> int:
    """The EVENTs of one input in the order of time: by number, and how often it was repeated."""
    return number * 256 + values[3]


class PostLink:
    """`random(n)` gives n unpredictable bytes. Numbers of events come from whoever has the items: store/items.py."""

    def __init__(self, address: int, post_key: bytes, bus_key: bytes, random):
        if not 1 <= address <= ADDRESS_MAX:
            raise ValueError("a post's address is 1..%d, not %r" % (ADDRESS_MAX, address))
        self.address = address
        self.session = None
        self.first_number = 0  # the gateway takes EVENTs with this number and above
        self.two = None  # TwoKeys, while the bus key is rolled over (rolling.py)
        self.next_key = None  # what comes after the post's own key: a HELLO is taken under both
        self.renewed = None  # called when the first session under it has begun: it is the post's own
        self._key = self._hello_key = self._pending_key = Key(post_key)
        self.bus = Key(bus_key)  # that EVENT is sealed with
        self._random = random
        self._pending = None
        self._offer = (b"", b"", 0, False, 0)  # of the pending session: gateway's random, ours, its time counter,
        # whether that was rewound, and the event number we told
        self.block = None  # takes the frame of a BLOCK, while firmware is on its way (blocks.py)
        self.heard = {}  # event_order of the last by event_place; at most four entries an address
        self.time_floor = None  # the gateway's broadcasts count from above this; None: not told yet

    def receive(self, frame) -> "Message | None":
        """Return the Message in a Frame, or None where it is for another post. Raises WireError when it is refused."""
        if frame.dst == EVERYBODY:
            return self._broadcast(frame)
        if frame.dst != self.address:
            return None
        if frame.src != GATEWAY:
            raise WireError("only the gateway may address a post")
        if frame.type == messages.HELLO:
            return self._hello(frame)
        if frame.type not in messages.ANSWERS:
            raise WireError("not a request")
        session, counter = self._session_of(frame)
        if counter <= session.asked:
            raise WireError("old counter")
        values = frame.values()
        session.asked = counter
        if session is self._pending:
            self.session, self._pending = session, None
            self._set_floor()
            if self.renewed is not None and self._pending_key is self.next_key:
                self._key, self.next_key = self._pending_key, None
                self.renewed()
        return Message(GATEWAY, frame.type, values, counter)

    def forget(self) -> None:
        """Give up the session, and one that is being opened: what HELLO_OK told of this post no longer holds."""
        self.session = self._pending = None

    def hello_ok(
        self, hello: Message, item_epoch: int, boots: int, identity: str, firmware: str, next_number: int
    ) -> bytes:
        """Answer a HELLO: a new session waits for its first good frame. `next_number`: of the next item."""
        gateway_random = hello.values[1]
        if self._pending is None or self._offer[0] != gateway_random:
            mine = self._random(8)
            told = hello.values[2]
            rewound = self.time_floor is not None and told <= self.time_floor
            self._offer = (gateway_random, mine, told, rewound, min(next_number, COUNTER_MAX))
            self._pending = Session(self._hello_key, gateway_random, mine)
            self._pending_key = self._hello_key
        values = (
            messages.VERSION, self._offer[1], item_epoch, boots, identity, firmware, self._offer[4],
        )  # fmt: skip
        signed = header(GATEWAY, self.address, messages.HELLO_OK, 0) + messages.encode(messages.HELLO_OK, values)
        return pack(signed, self._hello_key.seal(contexts.HELLO_OK + gateway_random, signed))

    def reply(self, kind: int, values) -> bytes:
        """The bytes of the answer to the last request in the running session; one answer a request."""
        session = self.session
        if session is None:
            raise WireError("no session")
        signed = header(GATEWAY, self.address, kind, session.asked) + messages.encode(kind, values)
        return pack(signed, session.key.seal(contexts.UP, signed))

    def event(self, number: int, user_class: int, source: int, age_ms: int = 0, repeat: int = 0) -> bytes:
        """The bytes of an EVENT to everybody: item `number` has been noted `age_ms` ago, or is said again because
        somebody stays, for the `repeat`th time (1..255). The same number and repeat may be sent again: nobody takes
        it twice."""
        payload = messages.encode(messages.EVENT, (user_class, source, age_ms, repeat))
        signed = header(EVERYBODY, self.address, messages.EVENT, number) + payload
        return pack(signed, self.bus.seal(contexts.BUS, signed))

    def _set_floor(self) -> None:
        """From which counter time is fresh, now that the gateway that told it in its HELLO has shown to be live.

        Told not to be above what was heard means another gateway, or one that lost its memory: it sets the time too.
        """
        _, _, told, rewound, self.first_number = self._offer
        known = self.time_floor
        self.time_floor = told - 1 if known is None or rewound else max(known, told - 1)

    def _hello(self, frame) -> Message:
        key = self._key
        if not fits(key, contexts.HELLO, frame.signed, frame.seal):
            key = self.next_key
            if key is None or not fits(key, contexts.HELLO, frame.signed, frame.seal):
                raise WireError("bad seal")
        values = frame.values()
        self._hello_key = key
        return Message(GATEWAY, messages.HELLO, values)

    def _session_of(self, frame):
        """(the session, the whole counter) under whose key the frame was sealed."""
        for session in (self.session, self._pending):
            if session is None:
                continue
            counter, signed = frame.counter, frame.signed
            if frame.type == messages.POLL:  # the one counter above the last, 256 of them, that ends in this byte
                counter = session.asked + 1 + ((counter - session.asked - 1) & 255)
                if counter > COUNTER_MAX:
                    continue
                signed = frame.with_counter(counter)
            if fits(session.key, contexts.DOWN, signed, frame.seal):
                return session, counter
        raise WireError("bad seal")

    def _broadcast(self, frame) -> "Message | None":
        src = frame.src
        if frame.type == messages.BLOCK and src == GATEWAY:
            if self.block is not None:
                self.block(frame)
            return None
        if frame.type != (messages.TIME if src == GATEWAY else messages.EVENT) or src > ADDRESS_MAX:
            raise WireError("not for everybody")
        if src == self.address:
            raise WireError("own address on the line")
        if src != GATEWAY:
            return self._event(frame)
        if self.time_floor is None:
            raise WireError("not known to be fresh")
        self._sealed(frame, 0, frame.counter)
        if frame.counter <= self.time_floor:
            raise WireError("old counter")
        values = frame.values()
        self.time_floor = frame.counter
        return Message(GATEWAY, messages.TIME, values)

    def _event(self, frame) -> Message:
        values = frame.values()
        place, order = event_place(frame.src, values), event_order(frame.counter, values)
        # The seal first: a repetition tells that nobody acknowledges, which is not for strangers to say.
        self._sealed(frame, place, order)
        if order <= self.heard.get(place, 0):
            raise WireError("old counter")
        self.heard[place] = order
        return Message(frame.src, messages.EVENT, values, frame.counter)

    def _sealed(self, frame, place: int, order: int) -> None:
        """Raise WireError unless a broadcast is sealed with a bus key of the line."""
        if self.two is not None:
            self.two.sealed(frame, place, order)
        elif not fits(self.bus, contexts.BUS, frame.signed, frame.seal):
            raise WireError("bad seal")
