"""The line of one bus in virtual time: lampsim.line.Line, and a short cut where one node speaks alone.

What it promises
- Who hears which bytes is what `Line` says; where transmissions overlap, `Line` itself says it.
- Bytes come in pieces as a UART gives them: the first byte when it has ended (the carrier), then what has ended each
  CHUNK_US, the rest at the end of the frame.
- An undamaged frame is decoded once for all. A post with nothing to send gets it as a Frame, and only where it is for
  that post or for everybody; what the others missed is only when the line was last in use, and they are told that
  (`catch_up`) before they next want to speak. With `exact` everybody gets every byte instead; the light is the same.
- The same calls with the same seed give the same deliveries.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from lamppost.wire.errors import WireError
from lamppost.wire.frame import EVERYBODY, Frame, unpack
from lamppost.wire.messages import EVENT, GO
from lamppost.wire.post_link import event_order, event_place

from ..line import BITS_PER_BYTE, Counters, Line
from .loop import Handle, Loop
from .noise import Noise

CHUNK_US = 15_000  # USB adapters hand bytes over every 16 ms; the gateway takes 20 ms of silence for a frame cut short
LAST_US = 2_000  # a last piece that has so little to wait for the end goes with it
PAST = 32  # frames remembered for `catch_up`: the events behind one GO
RECENT = 200  # writes kept for a stranger who listens in
STEP_BYTES = 4  # where frames collide everybody hears every four bytes
FRAME_MIN = 9  # a GO, stuffed, with two delimiters


class Event(NamedTuple):
    """An EVENT that a real link has sealed: what each hearer would work out of the frame, worked out once."""

    frame: Frame
    src: int
    place: int
    order: int
    user_class: int
    age_ms: int

    @classmethod
    def of(cls, frame: Frame) -> Event:
        values = frame.values()
        place, order = event_place(frame.src, values), event_order(frame.counter, values)
        return cls(frame, frame.src, place, order, values[0], values[2])


class Station(Protocol):
    """Whatever is plugged in. `address` is 0 for a gateway, and below 0 for a stranger, whose frames nobody takes on
    trust; `listening` whether every byte matters to it now."""

    name: str
    address: int
    listening: bool

    def hear(self, data: bytes) -> None: ...
    def hear_late(self, data: bytes, at_us: int) -> None: ...
    def hear_frame(self, frame: Frame, sender: str) -> None: ...
    def cares(self, src: int) -> bool:
        """Whether an EVENT of that address can mean anything to it; Wire.retable tells that this has changed."""
        ...

    def passed(self, kind: int, src: int, dst: int, end_us: int) -> None: ...


class Deaf:
    """A station that does nothing with what it hears; others are made from it."""

    name, address, listening = "?deaf", -1, False

    def hear(self, data: bytes) -> None:
        pass

    def hear_late(self, data: bytes, at_us: int) -> None:
        self.hear(data)

    def hear_frame(self, frame: Frame, sender: str) -> None:
        pass

    def cares(self, src: int) -> bool:
        return False

    def passed(self, kind: int, src: int, dst: int, end_us: int) -> None:
        pass


class _Run:
    """One write while nobody else sends. `given` counts the bytes each hearer has, `copies` are damaged ones."""

    __slots__ = ("carrying", "copies", "data", "end_us", "frame", "given", "missed", "node", "start_us", "steps")

    def __init__(self, node: str, data: bytes, start_us: int, end_us: int):
        self.node, self.data, self.start_us, self.end_us = node, data, start_us, end_us
        self.frame: Frame | None = None
        self.given: dict[str, int] = {}
        self.copies: dict[str, bytes] = {}
        self.missed: set[str] = set()
        self.steps: list[Handle] = []
        self.carrying = False  # somebody hears it piece by piece


class Wire:
    """One line at `baud`. `sent(node, data)` is told of every write."""

    def __init__(
        self, loop: Loop, baud: int, seed: object, exact: bool = False, sent: Callable[[str, bytes], None] | None = None
    ) -> None:
        self.counters = Counters()
        self.baud = baud
        self.exact = exact
        self.stations: dict[str, Station] = {}
        self.recent: deque[tuple[int, bytes]] = deque(maxlen=RECENT)  # when and what
        self.speaker = ""  # whose frame is being handed out
        self.event: Event | None = None  # and what it is, where it is an EVENT
        self._loop = loop
        self._sent = sent
        self._byte_us = BITS_PER_BYTE * 1_000_000 / baud
        self._random = random.Random(f"{seed} wire")
        self._noise = Noise(self._random, self.counters)
        self._run: _Run | None = None
        self._queue: list[bytes] = []  # what the node that speaks alone has still to say
        self._line: Line | None = None  # while transmissions overlap
        self._skip: dict[str, int] = {}
        self._step: Handle | None = None
        self._step_us = 0
        self._past: list[tuple[int, int, int, int, str, set[str]]] = []  # end, type, src, dst, sender, who missed it
        self._busy_us = 0
        self._by_address: dict[int, Station] = {}
        self.listeners: dict[str, Station] = {}  # those who hear every byte; gateways always
        self._caring: dict[int, list[Station]] = {}  # by the address of a post that says an EVENT

    # --- who is there

    def plug(self, station: Station) -> None:
        self.stations[station.name] = station
        self.retable()
        self._by_address[station.address] = station
        if self.exact or not station.address or station.listening:
            self.listeners[station.name] = station

    def unplug(self, station: Station) -> None:
        """Cut a node off: the rest of what it was sending is gone, and it hears nothing."""
        run = self._run
        if run is not None and run.node == station.name and self._loop.now_us < run.end_us:
            self._overlap()
        if self._line is not None:
            self._collide()
        if self._line is not None and station.name in self._line.nodes:
            self._line.unplug(station.name)
        self.stations.pop(station.name, None)
        self.retable()
        self.listeners.pop(station.name, None)
        if self._by_address.get(station.address) is station:
            del self._by_address[station.address]

    def retable(self) -> None:
        """Some station cares for other posts than before."""
        self._caring.clear()

    def listen(self, station: Station, listening: bool) -> None:
        """A station has, or has no more, a use for every byte."""
        if listening:
            if station.name not in self.listeners and station.name in self.stations:
                self.listeners[station.name] = station
                if self._run is not None and station.name != self._run.node:
                    self._join(self._run, station)
        elif not self.exact and station.address:
            self.listeners.pop(station.name, None)

    def impair(self, loss: float = 0.0, bit_error: float = 0.0) -> None:
        """From now on: the chance that one hearer misses one frame, and that it reads one bit wrong; 0 <= p < 1."""
        self._noise.impair(loss, bit_error)
        if self._line is not None:
            self._line.impair(loss, bit_error)

    @property
    def busy_us(self) -> int:
        """Microseconds in which somebody was sending, up to the end of what has begun."""
        return self._busy_us

    def catch_up(self, station: Station, since_us: int) -> int:
        """Tell a station that has heard nothing since `since_us` when the line was last in use; return the moment."""
        past = self._past
        first = len(past)
        while first and past[first - 1][0] > since_us:
            first -= 1
        for end_us, kind, src, dst, sender, missed in past[first:]:
            if sender != station.name and station.name not in missed:
                station.passed(kind, src, dst, end_us)
                since_us = end_us
        run = self._run
        if run is not None and run.node != station.name and self._join(run, station):
            return self._loop.now_us
        return since_us

    # --- speaking

    def send(self, node: str, data: bytes) -> None:
        """`node` begins to send now, or right behind what it is still sending."""
        if node not in self.stations or not data:
            return
        if self.stations[node].address >= 0:
            self.recent.append((self._loop.now_us, data))
        if self._sent:
            self._sent(node, data)
        now_us = self._loop.now_us
        if self._run is not None and self._run.end_us <= now_us:
            self._finish()
        if self._line is not None:
            if node in self._line.nodes:  # one that was plugged in a moment ago waits for the line to fall silent
                self._line.write(node, data, now_us)
                self._plan_step()
        elif self._run is None:
            self._begin(node, data, now_us)
        elif self._run.node == node:
            self._queue.append(data)
        else:
            self._overlap().write(node, data, now_us)

    def _begin(self, node: str, data: bytes, now_us: int) -> None:
        end_us = now_us + self._span_us(len(data))
        self._run = run = _Run(node, data, now_us, end_us)
        self._busy_us += end_us - now_us
        run.frame = _frame_in(data) if self.stations[node].address >= 0 else None
        if self._noise:
            self._noise.damage(run.node, run.data, self.stations, run.missed, run.copies)
        if len(self.listeners) > (node in self.listeners):
            self._carry(run, now_us + self._span_us(1))
        run.steps.append(self._loop.at(end_us, self._finish))

    def _carry(self, run: _Run, at_us: int) -> None:
        run.carrying = True
        if at_us < run.end_us:
            run.steps.append(self._loop.at(at_us, self._carrier))

    def _carrier(self) -> None:
        """The first byte has ended, or another CHUNK_US of a long frame."""
        run = self._run
        if run is None:
            return
        ended = self._ended(run, self._loop.now_us)
        if self._loop.now_us + CHUNK_US + LAST_US < run.end_us:
            self._carry(run, self._loop.now_us + CHUNK_US)
        for station in list(self.listeners.values()):
            if station.name != run.node:
                self._give(run, station, ended)

    def _join(self, run: _Run, station: Station) -> bool:
        """Hand what had come by the last piece to a station that begins to listen now; return whether it heard any."""
        first_us = run.start_us + self._span_us(1)
        late_us = self._loop.now_us - first_us
        piece_us = first_us + late_us // CHUNK_US * CHUNK_US
        if not run.carrying:
            if late_us < 0:
                self._carry(run, first_us)
            elif piece_us + CHUNK_US + LAST_US < run.end_us:  # as _carrier: no piece just before the end
                self._carry(run, piece_us + CHUNK_US)
            run.carrying = True
        if late_us < 0 or station.name in run.missed:
            return False
        if station.name not in run.given:
            upto = run.given[station.name] = self._ended(run, piece_us)
            station.hear_late(run.copies.get(station.name, run.data)[:upto], piece_us)
        return True

    def _give(self, run: _Run, station: Station, upto: int) -> None:
        if station.name in run.missed:
            return
        data = run.copies.get(station.name, run.data)
        given = run.given.get(station.name, 0)
        if upto > given:
            run.given[station.name] = upto
            station.hear(data[given:upto])

    def _finish(self) -> None:
        """What was said alone has ended: everybody gets it, or the rest of it."""
        run, self._run = self._run, None
        if run is None:
            return
        for step in run.steps:
            self._loop.cancel(step)
        self.counters.bytes += len(run.data)
        self.counters.frames += 1
        frame = run.frame
        kind, src, dst = (frame.type, frame.src, frame.dst) if frame else (0, 255, 255)
        self._past.append((run.end_us, kind, src, dst, run.node, run.missed))
        if len(self._past) > PAST:
            del self._past[0]
        if self._queue:
            self._begin(run.node, self._queue.pop(0), run.end_us)
        self.speaker = run.node
        if frame is None or run.copies or self.exact:
            self._finish_bytes(run)
        elif dst == EVERYBODY:
            self._finish_broadcast(run, frame)
        else:
            self._finish_single(run, frame)
        self.speaker = ""

    def _finish_bytes(self, run: _Run) -> None:
        for station in list(self.stations.values()):
            if station.name != run.node:
                self._give(run, station, len(run.data))

    def _finish_broadcast(self, run: _Run, frame: Frame) -> None:
        node, missed, listeners = run.node, run.missed, self.listeners
        if frame.type == EVENT:
            self.event = Event.of(frame)
            hearers = self._caring.get(frame.src)
            if hearers is None:
                hearers = [station for station in self.stations.values() if station.cares(frame.src)]
                self._caring[frame.src] = hearers
        elif frame.type == GO and frame.values()[0] > frame.values()[1]:
            hearers = []  # it only acknowledges, and who waits for that listens
        else:
            hearers = list(self.stations.values())
        for station in hearers:
            name = station.name
            if name != node and name not in missed and name not in listeners and name not in run.given:
                station.hear_frame(frame, node)
        self.event = None
        for name in [*listeners, *(name for name in run.given if name not in listeners)]:
            if name != node and name in self.stations:
                self._give(run, self.stations[name], len(run.data))

    def _finish_single(self, run: _Run, frame: Frame) -> None:
        target = self._by_address.get(frame.dst)
        for station in list(self.listeners.values()):
            if station.name != run.node and station is not target:
                self._give(run, station, len(run.data))
        for name in [name for name in run.given if name not in self.listeners and name in self.stations]:
            self._give(run, self.stations[name], len(run.data))
        if target is None or target.name == run.node or target.name in run.missed:
            return
        if target.name in self.listeners or target.name in run.given:
            self._give(run, target, len(run.data))
        else:
            target.hear_frame(frame, run.node)

    # --- speaking at the same time

    def _overlap(self) -> Line:
        """Hand what is under way to a Line, which knows who hears what of bytes that meet."""
        run, self._run = self._run, None
        line = Line(self.baud, self.stations, self._random.getrandbits(32), *self._noise.chances)
        self._line, self._skip = line, {}
        if run is not None:
            for step in run.steps:
                self._loop.cancel(step)
            self._skip = run.given
            line.write(run.node, run.data, run.start_us)
            for data in self._queue:
                line.write(run.node, data, run.start_us)
            self._queue = []
        self._plan_step(line.next_due_us)
        return line

    def _plan_step(self, first_us: int | None = None) -> None:
        """Look at the bytes that meet: when the first of them has ended, which shows that somebody speaks, and then
        each STEP_BYTES."""
        at_us = first_us
        if at_us is None:
            at_us = self._loop.now_us + self._span_us(STEP_BYTES)
            end_us = self._line.next_end_us if self._line is not None else None
            at_us = at_us if end_us is None or end_us <= self._loop.now_us else min(at_us, end_us)
        if self._step is not None:
            if self._step_us <= at_us:
                return
            self._loop.cancel(self._step)
        self._step, self._step_us = self._loop.at(at_us, self._collide), at_us

    def _collide(self) -> None:
        line, self._step = self._line, None
        if line is None:
            return
        now_us = self._loop.now_us
        heard = line.due(now_us)
        if line.next_due_us is None:
            self._line = None
            self._busy_us += line.busy_us(now_us)
            self._add(line.counters)
            self._past.append((now_us, 0, 255, 255, "", set()))
        else:
            self._plan_step()
        for name, data in heard:
            skip = min(self._skip.get(name, 0), len(data))
            if skip:
                self._skip[name] -= skip
            if data[skip:] and name in self.stations:
                self.stations[name].hear(data[skip:])

    def _add(self, more: Counters) -> None:
        for name, value in vars(more).items():
            setattr(self.counters, name, getattr(self.counters, name) + value)

    # --- time

    def _span_us(self, count: int) -> int:
        return count * BITS_PER_BYTE * 1_000_000 // self.baud

    def _ended(self, run: _Run, now_us: int) -> int:
        """How many bytes of a run have ended by then."""
        count = ((now_us - run.start_us + 1) * self.baud - 1) // (BITS_PER_BYTE * 1_000_000)
        return max(0, min(count, len(run.data)))


def _frame_in(data: bytes) -> Frame | None:
    """The one whole frame that a write is, else None."""
    if len(data) < FRAME_MIN or data[0] or data[-1] or data.find(0, 1) != len(data) - 1:
        return None
    try:
        return unpack(data[1:-1])
    except WireError:
        return None
