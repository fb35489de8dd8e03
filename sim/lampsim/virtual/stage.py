"""A World as the stage on which faults play (lampsim.faults.base.Stage).

What it promises
- Every fault of the registry works here as on the checker's small street; what is undone is what the World had before.
- The one who has no key sits on the gateway's side of a line, hears every frame, and nothing he says is taken on trust.
- A fault that names what is not there is refused before it begins (`fits`).
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lamplighter.gateway.lines.procedures import send_plan
from lamppost.limits import DERATE_FROM_DC
from lamppost.wire.post_link import PostLink

from ..faults.base import Fault, Shape
from ..faults.fit import fits
from .store import Store
from .wire import Deaf, Wire

if TYPE_CHECKING:
    from .world import World

OLD_US = 2_000_000  # recordings younger than that nobody can tell from an echo of the line
POWER_US = 50_000_000  # a broken lamp's power sensor tells again, before the post takes its value for old
HEAT_US = 300_000_000  # and a hot driver's thermometer
PLAN_EXPIRES_MS = 60_000


class Stranger(Deaf):
    """Somebody who has clipped a cable to the line: speaks, and answers nobody. What he hears is Wire.recent."""

    name = "?stranger"  # nothing else can be called so


class WorldStage:
    """What a fault may do to `world`."""

    def __init__(self, world: World) -> None:
        self.world, self.loop, self.posts = world, world.loop, world.posts
        self._far: dict[str, Wire] = {}
        self.lost_items: set[tuple[str, int]] = set()  # (post, seq), in a database that was damaged
        self.stores_lost = 0
        self._heat: dict[str, int] = {}  # what the thermometer of a post shows
        self.forged = 0  # events that somebody said with a stolen bus key

    def shape(self, duration_s: float) -> Shape:
        """For drawing faults that fit this world."""
        lines: dict[str, list[str]] = {line: [] for line in self.world.wires}
        for lamp in self.world.town.lamps:
            lines[lamp.bus].append(lamp.id)
        return Shape({line: tuple(posts) for line, posts in lines.items()}, duration_s)

    def fits(self, fault: Fault) -> None:
        """Raises FaultPlanError where a fault means nothing in this world."""
        fits(fault, self.shape(0).lines)

    # --- the Stage protocol

    def note(self, *words: str) -> None:
        self.world.note("", *words)

    def utc_ms(self) -> int:
        """The true time, milliseconds since 2000."""
        return self.world.start_utc_s * 1000 + self.loop.now_us // 1000

    def impair(self, line: str, loss: float, bit_error: float) -> None:
        """Never better than the world's own lines."""
        options = self.world.options
        for wire in (self.world.wires[line], self._far.get(line)):
            if wire is not None:
                wire.impair(max(loss, options.loss), max(bit_error, options.bit_error))

    def part(self, line: str, posts: Iterable[str], cut: bool) -> None:
        """Cut these posts off from the rest of their line, or join them again."""
        if line not in self._far:
            self._far[line] = self.world.new_wire(f"{line}+")
        wire = self._far[line] if cut else self.world.wires[line]
        for post in posts:
            if self.posts[post].wire is not wire:
                self.posts[post].plug(wire)

    def inject(self, line: str, data: bytes) -> None:
        wire = self.world.wires[line]
        if Stranger.name not in wire.stations:
            wire.plug(Stranger())
        wire.send(Stranger.name, data)

    def babble(self, post: str, data: bytes) -> None:
        """The program of a post has gone mad and sends this, unless the post is off or is to keep silent."""
        one = self.posts[post]
        if one.post is not None and one.plugged and not (one.post.line and one.t_ms() < one.post.line.silent_ms):
            one.wire.send(post, data)

    def forge(self, post: str, ahead: int, user_class: int) -> None:
        """Whoever has the key of the line says an event in the name of a post, with the number of the item that it
        makes next plus `ahead`."""
        one = self.posts[post]
        if one.post is not None:
            self.forged += 1
            link = PostLink(one.address, bytes(32), bytes(32), bytes)
            link.bus = one._bus_key
            self.inject(self.world._bus_of[post], link.event(max(1, one.post.items.next_seq + ahead), user_class, 0))

    def overheard(self, line: str) -> list[bytes]:
        """The last frames on a line, oldest first, that are at least OLD_US old."""
        return [data for at_us, data in self.world.wires[line].recent if at_us < self.loop.now_us - OLD_US]

    def power(self, post: str, on: bool) -> None:
        one = self.posts[post]
        one.flash_write = None  # a torn write that has not come will not come any more
        (one.power_on if on else one.power_off)()

    def power_torn(self, post: str, draw: random.Random) -> None:
        """The power of a post goes in the middle of its next write to flash."""
        one = self.posts[post]

        def torn(name: str, data: bytes) -> bytes:
            one.flash_write = None
            one.power_off()
            return data[: draw.randrange(len(data))]

        one.flash_write = torn

    def cut_flash(self, post: str, kind: str, after: int, again: int, draw: random.Random) -> None:
        """The power of a post goes `again` times at a write to its flash, the first time after `after` of them; each
        time it is back within seconds."""
        one, due = self.posts[post], [(after, kind)]
        due += [(draw.randrange(4), draw.choice(("done", "absent", "torn", "garbage"))) for _ in range(again - 1)]

        def cut(name: str, data: bytes) -> bytes:
            left, how = due.pop(0)
            if left:
                due.insert(0, (left - 1, how))
                return data
            one.flash_write = cut if due else None
            one.power_off()
            self.loop.at(self.loop.now_us + draw.randrange(100_000, 3_000_000), one.power_on)
            if how == "done":
                return data
            if how == "absent":
                return one.flash.get(name, b"")
            return data[: draw.randrange(len(data))] if how == "torn" else draw.randbytes(len(data))

        one.flash_write = cut

    def age_flash(self, post: str) -> None:
        """A run of the simulator has no use for it: nothing but a report comes of it."""

    def refuse_flash(self, post: str, refuses: bool) -> None:
        """The flash of a post takes nothing any more, or again."""

        def refuse(name: str, data: bytes) -> bytes:
            raise OSError(5, "the flash refuses")

        self.posts[post].flash_write = refuse if refuses else None

    def send_firmware(self, post: str, kind: str, cuts: int, for_s: float, draw: random.Random) -> None:
        """A World's posts have no folders that an image could be written to."""

    def cast(self, kind: str, draw: random.Random) -> None:
        """As send_firmware."""

    def take_back(self) -> None:
        """Nothing was wanted."""

    def say_block(self, line: str, kind: str, draw: random.Random) -> None:
        """There is no image whose blocks could be spoilt."""

    def drift(self, post: str, ppm: int) -> None:
        self.posts[post].set_drift(ppm)

    def set_clock(self, post: str, ahead_s: int) -> None:
        """An RTC tells the post a time that is `ahead_s` off."""
        utc_ms = self.utc_ms() + ahead_s * 1000
        self.posts[post].give(("clock", utc_ms // 1000, utc_ms % 1000))

    def set_gateway_clock(self, ahead_s: int) -> None:
        self.world.step_clock(ahead_s * 1000 - self.world.clock_step_ms)

    def set_sensor(self, post: str, mode: str) -> None:
        self.posts[post].set_sensor(mode)

    def set_lamp(self, post: str, works: bool) -> None:
        one = self.posts[post]
        if one.lamp_failed is works:
            one.lamp_failed = not works
            self.world.show(post)
            self._tell_power(post)

    def spoil(self, post: str, part: str, kind: str) -> None:
        """A part of a post is no good any more, or (kind "") again. A World's posts measure no mains and have no relay;
        of lamps only those tell of their power that do not burn."""
        one = self.posts[post]
        if part == "door":
            one.give(("door", bool(kind)))
        elif part == "photocell":
            one.give(("lux", {"dark": 0, "bright": 1000}.get(kind)))
        elif part == "lamp" and kind in ("", "dead"):
            self.set_lamp(post, not kind)

    def set_temperature(self, post: str, temperature_dc: int) -> None:
        self._heat[post] = temperature_dc
        self._tell_heat(post)

    def set_gateway(self, on: bool) -> None:
        for gateway in self.world.gateways.values():
            if on:
                gateway.start()
            elif gateway.running:
                gateway.kill()

    def set_broker(self, on: bool) -> None:
        for gateway in self.world.gateways.values():
            if on:
                gateway.connect(True)
            else:
                gateway.lose_broker()

    def set_disk(self, kind: str) -> None:
        """Nothing can be stored, or there is room again (kind ""). A store in memory knows no half of it."""
        for gateway in self.world.gateways.values():
            gateway.store.room = not kind

    def damage_store(self, kind: str, draw: random.Random) -> None:
        """The gateways, which are not running, begin again with an empty store; `lost_items` is what was in it."""
        self.stores_lost += 1
        for gateway in self.world.gateways.values():
            held = gateway.store.rows.values()
            self.lost_items.update((entry.post, entry.item[0]) for entry in held)
            room, gateway.store = gateway.store.room, Store(f"{draw.getrandbits(32):08x}")
            gateway.store.room = room

    def roll(self, line: str, bus: bool, posts: Iterable[str]) -> None:
        """A World's posts share the seals of their line, so that a city can be played: their keys stay."""

    def stolen(self, line: str) -> None:
        """No key was in force before."""

    def unplace(self, post: str) -> None:
        """A World's lines are made for the addresses that they begin with."""

    def set_line_broker(self, line: str, on: bool) -> None:
        """All lines of a World are wires."""

    def replay_requests(self) -> None:
        """Nobody asks anything in a World."""

    def send_plan(self, post: str, raw: bytes) -> None:
        """The gateway sends a post these bytes as its plan, whatever they are."""
        gateway = next(one for one in self.world.gateways.values() if post in one.posts)
        if gateway.running:
            gateway.ask(post, send_plan(raw), PLAN_EXPIRES_MS, lambda result: None)

    # ---

    def _tell_heat(self, post: str) -> None:
        """A thermometer that shows nothing any more would soon not be believed; what is cool need not be told again."""
        temperature_dc = self._heat[post]
        self.posts[post].give(("temp", temperature_dc))
        if temperature_dc > DERATE_FROM_DC:
            again = lambda: self._tell_heat(post) if self._heat[post] == temperature_dc else None  # noqa: E731
            self.loop.at(self.loop.now_us + HEAT_US, again)

    def _tell_power(self, post: str) -> None:
        one = self.posts[post]
        one.give(("power", self.world.power_mw(post)))
        if one.lamp_failed:
            self.loop.at(self.loop.now_us + POWER_US, lambda: self._tell_power(post) if one.lamp_failed else None)
