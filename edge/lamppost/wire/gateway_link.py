"""The gateway's end of one line: sessions with its posts, time for everybody, and what it accepts.

Mirrors post_link.py; the same rules. A post that the line's table does not know is refused; so is an event until a
HELLO_OK has told the lowest fresh number of that post's events, and one that is not above the last one heard.
"""

from lamppost.limits import ADDRESS_MAX, COUNTER_MAX
from lamppost.wire import contexts, messages
from lamppost.wire.counter import Counter
from lamppost.wire.errors import WireError
from lamppost.wire.frame import EVERYBODY, GATEWAY, header, pack
from lamppost.wire.post_link import Message, Session, event_order, event_place
from lamppost.wire.seal import Key, fits


class GatewayLink:
    """`post_keys` maps an address to 32 bytes; `random` as in PostLink; `counter`, `reserve`: a Counter for time."""

    def __init__(self, post_keys: dict, bus_key: bytes, random, counter: int, reserve):
        for address in post_keys:
            if not 1 <= address <= ADDRESS_MAX:
                raise ValueError("a post's address is 1..%d, not %r" % (ADDRESS_MAX, address))
        self._keys = {address: Key(secret) for address, secret in post_keys.items()}
        self._bus = Key(bus_key)
        self._random = random
        self._counter = Counter(counter, reserve)
        self._sessions = {}
        self._hellos = {}  # by address: our random and the highest event number heard when the HELLO was made
        self._numbers = {}  # highest event number by address; an entry only once a HELLO_OK has given the first
        self._heard = {}  # event_order of the last, by event_place

    def has_session(self, address: int) -> bool:
        """Whether `request` to this post can be sealed."""
        session = self._sessions.get(address)
        return session is not None and session.asked < COUNTER_MAX

    def forget(self, address: int) -> None:
        """Drop the session with a post that no longer answers in it."""
        self._sessions.pop(address, None)

    def adopt(self, address: int, post_key: bytes) -> None:
        """From now on the post at this address has this key: a new one, or another in its place."""
        self._keys[address] = Key(post_key)
        self.forget(address)

    def hello(self, address: int) -> bytes:
        """The bytes of a HELLO; the session exists once the answer has been received. KeyError: no such post."""
        key = self._keys[address]
        mine = self._random(8)
        self._hellos[address] = (mine, self._numbers.get(address))
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
        if session is None:
            raise WireError("bad seal")
        still = frame.type in (messages.STILL, messages.MOVED)  # have the counter of their question, unsaid
        counter = session.asked if still else frame.counter
        if not fits(session.key, contexts.UP, frame.with_counter(counter) if still else frame.signed, frame.seal):
            raise WireError("bad seal")
        if counter <= session.answered:
            raise WireError("old counter")
        if counter != session.asked:
            raise WireError("late answer")
        if frame.type not in messages.ANSWERS[session.kind]:
            raise WireError("not the answer to what was asked")
        values = frame.values()
        session.answered = counter
        return Message(frame.src, frame.type, values, counter)

    def _hello_ok(self, frame, key: Key) -> Message:
        mine, known = self._hellos.get(frame.src, (None, None))
        if mine is None or not fits(key, contexts.HELLO_OK + mine, frame.signed, frame.seal):
            raise WireError("bad seal")
        values = frame.values()
        del self._hellos[frame.src]
        self._sessions[frame.src] = Session(key, mine, values[1])
        told = values[6]  # not above what was heard before: the post has lost its memory and counts anew
        rewound = known is None or told <= known
        self._numbers[frame.src] = told - 1 if rewound else max(self._numbers[frame.src], told - 1)
        for place in range(frame.src * 4, frame.src * 4 + 4):
            floor = told * 256 - 1
            self._heard[place] = floor if rewound else max(self._heard[place], floor)
        return Message(frame.src, messages.HELLO_OK, values)

    def _event(self, frame) -> Message:
        if frame.type != messages.EVENT:
            raise WireError("not for everybody")
        values = frame.values()
        place, order = event_place(frame.src, values), event_order(frame.counter, values)
        floor = self._heard.get(place)
        if floor is None:
            raise WireError("not known to be fresh")
        if order <= floor:
            raise WireError("old counter")
        if not fits(self._bus, contexts.BUS, frame.signed, frame.seal):
            raise WireError("bad seal")
        self._heard[place] = order
        self._numbers[frame.src] = max(self._numbers[frame.src], frame.counter)
        return Message(frame.src, messages.EVENT, values, frame.counter)
