"""One search of one line for boards (finding.py): what was asked for, where each board belongs, what came of it.

Rules kept here
- A board belongs where its key says: the one that a post has or, while that is rolled over, gets. So one that has lost
  its address needs no manifest, and is found under whichever of the two it has.
- Nobody is put beside a board that answers: a post with another board in session is not given away.
- A board is adopted when it lies in the keyring, and not before; what cannot be kept is told, and found again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from lamplighter.gateway.rollover.rolling import Rolling
from lamplighter.gateway.search.finding import Finder, Report

IDENTITY_MAX = 32  # characters, as in HERE
SERVED_S = 30.0  # until the boards that were adopted have a session

Took = Callable[[str, str, bytes], None]


class Wanted(NamedTuple):
    """What somebody wants found on a line: `boards` are keys of a delivery by identity, `replace` has the post at whose
    place a board is to be, by the board's identity; `fill`: the others may take the posts that have no board yet."""

    bus: str
    boards: Mapping[str, bytes] = {}
    replace: Mapping[str, str] = {}
    fill: bool = False


class Places:
    """The Book of a cabinet's line. `names` are its posts by address; `took(post, identity, key)` is told of each that
    took its place."""

    def __init__(self, rolling: Rolling, names: Mapping[int, str], wanted: Wanted, took: Took) -> None:
        self._rolling = rolling
        self._names = names
        self._addresses = {post: address for address, post in names.items()}
        self._wanted = wanted
        self._took = took
        self._replaced = frozenset(wanted.replace.values())
        self._given: dict[str, str] = {}  # identity: a post that had no board
        free = [post for post in self._addresses if post not in rolling.posts and post not in self._replaced]
        self._free = free if wanted.fill else []

    def knows(self, identity: str) -> bool:
        return identity in self._wanted.boards or identity in self._rolling.ring.places or identity in self._nameless

    def keys(self, identity: str) -> Collection[bytes]:
        """Those that were delivered, and those of the posts whose board it is or, from the keys file, may be."""
        home = self._rolling.ring.places.get(identity)
        posts = [home] if home is not None else self._nameless
        keys = [key for post in posts for key in self._rolling.keys_of(post)]
        delivered = self._wanted.boards.get(identity)
        return keys if delivered is None else [delivered, *keys]

    def place(self, identity: str, key: bytes) -> int | None:
        """The address a board belongs to on this line, None where it has none."""
        post = self._post(identity, key)
        if post is None:
            return None
        there = self._rolling.board_of(post)
        return None if there not in (None, identity) else self._addresses.get(post)

    def adopted(self, address: int, identity: str, key: bytes) -> None:
        self._took(self._names[address], identity, key)

    @property
    def _nameless(self) -> list[str]:
        """The posts of this line with a key and no identity on record: those of the installation."""
        rolling = self._rolling
        return [post for post in self._addresses if post in rolling.posts and post not in rolling.ring.posts]

    def _post(self, identity: str, key: bytes) -> str | None:
        wanted, rolling = self._wanted, self._rolling
        if identity in wanted.replace:
            return wanted.replace[identity]
        home = next((post for post in rolling.posts if key in rolling.keys_of(post)), rolling.ring.places.get(identity))
        if home is not None and home not in self._replaced:
            return home
        if home is None and identity not in self._given and self._free:
            self._given[identity] = self._free.pop(0)
        return self._given.get(identity)


class Hunt:
    """One search. `later(work)` does `work` when the line has been served, for an adoption is told to the line itself;
    `draw(count)` gives unpredictable bytes."""

    def __init__(
        self,
        rolling: Rolling,
        names: Mapping[int, str],
        wanted: Wanted,
        later: Callable[[Callable[[], None]], Any],
        draw: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.wanted = wanted
        self.adopted: list[str] = []  # the posts whose board is in the keyring now
        self.unkept = ""  # why one is not
        self._rolling = rolling
        self._names = names
        self._later = later
        self.finder = Finder(Places(rolling, names, wanted, self._took), rolling.buses[wanted.bus], draw)

    def progress(self) -> dict[str, int]:
        return {"searches": self.finder.searches, "found": len(self.finder.posts), "adopted": len(self.adopted)}

    def served(self) -> bool:
        """Whether every board that was adopted answers in its place."""
        return all(self._rolling.board_of(post) is not None for post in self.adopted)

    def told(self, report: Report) -> dict[str, Any]:
        """What a person is told, as JSON."""
        rows = [
            {"identity": post.identity, "post": self._names.get(post.address), "was": post.was, "address": post.address,
             "result": post.result}
            for post in report.posts
        ]  # fmt: skip
        silent = [post for post in self._names.values() if self._rolling.board_of(post) is None]
        return {"complete": report.complete, "searches": report.searches, "boards": rows, "silent": silent}

    def _took(self, post: str, identity: str, key: bytes) -> None:
        self._later(lambda: self._adopt(post, identity, key))

    def _adopt(self, post: str, identity: str, key: bytes) -> None:
        try:
            self._rolling.adopt(post, identity, key)
            self.adopted.append(post)
        except OSError as error:
            self.unkept = f"{post} has its board, but the keyring cannot be kept: {error.strerror or error}"
