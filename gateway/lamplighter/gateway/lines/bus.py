"""The serial port of one line: opened for us alone, driven by a Poller, and opened again when it goes away.

This file and centre/broker.py are where the daemon touches the world; what to say and when is decided by poll.py.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable

import serialx

from lamplighter.gateway import config
from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.driver import Driver
from lamplighter.gateway.lines.poll import Poller

log = logging.getLogger("lamplighter.bus")

REOPEN_MIN_S = 0.5
REOPEN_MAX_S = 30.0  # a pulled adapter is found half a minute after it is back


class PortError(OSError):
    """The port cannot be used; the text is one line that says what to do."""


class Bus(Driver, asyncio.Protocol):
    """One line on a serial port."""

    def __init__(self, settings: config.Bus, poller: Poller, act: Callable[[str, tuple], None]) -> None:
        super().__init__(settings, poller, act)
        self._transport: asyncio.Transport | None = None
        self._lost: asyncio.Future[str] = self._loop.create_future()

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    async def open(self) -> None:
        """Take the port. Raises PortError."""
        port, name = self.settings.port, self.settings.id
        self._lost = self._loop.create_future()
        try:
            await serialx.create_serial_connection(self._loop, lambda: self, port, baudrate=self.settings.baud)
        except OSError as error:
            raise PortError(f"{name}: {_reason(port, error)}") from None
        except (ValueError, serialx.UnsupportedSetting) as error:
            raise PortError(f"{name}: {port} is no serial port for {self.settings.baud} baud: {error}") from None
        log.info("%s: %s is open at %d baud", name, port, self.settings.baud)

    async def run(self) -> None:
        """Keep the port open until cancelled."""
        pause_s = REOPEN_MIN_S
        try:
            while True:
                try:
                    if self._transport is None:
                        await self.open()
                    pause_s = REOPEN_MIN_S
                    self.handle(None)
                    log.warning(
                        "%s: %s went away (%s); waiting for it", self.settings.id, self.settings.port, await self._lost
                    )
                    self.handle(line.LineDown())
                except PortError as error:
                    if pause_s == REOPEN_MIN_S:
                        log.error("%s", error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, REOPEN_MAX_S)
        finally:
            self.close()

    def close(self) -> None:
        super().close()
        if self._transport:
            self._transport.close()
            self._transport = None

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.handle(line.Received(bytes(data)))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self._lost.done():
            self._lost.set_result(str(exc) if exc else "closed")

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


def _reason(port: str, error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return f"there is no port {port}; check the cable and [[bus]] port"
    if error.errno in (errno.EBUSY, errno.EWOULDBLOCK):
        return f"{port} is already open in another program; close that one"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{port} may not be opened by this user; add it to the group 'dialout'"
    return f"{port} cannot be used: {error.strerror or error}"
