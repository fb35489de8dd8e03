"""How a cluster of three nodes on this machine carries a region: sessions, latency, and a node that is killed.

    python deploy/cluster/measure.py FOLDER [--sessions 1800] [--rate 500] [--seconds 30] [--json]

A session is a gateway's: its own certificate, MQTT 3.1.1, a clean session, a subscription to what is its own. A message
is what a gateway sends for one item, with QoS 1, from a session chosen by turns; it is not waited for before the next.
Latencies are from the publish to its PUBACK, and to the centre that reads the quorum queue by AMQP in another process.
Clients, centre and nodes share the machine, so the figures are a lower bound.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import ssl
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

from trial import NODES, Cluster, child

TRY_AGAIN_S = 1.0  # as the gateway does after a connection that was lost
SETTLE_S = 5.0
PATIENCE_S = 180.0
CONSUMER = """
import contextlib, ssl, sys, time
import pika
folder, port, out = sys.argv[1], int(sys.argv[2]), open(sys.argv[3], "a", 1)
tls = ssl.create_default_context(cafile=folder + "/ca.pem")
tls.load_cert_chain(folder + "/mqtt.pem", folder + "/mqtt.key")
turn = 0
while True:
    turn += 1
    with contextlib.suppress(pika.exceptions.AMQPError, OSError):
        connection = pika.BlockingConnection(pika.ConnectionParameters(
            f"127.0.0.{turn % 3 + 1}", port, ssl_options=pika.SSLOptions(tls, "localhost"),
            credentials=pika.credentials.ExternalCredentials()))
        channel = connection.channel()
        channel.basic_qos(prefetch_count=1000)
        print("ready", file=out)
        for method, _, body in channel.consume("lamplighter.centre"):
            print(body.split(b" ", 1)[0].decode(), time.monotonic(), file=out)
            channel.basic_ack(method.delivery_tag)
    time.sleep(0.1)
"""


def text(words: str) -> bytes:
    data = words.encode()
    return struct.pack("!H", len(data)) + data


def packet(kind: int, body: bytes) -> bytes:
    head, size = bytes([kind]), len(body)
    while size > 127:
        head, size = head + bytes([size % 128 | 128]), size // 128
    return head + bytes([size]) + body


class Session(asyncio.Protocol):
    """One gateway's connection; `ready` when its subscription is confirmed, `lost` when it ends."""

    def __init__(self, name: str, acked: Callable[[int], None]) -> None:
        self.name, self._acked = name, acked
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()
        self._buffer = b""
        self._next = 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        words = text("MQTT") + b"\x04\x02" + struct.pack("!H", 60) + text(f"lln-{self.name}")
        transport.write(packet(0x10, words))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(str(exc)))
        if not self.lost.done():
            self.lost.set_result(None)

    def publish(self, payload: bytes) -> int:
        """Send it; the number that `acked` will be called with."""
        number = self._next
        self._next = number % 65_535 + 1
        self.transport.write(
            packet(0x32, text(f"lamplighter/lln/{self.name}/events") + struct.pack("!H", number) + payload)
        )
        return number

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 2 and len(self._buffer) >= 2 + self._buffer[1]:
            kind, body = self._buffer[0], self._buffer[2 : 2 + self._buffer[1]]
            self._buffer = self._buffer[2 + self._buffer[1] :]
            if kind == 0x20 and body[1] == 0:
                topics = [f"lamplighter/lln/{self.name}/{what}" for what in ("desired/+", "request")]
                self.transport.write(packet(0x82, b"\0\1" + b"".join(text(topic) + b"\0" for topic in topics)))
            elif kind == 0x20:
                self.transport.close()
            elif kind == 0x90 and not self.ready.done():
                self.ready.set_result(None)
            elif kind == 0x40:
                self._acked(struct.unpack("!H", body)[0])


class Gateway:
    """Keeps a session, on another node when its own is away; remembers what is not acknowledged and sends it again."""

    def __init__(self, fleet: Fleet, name: str, node: int) -> None:
        self.fleet, self.name, self.node = fleet, name, node
        folder = fleet.cluster.site / "gateways" / name
        self._tls = ssl.create_default_context(cafile=folder / "ca.pem")
        self._tls.load_cert_chain(folder / "mqtt.pem", folder / "mqtt.key")
        self.session: Session | None = None
        self.waiting: dict[int, int] = {}  # packet -> message
        self.unsent: list[int] = []

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            for turn in range(len(NODES)):
                node = (self.node - 1 + turn) % len(NODES) + 1
                session = Session(self.name, self._acked)
                try:
                    await loop.create_connection(
                        lambda session=session: session, f"127.0.0.{node}", self.fleet.cluster.mqtt,
                        ssl=self._tls, server_hostname="localhost", ssl_handshake_timeout=PATIENCE_S,
                    )  # fmt: skip
                    await session.ready
                except OSError:
                    self.fleet.failures += 1
                    continue
                self.session = session
                self.unsent += self.waiting.values()
                self.waiting.clear()
                self.fleet.changed()
                while self.unsent:
                    self.send(self.unsent.pop())
                await session.lost
                self.session = None
                self.fleet.changed()
                break
            await asyncio.sleep(TRY_AGAIN_S)

    def send(self, message: int) -> None:
        if self.session is None:
            self.unsent.append(message)
        else:
            self.waiting[self.session.publish(f"{message} ".encode() + self.fleet.filling)] = message

    def _acked(self, number: int) -> None:
        self.fleet.acked.setdefault(self.waiting.pop(number), time.monotonic())


class Fleet:
    """All gateways, and when each message was sent, acknowledged and read by the centre."""

    def __init__(self, cluster: Cluster, names: list[str]) -> None:
        self.cluster = cluster
        self.failures = 0
        self.sent: dict[int, float] = {}
        self.acked: dict[int, float] = {}
        self.filling = json.dumps(
            {"post": "p01", "at": "2026-06-21T20:05:00Z", "kind": "reading", "why": "x" * 100}
        ).encode()
        self.gateways = [Gateway(self, name, n % len(NODES) + 1) for n, name in enumerate(names)]
        self._change = asyncio.Event()

    def changed(self) -> None:
        self._change.set()

    def count(self) -> int:
        return sum(gateway.session is not None for gateway in self.gateways)

    async def whole(self) -> None:
        """Until every gateway has its session."""
        async with asyncio.timeout(PATIENCE_S):
            while self.count() < len(self.gateways):
                self._change.clear()
                await self._change.wait()

    async def load(self, rate: float, seconds: float) -> tuple[int, int]:
        """Publish by the clock; the first and last message."""
        first, start = len(self.sent), time.monotonic()
        count = int(rate * seconds)
        for n in range(count):
            due = start + n / rate
            if due > time.monotonic():
                await asyncio.sleep(due - time.monotonic())
            self.sent[first + n] = time.monotonic()
            self.gateways[(first + n) * 7 % len(self.gateways)].send(first + n)
        return first, first + count - 1


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def spread(values: list[float]) -> dict[str, float]:
    """Milliseconds."""
    values = sorted(values)
    return {f"p{p}_ms": round(1000 * values[min(len(values) - 1, len(values) * p // 100)], 1) for p in (50, 99)}


def read(path: Path) -> dict[int, float]:
    """When the centre had each message first."""
    found: dict[int, float] = {}
    for line in path.read_text().splitlines():
        number, _, at = line.partition(" ")
        if at and number.isdigit():
            found.setdefault(int(number), float(at))
    return found


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.05)


async def measure(cluster: Cluster, names: list[str], rate: float, seconds: float) -> dict:
    log = cluster.folder / "centre.log"
    words = [sys.executable, "-c", CONSUMER, str(cluster.site / "clients" / "office"), str(cluster.amqp), str(log)]
    centre = child(words, dict(os.environ), cluster.folder / "centre.err")
    result: dict = {"sessions": len(names), "rate": rate, "cores": os.cpu_count()}
    try:
        await until(lambda: log.exists() and "ready" in log.read_text())
        fleet = Fleet(cluster, names)
        random.Random(1).shuffle(fleet.gateways)
        start = time.monotonic()
        tasks = [asyncio.create_task(gateway.run()) for gateway in fleet.gateways]
        await fleet.whole()
        result["connect_s"] = round(time.monotonic() - start, 1)
        result["connect_failures"] = fleet.failures
        say(str(result))
        await asyncio.sleep(SETTLE_S)

        first, last = await fleet.load(rate, seconds)
        await until(lambda: len(fleet.acked) == len(fleet.sent))
        result["puback"] = spread([fleet.acked[n] - fleet.sent[n] for n in range(first, last + 1)])
        await until(lambda: len(read(log)) == len(fleet.sent))
        came = read(log)
        result["centre"] = spread([came[n] - fleet.sent[n] for n in range(first, last + 1)])

        say(str(result))
        load = asyncio.create_task(fleet.load(rate, seconds))
        await asyncio.sleep(seconds / 6)
        dead = leader(cluster)
        staying = {n for n, g in enumerate(fleet.gateways) if g.node != dead}
        killed = time.monotonic()
        cluster.kill(dead)
        await until(lambda: fleet.count() < len(names))
        await fleet.whole()
        back = time.monotonic()
        await load
        await until(lambda: len(fleet.acked) == len(fleet.sent))
        await until(lambda: len(read(log)) == len(fleet.sent))
        acks = sorted(at for n, at in fleet.acked.items() if n * 7 % len(names) in staying)
        result["killed"] = {
            "all_sessions_back_s": round(back - killed, 1),
            "gap_of_other_nodes_s": gap(acks, killed),
            "gap_at_the_centre_s": gap(sorted(read(log).values()), killed),
            "lost": len(fleet.sent) - len(read(log)),
            "messages": len(fleet.sent),
        }
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        centre.kill()
        centre.wait()
    return result


def gap(times: list[float], after: float) -> float:
    """The longest time in which nothing came, from `after` on."""
    late = [at for at in times if at >= after - 0.05]
    return round(max(b - a for a, b in itertools.pairwise(late)), 2)


def leader(cluster: Cluster) -> int:
    found = cluster.ctl("list_queues", "--no-table-headers", "name", "leader")
    return next(n for n in NODES if cluster.node(n) in found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sessions", type=int, default=1800)
    parser.add_argument("--rate", type=float, default=500)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    names = [f"gw{n:04}" for n in range(options.sessions)]
    cluster = Cluster(options.folder.absolute(), names=tuple(names), memory="2GB")
    try:
        began = time.monotonic()
        cluster.start()
        say(f"three nodes up after {time.monotonic() - began:.0f} s")
        result = asyncio.run(measure(cluster, names, options.rate, options.seconds))
        memory = [f"/proc/{pid}/status" for pid in cluster.pids()]
        result["node_mb"] = [round(resident_kb(path) / 1024) for path in memory]
    finally:
        cluster.stop()
    print(json.dumps(result, indent=None if options.json else 1))
    return 0


def resident_kb(status: str) -> int:
    lines = Path(status).read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    sys.exit(main())
