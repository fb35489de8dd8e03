"""A Street whose gateway rolls keys over, and can be killed at any moment; its disk is what it has saved."""

import itertools
from typing import Any

from street import BUS_KEY, UTC_MS, Street, post_key

from lamplighter.gateway.lines import line
from lamplighter.gateway.rollover.keyring import Keyring
from lamplighter.gateway.rollover.rolling import Rolling, standing
from lamppost.limits import GRACE_MS
from lamppost.wire import contexts, messages
from lamppost.wire.frame import Decoder
from lamppost.wire.seal import Key

FORGOTTEN_MS = 2 * GRACE_MS + 30_000  # by then nobody knows the last bus key


class Gone:
    """In the place of a Poller whose process is dead."""

    def deadline(self) -> None:
        return None


class RollingStreet(Street):
    """`disk` is the keyring as it lies on disk; `full` refuses to write; `notes` are what the log would say."""

    def __init__(self, count=3, **more):
        self.disk = Keyring()
        self.full = False
        self.saves = 0
        self.cut_at_save = 0  # the gateway dies right before (odd) or right behind (even) this write
        self.notes: list[str] = []
        self.alive = False
        self._numbers = itertools.count()
        self._then: dict = {}
        super().__init__(count, **more)
        self.start()

    # --- the gateway's life

    def start(self) -> None:
        """The gateway starts, with what lies on disk."""
        addresses = {f"p{lamp.address}": lamp.address for lamp in self.lamps}
        ring = self.disk.copy()
        posts = {name: post_key(address) for name, address in addresses.items()}
        posts |= {name: key for name, (_, key) in ring.posts.items()}
        buses = {"a": BUS_KEY} | ring.buses
        self.rolling = Rolling(ring, buses, posts, {n: ("a", a) for n, a in addresses.items()}, self)
        keys = {address: posts[name] for name, address in addresses.items()}
        self.poller: Any = self.make_poller(keys, self.reserved[-1] if self.reserved else 0, bus_key=buses["a"])
        for event in standing(ring, "a", buses["a"], addresses):
            self.poller.rekey(event, self.now)
        self._then.clear()
        self.alive = True
        self.give(line.Clock(UTC_MS + self.now, 10))
        self._tick(self.rolling)

    def kill(self) -> None:
        """kill -9: whatever it was doing, it does no more."""
        self.alive = False
        self.poller = Gone()

    def make_poller(self, keys, counter, acks=None, bus_key=BUS_KEY):
        from lamplighter.gateway.lines.poll import Poller

        return Poller(keys, bus_key, self.baud, self.random.randbytes, counter, self.reserved.append, acks)

    def _tick(self, rolling) -> None:
        if self.alive and rolling is self.rolling:
            self.give(line.Clock(UTC_MS + self.now, 10))
            rolling.tick(self.now)
            self.at(self.now + 1000, lambda: self._tick(rolling))

    def _gateway(self, event) -> None:
        if not self.alive:
            return
        at, rolling = len(self.said), getattr(self, "rolling", None)
        super()._gateway(event)
        for _, action in self.said[at:]:
            if rolling is not self.rolling or rolling is None:
                return
            name = f"p{getattr(action, 'address', 0)}"
            if isinstance(action, line.Online):
                rolling.online(name, action)
            elif isinstance(action, line.Offline):
                rolling.offline(name)
            elif isinstance(action, line.Status):
                rolling.status(name)
            elif isinstance(action, line.Result):
                self._then.pop(action.id, lambda _: None)(action)

    # --- rolling.Deeds

    def save(self, ring: Keyring) -> None:
        if self.full or not self.alive:
            raise OSError("no space left on device")
        self.saves += 1
        if self.cut_at_save == 2 * self.saves - 1:
            self.kill()
            raise OSError("dead")
        self.disk = ring.copy()
        if self.cut_at_save == 2 * self.saves:
            self.kill()
            raise OSError("dead")

    def tell(self, bus: str, event: tuple) -> None:
        self.give(event)

    def ask(self, post: str, procedure, expires_ms: int, then) -> None:
        name = f"roll {next(self._numbers)}"
        self._then[name] = then
        self.give(line.Ask(name, int(post[1:]), procedure, self.now + expires_ms, True))

    def draw(self, count: int) -> bytes:
        return self.random.randbytes(count)

    def note(self, text: str) -> None:
        self.notes.append(text)

    # --- what is seen

    def bus_keys(self) -> set[bytes]:
        """What the posts say EVENT with."""
        return {bytes(lamp.post.settings.get("bus-key")) for lamp in self.lamps}

    def at_rest(self) -> bool:
        """Whether nothing is under way, at either end."""
        ring = self.rolling.ring
        posts = [lamp.post.settings.get("rollover") for lamp in self.lamps]
        return self.alive and not self.rolling.progress() and not any(posts) and not ring.next_posts

    def hears(self, hearer: int, source: int) -> bool:
        """Whether a post takes what another says now. An event that began in the same millisecond as a POLL is lost to
        the posts and heard by the gateway: that is nobody's key, so it is tried three times."""
        lamp = self.lamp(hearer)
        for wait_ms in (0, 1_517, 1_731):
            self.run(self.now + wait_ms)
            before = lamp.post.line._link.heard.get(source * 4)
            self.sense(source)
            self.run(self.now + 400)
            if lamp.post.line._link.heard.get(source * 4) != before:
                return True
        return False

    def inject(self, data: bytes) -> None:
        """A stranger says something in a silent moment; everybody hears it."""
        self.run_until(lambda: self.now > self._free_ms + 1, 5_000)
        for hearer in (None, *self.lamps):
            self._hear(hearer, data)
        self.run(self.now + 100)

    def said_under_another_key(self) -> bool:
        """Whether the gateway has said a TIME with another bus key than that of the installation."""
        times = self.said_by_gateway(messages.TIME)
        return any(Key(BUS_KEY).seal(contexts.BUS, frame.signed) != frame.seal for frame in times)

    def said_by_gateway(self, kind: int) -> list:
        frames = [frame for _, who, data in self.frames if who is None for frame in Decoder().feed(data)]
        return [frame for frame in frames if frame.type == kind]

    def keys_said(self) -> int:
        return len(self.said_by_gateway(messages.KEY))
