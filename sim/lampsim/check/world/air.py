"""A line of the checker's street without a wire: the broker of a cabinet, and the real gates of those who read there.

It stands in the place of bus.Bus. What a broker does is simple: whole frames, in order for each reader, sooner or
later or (QoS 0) never; nothing to who is not connected. What a post takes of it is decided by its own AirPort, what
the gateway takes by gateway/lines/air.py. A stranger here is as strong as who holds the broker: he writes where he
likes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lamplighter.gateway.lines import air as gates
from lamppost.boards import air as edge
from lamppost.wire import frame as frames
from lamppost.wire import messages
from lamppost.wire.errors import WireError
from lampsim.check.world.bus import GATEWAY, HEARD_KEPT, STRANGER

if TYPE_CHECKING:
    from lampsim.check.world.street import Street

TOPIC = "t"
SOON_US = (1_000, 30_000)  # to a reader, on a good radio
LATE_US = (30_000, 250_000)  # where packets are repeated
LATE_SHARE = 0.03
CONNECTS_US = (300_000, 2_500_000)  # name, TLS, subscriptions; a post's pause before
NEVER_US = 1 << 62


class Air:
    """One line on a broker; `is_open`: whether the gateway is connected."""

    def __init__(self, street: Street, name: str, posts: Iterable[str]) -> None:
        self.name, self.baud = name, 0
        self.heard: list[tuple[int, bytes]] = []
        self.refused = 0
        self._street = street
        self._posts = list(posts)
        self._broker = True
        self._loss = 0.0
        self._away: set[str] = set()
        self._random = street.random_of("air", name)
        nodes = [GATEWAY, *self._posts]
        self._connection = dict.fromkeys(nodes, 0)  # its number: what was on its way to an older one is gone
        self._since_us = dict.fromkeys(nodes, NEVER_US)  # from when on there is one
        self._last_us = dict.fromkeys(nodes, 0)
        self._ports: dict[str, edge.AirPort] = {}

    @property
    def is_open(self) -> bool:
        return self._connected(GATEWAY)

    # --- who is there

    def begin(self, node: str) -> None:
        """It has its power and connects."""
        self._connection[node] += 1
        self._since_us[node] = NEVER_US
        if node in self._away or not self._broker:
            return
        at_us = self._street.loop.now_us + self._random.randrange(*CONNECTS_US)
        self._since_us[node] = at_us
        if node == GATEWAY:
            self._street.loop.at(at_us, lambda: self._street.cabinet.line_opens(self.name))

    def silence(self, node: str) -> None:
        """Its power went: so did its connection."""
        self._connection[node] += 1
        self._since_us[node] = NEVER_US

    def part(self, nodes: Iterable[str], cut: bool) -> None:
        """These nodes have no radio any more, or have it again."""
        for node in nodes:
            if cut:
                self._away.add(node)
                self._lose(node)
            else:
                self._away.discard(node)
                if node == GATEWAY or self._street.posts[node].post is not None:
                    self.begin(node)

    def set_broker(self, on: bool) -> None:
        """The broker dies with what it has, or is there again; each comes back in its own time."""
        self._broker = on
        if on:
            self.part([node for node in self._connection if node not in self._away], False)
        else:
            for node in self._connection:
                self._lose(node)

    def impair(self, loss: float, bit_error: float) -> None:
        """Frames get lost where a reader is slow; bits do not: TCP has them sent again."""
        self._loss = loss

    def _lose(self, node: str) -> None:
        there = self._connected(node)
        self.silence(node)
        if node == GATEWAY and there:
            self._street.cabinet.line_closes(self.name)

    def _connected(self, node: str) -> bool:
        return self._street.loop.now_us >= self._since_us[node]

    # --- what is said

    def write(self, node: str, data: bytes) -> None:
        """A node publishes: one frame, or (a mad program, a stranger) something else."""
        if node != STRANGER:
            if not self._connected(node):
                return
            self.heard = [*self.heard[1 - HEARD_KEPT :], (self._street.loop.now_us, data)]
            self._street.witness.sent(self.name, node, data)
        way = self._way(node, data)
        if way is None:
            return
        if way.startswith(("up/", "event/")):
            self._deliver(GATEWAY, way, data)
        if not way.startswith("up/"):
            for post in self._posts:
                self._deliver(post, way, data)

    def _way(self, node: str, data: bytes) -> str | None:
        if node == GATEWAY:
            return gates.way_down(data)
        if node != STRANGER:
            return f"{'event' if edge._is_event(data) else 'up'}/{self._street.posts[node].address}"
        try:
            frame = frames.unpack(data.strip(b"\0"))
        except WireError:
            return None  # nobody takes it, wherever he puts it
        if frame.type == messages.EVENT:
            return f"event/{frame.src}"
        if frame.dst == frames.GATEWAY:
            return f"up/{frame.src}"
        return "down/all" if frame.dst == frames.EVERYBODY else f"down/{frame.dst}"

    def _deliver(self, node: str, way: str, data: bytes) -> None:
        if not self._connected(node) or (way.startswith("down/") and not self._mine(node, way)):
            return
        if self._random.random() < self._loss:
            return
        wait_us = self._random.randrange(*(LATE_US if self._random.random() < LATE_SHARE else SOON_US))
        at_us = max(self._last_us[node] + 1, self._street.loop.now_us + wait_us)
        self._last_us[node] = at_us
        connection = self._connection[node]
        self._street.loop.at(at_us, lambda: self._read(node, connection, way, data))

    def _mine(self, post: str, way: str) -> bool:
        return way in ("down/all", f"down/{self._street.posts[post].address}")

    def _read(self, node: str, connection: int, way: str, data: bytes) -> None:
        if self._connection[node] != connection:
            return
        if node == GATEWAY:
            if gates.heard(way, data):
                self._street.heard(self.name, node, data)
            else:
                self.refused += 1
            return
        one = self._street.posts[node]
        address = one.post.settings.address if one.post is not None else 0
        if not address:
            return
        port = self._ports.get(node)
        if port is None or port._address != address:
            port = self._ports[node] = edge.AirPort({"topic": TOPIC}, lambda: address, None, bytes)
            port._address = address
        port._take(f"{TOPIC}/{way}", data)
        while port._frames:
            self._street.heard(self.name, node, port._frames.pop(0))
