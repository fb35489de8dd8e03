"""How a post is found and adopted: what one that nobody serves answers on a line that does not know it.

Rules kept here
- SEARCH is not sealed, since a new post shares no key with a line. It changes nothing but a number in RAM, drawn for
  it: whoever forges one learns an identity, which is printed on the board, and makes posts without a gateway speak.
- A post answers only while it is not served: without address or bus key, or when no session has spoken to it for
  SERVED_MS. A SEARCH for one address is answered by every post that has it: that is how two are told apart.
- Address and bus key come in PLACE, sealed with the post's own key over both sides' numbers; the bus key is hidden by a
  pad of that key and those numbers. Without a post key of its own, from the factory, a post is silent: there is no
  default key.
"""

from lamppost.limits import ADDRESS_MAX, SERVED_MS
from lamppost.wire import contexts, messages
from lamppost.wire.errors import WireError
from lamppost.wire.frame import FINDING, GATEWAY, Decoder, header, pack
from lamppost.wire.hidden import hide
from lamppost.wire.seal import Key, equal


class Found:
    """One post's side of a search. `post` is the Post."""

    def __init__(self, post):
        self._post = post
        self._round = b""
        self._value = b""  # drawn for this round
        self._told = False  # the gateway has heard us in this round
        self._placed = None  # (round, value, address) of the last PLACE, whose answer may be lost
        self._served_ms = None
        self._decoder = Decoder()
        self.refused = 0

    def received(self, data: bytes, t_ms: int) -> list:
        """Take bytes from a line on which this post has no place yet; return the answers, at once."""
        answers = []
        for frame in self._decoder.feed(data):
            answer = self.frame(frame, t_ms)
            if answer:
                answers.append(answer)
        return answers

    def served(self, t_ms: int) -> None:
        """A frame of a session has come."""
        self._served_ms = t_ms

    def frame(self, frame, t_ms: int) -> "bytes | None":
        """Take a Frame; return the answer to one of a search, at once."""
        key = self._post.settings.get("post-key")
        if not key or frame.dst != FINDING or frame.src != GATEWAY:
            return None
        try:
            if frame.type == messages.SEARCH:
                return self._search(frame.values(), Key(key), t_ms)
            if frame.type == messages.PLACE:
                return self._place(frame, Key(key), t_ms)
        except WireError:
            self.refused += 1
        return None

    def _search(self, values: list, key: Key, t_ms: int) -> "bytes | None":
        number, address, bits, prefix, told = values
        if number != self._round:
            self._round, self._value, self._told = number, self._post.random(8), False
        for at in range(0, len(told) - 3, 4):
            if told[at : at + 4] == self._value[:4]:
                self._told = True
        settings = self._post.settings
        if address:
            if address != settings.address:
                return None
        elif self._is_served(t_ms):
            return None
        if self._told or not begins(self._value, bits, prefix):
            return None
        here = (self._value, settings.identity, settings.address)
        return _seal(messages.HERE, here, key, contexts.HERE + self._round)

    def _is_served(self, t_ms: int) -> bool:
        if not self._post.settings.provisioned:
            return False
        return self._served_ms is not None and t_ms - self._served_ms < SERVED_MS

    def _place(self, frame, key: Key, t_ms: int) -> "bytes | None":
        value, address, hidden = frame.values()
        if value != self._value or not value:
            return None  # another post's
        fresh = self._round + value
        if not equal(key.seal(contexts.PLACE + fresh, frame.signed), frame.seal):
            raise WireError("bad seal")
        if address > ADDRESS_MAX or len(hidden) not in (0, 32):
            raise WireError("no place")
        placed = (self._round, value, address)
        if self._placed != placed:  # the same one again changes nothing
            self._placed = placed
            self._told = True
            bus_key = hide(key, fresh, hidden) if hidden else b""
            settings = self._post.settings
            if (address, bus_key) != (settings.address, settings.get("bus-key")):  # else it stays, and forgets nothing
                self._post.take_place(address, bus_key, t_ms)
        return _seal(messages.PLACED, (value, address), key, contexts.PLACED + fresh)


def begins(value: bytes, bits: int, prefix: bytes) -> bool:
    """Whether the first `bits` of `value` are those of `prefix`."""
    whole, rest = bits // 8, bits % 8
    if value[:whole] != prefix[:whole]:
        return False
    return not rest or (len(prefix) > whole and not (value[whole] ^ prefix[whole]) >> (8 - rest))


def _seal(kind: int, values, key: Key, context: bytes) -> bytes:
    signed = header(GATEWAY, FINDING, kind, 0) + messages.encode(kind, values)
    return pack(signed, key.seal(context, signed))
