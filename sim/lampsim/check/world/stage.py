"""The checker's street as the stage on which faults play (lampsim.faults.base.Stage)."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lamppost.wire import cbor
from lamppost.wire.post_link import PostLink
from lampsim.check.world.air import Air
from lampsim.check.world.bus import STRANGER
from lampsim.check.world.firmware import DELIVERED, Firmware, image_of, next_version
from lampsim.check.world.flash import HOWS, Plan
from lampsim.check.worlds import key_of

if TYPE_CHECKING:
    from lampsim.check.world.post import StreetPost
    from lampsim.check.world.street import Street

WRITES_WORN = 10_000_000  # edge/FALLBACKS.md
PLACED_US = 5_000_000  # a technician writes an address again
OLD_US = 2_000_000  # a recording: sooner, nobody can tell it from an echo of the line


class StreetStage:
    """What a fault may do to `street`."""

    def __init__(self, street: Street) -> None:
        self._street, self.loop = street, street.loop
        self._newest_firmware = DELIVERED

    def note(self, *words: str) -> None:
        """A fault says what it does: a case replays, and nobody reads it here."""

    def utc_ms(self) -> int:
        return self._street.utc_ms()

    def impair(self, line: str, loss: float, bit_error: float) -> None:
        self._street.buses[line].impair(loss, bit_error)

    def part(self, line: str, posts: Iterable[str], cut: bool) -> None:
        self._street.buses[line].part(posts, cut)

    def inject(self, line: str, data: bytes) -> None:
        """A stranger on the line sends bytes."""
        self._street.witness.hostile(line, data)
        self._street.buses[line].write(STRANGER, data)

    def babble(self, post: str, data: bytes) -> None:
        """The program of a post has gone mad and sends this, unless the post is off or is to keep silent."""
        one = self._street.posts[post]
        if one.post is not None and not (one.post.line and one.post.clock.t_ms < one.post.line.silent_ms):
            one.bus.write(post, data)

    def forge(self, post: str, ahead: int, user_class: int) -> None:
        """Whoever has the key of the line says an event in the name of a post, with the number of the item that it
        makes next plus `ahead`."""
        one = self._street.posts[post]
        if one.post is not None:
            number = max(1, one.post.items.next_seq + ahead)
            link = PostLink(one.address, bytes(32), key_of(self._street.spec.seed, one.bus.name), bytes)
            data = link.event(number, user_class, 0)
            self._street.witness.forged(one.bus.name, post, number, data)
            one.bus.write(STRANGER, data)

    def overheard(self, line: str) -> list[bytes]:
        """The last frames on a line, oldest first, that are at least OLD_US old."""
        return [data for at, data in self._street.buses[line].heard if at < self.loop.now_us - OLD_US]

    def power(self, post: str, on: bool) -> None:
        if on:
            self._street.posts[post].start()
        else:
            self._street.posts[post].stop()

    def power_torn(self, post: str, draw: random.Random) -> None:
        """The power of a post goes in the middle of its next write to flash."""
        self._street.posts[post].flash.cuts = [Plan(0, "torn", draw, -1)]

    def cut_flash(self, post: str, kind: str, after: int, again: int, draw: random.Random) -> None:
        """The power of a post goes `again` times at an operation of its flash, the first time after `after` of them;
        each time it is back within seconds."""
        flash = self._street.posts[post].flash
        flash.cuts = [Plan(after, kind, draw, draw.randrange(100_000, 3_000_000))]
        for _ in range(again - 1):
            how = draw.choice(HOWS)
            flash.cuts.append(Plan(draw.randrange(4), how, draw, draw.randrange(100_000, 3_000_000)))

    def refuse_flash(self, post: str, refuses: bool) -> None:
        """The flash of a post is worn: it takes nothing any more, or again."""
        self._street.posts[post].flash.refuses = refuses

    def age_flash(self, post: str) -> None:
        """A post starts anew, and its record of what it has counted says ten million writes."""
        one = self._street.posts[post]
        self.power(post, False)
        raw = one.journal.get("life")
        counts = cbor.decode(raw) if raw else [0, 0, 0, 0, 0, []]
        record = cbor.encode([*counts[:2], WRITES_WORN, *counts[3:]])
        for _ in range(2):  # both copies
            one.journal.put("life", record)
        one.worn = True
        self.power(post, True)

    def send_firmware(self, post: str, kind: str, cuts: int, for_s: float, draw: random.Random) -> None:
        """Somebody sends a post an image, whose power goes `cuts` times at an operation of its flash meanwhile."""
        one = self._street.posts[post]
        self._equip(one)
        if one.firmware is None:
            return
        self._newest_firmware = next_version(self._newest_firmware, False)
        one.firmware.send(self._newest_firmware, kind, draw, self.loop.now_us + round(for_s * 1e6))
        one.flash.cuts = [
            Plan(draw.randrange(12), draw.choice(HOWS), draw, draw.randrange(100_000, 3_000_000)) for _ in range(cuts)
        ]

    def _equip(self, one: StreetPost) -> None:
        """It takes firmware; but it was to be equipped in a workshop, long ago, where its flash still worked."""
        if one.firmware is None and not one.flash.refuses and not one.flash.cuts:
            one.firmware = Firmware(self._street, one)

    def cast(self, kind: str, draw: random.Random) -> None:
        """The office wants an image on all posts of the gateway."""
        for one in self._street.posts.values():
            self._equip(one)
        self._newest_firmware = version = next_version(self._newest_firmware, True)
        self._street.cabinet.casts.want(version, kind, image_of(version, kind, draw))

    def take_back(self) -> None:
        """The office wants no firmware any more."""
        self._street.cabinet.casts.take_back()

    def say_block(self, line: str, kind: str, draw: random.Random) -> None:
        """A stranger says a block of an image, when the gateway has said one."""
        data = self._street.cabinet.casts.hostile(line, kind, draw)
        if data is not None:
            self.loop.at(self._street.cabinet.casts.free_us.get(line, 0), lambda: self._say_block(line, kind, data))

    def _say_block(self, line: str, kind: str, data: bytes) -> None:
        if kind == "stolen":
            self._street.witness.sent(line, STRANGER, data)  # who has the bus key is as good as the gateway, to a block
        self._street.buses[line].write(STRANGER, data)

    def drift(self, post: str, ppm: int) -> None:
        self._street.posts[post].set_drift(ppm)

    def set_clock(self, post: str, ahead_s: int) -> None:
        """An RTC tells the post a time that is `ahead_s` off."""
        utc_ms = self.utc_ms() + ahead_s * 1000
        self._street.posts[post].handle(("clock", utc_ms // 1000, utc_ms % 1000))

    def set_gateway_clock(self, ahead_s: int) -> None:
        self._street.cabinet.set_clock(ahead_s)

    def set_sensor(self, post: str, mode: str) -> None:
        self._street.posts[post].sensor = mode
        if mode == "stuck":
            self._street.posts[post].handle(("presence", 0, 1, 0))
        else:
            for user_class in range(3):
                there = mode == "" and self._street.there.get((post, user_class), 0) > 0
                self._street.posts[post].handle(("presence", user_class, int(there), user_class))

    def set_lamp(self, post: str, works: bool) -> None:
        self._street.posts[post].instruments.spoil("lamp", "" if works else "dead")

    def spoil(self, post: str, part: str, kind: str) -> None:
        """A part of a post is no good any more, or (kind "") again."""
        self._street.posts[post].instruments.spoil(part, kind)

    def set_temperature(self, post: str, temperature_dc: int) -> None:
        self._street.posts[post].instruments.heat(temperature_dc)

    def set_gateway(self, on: bool) -> None:
        if on:
            self._street.cabinet.start()
        else:
            self._street.cabinet.kill()

    def set_broker(self, on: bool) -> None:
        self._street.cabinet.centre.set_broker(on)

    def set_line_broker(self, line: str, on: bool) -> None:
        """The broker of a line without a wire dies, or is started again."""
        bus = self._street.buses[line]
        if isinstance(bus, Air):
            bus.set_broker(on)

    def set_disk(self, kind: str) -> None:
        """ "page": the gateway's store cannot grow; "byte": nothing can be written; "": there is room again."""
        assert self._street.cabinet.disk is not None
        self._street.cabinet.disk.fill(kind)

    def damage_store(self, kind: str, draw: random.Random) -> None:
        """Spoil the file of the gateway, which is not running."""
        assert self._street.cabinet.disk is not None
        self._street.cabinet.disk.damage(kind, draw)

    def roll(self, line: str, bus: bool, posts: Iterable[str]) -> None:
        """The operator asks for new keys: of a line, and of posts."""
        self._street.cabinet.keys.wish({line: b""} if bus else {}, dict.fromkeys(posts, b""))

    def stolen(self, line: str) -> None:
        """Somebody says what he can with the bus keys that were in force on a line once."""
        for data in self._street.cabinet.keys.thief(line):
            self.inject(line, data)

    def unplace(self, post: str) -> None:
        """Somebody clears the address of a post at its service port, and says so to the operator."""
        one = self._street.posts[post]
        if one.post is not None:
            one.post.configure("address", 0, one.ran_ms())
            one.handle(("tick",))
            if one.bus.baud:
                self._street.cabinet.search_for(post)
            else:  # who gives it its place at the broker gives it its address
                self.loop.at(self.loop.now_us + PLACED_US, lambda: self._place(one))

    def _place(self, one: StreetPost) -> None:
        if one.post is None:
            self.loop.at(self.loop.now_us + PLACED_US, lambda: self._place(one))
        else:
            one.post.configure("address", one.address, one.ran_ms())
            one.handle(("tick",))

    def replay_requests(self) -> None:
        self._street.cabinet.requests.replay()

    def send_plan(self, post: str, raw: bytes) -> None:
        """The gateway sends a post these bytes as its plan, whatever they are."""
        self._street.cabinet.plans.force(post, raw)
