"""Lines from a port into the gateway's own Database, Outbox and Broker, put together as daemon.py does it.

The source is a post that speaks lines: each is an item of it, with the number of the line as its seq. What is on disk
is acknowledged on the port (`+number`), and where one is missing it is asked for again (`-number`), as the poll of the
daemon does with items. Start it with a folder, the port, the broker's host and its port.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from concurrent.futures import Future
from pathlib import Path

import serialx

from lamplighter.gateway.centre.broker import Broker
from lamplighter.gateway.centre.topics import Topics, dump, utc_text
from lamplighter.gateway.clock import true_utc_s
from lamplighter.gateway.config import Mqtt
from lamplighter.gateway.store.database import Database
from lamplighter.gateway.store.outbox import EVENTS, Entry, Outbox
from lampsim.bench.relay.lines import number_of

BUDGET_BYTES = 256 << 20  # outbox_mb as it is by default
INFLIGHT = 20  # as by default
UNSAVED_MAX = 64  # reads that wait for the disk; then the port waits, as a polled line does
POST, EPOCH = "lines", 1


class Lines(asyncio.Protocol):
    """One port."""

    def __init__(self, outbox: Outbox, broker: Broker) -> None:
        self._outbox, self._broker = outbox, broker
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._unsaved = 0
        stored = outbox.stored().get(POST)
        self._next = stored and stored[1]  # the number of the next line; None: whichever comes first
        self.lost: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        *whole, self._rest = (self._rest + bytes(data)).split(b"\n")
        head = {"post": POST, "post_epoch": EPOCH, "kind": "line", "utc": utc_text(true_utc_s() or 0)}
        entries, begin = [], dump(head)[:-1]
        for text in whole:
            try:
                number = number_of(text)
            except ValueError:  # the end of a line whose beginning another process had read
                continue
            if self._next is not None and number > self._next:
                self._say(b"-%d\n" % self._next)
                break
            self._next = max(number + 1, self._next or 0)
            body = f'{begin},"post_seq":{number + 1},"line":{dump(text.decode())}}}'
            entries.append(Entry(EVENTS, POST, EPOCH, number + 1, body))
        if entries:
            self._keep(entries)

    def _keep(self, entries: list[Entry]) -> None:
        """As Daemon.keep: stored, told to the broker side, and then acknowledged."""
        self._unsaved += 1
        if self._unsaved == UNSAVED_MAX and self._transport is not None:
            self._transport.pause_reading()  # type: ignore[attr-defined]
        future = self._outbox.append(entries)
        future.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._kept, done, entries[-1].seq - 1))

    def _kept(self, done: Future[int], last: int) -> None:
        self._unsaved -= 1
        if self._unsaved == UNSAVED_MAX - 1 and self._transport is not None:
            self._transport.resume_reading()  # type: ignore[attr-defined]
        if done.result():
            self._broker.fresh({EVENTS})
        self._say(b"+%d\n" % last)

    def _say(self, words: bytes) -> None:
        if self._transport is not None:
            self._transport.write(words)


async def main(folder: str, port: str, host: str, mqtt_port: str) -> None:
    database = Database(Path(folder) / "gateway.db", lambda text: print(text, file=sys.stderr))
    outbox = Outbox(database, BUDGET_BYTES)
    database.start()
    mqtt = Mqtt(host, int(mqtt_port), None, None, False, None, None, None, 30, INFLIGHT)
    topics = Topics("lamplighter", "bench", "gw1")
    broker = Broker(mqtt, "bench-gw1", topics, "gw1", outbox, lambda topic, payload: None)
    lines = Lines(outbox, broker)
    await serialx.create_serial_connection(asyncio.get_running_loop(), lambda: lines, port, baudrate=115200)
    running = asyncio.create_task(broker.run())
    await asyncio.wait([running, lines.lost], return_when=asyncio.FIRST_COMPLETED)


if __name__ == "__main__":
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # as the daemon does: a window of many is no fault
    asyncio.run(main(*sys.argv[1:]))
