"""A small street for the checker, byte-true: every byte passes a real line model, real decoders and real posts.

The big engine (`lampsim.virtual`) takes short cuts that thousands of posts need; here nothing is cut short, because
what is being looked for hides in the short cuts. Virtual time is microseconds; a Spec (worlds.py) and a fault plan
decide everything. A Witness sees every event of every post before and after it was handled.

What a fault may do to it is the protocol `lampsim.faults.base.Stage`.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from lamppost.limits import TICKS_MASK
from lamppost.post import Post
from lamppost.store.settings import Settings
from lamppost.wire.post_link import PostLink
from lampsim.check.cabinet import Cabinet
from lampsim.check.firmware import DELIVERED, Firmware, image_of, next_version
from lampsim.check.flash import HOWS, Cut, Flash, Plan, Watched
from lampsim.check.instruments import Instruments
from lampsim.check.worlds import Spec, key_of
from lampsim.line import Line

if TYPE_CHECKING:
    from lampsim.check.promises import Witness
    from lampsim.faults.base import Fault

GATEWAY, STRANGER = "gateway", "stranger"  # the names on a line that are no posts
SAMPLE_US = 5_000_000  # how often the witness looks when nothing happens: well inside any hold
HEARD_KEPT = 200  # frames of each line that an eavesdropper keeps
HAND_OVER_US = 12_000  # a port hands over what has come at least this often, also inside a frame
LUX_US = 60_000_000
OLD_US = 2_000_000  # a recording: sooner, nobody can tell it from an echo of the line
TICKS_SPAN_MS = 1_800_000


class Loop:
    """Callbacks in the order of their time; those of one moment in the order in which they were asked for."""

    def __init__(self) -> None:
        self.now_us = 0
        self._heap: list[tuple[int, int, Callable[[], Any]]] = []
        self._order = 0

    def at(self, t_us: int, callback: Callable[[], Any]) -> None:
        self._order += 1
        heapq.heappush(self._heap, (max(t_us, self.now_us), self._order, callback))

    def run_until(self, t_us: int) -> None:
        while self._heap and self._heap[0][0] <= t_us:
            self.now_us, _, callback = heapq.heappop(self._heap)
            callback()
        self.now_us = t_us


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


class StreetPost:
    """A real Post with simulated flash, ticks, sensor and lamp."""

    def __init__(self, street: Street, name: str, bus: Bus, address: int, drift_ppm: int) -> None:
        self.name, self.bus, self.address, self.drift_ppm = name, bus, address, drift_ppm
        self.post: Post | None = None
        self.sensor = ""  # "dead" and "stuck" are its faults
        self._rx = b""
        self._street = street
        self.flash = Flash(self._cut)
        self.states: dict[str, tuple[bytes | None, bytes | None]] = {}  # what each record may be: old, new
        self.journal = Watched(self.flash, self.states)
        self.instruments = Instruments(street, self)
        self.firmware: Firmware | None = None  # of a post to which some is sent
        self.on_us = 0  # when its power last came
        self._refused = False
        self.starts = 0
        self._random = street.random_of("post", name)
        self._since_us = self._ran_ms = self._base = self._wake_order = 0
        settings = Settings()
        for key, value in street.settings_of(name, address).items():
            settings.put(key, value)
        self.journal.put("settings", settings.to_bytes())

    # --- flash

    def _cut(self, back_us: int) -> None:
        """An operation of the flash was cut: so is the post."""
        self._street.power(self.name, False)
        if back_us >= 0:
            self._street.loop.at(self._street.loop.now_us + back_us, self.start)

    def _save(self, name: str, data: bytes) -> tuple | None:
        """Write a record; what the board then says to the Post. Cut where the power goes."""
        try:
            self.journal.put(name, data)
        except OSError:
            before, self._refused = self._refused, True
            return None if before else ("flash", False)
        before, self._refused = self._refused, False
        return ("flash", True) if before else None

    # --- power

    def start(self) -> None:
        if self.post is not None:
            return
        self.journal = Watched(self.flash, self.states)
        self._refused = False
        self._since_us = self.on_us = self._street.loop.now_us
        self._ran_ms = 0
        self.starts += 1
        self._street.witness.recovered(self)
        if self.firmware is not None:
            try:
                self.firmware.start()
            except Cut:
                return
        self._base = TICKS_MASK - self._random.randrange(TICKS_SPAN_MS)  # so that many wrap during a run
        self.post = Post(self.journal.get, self._random.randbytes, self.bus.baud)
        if self.firmware is not None:
            self.firmware.started()
        self._street.witness.booted(self)
        self.handle(("tick",))
        self.instruments.start()

    def stop(self) -> None:
        if self.post is None:
            return
        self._street.witness.stopped(self)
        self.post, self._rx = None, b""
        if self.firmware is not None:
            self.firmware.stopped()
        self._wake_order += 1
        self.bus.silence(self.name)

    # --- events

    def hear(self, data: bytes) -> None:
        """Bytes from the line. While nothing waits to be said, the first byte of a frame waits for its last."""
        post = self.post
        if post is not None:
            self._rx += data
            if (data[-1] == 0 and len(self._rx) > 1) or post.line is None or post.line.deadline() is not None:
                self.handle(("rx", b""))

    def handle(self, event: tuple) -> None:
        """Give the Post an event and do what it says, in order, until the power goes."""
        if self._rx:
            data, self._rx = self._rx, b""
            self._handle(("rx", data))
        if event != ("rx", b""):
            self._handle(event)

    def _handle(self, event: tuple) -> None:
        post = self.post
        if post is None:
            return
        witness = self._street.witness
        witness.before(self, event)
        try:
            actions, deadline = post.handle(event, self.ticks())
        except Cut:  # a block that it wanted to write
            return
        witness.after(self, event, actions)
        told = None
        for action in actions:
            if self.post is not post:
                return
            if action[0] == "tx":
                self.bus.write(self.name, action[1])
            elif action[0] == "lamp":
                self.instruments.lamp(action[1], action[2])
            elif action[0] == "save":
                try:
                    told = self._save(action[1], action[2]) or told
                except Cut:
                    return
        if self.post is post:
            witness.did(self)
            self._sleep((deadline - self.ticks()) & TICKS_MASK)
            if told:
                self._handle(told)

    def ticks(self) -> int:
        return (self._base + self.ran_ms()) & TICKS_MASK

    def ran_ms(self) -> int:
        """Milliseconds since it was started, by its own crystal."""
        us = self._street.loop.now_us - self._since_us
        return self._ran_ms + us * (1_000_000 + self.drift_ppm) // 1_000_000_000

    def set_drift(self, ppm: int) -> None:
        self._since_us, self._ran_ms = self._street.loop.now_us, self.ran_ms()
        self.drift_ppm = ppm

    def _sleep(self, wait_ms: int) -> None:
        if wait_ms > TICKS_MASK // 2:  # the deadline has passed while it spoke
            wait_ms = 0
        self._wake_order = order = self._wake_order + 1
        wait_us = (wait_ms * 1000 + 1000) * 1_000_000 // (1_000_000 + self.drift_ppm)
        self._street.loop.at(self._street.loop.now_us + wait_us, lambda: self._wake(order))

    def _wake(self, order: int) -> None:
        if order == self._wake_order:
            self.handle(("tick",))


class Street:
    """The world of one check. `run` plays it to its end; the Witness raises Broken where a promise is."""

    def __init__(self, spec: Spec, faults: Iterable[Fault], witness: Witness) -> None:
        self.spec, self.witness, self.loop = spec, witness, Loop()
        self.faults = list(faults)
        self.gateway_clock_ms = 0
        self.clock_was_wrong = False
        self.newest_firmware = DELIVERED
        self.notes: list[tuple[int, str]] = []
        self._there: dict[tuple[str, int], int] = {}
        self.buses: dict[str, Bus] = {}
        self.posts: dict[str, StreetPost] = {}
        for bus, names in spec.lines.items():
            self.buses[bus] = Bus(self, bus, spec.baud, names)
            for address, name in enumerate(names, 1):
                drift = self.random_of("drift", name).randrange(-60, 61)
                self.posts[name] = StreetPost(self, name, self.buses[bus], address, drift)
        self.cabinet = Cabinet(self)
        witness.begin(self)

    def run(self) -> None:
        """The whole of it: `spec.duration_s` with people and faults, then `spec.quiet_s` in which all must be well."""
        for post in self.posts.values():
            delay = self.random_of("start", post.name).randrange(2_000_000)
            self.loop.at(delay, post.start)
        self.cabinet.start()
        for moment_s, name, active, user_class in self.spec.detections:
            self.loop.at(round(moment_s * 1e6), lambda n=name, a=active, u=user_class: self.sense(n, a, u))
        for request in self.spec.requests:
            self.loop.at(round(request.at_s * 1e6), lambda r=request: self.cabinet.request(r))
        for moment_s, plan in self.spec.plans:
            self.loop.at(round(moment_s * 1e6), lambda p=plan: self.cabinet.desire(p))
        for fault in self.faults:
            self.loop.at(round(fault.at_s * 1e6), lambda f=fault: f.apply(self))
        self._sample()
        self.cabinet.look()
        self._daylight()
        self.loop.run_until(round(self.spec.duration_s * 1e6))
        self.witness.quiet()
        self.cabinet.casts.quiet()
        self.loop.run_until(round((self.spec.duration_s + self.spec.quiet_s) * 1e6))
        self.cabinet.casts.settle()
        self.witness.end()

    def close(self) -> None:
        """Leave nothing behind on this machine."""
        self.cabinet.casts.remove()
        if self.cabinet.disk is not None:
            self.cabinet.disk.remove()

    # --- the world

    def utc_ms(self) -> int:
        """The true time, milliseconds since 2000."""
        return self.spec.start_utc_s * 1000 + self.loop.now_us // 1000

    def heard(self, bus: str, node: str, data: bytes) -> None:
        if node == GATEWAY:
            self.cabinet.received(bus, data)
        elif node != STRANGER:
            self.posts[node].hear(data)

    def sense(self, name: str, active: int, user_class: int) -> None:
        """Somebody comes or goes. A sensor has an input for each class, and says only that somebody is there."""
        there = self._there.get((name, user_class), 0)
        self._there[name, user_class] = there + (1 if active else -1)
        if there == (0 if active else 1) and not self.posts[name].sensor:
            self.posts[name].handle(("presence", user_class, active, user_class))

    def lux(self) -> int:
        return self.spec.lux(self.utc_ms() // 1000)

    def random_of(self, *name: object) -> random.Random:
        return random.Random(self.seed_of(*name))

    def seed_of(self, *name: object) -> str:
        return f"{self.spec.seed}/{name}"  # random.Random hashes a string with SHA-512: the same on every machine

    def settings_of(self, name: str, address: int) -> dict[str, Any]:
        keys = {"post-key": key_of(self.spec.seed, name), "bus-key": key_of(self.spec.seed, self.spec.bus_of(name))}
        return {"identity": name, "address": address, "reading-s": self.spec.reading_s} | keys

    # --- what faults may do: lampsim.faults.base.Stage

    def note(self, *words: str) -> None:
        self.notes.append((self.loop.now_us, " ".join(words)))

    def impair(self, line: str, loss: float, bit_error: float) -> None:
        self.buses[line].impair(loss, bit_error)

    def part(self, line: str, posts: Iterable[str], cut: bool) -> None:
        self.buses[line].part(posts, cut)

    def inject(self, line: str, data: bytes) -> None:
        """A stranger on the line sends bytes."""
        self.witness.hostile(line, data)
        self.buses[line].write(STRANGER, data)

    def babble(self, post: str, data: bytes) -> None:
        """The program of a post has gone mad and sends this, unless the post is off or is to keep silent."""
        one = self.posts[post]
        if one.post is not None and not (one.post.line and one.post.clock.t_ms < one.post.line.silent_ms):
            one.bus.write(post, data)

    def forge(self, post: str, ahead: int, user_class: int) -> None:
        """Whoever has the key of the line says an event in the name of a post, with the number of the item that it
        makes next plus `ahead`."""
        one = self.posts[post]
        if one.post is not None:
            number = max(1, one.post.items.next_seq + ahead)
            link = PostLink(one.address, bytes(32), key_of(self.spec.seed, one.bus.name), bytes)
            data = link.event(number, user_class, 0)
            self.witness.forged(one.bus.name, post, number, data)
            one.bus.write(STRANGER, data)

    def overheard(self, line: str) -> list[bytes]:
        """The last frames on a line, oldest first, that are at least OLD_US old."""
        return [data for at, data in self.buses[line].heard if at < self.loop.now_us - OLD_US]

    def power(self, post: str, on: bool) -> None:
        if on:
            self.posts[post].start()
        else:
            self.posts[post].stop()

    def power_torn(self, post: str, draw: random.Random) -> None:
        """The power of a post goes in the middle of its next write to flash."""
        self.posts[post].flash.cuts = [Plan(0, "torn", draw, -1)]

    def cut_flash(self, post: str, kind: str, after: int, again: int, draw: random.Random) -> None:
        """The power of a post goes `again` times at an operation of its flash, the first time after `after` of them;
        each time it is back within seconds."""
        flash = self.posts[post].flash
        flash.cuts = [Plan(after, kind, draw, draw.randrange(100_000, 3_000_000))]
        for _ in range(again - 1):
            how = draw.choice(HOWS)
            flash.cuts.append(Plan(draw.randrange(4), how, draw, draw.randrange(100_000, 3_000_000)))

    def refuse_flash(self, post: str, refuses: bool) -> None:
        """The flash of a post is worn: it takes nothing any more, or again."""
        self.posts[post].flash.refuses = refuses

    def send_firmware(self, post: str, kind: str, cuts: int, for_s: float, draw: random.Random) -> None:
        """Somebody sends a post an image, whose power goes `cuts` times at an operation of its flash meanwhile."""
        one = self.posts[post]
        self._equip(one)
        if one.firmware is None:
            return
        self.newest_firmware = next_version(self.newest_firmware, False)
        one.firmware.send(self.newest_firmware, kind, draw, self.loop.now_us + round(for_s * 1e6))
        one.flash.cuts = [
            Plan(draw.randrange(12), draw.choice(HOWS), draw, draw.randrange(100_000, 3_000_000)) for _ in range(cuts)
        ]

    def _equip(self, one: StreetPost) -> None:
        """It takes firmware; but it was to be equipped in a workshop, long ago, where its flash still worked."""
        if one.firmware is None and not one.flash.refuses and not one.flash.cuts:
            one.firmware = Firmware(self, one)

    def cast(self, kind: str, draw: random.Random) -> None:
        """The office wants an image on all posts of the gateway."""
        for one in self.posts.values():
            self._equip(one)
        self.newest_firmware = version = next_version(self.newest_firmware, True)
        self.cabinet.casts.want(version, kind, image_of(version, kind, draw))

    def take_back(self) -> None:
        """The office wants no firmware any more."""
        self.cabinet.casts.take_back()

    def say_block(self, line: str, kind: str, draw: random.Random) -> None:
        """A stranger says a block of an image, when the gateway has said one."""
        data = self.cabinet.casts.hostile(line, kind, draw)
        if data is not None:
            self.loop.at(self.cabinet.casts.free_us.get(line, 0), lambda: self._say_block(line, kind, data))

    def _say_block(self, line: str, kind: str, data: bytes) -> None:
        if kind == "stolen":
            self.witness.sent(line, STRANGER, data)  # who has the bus key is as good as the gateway, to a block
        self.buses[line].write(STRANGER, data)

    def drift(self, post: str, ppm: int) -> None:
        self.posts[post].set_drift(ppm)

    def set_clock(self, post: str, ahead_s: int) -> None:
        """An RTC tells the post a time that is `ahead_s` off."""
        self.witness.clock_wrong(post, ahead_s)
        utc_ms = self.utc_ms() + ahead_s * 1000
        self.posts[post].handle(("clock", utc_ms // 1000, utc_ms % 1000))

    def set_gateway_clock(self, ahead_s: int) -> None:
        self.gateway_clock_ms = ahead_s * 1000
        self.clock_was_wrong |= ahead_s != 0
        self.cabinet.tell_time()

    def set_sensor(self, post: str, mode: str) -> None:
        self.posts[post].sensor = mode
        if mode == "stuck":
            self.posts[post].handle(("presence", 0, 1, 0))
        else:
            for user_class in range(3):
                there = mode == "" and self._there.get((post, user_class), 0) > 0
                self.posts[post].handle(("presence", user_class, int(there), user_class))

    def set_lamp(self, post: str, works: bool) -> None:
        self.posts[post].instruments.spoil("lamp", "" if works else "dead")

    def spoil(self, post: str, part: str, kind: str) -> None:
        """A part of a post is no good any more, or (kind "") again."""
        self.posts[post].instruments.spoil(part, kind)

    def set_temperature(self, post: str, temperature_dc: int) -> None:
        self.posts[post].instruments.heat(temperature_dc)

    def set_gateway(self, on: bool) -> None:
        if on:
            self.cabinet.start()
        else:
            self.cabinet.kill()

    def set_broker(self, on: bool) -> None:
        self.cabinet.set_broker(on)

    def set_disk(self, kind: str) -> None:
        """ "page": the gateway's store cannot grow; "byte": nothing can be written; "": there is room again."""
        assert self.cabinet.disk is not None
        self.cabinet.disk.fill(kind)

    def damage_store(self, kind: str, draw: random.Random) -> None:
        """Spoil the file of the gateway, which is not running."""
        assert self.cabinet.disk is not None
        self.cabinet.disk.damage(kind, draw)

    def roll(self, line: str, bus: bool, posts: Iterable[str]) -> None:
        """The operator asks for new keys: of a line, and of posts."""
        self.cabinet.keys.wish({line: b""} if bus else {}, dict.fromkeys(posts, b""))

    def stolen(self, line: str) -> None:
        """Somebody says what he can with the bus keys that were in force on a line once."""
        for data in self.cabinet.keys.thief(line):
            self.inject(line, data)

    def unplace(self, post: str) -> None:
        """Somebody clears the address of a post at its service port, and says so to the operator."""
        one = self.posts[post]
        if one.post is not None:
            one.post.configure("address", 0, one.ran_ms())
            one.handle(("tick",))
            self.cabinet.search_for(post)

    def replay_requests(self) -> None:
        self.cabinet.replay()

    def send_plan(self, post: str, raw: bytes) -> None:
        """The gateway sends a post these bytes as its plan, whatever they are."""
        self.cabinet.send_plan(post, raw)

    # --- by the clock

    def _sample(self) -> None:
        for post in self.posts.values():
            self.witness.look(post)
        self.loop.at(self.loop.now_us + SAMPLE_US, self._sample)

    def _daylight(self) -> None:
        for post in self.posts.values():
            if "photocell" in post.instruments.has:
                post.handle(("lux", post.instruments.lux()))
        self.loop.at(self.loop.now_us + LUX_US, self._daylight)
