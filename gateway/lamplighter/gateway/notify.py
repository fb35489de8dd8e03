"""What the daemon tells systemd (sd_notify(3)): ready, stopping, and that it is alive (WatchdogSec).

Alive means that the clock ticks and the writer's thread answers; a broker or a line that is away is no reason to be
restarted. Without systemd nothing is sent.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from concurrent.futures import Future

from lamplighter.gateway.store.database import Database


class Notifier:
    """`now_ms()` is the monotonic clock that ticks while the daemon is well."""

    def __init__(self, database: Database, now_ms: Callable[[], int], environ: dict[str, str] | None = None) -> None:
        environ = dict(os.environ) if environ is None else environ
        self._database = database
        self._now_ms = now_ms
        self._address = environ.get("NOTIFY_SOCKET", "")
        mine = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        usec = int(environ.get("WATCHDOG_USEC", "0")) if mine else 0
        self._every_ms = usec // 1000 // 3  # thrice within the time: two may be late
        self._next_ms = 0
        self._asked: Future | None = None

    def ready(self, text: str) -> None:
        self._send(f"READY=1\nSTATUS={text}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def tick(self) -> None:
        """Often: ask the writer, and when it has answered say that all is well."""
        if not self._every_ms or self._now_ms() < self._next_ms:
            return
        if self._asked is None:
            self._asked = self._database.submit(lambda connection: None)
        elif self._asked.done():
            self._asked, self._next_ms = None, self._now_ms() + self._every_ms
            self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(text.encode(), address)
