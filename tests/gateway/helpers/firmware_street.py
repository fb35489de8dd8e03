"""A Street of boards that take firmware: the real Firmware on flash in memory, and a Rollout that can be killed."""

import itertools
from pathlib import Path

from air_street import Air
from street import BUS_KEY, Lamp, Street

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.poll import Poller
from lamplighter.gateway.wanted.firmware import Image, Rollout
from lamplighter.provision import image
from lamplighter.provision.secret_key import SecretKey
from lampsim.virtual.firmware import Flash, VirtualFirmware

KEY = SecretKey(bytes(range(32)), b"testtest")


def build(folder: Path, version: int = 2, board: str = "rp2", size: int = 9000, label: str = "", key=KEY) -> Image:
    """A signed image of about `size` bytes."""
    label = label or f"0.{version}.0"
    (folder / "lamppost").mkdir(parents=True, exist_ok=True)
    (folder / "version.py").write_text(label)
    (folder / "lamppost" / "filling.mpy").write_bytes(bytes(i * 7 % 251 for i in range(size)))
    return Image.read(image.make(folder, board, version, 0, label, key).data)


class Board(Lamp):
    """A Lamp whose board takes firmware."""

    def __init__(self, address: int, seed: int = 0, kind: str = "rp2", baud: int = 115200):
        self.memory, self.kind = Flash(), kind
        self.starts = 0
        self.now = 0
        self.started_ms = []
        super().__init__(address, seed, baud=baud)

    def start(self) -> None:
        super().start()
        self.starts += 1
        self.started_ms.append(self.now)
        self.on_ms = None
        self.firmware = VirtualFirmware(self.memory, self.kind, KEY.public_text(), self.start)
        self.post.intake = self.firmware.intake
        self.post.firmware = self.firmware.label or self.post.firmware

    def look(self, now: int) -> None:
        """What the board does between its other work."""
        self.now = now
        if self.on_ms is None:
            self.on_ms = now
        if self.powered:
            asked_ms = self.post.upkeep.polled_ms
            self.firmware.look(now - self.on_ms, True, asked_ms, None)

    def cut(self) -> None:
        """Its power goes and comes back at once."""
        self.start()


class Rolling:
    """What a street of Boards does beside its light. `wanted` is the Image that lies on the gateway's disk."""

    lamps: list[Board]
    poller: Poller

    def begin(self) -> None:
        """Before the street's first event."""
        self.wanted: Image | None = None
        self.rollout: Rollout | None = None
        self._numbers = itertools.count()
        self._then = {}
        self.casts = []
        self.boots = {}

    def want(self, wanted: Image) -> None:
        self.wanted = wanted
        posts = [f"p{lamp.address}" for lamp in self.lamps]
        self.rollout = Rollout("a", posts, wanted, self)
        for address, boots in self.boots.items():
            self.rollout.online(f"p{address}", boots)

    def states(self) -> dict[str, str]:
        return {post: row["state"] for post, row in self.rollout.report().items()}

    def segments(self) -> dict[int, int]:
        """How many whole segments lie on flash, by address."""
        return {lamp.address: len(lamp.memory.incoming) // 4096 for lamp in self.lamps}

    def all_are(self, state: str) -> bool:
        return set(self.states().values()) == {state}

    def look(self) -> None:
        """Each half second."""
        for lamp in self.lamps:
            lamp.look(self.now)
        if self.rollout:
            self.rollout.tick(self.now)
        self.at(self.now + 500, self.look)

    def noticed(self, actions: list[tuple[int, object]]) -> None:
        """What the Poller has said now."""
        for _, action in actions:
            if isinstance(action, line.Online):
                self.boots[action.address] = action.boots
                if self.rollout:
                    self.rollout.online(f"p{action.address}", action.boots)
            elif isinstance(action, line.Offline):
                self.boots.pop(action.address, None)
                if self.rollout:
                    self.rollout.offline(f"p{action.address}")
            elif isinstance(action, line.Result):
                self._then.pop(action.id, lambda _: None)(action)

    # --- firmware.Deeds

    def now_ms(self) -> int:
        return self.now

    def ask(self, post, procedure, expires_ms, then, background=False) -> None:
        name = f"ask {next(self._numbers)}"
        self._then[name] = then
        self.give(line.Ask(name, int(post[1:]), procedure, self.now + expires_ms, background))

    def cast(self, bus, blocks, then) -> None:
        name = f"cast {next(self._numbers)}"
        self._then[name] = then
        self.casts.append([number for number, _, _ in blocks])
        self.give(line.Cast(name, blocks))


class FirmwareStreet(Rolling, Street):
    """Boards on a wire, each polled once in `cycle_ms`: hours of it are quick to play."""

    def __init__(self, count=3, boards=None, cycle_ms=5000, **more):
        self.begin()
        self._cycle_ms = cycle_ms
        baud = more.get("baud", 115200)
        super().__init__(
            count, lamps=boards or [Board(a, more.get("seed", 0), baud=baud) for a in range(1, count + 1)], **more
        )
        self.look()

    def make_poller(self, keys, counter, acks=None):
        random, reserve = self.random.randbytes, self.reserved.append
        return Poller(keys, BUS_KEY, self.baud, random, counter, reserve, acks, cycle_ms=self._cycle_ms)

    def kill(self) -> None:
        """kill -9 of the gateway, and its next start: all it has is the image."""
        keys = {lamp.address: bytes([lamp.address]) * 32 for lamp in self.lamps}
        self.poller = self.make_poller(keys, self.reserved[-1])
        self._then.clear()
        self.boots.clear()
        self.give(line.Clock(835_000_000_000 + self.now, 10))
        if self.wanted:
            self.want(self.wanted)

    def _gateway(self, event) -> None:
        at = len(self.said)
        super()._gateway(event)
        self.noticed(self.said[at:])


class FirmwareAir(Rolling, Air):
    """Boards without a wire."""

    def __init__(self, count=3, **more):
        self.begin()
        super().__init__(count, lamps=[Board(address, baud=0) for address in range(1, count + 1)], **more)
        self.look()

    def give(self, event) -> None:
        at = len(self.said)
        super().give(event)
        self.noticed(self.said[at:])
