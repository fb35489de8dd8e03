"""The gateway's end of one line: sessions with its posts, time for everybody, and what it accepts.

Mirrors post_link.py; the same rules. A post that the line's table does not know is refused, and so is an event whose
counter is not higher than the last one heard from that post.
"""

from lamppost.limits import COUNTER_RESERVE
from lamppost.wire import contexts, messages
from lamppost.wire.errors import WireError
from lamppost.wire.frame import EVERYBODY, GATEWAY, header, pack
from lamppost.wire.post_link import Message, Session
from lamppost.wire.seal import Key, equal


class GatewayLink:
    """`post_keys` maps an address to 32 bytes; `random` and `reserve` as in PostLink."""

    def __init__(self, post_keys: dict, bus_key: bytes, random, counter: int, reserve):
        self._keys = {address: Key(secret) for address, secret in post_keys.items()}
        self._bus = Key(bus_key)
        self._random = random
        self._counter = counter
        self._reserved = counter
        self._reserve = reserve
        self._sessions = {}
        self._hellos = {}
        self._heard = {}

    def has_session(self, address: int) -> bool:
        """Whether `request` to this post can be sealed."""
        return address in self._sessions

    def forget(self, address: int) -> None:
        """Drop the session with a post that no longer answers in it."""
        self._sessions.pop(address, None)

    def hello(self, address: int) -> bytes:
        """The bytes of a HELLO; the session exists once the answer has been received."""
        mine = self._random(8)
        self._hellos[address] = mine
        values = (messages.VERSION, mine, self._counter + 1)
        signed = header(address, GATEWAY, messages.HELLO, 0) + messages.encode(messages.HELLO, values)
        return pack(signed, self._keys[address].seal(contexts.HELLO, signed))

    def request(self, address: int, kind: int, values) -> bytes:
        """The bytes of a message to one post. KeyError without a session."""
        session = self._sessions[address]
        session.sent += 1
        signed = header(address, GATEWAY, kind, session.sent) + messages.encode(kind, values)
        return pack(signed, session.key.seal(contexts.DOWN, signed))

    def time(self, values) -> bytes:
        """The bytes of a TIME broadcast."""
        if self._counter >= self._reserved:
            self._reserved = self._counter + COUNTER_RESERVE
            self._reserve(self._reserved)
        self._counter += 1
        signed = header(EVERYBODY, GATEWAY, messages.TIME, self._counter) + messages.encode(messages.TIME, values)
        return pack(signed, self._bus.seal(contexts.BUS, signed))

    def receive(self, frame) -> Message:
        """Return the Message in a Frame from a post. Raises WireError when it is refused."""
        key = self._keys.get(frame.src)
        if key is None:
            raise WireError("unknown post %d" % frame.src)
        if frame.dst == EVERYBODY:
            return self._event(frame)
        if frame.dst != GATEWAY:
            raise WireError("not for the gateway")
        if frame.type == messages.HELLO_OK:
            return self._hello_ok(frame, key)
        session = self._sessions.get(frame.src)
        if session is None or not equal(session.key.seal(contexts.UP, frame.signed), frame.seal):
            raise WireError("bad seal")
        if frame.counter <= session.received:
            raise WireError("old counter")
        values = messages.decode(frame.type, frame.payload)
        session.received = frame.counter
        return Message(frame.src, frame.type, values)

    def _hello_ok(self, frame, key: Key) -> Message:
        mine = self._hellos.get(frame.src)
        if mine is None or not equal(key.seal(contexts.HELLO_OK + mine, frame.signed), frame.seal):
            raise WireError("bad seal")
        values = messages.decode(messages.HELLO_OK, frame.payload)
        del self._hellos[frame.src]
        self._sessions[frame.src] = Session(key, mine, values[1])
        return Message(frame.src, messages.HELLO_OK, values)

    def _event(self, frame) -> Message:
        if frame.type != messages.EVENT or not equal(self._bus.seal(contexts.BUS, frame.signed), frame.seal):
            raise WireError("bad seal")
        if frame.counter <= self._heard.get(frame.src, 0):
            raise WireError("old counter")
        values = messages.decode(messages.EVENT, frame.payload)
        self._heard[frame.src] = frame.counter
        return Message(frame.src, messages.EVENT, values)
