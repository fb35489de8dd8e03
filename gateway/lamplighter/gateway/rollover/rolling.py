"""Keys that take the place of others while the cabinet serves its lines: whose turn it is, and what is kept first.

PROTOCOL.md, section 4, the gateway's side:
- Nothing is said with a key, or of one, before it lies on disk; where the disk refuses, the step waits.
- A bus key is given to every post that answers; when all have it, it is in force. What comes under the last one is
  taken until all know that, and FORGET_MS more. Who comes later gets it then.
- A post's own key is given in its session; both are kept until it has answered in a session under the new one. A board
  that has lost its place meanwhile is found under either.

No port, clock or file here: `deeds` does what is decided, and the same code runs in the checker's street.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.procedures import Outcome, give_key
from lamplighter.gateway.rollover.keyring import Keyring
from lamppost.limits import GRACE_MS
from lamppost.wire import messages

FORGET_MS = GRACE_MS + 60_000  # every post has forgotten it by then: nothing comes under it any more
ASKS_MAX = 4  # posts of a line that are asked at once: others' requests find room between them
PAUSE_MIN_MS, PAUSE_MAX_MS = 2_000, 600_000  # between two tries of a post that does not take it
EXPIRES_MS = 60_000


Step = line.BusKeys | line.PostKey


class Deeds(Protocol):
    """What is done about it. `save` raises OSError; `ask` calls back with the Result."""

    def save(self, ring: Keyring) -> None: ...
    def tell(self, bus: str, event: tuple) -> None: ...
    def ask(
        self, post: str, procedure: line.Procedure, expires_ms: int, then: Callable[[line.Result], None]
    ) -> None: ...
    def draw(self, count: int) -> bytes: ...
    def note(self, text: str) -> None: ...


def standing(ring: Keyring, bus: str, key: bytes, addresses: Mapping[str, int]) -> list[Step]:
    """What a Poller that begins now is to know beside the keys in force: events for Poller.rekey."""
    events: list[Step] = []
    if bus in ring.next_buses:
        events.append(line.BusKeys(key, ring.next_buses[bus], True))
    elif bus in ring.last_buses:
        events.append(line.BusKeys(key, ring.last_buses[bus], False))
    events += [line.PostKey(addresses[post], new, False) for post, new in ring.next_posts.items() if post in addresses]
    return events


class Rolling:
    """All rollovers of one gateway. `buses` and `posts` are the keys in force, `places` says where each post is: (line,
    address)."""

    def __init__(
        self,
        ring: Keyring,
        buses: Mapping[str, bytes],
        posts: Mapping[str, bytes],
        places: Mapping[str, tuple[str, int]],
        deeds: Deeds,
    ) -> None:
        self.ring = ring
        self.buses, self.posts = dict(buses), dict(posts)
        self._places = places
        self._deeds = deeds
        self._online: dict[str, str] = {}  # post: identity
        self._renewed: set[str] = set()  # posts in a session under their next key
        self._has: dict[str, tuple[int, bytes]] = {}  # what a post has answered to last in this session
        self._asking: set[str] = set()
        self._not_before: dict[tuple[str, bool], int] = {}  # by post, and whether it is about the post's own key
        self._pause: dict[tuple[str, bool], int] = {}
        self._since: dict[str, int] = {}  # line: when all knew that its new key is in force
        self._now_ms = 0
        self._refused = ""  # why the disk takes nothing
        self._noted: set[str] = set()  # posts of which it was said that they do not take their next key

    # --- what is wanted

    def roll(self, buses: Mapping[str, bytes], posts: Mapping[str, bytes]) -> list[str]:
        """Begin: with a given key, or where that is empty with one drawn here. Return what cannot be begun, one line
        each. Raises OSError where it cannot be kept."""
        ring, faults = self.ring.copy(), []
        for bus, key in buses.items():
            if bus not in self.buses:
                faults.append(f"there is no line {bus}")
            elif bus in ring.next_buses or bus in ring.last_buses:
                faults.append(f"the bus key of {bus} is being rolled over already")
            elif key == self.buses[bus]:
                faults.append(f"that is the bus key of {bus} already")
            else:
                ring.next_buses[bus] = key or self._deeds.draw(32)
        for post, key in posts.items():
            if post not in self.posts:
                faults.append(f"there is no post {post}")
            elif post in ring.next_posts or post in ring.wanted:
                faults.append(f"the key of {post} is being rolled over already")
            elif key == self.posts[post]:
                faults.append(f"that is the key of {post} already")
            else:
                ring.wanted[post] = key
        begun = [bus for bus in ring.next_buses if bus not in self.ring.next_buses]
        self._deeds.save(ring)
        self.ring = ring
        for bus in begun:
            self._deeds.note(f"{bus}: a new bus key goes to its posts")
            self._deeds.tell(bus, line.BusKeys(self.buses[bus], ring.next_buses[bus], True))
        return faults

    def progress(self) -> list[dict[str, Any]]:
        """What is under way; no word of the keys themselves."""
        ring, rows = self.ring, []
        for stage, buses in (("giving", ring.next_buses), ("forgetting", ring.last_buses)):
            rows += [{"of": bus, "stage": stage, "waits_for": len(self._lacking(bus))} for bus in buses]
        for stage, posts in (("waiting", ring.wanted), ("changing", ring.next_posts)):
            rows += [{"of": post, "stage": stage, "waits_for": int(post in self._online)} for post in posts]
        return rows

    # --- what the lines tell

    def online(self, post: str, online: line.Online) -> None:
        """A session has been opened."""
        self._online[post] = online.identity
        self._has.pop(post, None)
        (self._renewed.add if online.renewed else self._renewed.discard)(post)

    def offline(self, post: str) -> None:
        self._online.pop(post, None)
        self._renewed.discard(post)

    def status(self, post: str) -> None:
        """A post has answered in its session."""
        if post in self._renewed:
            self._settle(post)

    def tick(self, now_ms: int) -> None:
        """Each second or so: the next step of each."""
        self._now_ms = now_ms
        for bus in self.buses:
            self._bus(bus)
        for post in [*self.ring.wanted, *self.ring.next_posts]:
            if post in self._online and self._may_ask(post, messages.POST_NEXT):
                self._post(post)

    # --- posts that are searched for

    def keys_of(self, post: str) -> list[bytes]:
        """Every key that its board may have now: the one in force and, while it is rolled over, the next."""
        keys = [table[post] for table in (self.posts, self.ring.next_posts) if post in table]
        return list(dict.fromkeys(keys))

    def board_of(self, post: str) -> str | None:
        """The identity of the board that answers there now."""
        return self._online.get(post)

    def adopt(self, post: str, identity: str, key: bytes) -> None:
        """A board that was found (finding.py) has taken its place with this key: kept first, then it is served.
        Raises OSError where it cannot be kept."""
        own = self.posts.get(post, b"")
        ring = self.ring.copy()
        ring.adopt(post, identity, key, own)
        if ring != self.ring:
            self._deeds.save(ring)
        self.ring, self.posts[post] = ring, key
        self._renewed.discard(post)
        self._has.pop(post, None)
        bus, address = self._places[post]
        self._deeds.tell(bus, line.Adopt(address, key))
        if post in ring.next_posts:
            self._deeds.tell(bus, line.PostKey(address, ring.next_posts[post], False))

    # --- bus keys

    def _due(self, bus: str) -> tuple[int, bytes] | None:
        """What every post of this line is to have; None where its key is still the one of the installation."""
        if bus in self.ring.next_buses:
            return messages.BUS_NEXT, self.ring.next_buses[bus]
        return (messages.BUS_NOW, self.buses[bus]) if bus in self.ring.buses else None

    def _lacking(self, bus: str) -> list[str]:
        due = self._due(bus)
        return [post for post in self._here(bus) if self._has.get(post) != due]

    def _here(self, bus: str) -> Iterable[str]:
        return [post for post in self._online if self._places[post][0] == bus]

    def _bus(self, bus: str) -> None:
        due = self._due(bus)
        if due is None:
            return
        lacking = self._lacking(bus)
        for post in lacking:
            if self._may_ask(post, due[0]):
                self._ask(post, *due)
        if lacking or not any(self._here(bus)):
            return
        if due[0] == messages.BUS_NEXT:
            self._switch(bus, due[1])
        elif bus in self.ring.last_buses:
            self._forget(bus)

    def _switch(self, bus: str, key: bytes) -> None:
        ring = self.ring.copy()
        del ring.next_buses[bus]
        ring.last_buses[bus], ring.buses[bus] = self.buses[bus], key
        if self._save(ring):
            self.buses[bus] = key
            self._since.pop(bus, None)
            self._deeds.note(
                f"{bus}: all {len(list(self._here(bus)))} posts that answer have the new bus key; it is in force"
            )
            self._deeds.tell(bus, line.BusKeys(key, ring.last_buses[bus], False))

    def _forget(self, bus: str) -> None:
        if self._now_ms - self._since.setdefault(bus, self._now_ms) < FORGET_MS:
            return
        ring = self.ring.copy()
        del ring.last_buses[bus]
        if self._save(ring):
            self._deeds.note(f"{bus}: the last bus key is forgotten")
            self._deeds.tell(bus, line.BusKeys(self.buses[bus], b"", False))

    # --- post keys

    def _post(self, post: str) -> None:
        ring = self.ring
        if post in ring.wanted:
            ring = ring.copy()
            ring.next_posts[post] = ring.wanted.pop(post) or self._deeds.draw(32)
            if not self._save(ring):
                return
        self._ask(post, messages.POST_NEXT, ring.next_posts[post])

    def _given(self, post: str, key: bytes) -> None:
        """It has the next key: greet it under that."""
        if self.ring.next_posts.get(post) == key and post not in self._renewed:
            bus, address = self._places[post]
            self._deeds.tell(bus, line.PostKey(address, key, False))

    def _settle(self, post: str) -> None:
        """It has answered under the next key: that is its own."""
        key = self.ring.next_posts.get(post)
        if key is None:
            self._renewed.discard(post)
            return
        ring = self.ring.copy()
        del ring.next_posts[post]
        ring.posts[post] = (self._online[post], key)
        if self._save(ring):
            self._renewed.discard(post)
            self.posts[post] = key
            bus, address = self._places[post]
            self._deeds.tell(bus, line.PostKey(address, key, True))
            self._deeds.note(f"{post}: it has a new key")

    # --- both

    def _may_ask(self, post: str, what: int) -> bool:
        if post in self._asking or self._now_ms < self._not_before.get((post, what == messages.POST_NEXT), 0):
            return False
        bus = self._places[post][0]
        return sum(self._places[other][0] == bus for other in self._asking) < ASKS_MAX

    def _ask(self, post: str, what: int, key: bytes) -> None:
        self._asking.add(post)
        own = what == messages.POST_NEXT
        place = post, own

        def done(result: line.Result) -> None:
            self._asking.discard(post)
            good = isinstance(result.value, Outcome) and result.value.ok
            reason = result.value.text if isinstance(result.value, Outcome) else ""
            if reason and post not in self._noted:
                self._noted.add(post)
                self._deeds.note(f"{post}: {reason}; it keeps the one it has, and is asked again")
            if good and own:
                self._noted.discard(post)
            pause_ms = PAUSE_MIN_MS if good else self._pause.get(place, PAUSE_MIN_MS)
            self._pause[place] = PAUSE_MIN_MS if good else min(2 * pause_ms, PAUSE_MAX_MS)
            self._not_before[place] = self._now_ms + (pause_ms if not good or own else 0)
            if good and own:
                self._given(post, key)
            elif good:
                self._has[post] = what, key

        self._deeds.ask(post, give_key(what, key), EXPIRES_MS, done)

    def _save(self, ring: Keyring) -> bool:
        try:
            self._deeds.save(ring)
        except OSError as error:
            if str(error) != self._refused:  # once, however long it lasts
                self._refused = str(error)
                self._deeds.note(f"keys cannot be kept: {error}; the rollover waits, make room on the disk")
            return False
        self.ring, self._refused = ring, ""
        return True
