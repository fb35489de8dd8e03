"""Gateways' broker sides on a cluster, each with its own certificate, outbox and node to begin with."""

import asyncio
import contextlib
import dataclasses
import json
import socket
from pathlib import Path

from trial import NAME, NODES, Cluster

from lamplighter.gateway.centre.broker import Broker
from lamplighter.gateway.centre.topics import Topics
from lamplighter.gateway.config import load
from lamplighter.gateway.store.database import Database
from lamplighter.gateway.store.outbox import EVENTS, Entry, Outbox


class Cabinet:
    """The real Outbox and Broker of one gateway. `first`: the node that its resolver names first."""

    def __init__(self, cluster: Cluster, name: str, folder: Path, first: int = 1) -> None:
        self.name, self.topics = name, Topics("lamplighter", "lln", name)
        self.database = Database(folder / f"{name}.db", lambda text: None)
        self.outbox = Outbox(self.database, 1 << 30)
        self.got: list[tuple[str, bytes]] = []
        settings = load(cluster.site / "gateways" / name / "gateway.toml").mqtt
        settings = dataclasses.replace(settings, host=f"{first}.{NAME}")
        heard = self.topics.desired_plans, self.topics.request
        self.broker = Broker(
            settings, f"lln-{name}", self.topics, name, self.outbox,
            lambda topic, payload: self.got.append((topic, payload)), subscriptions=heard,
        )  # fmt: skip
        self.told = 0

    async def __aenter__(self) -> "Cabinet":
        self.database.start()
        self.task = asyncio.create_task(self.broker.run())
        return self

    async def __aexit__(self, *_) -> None:
        self.broker.end()
        self.task.cancel()
        _, hanging = await asyncio.wait([self.task], timeout=10)
        self.database.close()
        assert not hanging

    async def tell(self, count: int) -> None:
        """Append `count` new events."""
        numbers = range(self.told + 1, self.told + count + 1)
        entries = [Entry(EVENTS, "p01", 1, n, json.dumps({"gw": self.name, "n": n})) for n in numbers]
        await asyncio.wrap_future(self.outbox.append(entries))
        self.told += count
        self.broker.fresh()


@contextlib.contextmanager
def names():
    """`N.brokers.lamplighter.test` is a name with three addresses, node N's first; the rest of the resolver is left."""
    real = socket.getaddrinfo

    def getaddrinfo(host, port, *more, **named):
        if not str(host).endswith(NAME):
            return real(host, port, *more, **named)
        first = int(str(host).split(".")[0])
        order = [first, *(n for n in NODES if n != first)]
        return [found for n in order for found in real(f"127.0.0.{n}", port, *more, **named)]

    socket.getaddrinfo = getaddrinfo
    try:
        yield
    finally:
        socket.getaddrinfo = real


async def until(condition, timeout_s: float = 60.0):
    async with asyncio.timeout(timeout_s):
        while not (value := condition()):
            await asyncio.sleep(0.02)
        return value
