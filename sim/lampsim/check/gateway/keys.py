"""The keys of the checker's gateway: the real rollover logic, a keyring that outlives the gateway, the books on them.

What the Witness asks at the end is answered here: whether every post has a key that its gateway knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.poll import Poller
from lamplighter.gateway.rollover.keyring import Keyring
from lamplighter.gateway.rollover.rolling import Rolling, standing
from lamppost.wire import contexts, messages
from lamppost.wire.frame import EVERYBODY, GATEWAY, header, pack
from lamppost.wire.seal import Key
from lampsim.check.worlds import key_of

if TYPE_CHECKING:
    from lampsim.check.gateway.cabinet import Cabinet

NOBODY = 200  # an address that no post has


class Keys:
    """What lies on disk, what is wished for, and the Rolling of the gateway's present life."""

    def __init__(self, cabinet: Cabinet) -> None:
        self._cabinet = cabinet
        self.ring = Keyring()
        self.rolling: Rolling | None = None
        self.last: dict[str, list[bytes]] = {}  # by line: bus keys that were in force once
        self._wishes: list[tuple[dict[str, bytes], dict[str, bytes]]] = []
        street, seed = cabinet.street, cabinet.street.spec.seed
        self._sites = {site.id: (site.bus, site.address) for site in street.spec.sites}
        self._buses = {bus: key_of(seed, bus) for bus in street.buses}
        self._posts = {post: key_of(seed, post) for post in self._sites}

    def begin(self, life: int) -> Rolling:
        """The gateway starts, with what lies on disk."""
        self._random = self._cabinet.street.random_of("keys", life)
        posts = self._posts | {post: key for post, (_, key) in self.ring.posts.items()}
        self.rolling = Rolling(self.ring.copy(), self._buses | self.ring.buses, posts, self._sites, self)
        return self.rolling

    def equip(self, bus: str, poller: Poller) -> Poller:
        assert self.rolling is not None
        addresses = {post: address for post, (line_of, address) in self._sites.items() if line_of == bus}
        for event in standing(self.ring, bus, self.rolling.buses[bus], addresses):
            poller.rekey(event, self._cabinet.now_ms())
        return poller

    def wish(self, buses: Mapping[str, bytes], posts: Mapping[str, bytes]) -> None:
        """`lamplighter rollover`: it waits for a gateway that is down."""
        self._wishes.append((dict(buses), dict(posts)))

    def tick(self) -> None:
        assert self.rolling is not None
        try:
            while self._wishes:
                self.rolling.roll(*self._wishes[0])
                del self._wishes[0]
        except OSError:
            pass  # the disk is full: the wish waits
        self.rolling.tick(self._cabinet.now_ms())

    # --- what the street asks

    def all_of(self, bus: str) -> list[bytes]:
        """Every bus key that a line has had, and the next one."""
        ring = self.ring
        coming = [ring.next_buses[bus]] if bus in ring.next_buses else []
        return [ring.buses.get(bus, self._buses[bus]), *coming, *self.last.get(bus, [])]

    def wrong(self, post: str, bus_key: bytes, post_key: bytes) -> str:
        """What is wrong with the keys that a post has at the end, when it has answered for a while; nothing: they are
        those that its gateway uses."""
        rolling = self.rolling
        assert rolling is not None
        bus = self._sites[post][0]
        if post_key not in (rolling.posts[post], rolling.ring.next_posts.get(post)):
            return "its own key is one that its gateway does not know"
        if bus_key not in (rolling.buses[bus], rolling.ring.last_buses.get(bus)):
            return "it says events with a bus key that nobody takes"
        return ""

    def thief(self, bus: str) -> list[bytes]:
        """What somebody says who has stolen every bus key that was in force once on a line; nothing while one of them
        is still taken somewhere."""
        rolling, street = self.rolling, self._cabinet.street
        if rolling is None or any(row["of"] == bus for row in rolling.progress()):
            return []
        for name in (post for post, (line_of, _) in self._sites.items() if line_of == bus):
            post = street.posts[name].post
            if post is None or post.settings.get("rollover") or post.settings.get("bus-key") != rolling.buses[bus]:
                return []
        said = []
        for secret in map(Key, self.last.get(bus, ())):
            for src in (GATEWAY, 1, 2, NOBODY):
                time = messages.TIME, (street.utc_ms() // 1000 + 1, 0, 5)
                kind, values = time if src == GATEWAY else (messages.EVENT, (0, 0, 0, 0))
                signed = header(EVERYBODY, src, kind, 0xFFFFFFF0) + messages.encode(kind, values)
                said.append(pack(signed, secret.seal(contexts.BUS, signed)))
        return said

    # --- rolling.Deeds

    def save(self, ring: Keyring) -> None:
        if self._cabinet.disk is not None and self._cabinet.disk.full:
            raise OSError("no space left on device")
        for bus, key in ring.last_buses.items():
            if key not in self.last.setdefault(bus, []):
                self.last[bus].append(key)
        self.ring = ring.copy()

    def tell(self, bus: str, event: tuple) -> None:
        self._cabinet.give(bus, event)

    def ask(self, post: str, procedure: line.Procedure, expires_ms: int, then: Callable[[line.Result], None]) -> None:
        self._cabinet.ask(post, procedure, expires_ms, then, background=True)

    def draw(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def note(self, text: str) -> None:
        """Nobody reads it."""
