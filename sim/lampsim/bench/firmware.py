"""Firmware for all posts of a line, in virtual time: how long it takes, and what presence waits meanwhile.

The real Post, Firmware, Poller and Rollout on a line true to the byte. "In turn" is the same brought to one post of
that line, by the same code, times the number of posts: what it would take to serve one after the other.
"""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import NamedTuple

from lamplighter.firmware_image import Image
from lamplighter.gateway.lines import line
from lamplighter.gateway.wanted.firmware import Answered, Rollout
from lamplighter.provision import image as images
from lamplighter.provision.secret_key import SecretKey

from ..finding import Bench, quantiles
from ..virtual.firmware import Flash, VirtualFirmware
from ..virtual.post import VirtualPost

KEY = SecretKey(bytes(range(32)), b"testtest")
LOOK_US = 500_000
START_US = 3_000_000  # a board starts again
LIMIT_S = 6 * 3600


class Row(NamedTuple):
    """One transfer. Times in seconds until the last post had all of it, and until the last ran it; `blocks` said, of
    which so many were needed; milliseconds from a sensor's edge to the gateway, [count, p50, p99, most]."""

    posts: int
    baud: int
    loss: float
    size: int
    sent_s: float
    running_s: float
    in_turn_s: float
    blocks: int
    needed: int
    event_ms_before: list[float]
    event_ms_during: list[float]


def build(size: int, board: str = "rp2", version: int = 2, label: str = "0.2.0") -> Image:
    """A signed image of about `size` bytes, in files of 4 KB."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "version.py").write_text(label)
        for number in range(max(1, (size - 9000) // 4096)):
            (folder / f"m{number}.mpy").write_bytes(bytes((number + i * 7) % 251 for i in range(4096)))
        return Image.read(images.make(folder, board, version, 0, label, KEY).data)


class FirmwarePost(VirtualPost):
    """A VirtualPost whose board takes firmware."""

    memory: Flash | None = None

    def power_on(self) -> None:
        if self.memory is None:
            self.memory = Flash()
        super().power_on()
        self.firmware = VirtualFirmware(self.memory, "rp2", KEY.public_text(), self._restart)
        assert self.post is not None
        self.post.intake = self.firmware.intake
        self.post.firmware = self.firmware.label or self.post.firmware

    def look(self) -> None:
        """What the board does between its other work."""
        if self.post is not None:
            self.firmware.look(self.t_ms(), True, self.post.upkeep.polled_ms, None)

    def _restart(self) -> None:
        self.power_off()
        self._loop.after(START_US, self.power_on)


class FirmwareBench(Bench):
    """A line whose posts take firmware; `rollout` runs once `want` was called."""

    make = FirmwarePost

    def __init__(self, baud: int, posts: int, loss: float, seed: int) -> None:
        self.rollout: Rollout | None = None
        self.blocks = 0
        self.most_us = 0
        self._boots: dict[str, int] = {}
        self._then: dict[str, Answered] = {}
        self._numbers = itertools.count()
        super().__init__(baud, 0, posts, loss, seed)
        self.wire.exact = False

    def want(self, image: Image, posts: list[str]) -> None:
        self.rollout = Rollout("bus0", posts, image, self)
        for post, boots in self._boots.items():
            if post in posts:
                self.rollout.online(post, boots)
        self._look()

    def run_until(self, state: str | None, image: Image, posts: list[str]) -> float:
        """Seconds until all have the whole image (None), or are in this state. Raises TimeoutError."""
        began_us = self.loop.now_us
        while not self._is(state, image, posts):
            if self.loop.now_us - began_us > LIMIT_S * 1_000_000:
                raise TimeoutError(f"not done after {LIMIT_S} s")
            self.loop.run_until(self.loop.now_us + 100_000)
        return (self.loop.now_us - began_us) / 1e6

    def take(self, port, action: tuple) -> None:
        if isinstance(action, line.Result):
            self._then.pop(action.id, lambda result: None)(action)
            return
        super().take(port, action)
        name = f"b{getattr(action, 'address', 0)}"
        if isinstance(action, line.Online):
            self._boots[name] = action.boots
            if self.rollout and name in self.rollout.report():
                self.rollout.online(name, action.boots)
        elif isinstance(action, line.Offline):
            self._boots.pop(name, None)
            if self.rollout and name in self.rollout.report():
                self.rollout.offline(name)

    # --- firmware.Deeds

    def now_ms(self) -> int:
        return self.loop.now_us // 1000

    def ask(self, post: str, procedure, expires_ms: int, then: Answered, background: bool = False) -> None:
        name = f"ask {next(self._numbers)}"
        self._then[name] = then
        address = int(post[1:])
        self.port.handle(line.Ask(name, address, procedure, self.now_ms() + expires_ms, background))

    def cast(self, bus: str, blocks: list[tuple[int, bytes, bytes]], then: Answered) -> None:
        name = f"cast {next(self._numbers)}"
        self._then[name] = then
        self.blocks += len(blocks)
        self.port.handle(line.Cast(name, blocks))

    def _is(self, state: str | None, image: Image, posts: list[str]) -> bool:
        assert self.rollout is not None
        if state is not None:
            return all(row["state"] in (state, "installed") for row in self.rollout.report().values())
        there = [self.posts[post] for post in posts]
        return all(
            isinstance(p, FirmwarePost) and p.memory and len(p.memory.incoming) == len(image.data) for p in there
        )

    def _look(self) -> None:
        for post in self.posts.values():
            assert isinstance(post, FirmwarePost)
            post.look()
        if self.rollout is not None:
            self.rollout.tick(self.now_ms())
        self.loop.after(LOOK_US, self._look)


def measure(posts: int, baud: int, loss: float, image: Image, seed: int) -> Row:
    """One transfer to all, and one to a single post."""
    names = [f"b{number}" for number in range(1, posts + 1)]
    bench = _ready(posts, baud, loss, seed)
    bench.sense()
    bench.loop.run_until(bench.loop.now_us + 120_000_000)
    before, bench.waits_us = bench.waits_us, []
    bench.want(image, names)
    sent_s = bench.run_until(None, image, names)
    during, blocks = bench.waits_us, bench.blocks
    running_s = sent_s + bench.run_until("trial", image, names)
    alone = _ready(posts, baud, loss, seed)
    alone.sense()
    alone.want(image, names[:1])
    one_s = alone.run_until(None, image, names[:1])
    return Row(
        posts, baud, loss, len(image.data), round(sent_s, 1), round(running_s, 1), round(one_s * posts, 1), blocks,
        -(-len(image.data) // 128), _waits(before), _waits(during),
    )  # fmt: skip


def _ready(posts: int, baud: int, loss: float, seed: int) -> FirmwareBench:
    bench = FirmwareBench(baud, posts, loss, seed)
    bench.start()
    while len(bench.online) < posts:
        if bench.loop.now_us > LIMIT_S * 1_000_000:
            raise TimeoutError("not every post opens a session")
        bench.loop.run_until(bench.loop.now_us + 100_000)
    return bench


def _waits(waits_us: list[int]) -> list[float]:
    return [*quantiles(waits_us), max(waits_us, default=0) / 1000]
