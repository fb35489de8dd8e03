"""The gateway's end of one line: sessions with its posts, time for everybody, and what it accepts.

Mirrors post_link.py; the same rules. A post that the line's table does not know is refused; so is an event until a
HELLO_OK has told the lowest fresh counter of that post's events, and one whose counter is not above the last one heard.
"""

from lamppost.limits import ADDRESS_MAX, COUNTER_MAX
from lamppost.wire import contexts, messages
from lamppost.wire.counter import Counter
from lamppost.wire.errors import WireError
from lamppost.wire.frame import EVERYBODY, GATEWAY, header, pack
from lamppost.wire.post_link import Message, Session
from lamppost.wire.seal import Key, equal


class GatewayLink:
    """`post_keys` maps an address to 32 bytes; `random`, `counter` and `reserve` as in PostLink, for time."""

    def __init__(self, post_keys: dict, bus_key: bytes, random, counter: int, reserve):
        for address in post_keys:
            if not 1 <= address <= ADDRESS_MAX:
                raise ValueError("a post's address is 1..%d, not %r" % (ADDRESS_MAX, address))
        self._keys = {address: Key(secret) for address, secret in post_keys.items()}
        self._bus = Key(bus_key)
        self._random = random
        self._counter = Counter(counter, reserve)
        self._sessions = {}
        self._hellos = {}  # by address: our random and the last event counter heard when the HELLO was made
        self._heard = {}  # last event counter by address; an entry only once a HELLO_OK has given the first

    def has_session(self, address: int) -> bool:
        """Whether `request` to this post can be sealed."""
        session = self._sessions.get(address)
        return session is not None and session.asked < COUNTER_MAX

    def forget(self, address: int) -> None:
        """Drop the session with a post that no longer answers in it."""
        self._sessions.pop(address, None)

    def hello(self, address: int) -> bytes:
        """The bytes of a HELLO; the session exists once the answer has been received. KeyError: no such post."""
        key = self._keys[address]
        mine = self._random(8)
        self._hellos[address] = (mine, self._heard.get(address))
        values = (messages.VERSION, mine, self._counter.next())
        signed = header(address, GATEWAY, messages.HELLO, 0) + messages.encode(messages.HELLO, values)
        return pack(signed, key.seal(contexts.HELLO, signed))

    def request(self, address: int, kind: int, values) -> bytes:
        """The bytes of a message to one post. KeyError without a session; WireError where `values` are wrong."""
        session = self._sessions[address]
        signed = header(address, GATEWAY, kind, session.asked + 1) + messages.encode(kind, values)
        session.asked += 1
        session.kind = kind
        return pack(signed, session.key.seal(contexts.DOWN, signed))

    def time(self, values) -> bytes:
        """The bytes of a TIME broadcast."""
        payload = messages.encode(messages.TIME, values)
        signed = header(EVERYBODY, GATEWAY, messages.TIME, self._counter.take()) + payload
        return pack(signed, self._bus.seal(contexts.BUS, signed))

    def relay(self, alias: int, values) -> bytes:
        """The bytes of an EVENT of a post elsewhere, at an address that no post of this line has.

        The counter is that of time: it rises for every alias, whichever post it stands for.
        """
        if alias in self._keys or not 1 <= alias <= ADDRESS_MAX:
            raise ValueError("%d is no alias here" % alias)
        payload = messages.encode(messages.EVENT, values)
        signed = header(EVERYBODY, alias, messages.EVENT, self._counter.take()) + payload
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
        if frame.counter <= session.answered:
            raise WireError("old counter")
        if frame.counter != session.asked:
            raise WireError("late answer")
        if frame.type != messages.ANSWERS[session.kind]:
            raise WireError("not the answer to what was asked")
        values = frame.values()
        session.answered = frame.counter
        return Message(frame.src, frame.type, values)

    def _hello_ok(self, frame, key: Key) -> Message:
        mine, known = self._hellos.get(frame.src, (None, None))
        if mine is None or not equal(key.seal(contexts.HELLO_OK + mine, frame.signed), frame.seal):
            raise WireError("bad seal")
        values = frame.values()
        del self._hellos[frame.src]
        self._sessions[frame.src] = Session(key, mine, values[1])
        told = values[6]  # not above what was heard before: the post has lost its memory and counts anew
        rewound = known is None or told <= known
        self._heard[frame.src] = told - 1 if rewound else max(self._heard[frame.src], told - 1)
        return Message(frame.src, messages.HELLO_OK, values)

    def _event(self, frame) -> Message:
        floor = self._heard.get(frame.src)
        if floor is None:
            raise WireError("not known to be fresh")
        if frame.counter <= floor:
            raise WireError("old counter")
        if frame.type != messages.EVENT or not equal(self._bus.seal(contexts.BUS, frame.signed), frame.seal):
            raise WireError("bad seal")
        values = frame.values()
        self._heard[frame.src] = frame.counter
        return Message(frame.src, messages.EVENT, values)
