"""The search for posts that nobody serves, and their adoption: a generator of what to say, without clock or port.

How it goes: posts draw a number for each round. SEARCH asks those whose number begins with a prefix; silence ends that
branch, one clean HERE is a post, anything else is two or more, and both halves are asked. Each HERE is sealed with its
post's own key: that of the manifest, or while its key is rolled over the one it had or the one it got. So nobody is
taken for another, and an unknown identity is told and left alone. What was missed in one pass (a lost frame looks like
silence) is found in the next: posts that were heard keep quiet, so a pass that hears nobody, SILENCES times in a row,
is the proof that all are found.

Where a post belongs is what the Book says. Two that show the same identity in one round are a copy and its original:
the second is parked, without an address, until a person gives it an identity of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from typing import NamedTuple, Protocol

from lamppost.wire import contexts, messages
from lamppost.wire.errors import WireError
from lamppost.wire.frame import FINDING, GATEWAY, Frame, header, pack
from lamppost.wire.hidden import hide
from lamppost.wire.seal import Key, equal

SILENCES = 4  # at 10 % loss each way a post is missed by four searches of everybody in a row once in 770 times
PASSES_MAX = 24  # at 40 % loss each way a third is found in each
SEARCHES_MAX = 2048  # twice what 190 boards take with a tenth lost; a line that is jammed wears that out in minutes
POSTS_MAX = 250  # that are told of; a line has no more addresses
BITS_MAX = 64
TRIES = 9  # of a PLACE: at 20 % loss each way all nine fail once in 10,000 times, and a board is only told to be deaf
TOLD_MAX = 4  # posts that a SEARCH tells that they were heard

GARBLED = "garbled"  # something was heard, and it was no frame
Answer = Frame | str | None
Said = tuple[bytes, bool]  # a frame, and whether its answer waits for flash
Asking = Generator[Said, Answer, "Report"]


class Here(NamedTuple):
    """A post that has shown itself and proved who it is; `address` is what it believes to have, 0 none."""

    value: bytes
    identity: str
    address: int


class Placed(NamedTuple):
    """What became of a post that was found."""

    identity: str
    was: int
    address: int
    result: str  # one of RESULTS


ADOPTED, STAYS, PARKED, UNPLACED, DEAF = "adopted", "stays", "parked", "unplaced", "deaf"
UNKNOWN, WRONG_KEY = "unknown", "wrong key"
RESULTS = (ADOPTED, STAYS, PARKED, UNPLACED, DEAF, UNKNOWN, WRONG_KEY)


class Report(NamedTuple):
    """All that was found, and what it took."""

    posts: list[Placed]
    searches: int
    passes: int
    complete: bool


class Book(Protocol):
    """What is known of boards."""

    def knows(self, identity: str) -> bool:
        """Whether this board is one of ours."""
        ...

    def keys(self, identity: str) -> Collection[bytes]:
        """Every key with which this board may seal."""
        ...

    def place(self, identity: str, key: bytes) -> int | None:
        """The address of a board that has shown this key, None where it has none here; it is placed then."""
        ...

    def adopted(self, address: int, identity: str, key: bytes) -> None:
        """It says that it has its place."""
        ...


class Finder:
    """One search of one line. `searches` and `posts` grow while it runs."""

    def __init__(self, book: Book, bus_key: bytes, random: Callable[[int], bytes]) -> None:
        self.searches = 0
        self.posts: list[Placed] = []
        self._book = book
        self._bus_key = bus_key
        self._random = random
        self._round = b""
        self._told: list[bytes] = []  # first four bytes of the numbers heard last
        self._values: set[bytes] = set()  # heard in this round
        self._where: dict[str, bytes] = {}  # identity: the number of the first that showed it

    def run(self, address: int = 0) -> Asking:
        """Search everybody that nobody serves, or (address) those that have this address. Yields what to say."""
        self._round = self._random(4)
        silences = passes = 0
        while silences < SILENCES and passes < PASSES_MAX and self.searches < SEARCHES_MAX:
            heard = len(self._values)
            answered = yield from self._pass(address)
            passes += 1
            silences = silences + 1 if not answered and len(self._values) == heard else 0
        return Report(self.posts, self.searches, passes, silences >= SILENCES)

    def _pass(self, address: int) -> Generator[Said, Answer, bool]:
        """Ask everybody, and halves for as long as more than one answers; return whether anybody did."""
        branches = [(0, 0)]
        anybody = False
        while branches and self.searches < SEARCHES_MAX:
            bits, prefix = branches.pop()
            answer = yield self._search(address, bits, prefix), False
            anybody = anybody or answer is not None
            if answer is None and bits and prefix & 1 == 0 and branches and branches[-1] == (bits, prefix | 1):
                branches.pop()  # both halves together were garbled and this one is silent: the other is two or more
                self._split(branches, bits, prefix | 1)
            elif answer == GARBLED:
                self._split(branches, bits, prefix)
            elif isinstance(answer, Frame):
                yield from self._found(answer)
        return anybody

    @staticmethod
    def _split(branches: list[tuple[int, int]], bits: int, prefix: int) -> None:
        if bits < BITS_MAX:
            branches += [(bits + 1, prefix << 1 | 1), (bits + 1, prefix << 1)]

    def _search(self, address: int, bits: int, prefix: int) -> bytes:
        self.searches += 1
        size = -(-bits // 8)
        told = b"".join(self._told[-TOLD_MAX:])
        values = (self._round, address, bits, (prefix << (8 * size - bits)).to_bytes(size, "big"), told)
        signed = header(FINDING, GATEWAY, messages.SEARCH, 0) + messages.encode(messages.SEARCH, values)
        return pack(signed, bytes(8))

    def _found(self, frame: Frame) -> Generator[Said, Answer, None]:
        here = self._here(frame)
        if here is None or len(self.posts) >= POSTS_MAX:
            return
        self._told = [value for value in self._told if value != here.value[:4]] + [here.value[:4]]
        if here.value in self._values:
            return  # it has not heard that we heard it
        self._values.add(here.value)
        key = self._proved(here, frame)
        if not key:  # told and left alone
            self._note(here, 0, WRONG_KEY if self._book.knows(here.identity) else UNKNOWN)
            return
        first = self._where.setdefault(here.identity, here.value)
        address = self._book.place(here.identity, key) if first == here.value else 0
        if address is None:
            self._note(here, 0, UNPLACED)
            return
        if (yield from self._put(here, address, Key(key))):
            self._note(here, address, PARKED if not address else STAYS if here.address == address else ADOPTED)
            if address:
                self._book.adopted(address, here.identity, key)
        else:
            self._note(here, address, DEAF)

    @staticmethod
    def _here(frame: Frame) -> Here | None:
        """What a post says of itself; nothing is proved yet."""
        if frame.type != messages.HERE:
            return None
        try:
            return Here(*frame.values())
        except WireError:
            return None

    def _proved(self, here: Here, frame: Frame) -> bytes:
        """The key with which it has sealed; empty where that is none of those it may have."""
        for secret in self._book.keys(here.identity):
            if secret and equal(Key(secret).seal(contexts.HERE + self._round, frame.signed), frame.seal):
                return secret
        return b""

    def _put(self, here: Here, address: int, key: Key) -> Generator[Said, Answer, bool]:
        """Give a post its address and the bus key; return whether it said that it has them."""
        fresh = self._round + here.value
        hidden = hide(key, fresh, self._bus_key) if address else b""
        signed = header(FINDING, GATEWAY, messages.PLACE, 0)
        signed += messages.encode(messages.PLACE, (here.value, address, hidden))
        data = pack(signed, key.seal(contexts.PLACE + fresh, signed))
        for _ in range(TRIES):
            answer = yield data, True
            if not isinstance(answer, Frame) or answer.type != messages.PLACED:
                continue
            try:
                good = equal(key.seal(contexts.PLACED + fresh, answer.signed), answer.seal)
                if good and answer.values() == [here.value, address]:
                    return True
            except WireError:
                continue
        return False

    def _note(self, here: Here, address: int, result: str) -> None:
        self.posts.append(Placed(here.identity, here.address, address, result))
