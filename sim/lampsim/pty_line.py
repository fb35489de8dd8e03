"""The simulated line on real pseudo-terminals: a `Line` in real time, one pty a node.

What it promises
- `paths[name]` is a device to open like a UART; its slave is raw, with VMIN = VTIME = 0 (what MicroPython needs).
- While something is on the wire, bytes are handed out at least every `GRAIN_US`, and at once when a sender falls
  silent: carrier sense works, and a frame is complete when its last stop bit is. That needs a loop whose timers are
  finer than a millisecond: `run()` makes one. On asyncio's usual epoll loop all is right but up to 1 ms late.
- Bounded: a node that writes faster than the wire is not read (its writes block, as at a UART); a node that does not
  read loses what exceeds the kernel's 68 KB, and `overruns` counts the bytes.
"""

import asyncio
import contextlib
import os
import selectors
import termios
import time
import tty
from collections.abc import Coroutine
from typing import Any

from .line import Line

GRAIN_US = 1_000  # carrier sense looks for 2 ms of silence (PROTOCOL: turn-around); half of that is seen in time

# A frame takes this long from a node's write to our reading it plus from our write to its hearer's reading it (two
# trips through the kernel's tty work queue and two process switches; lampsim.agreement measures it). So much earlier a
# frame is taken to have begun, or else every exchange on ptys would be slower than on a wire.
TRIP_US = 300


def run(main: Coroutine[Any, Any, None]) -> None:
    """asyncio.run() on select(2), whose time-outs have microseconds: epoll's are rounded up to the next millisecond."""
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(main)


class PtyLine:
    """Drives a `Line` inside a running asyncio loop. Use as an async context manager."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.paths: dict[str, str] = {}
        self.overruns = 0
        self._masters: dict[str, int] = {}
        self._slaves: dict[str, int] = {}
        self._blocked: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._handed_out_us = 0

    async def __aenter__(self) -> "PtyLine":
        for name in self.line.nodes:
            self._open(name)
        return self

    async def __aexit__(self, *exc: object) -> None:
        loop = asyncio.get_running_loop()
        if self._timer:
            self._timer.cancel()
        for fd in self._masters.values():
            loop.remove_reader(fd)
        for fd in [*self._masters.values(), *self._slaves.values()]:
            with contextlib.suppress(OSError):
                os.close(fd)

    @property
    def now_us(self) -> int:
        return time.monotonic_ns() // 1_000

    def load_percent(self, before: tuple[int, int]) -> tuple[float, tuple[int, int]]:
        """Share of the time since `before` (as returned last time; at first (now_us, 0)) in which the wire was busy."""
        now = (self.now_us, self.line.busy_us(self.now_us))
        passed_us = max(1, now[0] - before[0])
        return min(100.0, 100.0 * (now[1] - before[1]) / passed_us), now

    def plug(self, name: str) -> None:
        """Connect the node again; what waited unread in its pty is thrown away, as a UART that was off never had it."""
        termios.tcflush(self._slaves[name], termios.TCIFLUSH)
        self.line.plug(name)

    def unplug(self, name: str) -> None:
        self.line.unplug(name)

    def _open(self, name: str) -> None:
        master, slave = os.openpty()
        tty.setraw(slave)
        attributes = termios.tcgetattr(slave)
        attributes[6][termios.VMIN] = attributes[6][termios.VTIME] = 0
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        os.set_blocking(master, False)
        self._masters[name], self._slaves[name] = master, slave  # the slave stays open: no hang-up when its user goes
        self.paths[name] = os.ttyname(slave)
        asyncio.get_running_loop().add_reader(master, self._readable, name)

    def _readable(self, name: str) -> None:
        room = self.line.room(name)
        if not room:
            asyncio.get_running_loop().remove_reader(self._masters[name])
            self._blocked.add(name)
            return
        with contextlib.suppress(BlockingIOError):
            self.line.write(name, os.read(self._masters[name], room), self.now_us - TRIP_US)
        self._schedule()

    def _tick(self) -> None:
        self._timer = None
        self._handed_out_us = now_us = self.now_us
        for name, data in self.line.due(now_us):
            self._hand_out(name, data)
        for name in [n for n in self._blocked if self.line.room(n)]:
            self._blocked.discard(name)
            asyncio.get_running_loop().add_reader(self._masters[name], self._readable, name)
        self._schedule()

    def _hand_out(self, name: str, data: bytes) -> None:
        try:
            written = os.write(self._masters[name], data)
        except BlockingIOError:
            written = 0
        self.overruns += len(data) - written

    def _schedule(self) -> None:
        """Wake when a sender falls silent, or a grain after the last time, but never before a byte has ended."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        due_us, end_us = self.line.next_due_us, self.line.next_end_us
        if due_us is None:
            return
        grain_us = max(due_us, self._handed_out_us + GRAIN_US)
        at_us = grain_us if end_us is None else min(grain_us, end_us)
        # One microsecond more, because the loop compares floats and ours are rounded down.
        self._timer = asyncio.get_running_loop().call_at((at_us + 1) / 1e6, self._tick)
