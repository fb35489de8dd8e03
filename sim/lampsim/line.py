"""A simulated RS-485 line, as a pure model: bytes and microseconds in, deliveries out.

What it promises
- Half duplex, 10 bits a byte. A byte is heard when its stop bit has passed, by everyone plugged in but its sender.
- Bytes that overlap in time are garbled, and only those; where two overlap, a hearer's UART sees one damaged byte.
- A node that is sending hears nothing.
- `loss` is the chance that one hearer misses one frame whole; `bit_error` that one hearer reads one bit wrong.
- The same calls with the same seed give the same deliveries. No clock, no asyncio, nothing unbounded.

A frame, for counting and losing, ends with a 0x00 byte or with `FRAME_GAP_BYTES` of silence.
"""

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, field

BITS_PER_BYTE = 10  # start, eight data bits, stop
TRANSMIT_MAX = 1024  # bytes waiting in one node: five frames; a node with more is broken, its rest is dropped
NOBODY: frozenset[str] = frozenset()
FRAME_GAP_BYTES = 4  # Modbus ends a frame after 3.5 byte times of silence; whole bytes are enough here


@dataclass
class Counters:
    """What has passed since the line was made. `dropped` are bytes a node wrote beyond TRANSMIT_MAX."""

    bytes: int = 0
    frames: int = 0
    collisions: int = 0
    garbled: int = 0
    lost_frames: int = 0
    bit_errors: int = 0
    dropped: int = 0


@dataclass
class _Node:
    """One transceiver: the run of bytes it is sending, and what it has heard but not yet been handed."""

    plugged: bool = True
    start_us: int = 0
    end_us: int = 0
    data: bytearray = field(default_factory=bytearray)  # the current run, contiguous on the wire
    sent: int = 0
    heard: bytearray = field(default_factory=bytearray)
    heard_until_us: int = 0
    in_frame: bool = False
    missed_by: frozenset[str] = NOBODY
    colliding: bool = False


class Line:
    """One line. Times are microseconds of any clock that never goes back; a smaller `now_us` counts as the last one."""

    def __init__(
        self, baud: int, nodes: Iterable[str], seed: int = 0, loss: float = 0.0, bit_error: float = 0.0
    ) -> None:
        """`baud` 300..1,000,000; `loss` and `bit_error` are probabilities, 0 <= p < 1. Raises ValueError otherwise."""
        if not 300 <= baud <= 1_000_000:
            raise ValueError(f"baud {baud}: give 300 to 1000000")
        self.baud = baud
        self.counters = Counters()
        self._nodes = {name: _Node() for name in nodes}
        self._random = random.Random(seed)
        self._past: list[tuple[int, int, str]] = []
        self._now_us = self._busy_us = self._busy_end_us = 0
        self.impair(loss, bit_error)

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(self._nodes)

    def impair(self, loss: float, bit_error: float) -> None:
        """Set both probabilities from now on."""
        if not (0 <= loss < 1 and 0 <= bit_error < 1):
            raise ValueError(f"loss {loss}, bit error {bit_error}: probabilities from 0 to below 1")
        self._loss, self._bit_error = loss, bit_error
        self._bits_to_error = self._draw_gap()

    def write(self, node: str, data: bytes, now_us: int) -> None:
        """`node` starts to send `data` now, or right behind what it is still sending."""
        self._advance(now_us)
        sender = self._nodes[node]
        accepted = data[: self.room(node)]
        self.counters.dropped += len(data) - len(accepted)
        if not accepted or not sender.plugged:
            return
        if sender.end_us <= self._now_us:
            self._begin_run(sender)
        sender.data += accepted
        sender.end_us = self._byte_end_us(sender, len(sender.data))
        self._busy_us += max(0, sender.end_us - max(self._now_us, self._busy_end_us))
        self._busy_end_us = max(self._busy_end_us, sender.end_us)

    def due(self, now_us: int) -> list[tuple[str, bytes]]:
        """Everything heard up to `now_us` and not handed out yet: one entry a node that heard something."""
        self._advance(now_us)
        deliveries = [(name, bytes(node.heard)) for name, node in self._nodes.items() if node.heard]
        for node in self._nodes.values():
            node.heard = bytearray()
        return deliveries

    @property
    def next_due_us(self) -> int | None:
        """When the next byte on the wire ends; None when the line is silent and all is handed out."""
        if any(node.heard for node in self._nodes.values()):
            return self._now_us
        return min((self._byte_end_us(n, n.sent + 1) for n in self._sending()), default=None)

    @property
    def next_end_us(self) -> int | None:
        """When the first of the nodes now sending falls silent; None when none is."""
        return min((n.end_us for n in self._sending()), default=None)

    def room(self, node: str) -> int:
        """Bytes `node` may still write before some are dropped."""
        sender = self._nodes[node]
        return TRANSMIT_MAX - (len(sender.data) - sender.sent)

    def unplug(self, node: str) -> None:
        """Cut the node off: the rest of what it was sending is gone, and it hears nothing."""
        gone = self._nodes[node]
        gone.plugged = False
        self._forget_run(node, gone, self._now_us)
        gone.heard = bytearray()

    def plug(self, node: str) -> None:
        self._nodes[node].plugged = True

    def busy_us(self, now_us: int) -> int:
        """Microseconds up to `now_us` in which at least one node was sending. Load = difference / time passed."""
        return self._busy_us - max(0, self._busy_end_us - max(now_us, self._now_us))

    # --- time

    def _byte_end_us(self, node: _Node, count: int) -> int:
        return node.start_us + count * BITS_PER_BYTE * 1_000_000 // self.baud

    def _sending(self) -> list[_Node]:
        return [n for n in self._nodes.values() if n.sent < len(n.data)]

    def _advance(self, now_us: int) -> None:
        """Move every byte that has ended by `now_us` to those who hear it, in the order in which they end."""
        self._now_us = now_us = max(now_us, self._now_us)
        ended = [(name, n) for name, n in self._nodes.items() if self._ended(n, now_us) > n.sent]
        if len(ended) == 1:
            name, node = ended[0]
            self._carry(name, node, self._ended(node, now_us))
        elif ended:
            self._carry_in_order(ended, now_us)
        for name, node in ended:
            if node.sent == len(node.data):
                self._forget_run(name, node, node.end_us)
            elif node.sent > TRANSMIT_MAX:  # a node that never falls silent must not grow its run for ever
                node.start_us, node.data, node.sent = self._byte_end_us(node, node.sent), node.data[node.sent :], 0
        self._prune()

    def _carry_in_order(self, ended: list[tuple[str, _Node]], now_us: int) -> None:
        order = [
            (self._byte_end_us(node, i + 1), name, i)
            for name, node in ended
            for i in range(node.sent, self._ended(node, now_us))
        ]
        for _, name, i in sorted(order):
            self._carry(name, self._nodes[name], i + 1)

    def _ended(self, node: _Node, now_us: int) -> int:
        """How many bytes of the node's run have ended by `now_us`."""
        if node.sent == len(node.data):
            return node.sent
        count = ((now_us - node.start_us + 1) * self.baud - 1) // (BITS_PER_BYTE * 1_000_000)
        return max(node.sent, min(count, len(node.data)))

    def _begin_run(self, node: _Node) -> None:
        gap_us = self._now_us - node.end_us
        if gap_us * self.baud >= FRAME_GAP_BYTES * BITS_PER_BYTE * 1_000_000:
            node.in_frame = False
        node.start_us, node.data, node.sent, node.colliding = self._now_us, bytearray(), 0, False

    def _forget_run(self, name: str, node: _Node, end_us: int) -> None:
        """The run is over at `end_us`; the interval is kept while a byte that overlapped it is on its way."""
        if node.data:
            self._past.append((node.start_us, end_us, name))
        node.end_us = min(node.end_us, end_us)
        node.data, node.sent = bytearray(), 0

    def _prune(self) -> None:
        oldest = min((self._byte_end_us(n, n.sent) for n in self._sending()), default=self._now_us)
        if self._past:
            self._past = [interval for interval in self._past if interval[1] > oldest]

    # --- who hears what

    def _carry(self, name: str, sender: _Node, upto: int) -> None:
        """Hand the sender's bytes `sent..upto` to its hearers, damaged where they overlapped another's."""
        first, sender.sent = sender.sent, upto
        start_us, end_us = self._byte_end_us(sender, first), self._byte_end_us(sender, upto)
        others = self._overlapping(name, start_us, end_us)
        self.counters.bytes += upto - first
        if not others:
            self._hand_out(name, sender, bytes(sender.data[first:upto]))
            return
        for i in range(first, upto):
            self._carry_overlapped(name, sender, i, others)

    def _overlapping(self, name: str, start_us: int, end_us: int) -> list[tuple[int, int, str]]:
        running = [(n.start_us, n.end_us, other) for other, n in self._nodes.items() if n.data and other != name]
        past = [interval for interval in self._past if interval[2] != name]
        return [interval for interval in running + past if interval[0] < end_us and interval[1] > start_us]

    def _carry_overlapped(self, name: str, sender: _Node, i: int, others: list[tuple[int, int, str]]) -> None:
        start_us, end_us = self._byte_end_us(sender, i), self._byte_end_us(sender, i + 1)
        hit = frozenset(other for s, e, other in others if s < end_us and e > start_us)
        byte = sender.data[i]
        if not hit:
            self._hand_out(name, sender, bytes([byte]))
            return
        self._count_collision(sender, hit)
        # Frames are counted as they were sent, whatever the hearers make of them.
        self._follow_frame(name, sender, bytes([byte]))
        noise = bytes([byte ^ self._random.randrange(1, 256)])
        for hearer_name, hearer in self._nodes.items():
            deaf = hearer_name == name or hearer_name in hit or not hearer.plugged
            if deaf or start_us < hearer.heard_until_us:  # its UART is in the middle of the other's byte
                continue
            hearer.heard_until_us = end_us
            hearer.heard += noise

    def _count_collision(self, sender: _Node, hit: frozenset[str]) -> None:
        self.counters.garbled += 1
        if not sender.colliding and not any(self._nodes[other].colliding for other in hit):
            self.counters.collisions += 1
        sender.colliding = True

    def _hand_out(self, name: str, sender: _Node, data: bytes) -> None:
        for part, missed_by in self._follow_frame(name, sender, data):
            for hearer_name, hearer in self._nodes.items():
                if hearer_name != name and hearer.plugged and hearer_name not in missed_by:
                    hearer.heard += self._with_bit_errors(part)

    def _follow_frame(self, name: str, sender: _Node, data: bytes) -> list[tuple[bytes, frozenset[str]]]:
        """Count the frames in `data` and draw who misses them: parts, each with those who do not hear it."""
        if not self._loss:
            sender.missed_by = NOBODY
            self._count_frames(sender, data)
            return [(data, NOBODY)]
        parts = []
        while data:
            if not sender.in_frame:
                sender.missed_by = self._draw_missed(name) if data[0] else NOBODY
            end = data.find(b"\0") + 1 or len(data)
            self._count_frames(sender, data[:end])
            parts.append((data[:end], sender.missed_by))
            data = data[end:]
        return parts

    def _count_frames(self, sender: _Node, data: bytes) -> None:
        for chunk in data.split(b"\0")[:-1]:
            self.counters.frames += bool(chunk) or sender.in_frame
            sender.in_frame = False
        sender.in_frame = sender.in_frame or data[-1] != 0

    def _draw_missed(self, name: str) -> frozenset[str]:
        others = [other for other, n in self._nodes.items() if other != name and n.plugged]
        missed = frozenset(other for other in others if self._random.random() < self._loss)
        self.counters.lost_frames += len(missed)
        return missed

    # --- noise

    def _with_bit_errors(self, data: bytes) -> bytes:
        bits = 8 * len(data)
        if self._bits_to_error >= bits:
            self._bits_to_error -= bits
            return data
        wrong, at = bytearray(data), self._bits_to_error
        while at < bits:
            wrong[at // 8] ^= 1 << (at % 8)
            self.counters.bit_errors += 1
            at += 1 + self._draw_gap()
        self._bits_to_error = at - bits
        return bytes(wrong)

    def _draw_gap(self) -> int:
        """Good bits before the next bad one: geometric, so that noise costs nothing while there is none."""
        if not self._bit_error:
            return 1 << 62
        return int(math.log(1.0 - self._random.random()) / math.log1p(-self._bit_error))
