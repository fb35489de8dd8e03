"""The post's end of the wire: what it accepts, from whom, and how it seals what it says.

Rules kept here:
- A frame counts only when its seal is right and its counter is higher than the last one from that sender.
- The gateway speaks to a post in a session, whose key comes from both sides' randoms; HELLO opens one. The old
  session stays until the first good frame of the new one, so a replayed HELLO changes nothing.
- The bus key carries only time from the gateway and events from posts. Time is taken only once a session has given
  the lowest broadcast counter that is fresh, so a recording cannot set a clock after a power cut.
- Counters of broadcasts outlive power cuts: `reserve` is called before a counter beyond the last reserve is used.
"""

from lamppost.limits import ADDRESS_MAX, COUNTER_RESERVE
from lamppost.wire import contexts, messages
from lamppost.wire.errors import WireError
from lamppost.wire.frame import EVERYBODY, GATEWAY, header, pack
from lamppost.wire.seal import Key, equal


class Session:
    """One conversation between the gateway and a post: its key and the last counter each way."""

    __slots__ = ("key", "received", "sent")

    def __init__(self, post_key: Key, gateway_random: bytes, post_random: bytes):
        self.key = post_key.derive(contexts.SESSION, gateway_random + post_random)
        self.sent = 0
        self.received = 0


class Message:
    """What was said: `kind` and `values` as in messages.FIELDS, from address `src`."""

    __slots__ = ("kind", "src", "values")

    def __init__(self, src: int, kind: int, values: list):
        self.src = src
        self.kind = kind
        self.values = values


class PostLink:
    """`random(n)` gives n unpredictable bytes; `reserve(counter)` stores that counters below `counter` may be used."""

    def __init__(self, address: int, post_key: bytes, bus_key: bytes, random, counter: int, reserve):
        if not 1 <= address <= ADDRESS_MAX:
            raise ValueError("a post's address is 1..%d, not %r" % (ADDRESS_MAX, address))
        self.address = address
        self.session = None
        self._key = Key(post_key)
        self._bus = Key(bus_key)
        self._random = random
        self._counter = counter
        self._reserved = counter
        self._reserve = reserve
        self._pending = None
        self._heard = {}  # last broadcast counter by sender; at most one entry an address
        self._told = 0
        self._fresh_from = None  # lowest good counter of the gateway's broadcasts; None: not told yet

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
        session = self._session_of(frame)
        if frame.counter <= session.received:
            raise WireError("old counter")
        values = messages.decode(frame.type, frame.payload)
        session.received = frame.counter
        if session is self._pending:
            self.session, self._pending = session, None
            self._fresh_from = self._told
        return Message(GATEWAY, frame.type, values)

    def hello_ok(self, hello: Message, item_epoch: int, boots: int, identity: str, firmware: str) -> bytes:
        """Answer a HELLO: a new session waits for its first good frame."""
        gateway_random = hello.values[1]
        mine = self._random(8)
        self._pending = Session(self._key, gateway_random, mine)
        self._told = hello.values[2]
        values = (messages.VERSION, mine, item_epoch, boots, identity, firmware)
        signed = header(GATEWAY, self.address, messages.HELLO_OK, 0) + messages.encode(messages.HELLO_OK, values)
        return pack(signed, self._key.seal(contexts.HELLO_OK + gateway_random, signed))

    def reply(self, kind: int, values) -> bytes:
        """The bytes of an answer to the gateway in the running session."""
        session = self.session
        session.sent += 1
        signed = header(GATEWAY, self.address, kind, session.sent) + messages.encode(kind, values)
        return pack(signed, session.key.seal(contexts.UP, signed))

    def event(self, values) -> bytes:
        """The bytes of an EVENT to everybody; each call uses a new counter."""
        if self._counter >= self._reserved:
            self._reserved = self._counter + COUNTER_RESERVE
            self._reserve(self._reserved)
        self._counter += 1
        signed = header(EVERYBODY, self.address, messages.EVENT, self._counter)
        signed += messages.encode(messages.EVENT, values)
        return pack(signed, self._bus.seal(contexts.BUS, signed))

    def _hello(self, frame) -> Message:
        if not equal(self._key.seal(contexts.HELLO, frame.signed), frame.seal):
            raise WireError("bad seal")
        values = messages.decode(messages.HELLO, frame.payload)
        if values[0] != messages.VERSION:
            raise WireError("protocol version %d is not spoken here" % values[0])
        return Message(GATEWAY, messages.HELLO, values)

    def _session_of(self, frame) -> Session:
        for session in (self.session, self._pending):
            if session is not None and equal(session.key.seal(contexts.DOWN, frame.signed), frame.seal):
                return session
        raise WireError("bad seal")

    def _broadcast(self, frame) -> Message:
        allowed = messages.TIME if frame.src == GATEWAY else messages.EVENT
        if frame.type != allowed or frame.src > ADDRESS_MAX:
            raise WireError("not for everybody")
        if frame.src == self.address:
            raise WireError("own address on the line")
        if not equal(self._bus.seal(contexts.BUS, frame.signed), frame.seal):
            raise WireError("bad seal")
        if frame.src == GATEWAY and (self._fresh_from is None or frame.counter < self._fresh_from):
            raise WireError("not known to be fresh")
        if frame.counter <= self._heard.get(frame.src, 0):
            raise WireError("old counter")
        values = messages.decode(frame.type, frame.payload)
        self._heard[frame.src] = frame.counter
        return Message(frame.src, frame.type, values)
