"""What drives a Poller on the real clock, whatever its frames travel on: bus.py a serial port, air.py a broker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lamplighter.gateway import config
from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.poll import Poller


class Driver:
    """One line. `act(bus id, action)` gets every action of the Poller but Send, which `_send` puts on its way."""

    def __init__(self, settings: config.Bus, poller: Poller, act: Callable[[str, tuple], None]) -> None:
        self.settings = settings
        self.poller = poller
        self._act = act
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def handle(self, event: tuple | None) -> None:
        """Give the Poller an event, or None for the time that has passed, and do what it says."""
        for action in self.poller.handle(event, self.now_ms()):
            if isinstance(action, line.Send):
                self._send(action.data)
            else:
                self._act(self.settings.id, action)
        self._stop()
        deadline = self._deadline()
        if deadline is not None:
            at = max(deadline / 1000 + 0.0005, self._loop.time())  # half a millisecond: rounding must not wake early
            self._timer = self._loop.call_at(at, self.handle, None)

    def now_ms(self) -> int:
        """The monotonic clock."""
        return int(self._loop.time() * 1000)

    def close(self) -> None:
        """Nothing wakes the Poller any more."""
        self._stop()

    def _send(self, data: bytes) -> None:
        raise NotImplementedError

    def _deadline(self) -> int | None:
        return self.poller.deadline()

    def _stop(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
