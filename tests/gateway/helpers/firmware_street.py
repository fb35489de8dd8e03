"""A Street of boards that take firmware: the real Firmware on flash in memory, and a Rollout that can be killed."""

import itertools
from pathlib import Path

from street import Lamp, Street

from lamplighter.gateway import line
from lamplighter.gateway.firmware import Image, Rollout
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


class FirmwareStreet(Street):
    """`wanted` is the Image that lies on the gateway's disk."""

    def __init__(self, count=3, boards=None, **more):
        self.wanted: Image | None = None
        self.rollout: Rollout | None = None
        self._numbers = itertools.count()
        self._then = {}
        self.casts = []
        self.boots = {}
        baud = more.get("baud", 115200)
        super().__init__(
            count, lamps=boards or [Board(a, more.get("seed", 0), baud=baud) for a in range(1, count + 1)], **more
        )
        self._look()

    def want(self, wanted: Image) -> None:
        self.wanted = wanted
        posts = [f"p{lamp.address}" for lamp in self.lamps]
        self.rollout = Rollout("a", posts, wanted, self)
        for address, boots in self.boots.items():
            self.rollout.online(f"p{address}", boots)

    def kill(self) -> None:
        """kill -9 of the gateway, and its next start: all it has is the image."""
        keys = {lamp.address: bytes([lamp.address]) * 32 for lamp in self.lamps}
        self.poller = self.make_poller(keys, self.reserved[-1])
        self._then.clear()
        self.boots.clear()
        self.give(line.Clock(835_000_000_000 + self.now, 10))
        if self.wanted:
            self.want(self.wanted)

    def states(self) -> dict[str, str]:
        return {post: row["state"] for post, row in self.rollout.report().items()}

    def segments(self) -> dict[int, int]:
        """How many whole segments lie on flash, by address."""
        return {lamp.address: len(lamp.memory.incoming) // 4096 for lamp in self.lamps}

    def all_are(self, state: str) -> bool:
        return set(self.states().values()) == {state}

    def _look(self) -> None:
        for lamp in self.lamps:
            lamp.look(self.now)
        if self.rollout:
            self.rollout.tick(self.now)
        self.at(self.now + 500, self._look)

    def _gateway(self, event) -> None:
        at = len(self.said)
        super()._gateway(event)
        for _, action in self.said[at:]:
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
