"""The gateway's end of one line: sessions with its posts, time for everybody, and what it accepts.

Mirrors post_link.py; the same rules. A post that the line's table does not know is refused; so is an event until a
HELLO_OK has told the lowest fresh number of that post's events, and one that is not above the last one heard.
While a key is rolled over, an event is taken under two bus keys, and a HELLO goes under a post's own key and the next
one in turn, for the post may have either.
"""

from lamppost.limits import ADDRESS_MAX, COUNTER_MAX
from lamppost.wire import contexts, messages
from lamppost.wire.counter import Counter
from lamppost.wire.errors import WireError
from lamppost.wire.frame import EVERYBODY, GATEWAY, header, pack
from lamppost.wire.hidden import hide
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
        self._two = None  # TwoKeys, while the bus key is rolled over
        self._next = {}  # by address: the post's next key, and whether the last HELLO was under it
        self._renewed = set()  # addresses whose session is under their next key
        self._random = random
        self._counter = Counter(counter, reserve)
        self._sessions = {}
        self._hellos = {}  # by address: our random and the highest event number heard when the HELLO was made
        self._told = {}  # by address: the lowest fresh event number, as the last HELLO_OK told it
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
        self._next.pop(address, None)
        self.forget(address)

    def next_key(self, address: int, post_key: bytes) -> None:
        """The post at this address has its own key or this one: HELLOs take turns, the next is under this one."""
        self._next[address] = [Key(post_key), False]

    def settle(self, address: int, post_key: bytes) -> None:
        """The post has this key and no other; its session, which was opened under it, goes on."""
        self._keys[address] = Key(post_key)
        self._next.pop(address, None)

    def renewed(self, address: int) -> bool:
        """Whether the session with this post was opened under its next key."""
        return address in self._renewed

    def bus_keys(self, key: bytes, other: bytes, is_next: bool) -> None:
        """Say TIME with the bus key `key`; take EVENT under `other` too, the next one or else the last one. Without
        `other` the last one is forgotten, and what was heard under it alone."""
        two = self._two
        heard = two.heard if two is not None else {}
        self._bus = Key(key)
        if other:
            from lamppost.wire.two_keys import TwoKeys

            newer, older = (other, key) if is_next else (key, other)
            self._two = TwoKeys(newer, older, heard, _nothing)
        elif two is not None:
            for address, told in self._told.items():
                for place in range(address * 4, address * 4 + 4):
                    self._heard[place] = max(heard.get(place, 0), told * 256 - 1)
                self._numbers[address] = max([self._heard[address * 4 + i] for i in range(4)]) // 256
            self._two = None

    def hello(self, address: int) -> bytes:
        """The bytes of a HELLO; the session exists once the answer has been received. KeyError: no such post."""
        key = self._keys[address]
        turn = self._next.get(address)
        if turn is not None:
            turn[1] = not turn[1]
            key = turn[0] if turn[1] else key
        mine = self._random(8)
        self._hellos[address] = (mine, self._numbers.get(address), key)
        values = (messages.VERSION, mine, self._counter.next())
        signed = header(address, GATEWAY, messages.HELLO, 0) + messages.encode(messages.HELLO, values)
        return pack(signed, key.seal(contexts.HELLO, signed))

    def request(self, address: int, kind: int, values) -> bytes:
        """The bytes of a message to one post. KeyError without a session; WireError where `values` are wrong."""
        session = self._sessions[address]
        signed = header(address, GATEWAY, kind, session.asked + 1)
        if kind == messages.KEY and values[2]:
            values = (values[0], values[1], hide(session.key, signed, values[2]))
        signed += messages.encode(kind, values)
        session.asked += 1
        session.kind = kind
        return pack(signed, session.key.seal(contexts.DOWN, signed))

    def time(self, values) -> bytes:
        """The bytes of a TIME broadcast."""
        payload = messages.encode(messages.TIME, values)
        signed = header(EVERYBODY, GATEWAY, messages.TIME, self._counter.take()) + payload
        return pack(signed, self._bus.seal(contexts.BUS, signed))

    def block(self, number: int, name: bytes, data: bytes) -> bytes:
        """The bytes of a BLOCK to everybody: number `number` of the image of this name."""
        payload = messages.encode(messages.BLOCK, (name, data))
        signed = header(EVERYBODY, GATEWAY, messages.BLOCK, number) + payload
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
        if frame.src not in self._keys:
            raise WireError("unknown post %d" % frame.src)
        if frame.dst == EVERYBODY:
            return self._event(frame)
        if frame.dst != GATEWAY:
            raise WireError("not for the gateway")
        if frame.type == messages.HELLO_OK:
            return self._hello_ok(frame)
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

    def _hello_ok(self, frame) -> Message:
        mine, known, key = self._hellos.get(frame.src, (None, None, None))
        if mine is None or key is None or not fits(key, contexts.HELLO_OK + mine, frame.signed, frame.seal):
            raise WireError("bad seal")
        values = frame.values()
        del self._hellos[frame.src]
        self._sessions[frame.src] = Session(key, mine, values[1])
        (self._renewed.discard if key is self._keys[frame.src] else self._renewed.add)(frame.src)
        told = values[6]  # not above what was heard before: the post has lost its memory and counts anew
        self._told[frame.src] = told
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
        if self._two is not None:
            self._two.sealed(frame, place, order)
        if order <= floor:
            raise WireError("old counter")
        if self._two is None and not fits(self._bus, contexts.BUS, frame.signed, frame.seal):
            raise WireError("bad seal")
        self._heard[place] = order
        self._numbers[frame.src] = max(self._numbers[frame.src], frame.counter)
        return Message(frame.src, messages.EVENT, values, frame.counter)


def _nothing() -> None:
    pass
