"""A real gateway end and real post ends on one line whose faults are drawn from a seed, and the books of what was said.

Every payload that is sent is written down with its sender, its hearer and its number; `check` compares what was taken
with these books.
"""

import random
from collections import Counter

from lamppost.wire import messages
from lamppost.wire.errors import WireError
from lamppost.wire.frame import EVERYBODY, GATEWAY, Decoder
from lamppost.wire.gateway_link import GatewayLink
from lamppost.wire.post_link import PostLink

BUS_KEY = bytes(range(32))
WINDOW = 40  # frames that a delay, a repetition or a replay may reach back


class Faults:
    """What a line does to the bytes of one frame; `shares` holds the chance of each kind."""

    KINDS = ("lose", "double", "reorder", "flip", "cut", "noise", "replay", "echo")

    def __init__(self, rng: random.Random, shares: dict[str, float]):
        self.rng = rng
        self.shares = shares
        self.held: list[bytes] = []
        self.recorded: list[bytes] = []

    def apply(self, data: bytes) -> list[bytes]:
        """Return what comes out at the far end when `data` goes in."""
        rng = self.rng
        self.recorded = [*self.recorded[-WINDOW:], data]
        out = [data]
        if self._hit("lose"):
            out = []
        if self._hit("double"):
            out = out * 2
        if self._hit("flip"):
            out = [self._flip(piece) for piece in out]
        if self._hit("cut"):
            out = [piece[: rng.randrange(len(piece))] for piece in out]
        if self._hit("noise"):
            out.insert(0, rng.randbytes(rng.randrange(1, 300)))
        if self._hit("replay"):
            out.append(rng.choice(self.recorded))
        if self._hit("reorder"):
            out, self.held = self.held, out
        return out

    def echoes(self) -> bool:
        return self._hit("echo")

    def _hit(self, kind: str) -> bool:
        return self.rng.random() < self.shares.get(kind, 0)

    def _flip(self, data: bytes) -> bytes:
        bad = bytearray(data)
        for _ in range(self.rng.randrange(1, 4)):
            bad[self.rng.randrange(len(bad))] ^= 1 << self.rng.randrange(8)
        return bytes(bad)


class End:
    """One end of the line: a link, its decoder, and how many requests in a row it has missed."""

    def __init__(self, link):
        self.link = link
        self.decoder = Decoder()
        self.missed = 0


class Line:
    """`round` polls each post once, with now and then a command, an event and the time."""

    def __init__(self, faults: Faults, posts: int):
        rng = faults.rng
        keys = {address: rng.randbytes(32) for address in range(1, posts + 1)}
        self.faults = faults
        self.gateway = End(GatewayLink(keys, BUS_KEY, rng.randbytes, 0, lambda n: None))
        self.posts = {a: End(PostLink(a, key, BUS_KEY, rng.randbytes)) for a, key in keys.items()}
        self.said: Counter = Counter()
        self.taken: Counter = Counter()
        self.wrong: list = []
        self.answered = 0
        self.last_round: dict[int, bool] = {}
        self._number = 0

    def round(self) -> None:
        for address, post in self.posts.items():
            self.last_round[address] = self._exchange(address, post)
            if self.faults.rng.random() < 0.5:
                number = self._next()
                self._note("event", address, number)
                self._send(address, post.link.event(number, 0, 0, 50))
        if self.faults.rng.random() < 0.3:
            number = self._next()
            self._note("time", GATEWAY, number)
            self._send(GATEWAY, self.gateway.link.time((number, 0, 0)))

    def check(self) -> None:
        """Assert that all that was taken had been said, none twice, and that every post answered in the end."""
        assert not self.wrong, self.wrong[:3]
        assert all(self.last_round.values()), self.last_round
        for key, count in self.taken.items():
            assert key[:3] in self.said, f"nobody said {key}"
            assert count == 1, f"{key} was taken {count} times"

    def _exchange(self, address: int, post: End) -> bool:
        """HELLO where needed, then one command; return whether its answer came."""
        link = self.gateway.link
        if post.missed >= 2:
            link.forget(address)
        if not link.has_session(address):
            self._send(GATEWAY, link.hello(address))
        if not link.has_session(address):
            return False
        number = self._next()
        self._note("command", address, number)
        self._note("result", address, number)
        before = self.answered
        self._send(GATEWAY, link.request(address, messages.COMMAND, (number, 3, 0, 0, 0, 0, 1, "")))
        post.missed = 0 if self.answered > before else post.missed + 1
        return self.answered > before

    def _send(self, sender: int, data: bytes) -> None:
        """Put bytes on the line; everybody else hears the same thing, and the sender too where it echoes."""
        for piece in self.faults.apply(data):
            echo = self.faults.echoes()
            for address in (GATEWAY, *self.posts):
                if address != sender or echo:
                    self._hear(address, piece)

    def _hear(self, address: int, data: bytes) -> None:
        end = self.gateway if address == GATEWAY else self.posts[address]
        for frame in end.decoder.feed(data):
            try:
                message = end.link.receive(frame)
            except WireError:
                continue
            if message is not None:
                self._take(address, frame, message)

    def _take(self, address: int, frame, message) -> None:
        kind, values = message.kind, message.values
        if kind == messages.HELLO:
            self._send(address, self.posts[address].link.hello_ok(message, 1, 1, "post", "0", self._number + 1))
        elif kind == messages.COMMAND:
            self.taken["command", address, values[0]] += 1
            self._send(address, self.posts[address].link.reply(messages.RESULT, (values[0], 0, "")))
        elif kind == messages.RESULT:
            self.taken["result", message.src, values[0]] += 1
            self.answered += values[0] == self._number
        elif kind == messages.EVENT:
            self.taken["event", message.src, message.number, address] += 1
        elif kind == messages.TIME:
            self.taken["time", GATEWAY, values[0], address] += 1
        elif kind != messages.HELLO_OK:
            self.wrong.append((address, kind, values))
        if frame.dst not in (address, EVERYBODY):
            self.wrong.append((address, frame.dst))

    def _note(self, what: str, address: int, number: int) -> None:
        self.said[what, address, number] += 1

    def _next(self) -> int:
        self._number += 1
        return self._number
