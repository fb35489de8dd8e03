"""A post of the checker's street: the real Post, whose board is simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamppost.limits import TICKS_MASK
from lamppost.post import Post
from lamppost.store.settings import Settings
from lampsim.check.world.air import Air
from lampsim.check.world.bus import Bus
from lampsim.check.world.firmware import Firmware
from lampsim.check.world.flash import Cut, Flash, Watched
from lampsim.check.world.instruments import Instruments

if TYPE_CHECKING:
    from lampsim.check.world.street import Street

TICKS_SPAN_MS = 1_800_000


class StreetPost:
    """A real Post with simulated flash, ticks, sensor and lamp."""

    def __init__(self, street: Street, name: str, bus: Bus | Air, address: int, drift_ppm: int) -> None:
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
        self.starts = self.made = 0  # and items
        self.worn = False  # its flash, by its own count
        self._random = street.random_of("post", name)
        self._since_us = self._ran_ms = self._base = self._wake_order = 0
        settings = Settings()
        for key, value in street.settings_of(name, address).items():
            settings.put(key, value)
        self.journal.put("settings", settings.to_bytes())

    # --- flash

    def _cut(self, back_us: int) -> None:
        """An operation of the flash was cut: so is the post."""
        self.stop()
        if back_us >= 0:
            self._street.loop.at(self._street.loop.now_us + back_us, self.start)

    def _save(self, name: str, data: bytes) -> tuple | None:
        """Write a record; what the board then says to the Post. Cut where the power goes."""
        try:
            self.journal.put(name, data)
        except OSError:
            self._refused = True
            return "flash", False, name
        before, self._refused = self._refused, False
        return ("flash", True, name) if before else None

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
        self.bus.begin(self.name)
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
        told = []
        for action in actions:
            if self.post is not post:
                return
            if action[0] == "tx":
                self.bus.write(self.name, action[1])
            elif action[0] == "lamp":
                self.instruments.lamp(action[1], action[2])
            elif action[0] == "save":
                try:
                    told.append(self._save(action[1], action[2]))
                except Cut:
                    return
        if self.post is post:
            witness.did(self)
            self._sleep((deadline - self.ticks()) & TICKS_MASK)
            for said in told:
                if said:
                    self._handle(said)

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
