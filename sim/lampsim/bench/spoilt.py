"""A line in virtual time that does to what is heard what cables, adapters and converters do: one kind of fault each.

What it promises
- Only what is heard changes: who speaks when is left to the real posts and the gateway.
- Each hearer is spoilt by itself, from one seed; pieces reach a hearer in the order in which they were said.
- Bounded: nothing is later than LATE_US, nothing is said more than once again.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from ..virtual.loop import Loop
from ..virtual.wire import Deaf, Station, Wire

LATE_US = 60_000  # of an Ethernet converter or a busy USB hub
PIECE_US = 12_000  # between two pieces: USB adapters hand bytes over every 16 ms at the most
AGAIN = 0.3  # share of frames that a hearer gets twice
LOSSES = (0.0, 0.05, 0.1, 0.2, 0.4)  # one after the other, in equal parts of a run
BIT_ERRORS = (0.0001, 0.0005, 0.001, 0.002)  # at the last, one HELLO_OK in three comes through
NOISE_BYTES = 60
NOISE_US = 40_000  # between two bursts, at the most twice that

KINDS = {
    "loss": "each hearer misses up to 40 % of the frames",
    "bits": "each hearer reads up to one bit in 500 wrong",
    "split": "bytes come in pieces, with pauses",
    "duplicate": "frames come twice",
    "echo": "whoever speaks hears itself",
    "delay": "bytes come late",
    "jabber": "a broken node sends noise",
    "all": "all of these at once, milder",
}


class Ears(Deaf):
    """What stands between the line and one station; `kind` as in KINDS, "" hears what there is."""

    def __init__(self, loop: Loop, station: Station, kind: str, seed: object):
        self.name, self.address, self.listening = station.name, station.address, True
        self.kind = kind
        self._loop, self._station = loop, station
        self._draw = random.Random(f"{seed} {station.name}")
        self._free_us = 0
        self._piece = bytearray()

    def hear(self, data: bytes) -> None:
        kind, draw = self.kind, self._draw
        often = 1.0 if kind != "all" else 0.2
        if kind in ("split", "all") and draw.random() < often:
            while data:
                cut = draw.randint(1, len(data))
                self.give(data[:cut], draw.randrange(PIECE_US))
                data = data[cut:]
        elif kind in ("delay", "all") and draw.random() < often:
            self.give(data, draw.randrange(LATE_US))
        else:
            self.give(data, 0)
        if kind in ("duplicate", "all"):
            self._twice(data)

    def give(self, data: bytes, late_us: int) -> None:
        """Let the station hear it so much later, behind what it has not heard yet."""
        now_us = self._loop.now_us
        at_us = min(max(now_us + late_us, self._free_us), now_us + LATE_US)
        if at_us <= now_us and self._free_us <= now_us:
            self._station.hear(data)
            return
        self._free_us = max(at_us, self._free_us)
        self._loop.at(self._free_us, lambda: self._station.hear(data))

    def _twice(self, data: bytes) -> None:
        self._piece += data
        if not self._piece.endswith(b"\0") or not self._piece.strip(b"\0"):
            return
        frame, self._piece = bytes(self._piece), bytearray()
        if self._draw.random() < AGAIN:
            self.give(frame, self._draw.randrange(LATE_US))


class SpoiltWire(Wire):
    """`calm` ends the fault; `said(node, data)` is told of every write, before it is heard."""

    def __init__(self, loop: Loop, baud: int, seed: object, kind: str, said: Callable[[str, bytes], None]):
        super().__init__(loop, baud, seed, exact=True, sent=said)
        self.kind = kind
        self._spoilt_loop = loop
        self._fault_seed = f"{seed} spoilt"
        self._chance = random.Random(f"{seed} noise")
        self.ears: dict[str, Ears] = {}
        self._calm = False
        if kind in ("jabber", "all"):
            self._babble()

    def plug(self, station: Station) -> None:
        ears = self.ears.get(station.name)
        if ears is None:
            ears = self.ears[station.name] = Ears(self._spoilt_loop, station, self.kind, self._fault_seed)
        super().plug(ears)

    def part(self, share: float) -> None:
        """How much of the run is over, 0 to 1: loss and bit errors grow with it."""
        if self._calm:
            return
        loss = LOSSES[min(int(share * len(LOSSES)), len(LOSSES) - 1)]
        bits = BIT_ERRORS[min(int(share * len(BIT_ERRORS)), len(BIT_ERRORS) - 1)]
        if self.kind == "all":
            self.impair(min(loss, 0.1), min(bits, 0.0005))
        else:
            self.impair(loss if self.kind == "loss" else 0.0, bits if self.kind == "bits" else 0.0)

    def calm(self) -> None:
        """From now on the line is as it should be."""
        self._calm = True
        self.impair(0.0, 0.0)
        for ears in self.ears.values():
            ears.kind = ""

    def send(self, node: str, data: bytes) -> None:
        super().send(node, data)
        if self.kind in ("echo", "all") and not self._calm and node in self.ears and node in self.stations:
            self._spoilt_loop.after(self._span_us(len(data)), lambda: self.ears[node].give(data, 0))

    def _babble(self) -> None:
        if self._calm:
            return
        if self._chance.random() < (1.0 if self.kind == "jabber" else 0.1):
            if Jabber.name not in self.stations:
                super().plug(Jabber())
            super().send(Jabber.name, self._chance.randbytes(self._chance.randint(1, NOISE_BYTES)))
        self._spoilt_loop.after(self._chance.randint(NOISE_US // 4, 2 * NOISE_US), self._babble)


class Jabber(Deaf):
    """A node that hears nothing and says nonsense."""

    name, address = "?jabber", -2
