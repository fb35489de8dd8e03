"""The sketch that a gateway is measured against: pyserial, SQLite with synchronous=FULL, aiomqtt, nothing else.

A line is stored, published with QoS 1 and deleted after its PUBACK. No ids, no bounds, no certificates, no plans, no
acknowledgement to the port. Start it with a folder, the port, the broker's host and its port.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import sys
from pathlib import Path

import aiomqtt
import serial

TOPIC = "sketch/lines"
AT_ONCE = 100  # lines read in one go, and publishes under way
AGAIN_S = 0.5


async def read(port: str, store: sqlite3.Connection, fresh: asyncio.Event) -> None:
    """From the port to the disk."""
    with serial.Serial(port, 115200, timeout=0) as line:
        loop, ready, rest = asyncio.get_running_loop(), asyncio.Event(), b""
        loop.add_reader(line.fileno(), ready.set)
        while True:
            await ready.wait()
            ready.clear()
            *whole, rest = (rest + line.read(200 * AT_ONCE)).split(b"\n")
            if whole:
                store.execute("BEGIN")
                store.executemany("INSERT INTO lines (body) VALUES (?)", [(text,) for text in whole])
                store.execute("COMMIT")
                fresh.set()


async def send(host: str, port: int, store: sqlite3.Connection, fresh: asyncio.Event) -> None:
    """From the disk to the broker, for ever."""
    while True:
        try:
            async with aiomqtt.Client(host, port, identifier="sketch", max_inflight_messages=AT_ONCE) as client:
                while True:
                    fresh.clear()
                    rows = store.execute("SELECT id, body FROM lines ORDER BY id LIMIT ?", (AT_ONCE,)).fetchall()
                    await asyncio.gather(*(client.publish(TOPIC, body, qos=1) for _, body in rows))
                    if rows:
                        store.execute("DELETE FROM lines WHERE id <= ?", (rows[-1][0],))
                    else:
                        await fresh.wait()
        except aiomqtt.MqttError:
            await asyncio.sleep(AGAIN_S)


async def main(folder: str, port: str, host: str, mqtt_port: str) -> None:
    store = sqlite3.connect(Path(folder) / "sketch.db", isolation_level=None)
    store.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
    store.execute("CREATE TABLE IF NOT EXISTS lines (id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB)")
    fresh = asyncio.Event()
    await asyncio.gather(read(port, store, fresh), send(host, int(mqtt_port), store, fresh))


if __name__ == "__main__":
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # as the daemon does: a window of many is no fault
    asyncio.run(main(*sys.argv[1:]))
