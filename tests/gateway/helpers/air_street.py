"""A street without a wire in virtual time: real posts, a real scheduler, and a broker that takes its time."""

import heapq
import itertools
import random
from collections.abc import Callable

from street import BUS_KEY, UTC_MS, Lamp, post_key

from lamplighter.gateway.lines import air, line
from lamplighter.gateway.lines.air_poll import AirPoller
from lamppost.wire import messages
from lamppost.wire.frame import unpack

CYCLE_MS = 2000


class Air:
    """A broker in virtual time: each frame takes `least` to `most` milliseconds to each who may hear it."""

    def __init__(
        self, count: int = 4, least: int = 1, most: int = 10, seed: int = 1, lamps=None, lost: float = 0.0
    ) -> None:
        self.random = random.Random(seed)
        self.lamps = lamps or [Lamp(address, seed, baud=0) for address in range(1, count + 1)]
        keys = {lamp.address: post_key(lamp.address) for lamp in self.lamps}
        self.poller = AirPoller(
            keys, BUS_KEY, 0, self.random.randbytes, 0, lambda n: None, cycle_ms=CYCLE_MS, aliases=(200,), turn_ms=0
        )
        self.span, self.lost, self.now, self.gone = (least, most), lost, 0, False
        self.said: list[tuple[int, tuple]] = []
        self.sent: list[tuple[int, str, bytes]] = []  # (ms, topic, frame)
        self.queue: list[tuple[int, object, bytes]] = []
        self._order = itertools.count()
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self.give(line.Clock(UTC_MS, 10))

    def give(self, event) -> None:
        for action in self.poller.handle(event, self.now):
            if isinstance(action, line.Send):
                self._send(air.way_down(action.data), action.data)
                continue
            self.said.append((self.now, action))
            if isinstance(action, line.Items):
                top = max(item[0] for item in action.items)
                self.give(line.Stored(action.address, action.epoch, top))
            elif isinstance(action, line.Heard) and not action.repeat:
                self.give(line.Kept(action.address, action.epoch, action.seq))

    def lamp(self, lamp: Lamp, event) -> None:
        for data in lamp.handle(event, self.now):
            kind = "event" if unpack(data[1:-1]).type == messages.EVENT else "up"
            self._send(f"{kind}/{lamp.address}", data, lamp)

    def _send(self, way, data: bytes, sender=None) -> None:
        self.sent.append((self.now, way, data))
        if sender is not None:
            assert air.heard(way, data)
            if not self.gone:
                self._later(self.poller, data)
        for lamp in self.lamps:
            mine = way in ("down/all", f"down/{lamp.address}") or way.startswith("event/")
            if mine and lamp is not sender:
                self._later(lamp, data)

    def _later(self, who, data: bytes) -> None:
        if self.lost and self.random.random() < self.lost:
            return
        self.queue.append((self.now + self.random.randint(*self.span), who, data))

    def at(self, ms: int, do: Callable[[], None]) -> None:
        """Call do() at this moment."""
        heapq.heappush(self._due, (ms, next(self._order), do))

    def run_until(self, condition: Callable[[], bool], most_ms: int) -> int:
        """Let time pass until condition(); the milliseconds it took."""
        start = self.now
        while not condition():
            assert self.now - start < most_ms, "it did not happen"
            self.run(self.now + 10)
        return self.now - start

    def run(self, until_ms: int) -> None:
        while True:
            times = [lamp.wake_ms for lamp in self.lamps] + [entry[0] for entry in self.queue + self._due[:1]]
            deadline = None if self.gone else self.poller.deadline()
            following = max(self.now, min(times + ([deadline] if deadline is not None else [])))
            if following > until_ms:
                self.now = until_ms
                return
            self.now = following
            while self._due and self._due[0][0] <= self.now:
                heapq.heappop(self._due)[2]()
            due = [entry for entry in self.queue if entry[0] <= self.now]
            self.queue = [entry for entry in self.queue if entry[0] > self.now]
            for _, who, data in due:
                if who is self.poller:
                    self.give(line.Received(data))
                else:
                    self.lamp(who, ("rx", data))
            for lamp in self.lamps:
                if lamp.wake_ms <= self.now:
                    self.lamp(lamp, ("tick",))
            if deadline is not None and deadline <= self.now:
                self.give(None)

    def of(self, kind: type) -> list:
        return [action for _, action in self.said if isinstance(action, kind)]
