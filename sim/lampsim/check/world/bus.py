"""A line of the checker's street: every byte passes the real line model (lampsim.line)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lampsim.line import Line

if TYPE_CHECKING:
    from lampsim.check.world.street import Street

GATEWAY, STRANGER = "gateway", "stranger"  # the names on a line that are no posts
HEARD_KEPT = 200  # frames of each line that an eavesdropper keeps
HAND_OVER_US = 12_000  # a port hands over what has come at least this often, also inside a frame


class Bus:
    """One line: two wires' worth of it, so that a cable that is cut leaves two halves that each still work."""

    def __init__(self, street: Street, name: str, baud: int, posts: Iterable[str]) -> None:
        self.name, self.baud = name, baud
        self.heard: list[tuple[int, bytes]] = []
        nodes = [GATEWAY, STRANGER, *posts]
        self._street = street
        self._halves = [Line(baud, nodes, street.random_of("line", name, half).getrandbits(32)) for half in (0, 1)]
        self._side = dict.fromkeys(nodes, 0)
        for node in nodes:
            self._halves[1].unplug(node)

    def impair(self, loss: float, bit_error: float) -> None:
        for half in self._halves:
            half.impair(loss, bit_error)

    def part(self, nodes: Iterable[str], cut: bool) -> None:
        """Cut these nodes off from the rest, or join them again."""
        for node in nodes:
            self._halves[self._side[node]].unplug(node)
            self._side[node] = int(cut)
            self._halves[self._side[node]].plug(node)

    def silence(self, node: str) -> None:
        """Its power went: what it was sending is gone."""
        half = self._halves[self._side[node]]
        half.unplug(node)
        half.plug(node)

    is_open = True  # to the gateway: a wire always is

    def begin(self, node: str) -> None:
        """It has its power."""

    def write(self, node: str, data: bytes) -> None:
        now = self._street.loop.now_us
        if node != STRANGER:
            self.heard = [*self.heard[1 - HEARD_KEPT :], (now, data)]
            self._street.witness.sent(self.name, node, data)
        half = self._halves[self._side[node]]
        self._pump(half)
        half.write(node, data, now)
        self._wake(half, half.next_due_us)  # the first byte, which everybody feels as a busy line

    def _wake(self, half: Line, due_us: int | None) -> None:
        if due_us is not None:
            self._street.loop.at(due_us, lambda: self._pump(half))

    def _pump(self, half: Line) -> None:
        for node, data in half.due(self._street.loop.now_us):
            self._street.heard(self.name, node, data)
        end_us = half.next_end_us
        if end_us is not None:
            self._wake(half, min(end_us, self._street.loop.now_us + HAND_OVER_US))
