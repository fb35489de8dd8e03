"""One real Post in virtual time: its flash, its drifting clock that wraps, its mains, its sensor and its lamp.

What it promises
- The Post is lamppost.post.Post, its records go through the real Journal on two copies in memory.
- Power off forgets everything but the flash, at any microsecond; power on starts a new Post, which takes the flash as
  it is. Its tick count begins anywhere in 2**30 ms, and runs off by `drift_ppm`.
- An event of a post that this one has no use for does not come here; `Wire.exact` turns that off.

Hooks for faults: `flash_write(name, data)` may raise OSError, cut the power, or return other bytes to write;
`set_sensor`, `set_drift`, `lamp_failed`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from lamppost.life import Life
from lamppost.limits import TICKS_MASK
from lamppost.line import Line
from lamppost.post import Post
from lamppost.store.journal import Journal
from lamppost.wire.frame import Frame
from lamppost.wire.seal import Key

from .loop import Handle, Loop
from .wire import Event, Wire

TURN_US = 2_000  # from the end of what was heard to the first bit of an answer: DESIGN.md, "The bus"
_PPM = 1_000_000
_RATE_ONE = 1000 * _PPM  # of a clock without drift: parts of a millisecond that a microsecond is


class SharedKey(Key):
    """A bus key that remembers its last seal: forty posts of a line check the same frame."""

    def __init__(self, secret: bytes):
        super().__init__(secret)
        self._last: tuple[bytes, bytes] = (b"", b"")
        self._seal = b""

    def seal(self, context: bytes, data: bytes) -> bytes:
        if self._last != (context, data):
            self._last, self._seal = (context, data), super().seal(context, data)
        return self._seal


class VirtualPost:
    """`index` is its place in the town. `did(post, action)` gets every lamp, identify and log action. `lit_s`: how long
    its lamp has burnt, as its flash has it when the run begins."""

    def __init__(
        self,
        loop: Loop,
        wire: Wire,
        name: str,
        address: int,
        index: int,
        settings: bytes,
        bus_key: Key,
        seed: object,
        did: Callable[[VirtualPost, tuple], None],
        drift_ppm: int = 0,
        turn_us: int = TURN_US,
        lit_s: int = 0,
    ) -> None:
        self.name, self.address, self.index = name, address, index
        self.wire = wire
        self._rate = _PPM + drift_ppm
        self.turn_us = turn_us
        self.flash: dict[str, bytes] = {}
        self.flash_write: Callable[[str, bytes], bytes] | None = None
        self.sensor_dead = self.sensor_stuck = self.lamp_failed = False
        self.listening = False
        self.plugged = True
        self.post: Post | None = None
        self.flash_errors = 0
        self.on_us = 0  # when its power last came
        self.edge_us = -1  # when its sensor last began to see somebody
        self._refused = False  # its flash, the last time
        self._told: list[tuple] = []  # what the board has to say of it
        self._seeing: dict[int, int] = {}  # what its sensors would show if they worked: input -> class
        self._loop = loop
        self._bus_key = bus_key
        self._did = did
        self._random = random.Random(f"{seed} post {name}")
        self._tick0 = self._random.randrange(TICKS_MASK + 1)
        self._boot_us = self._base_ms = 0  # since when drift_ppm holds, and t_ms then
        self._heard_us = -1
        self._table = b""
        self._wake_us: int | None = None
        self._timer: Handle | None = None
        self._timer_us = 0
        self._journal = Journal(self)
        self._journal.put("settings", settings)
        if lit_s:
            self._journal.put("life", Life(None).checkpoint(0, lit_s, 0, 0))

    @property
    def drift_ppm(self) -> int:
        """By how much its crystal runs off; to change it on the way, `set_drift`."""
        return self._rate - _PPM

    @drift_ppm.setter
    def drift_ppm(self, ppm: int) -> None:
        self._rate = _PPM + ppm

    @property
    def powered(self) -> bool:
        return self.post is not None

    @property
    def hearing(self) -> str | None:
        """Whose frame it is being handed, while it is."""
        return self.wire.speaker or None

    @property
    def lit_s(self) -> int:
        """How long its lamp has burnt, as it counts."""
        return Life(self._journal.get("life")).lit_s if self.post is None else self.post.upkeep.lit_s

    @property
    def level_pm(self) -> int:
        """What the lamp shows now."""
        if self.post is None or self.lamp_failed:
            return 0
        return self.post.dimmer.level(self.t_ms())

    # --- mains

    def power_on(self) -> None:
        """Start the Post from its flash."""
        if self.post is not None:
            return
        self.on_us = self._boot_us = self._loop.now_us
        self._base_ms = 0
        self._heard_us = self._boot_us
        self._journal = Journal(self)
        self.post = Post(self._journal.get, self._random.randbytes, self.wire.baud)
        self._share_key()
        if self.plugged:
            self.wire.plug(self)
        self.handle(("tick",))
        if self._seeing or self.sensor_stuck:
            self._show_sensors()

    def power_off(self) -> None:
        """Dark, deaf, and everything in RAM is gone."""
        if self.post is None:
            return
        self.post = None
        self.listening = False
        self.wire.unplug(self)
        self._loop.cancel(self._timer)
        self._timer = self._wake_us = None
        self._did(self, ("lamp", 0, 0))

    def unplug(self) -> None:
        """Pull the bus connector; the lamp has its mains."""
        self.plugged = False
        self.wire.unplug(self)

    def plug(self, wire: Wire | None = None) -> None:
        """Put it back, or into another piece of a split line."""
        if self.plugged:
            self.wire.unplug(self)
        self.wire = wire or self.wire
        self.plugged = True
        if self.powered:
            self.wire.plug(self)

    def wipe(self) -> None:
        """Lose every record but the settings, as after a factory reset: power is cut and comes back."""
        self.power_off()
        self.flash = {name: data for name, data in self.flash.items() if name.startswith("settings")}
        self.power_on()

    # --- sensor

    def sense(self, active: bool, user_class: int, source: int = 0) -> None:
        """The sensor at input `source` (0..3) begins or ceases to see somebody of `user_class` (0..2)."""
        if active:
            self._seeing[source] = user_class
        else:
            self._seeing.pop(source, None)
        if self.post is None or self.sensor_dead or (self.sensor_stuck and not active):
            return
        if active:
            self.edge_us = self._loop.now_us
        self._listen_now()
        self.handle(("presence", source, active, user_class))

    def set_sensor(self, mode: str) -> None:
        """From now on "dead" sees nobody, "stuck" always somebody, "" what there is."""
        self.sensor_dead, self.sensor_stuck = mode == "dead", mode == "stuck"
        self._show_sensors()

    def _show_sensors(self) -> None:
        """Let the Post read its inputs, as it does when it starts."""
        for source in sorted({0, *self._seeing}):
            seen = not self.sensor_dead and (source in self._seeing or (self.sensor_stuck and source == 0))
            if seen:
                self.edge_us = self._loop.now_us
            self._listen_now()
            self.handle(("presence", source, seen, self._seeing.get(source, 0)))

    def set_drift(self, ppm: int) -> None:
        """From now on its crystal runs off by so much; what it has counted so far stays."""
        self._base_ms, self._boot_us = self.t_ms(), self._loop.now_us
        self._rate = _PPM + ppm
        self.handle(("tick",))

    def give(self, event: tuple) -> None:
        """Any other event of the board: lux, temp, power, clock, service."""
        if self.post is not None:
            self.handle(event)

    # --- line

    def hear(self, data: bytes) -> None:
        self._heard_us = self._loop.now_us
        self.handle(("rx", data))

    def hear_late(self, data: bytes, at_us: int) -> None:
        """The beginning of a frame that came when nothing was to be sent."""
        if self.post is not None and self.post.line is not None:
            self._heard_us = self._loop.now_us
            self.post.line.received(data, self._t_ms(at_us))

    def hear_frame(self, frame: Frame, sender: str) -> None:
        post = self.post
        if post is None or post.line is None:
            return
        if self.wire.event is not None:
            self._take(post, post.line, self.wire.event)
        else:
            self._heard_us = self._loop.now_us
            self.handle(("frame", frame))

    def _take(self, post: Post, line: Line, event: Event) -> None:
        """Take a detection that a real link of this line has just sealed.

        What Line and PostLink would do with it: refuse one that was said before, remember its number, and tell the
        detection; one at a place that it does not know (`cares`) does not come here. Everything else a post does at
        such a moment waits for its own deadline; that the line was in use it learns from catch_up.
        """
        heard = line._link.heard
        if heard.get(event.place, 0) >= event.order:
            line.refused += 1
            line.again(event.src, event.frame.counter, self.t_ms())
            self.handle(("tick",))  # it may keep the line from now on
            return
        heard[event.place] = event.order
        src = event.src
        if post.overheard(src, event.user_class, self.t_ms() - event.age_ms):
            self.handle(("tick",))

    def cares(self, src: int) -> bool:
        return self.post is not None and src in self.post.presence.table

    def passed(self, kind: int, src: int, dst: int, end_us: int) -> None:
        if self.post is not None and self.post.line is not None:
            self.post.line.passed(kind, src, dst, self._t_ms(end_us))

    def _listen_now(self) -> None:
        """Before it may want to speak: learn when the line was last in use."""
        if not self.listening and self.plugged and not self.wire.exact:
            self._heard_us = self.wire.catch_up(self, self._heard_us)

    # --- the Post

    def t_ms(self) -> int:
        """The Post's own unwrapped milliseconds since it woke."""
        return self._base_ms + (self._loop.now_us - self._boot_us) * self._rate // _RATE_ONE

    def _t_ms(self, then_us: int) -> int:
        """The same at a moment that has passed."""
        return max(0, self._base_ms + (then_us - self._boot_us) * self._rate // _RATE_ONE)

    def _us(self, t_ms: int) -> int:
        """The first microsecond at which its clock says t_ms."""
        return self._boot_us - ((self._base_ms - t_ms) * _RATE_ONE // self._rate)

    def handle(self, event: tuple) -> None:
        post = self.post
        if post is None:
            return
        t_ms = self.t_ms()
        ticks = (self._tick0 + t_ms) & TICKS_MASK
        actions, deadline = post.handle(event, ticks)
        if actions:
            for action in actions:
                self._act(action, event[0])
                if self.post is not post:  # a write to flash has cut the power
                    return
        if post.presence.table is not self._table:
            self._table = post.presence.table
            self.wire.retable()
        line = post.line
        listening = line is not None and line.listening
        if listening is not self.listening:
            self.listening = listening
            self.wire.listen(self, listening)
        self._sleep(self._us(t_ms + ((deadline - ticks) & TICKS_MASK)))
        while self._told:
            self.handle(self._told.pop(0))

    def _act(self, action: tuple[Any, ...], cause: str) -> None:
        name = action[0]
        if name == "tx":
            data = action[1]
            if cause == "tick":  # it was ready and waited for its moment
                self._speak(data)
            else:
                self._loop.after(self.turn_us, lambda: self._speak(data))
        elif name == "save":
            try:
                self._journal.put(action[1], action[2])
                if self._refused:
                    self._refused = False
                    self._told.append(("flash", True, action[1]))
            except OSError:
                self.flash_errors += 1
                self._refused = True
                self._told.append(("flash", False, action[1]))
        else:
            self._did(self, action)

    def _speak(self, data: bytes) -> None:
        if self.post is not None and self.plugged:
            self.wire.send(self.name, data)

    def _sleep(self, wake_us: int) -> None:
        """Wake the Post then; a timer that stands earlier is left to find out."""
        self._wake_us = wake_us
        timer = self._timer
        if timer is not None:
            if self._timer_us <= wake_us:
                return
            self._loop.cancel(timer)
        self._timer, self._timer_us = self._loop.at(wake_us, self._wake), wake_us

    def _wake(self) -> None:
        self._timer = None
        if self._wake_us is None:
            return
        if self._wake_us > self._loop.now_us:
            self._timer, self._timer_us = self._loop.at(self._wake_us, self._wake), self._wake_us
        else:
            if self.post is not None and self.post._present:  # it may want to announce again
                self._listen_now()
            self.handle(("tick",))

    def _share_key(self) -> None:
        if self.post is not None and self.post.line is not None:
            self.post.line._link.bus = self._bus_key

    # --- flash of the Journal

    def read(self, name: str) -> bytes | None:
        return self.flash.get(name)

    def write(self, name: str, data: bytes) -> None:
        self.flash[name] = self.flash_write(name, data) if self.flash_write else data
