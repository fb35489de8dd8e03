"""A line with a Poller and real Posts in virtual time: half duplex, wire time, losses, noise, all seeded."""

import heapq
import random

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.poll import Poller
from lamppost.post import Post
from lamppost.store.settings import Settings
from lamppost.wire import messages
from lamppost.wire.packed import AGE_MAX_MS

BUS_KEY = bytes(range(32))
PIECE_MS = 10  # a UART hands bytes over at least that often
UTC_MS = 835_000_000_000  # 2026-06-17, so that plans and clocks make sense


def post_key(address: int) -> bytes:
    return bytes([address]) * 32


class Lamp:
    """A Post with its flash; `acts` keeps what it did that is not for the bus."""

    def __init__(self, address: int, seed: int = 0, key: bytes | None = None, bus_key: bytes = BUS_KEY, baud=115200):
        self.address = address
        self.random = random.Random(seed * 1000 + address)
        settings = Settings()
        settings.put("identity", f"post-{address}")
        settings.put("address", address)
        settings.put("post-key", key or post_key(address))
        settings.put("bus-key", bus_key)
        self.baud = baud
        self.flash = {"settings": settings.to_bytes()}
        self.acts = []
        self.powered = True
        self.refuses: tuple[str, ...] = ()  # records that the flash does not take
        self.start()

    def start(self) -> None:
        """Power on: everything but the flash is new."""
        self.post = Post(self.flash.get, self.random.randbytes, baud=self.baud)
        self.wake_ms = 0

    def wipe(self) -> None:
        """Power on with a flash that has lost its counters."""
        self.flash.pop("counters", None)
        self.start()

    def look(self, now: int) -> None:
        """What a board does between its other work."""

    def handle(self, event, now: int) -> list[bytes]:
        """Return the frames it sends."""
        if not self.powered:
            self.wake_ms = now + 1000
            return []
        actions, self.wake_ms = self.post.handle(event, now)
        self.wake_ms = max(self.wake_ms, now + 1)
        frames = []
        for action in actions:
            if action[0] == "tx":
                frames.append(action[1])
            elif action[0] == "save" and action[1] in self.refuses:
                frames += self.handle(("flash", False, action[1]), now)
            elif action[0] == "save":
                self.flash[action[1]] = action[2]
            else:
                self.acts.append(action)
        return frames

    def count(self, *action) -> int:
        return sum(act == action for act in self.acts)


class Street:
    """Runs Poller and Lamps; keeps every action of the Poller with its time in `said`."""

    def __init__(self, count=3, baud=115200, seed=0, loss=0.0, noise=0.0, duplicate=0.0, store_ms=5, lamps=None):
        self.random = random.Random(seed)
        self.lamps = lamps or [Lamp(address, seed, baud=baud) for address in range(1, count + 1)]
        self.baud, self.loss, self.noise, self.duplicate, self.store_ms = baud, loss, noise, duplicate, store_ms
        self.now = 0
        self.reserved = []
        keys = {lamp.address: post_key(lamp.address) for lamp in self.lamps}
        self.poller = self.make_poller(keys, 0)
        self.said = []
        self.stored = {}  # (address, epoch, seq) -> item, as an outbox would keep it
        self.calls = 0
        self.frames = []  # (ms, sender, bytes) on the wire
        self._queue = []
        self._order = 0
        self._free_ms = 0
        self.give(line.Clock(UTC_MS, 10))

    def make_poller(self, keys, counter, acks=None):
        return Poller(keys, BUS_KEY, self.baud, self.random.randbytes, counter, self.reserved.append, acks)

    def give(self, event) -> None:
        self._gateway(event)

    def at(self, ms: int, do) -> None:
        """Call do() at this moment."""
        self._order += 1
        heapq.heappush(self._queue, (ms, self._order, do))

    def run(self, until_ms: int) -> None:
        """Let virtual time pass up to until_ms."""
        while True:
            wakes = [lamp.wake_ms for lamp in self.lamps]
            deadline = self.poller.deadline()
            times = [*wakes, *([deadline] if deadline is not None else []), *(entry[0] for entry in self._queue[:1])]
            following = max(self.now, min(times))
            if following > until_ms:
                self.now = until_ms
                return
            self.now = following
            while self._queue and self._queue[0][0] <= self.now:
                heapq.heappop(self._queue)[2]()
            for lamp in self.lamps:
                if lamp.wake_ms <= self.now:
                    self._lamp(lamp, ("tick",))
            deadline = self.poller.deadline()
            if deadline is not None and deadline <= self.now:
                self._gateway(None)

    def run_until(self, condition, most_ms: int) -> int:
        """Let time pass until condition(); the milliseconds it took."""
        start = self.now
        while not condition():
            assert self.now - start < most_ms, "it did not happen"
            self.run(self.now + 10)
        return self.now - start

    def sense(self, address: int, user_class: int = 0) -> None:
        """Somebody comes and goes."""
        lamp = self.lamp(address)
        self._lamp(lamp, ("presence", 0, 1, user_class))
        self._lamp(lamp, ("presence", 0, 0, user_class))

    def lamp(self, address: int) -> Lamp:
        return next(lamp for lamp in self.lamps if lamp.address == address)

    def of(self, kind) -> list:
        return [action for _, action in self.said if isinstance(action, kind)]

    def online(self) -> set[int]:
        there = set()
        for _, action in self.said:
            if isinstance(action, line.Online):
                there.add(action.address)
            elif isinstance(action, line.Offline):
                there.discard(action.address)
        return there

    def result(self, name: str):
        return next((action for action in self.of(line.Result) if action.id == name), None)

    def _gateway(self, event) -> None:
        self.calls += 1
        for action in self.poller.handle(event, self.now):
            if isinstance(action, line.Send):
                self._transmit(None, action.data)
                continue
            self.said.append((self.now, action))
            if isinstance(action, line.Heard) and not action.repeat and action.age_ms < AGE_MAX_MS:
                item = (action.seq, messages.PRESENCE, 0, action.input, action.user_class, 0)
                self.keep(action, [item])
                kept = line.Kept(action.address, action.epoch, action.seq)
                self.at(self.now + self.store_ms, lambda kept=kept: self._gateway(kept))
            if isinstance(action, line.Items):
                self.keep(action, action.items)
                done = line.Stored(action.address, action.epoch, max(item[0] for item in action.items))
                self.at(self.now + self.store_ms, lambda done=done: self._gateway(done))

    def keep(self, action, items) -> None:
        """The disk: what a Heard or Items brought."""
        for item in items:
            self.stored.setdefault((action.address, action.epoch, item[0]), item)

    def _lamp(self, lamp: Lamp, event) -> None:
        for frame in lamp.handle(event, self.now):
            self._transmit(lamp, frame)

    def _transmit(self, sender, data: bytes) -> None:
        """Everybody else hears it: the first bytes early, the rest in pieces as they end; an overlap garbles."""
        self.frames.append((self.now, sender and sender.address, data))
        wire_ms = -(-len(data) * 10_000 // self.baud)
        garbled = self.now < self._free_ms
        self._free_ms = max(self._free_ms, self.now + wire_ms)
        hearers = [None, *self.lamps]
        for hearer in hearers:
            if hearer is not sender and self.random.random() >= self.loss:
                times = 2 if self.random.random() < self.duplicate else 1
                heard = self._spoil(data) if garbled or self.random.random() < self.noise else data
                self._hand(hearer, heard * times, wire_ms)

    def _hand(self, hearer, data: bytes, wire_ms: int) -> None:
        first, size = min(2, len(data)), max(3, PIECE_MS * self.baud // 10_000)
        self.at(self.now + 1, lambda: self._hear(hearer, data[:first]))
        for start in range(first, len(data), size):
            piece = data[start : start + size]
            ended_ms = wire_ms if start + size >= len(data) else -(-(start + size) * 10_000 // self.baud)
            self.at(self.now + max(1, ended_ms), lambda piece=piece: self._hear(hearer, piece))

    def _hear(self, hearer, data: bytes) -> None:
        if hearer is None:
            self._gateway(line.Received(data))
        else:
            self._lamp(hearer, ("rx", data))

    def _spoil(self, data: bytes) -> bytes:
        spoiled = bytearray(data)
        for _ in range(3):
            spoiled[self.random.randrange(len(spoiled))] ^= 1 << self.random.randrange(8)
        return bytes(spoiled)
