"""A Broker that runs in a test, and somebody who listens to what it publishes."""

import asyncio
import contextlib
import json

import aiomqtt

from lamplighter.gateway.centre.broker import Broker
from lamplighter.gateway.centre.topics import Topics
from lamplighter.gateway.config import Mqtt
from lamplighter.gateway.store.outbox import EVENTS, Entry, Outbox

TOPICS = Topics("lamplighter", "lln", "gw9")


def settings(broker: tuple[str, int], **changes) -> Mqtt:
    values = {
        "host": broker[0], "port": broker[1], "username": None, "password": None, "tls": False, "tls_ca": None,
        "tls_cert": None, "tls_key": None, "keepalive_s": 5, "inflight": 20,
    }  # fmt: skip
    return Mqtt(**(values | changes))


class Side:
    """A Broker that runs, and what it received."""

    def __init__(self, outbox: Outbox, address: tuple[str, int], **changes):
        self.got: list[tuple[str, bytes]] = []
        self.outbox = outbox
        self.broker = Broker(
            settings(address, **changes), "lln-gw9", TOPICS, "gw9", outbox, lambda t, p: self.got.append((t, p))
        )

    async def __aenter__(self):
        self.task = asyncio.create_task(self.broker.run())
        return self

    async def __aexit__(self, *_):
        self.broker.end()
        self.task.cancel()
        _, hanging = await asyncio.wait([self.task], timeout=10)
        assert not hanging, "a cancellation is obeyed, whatever happens to the broker"

    async def append(self, first: int, count: int, stream: int = EVENTS) -> None:
        entries = [Entry(stream, "p01", stream + 1, seq, json.dumps({"n": seq})) for seq in range(first, first + count)]
        await asyncio.wrap_future(self.outbox.append(entries))
        self.broker.fresh()


@contextlib.asynccontextmanager
async def listener(address: tuple[str, int]):
    """(client, list of (topic, payload, retain)) of everything below the gateway."""
    got: list[tuple[str, bytes, bool]] = []
    async with aiomqtt.Client(*address) as client:

        async def listen():
            async for message in client.messages:
                got.append((str(message.topic), message.payload, message.retain))

        await client.subscribe("lamplighter/lln/gw9/#", qos=1)
        task = asyncio.create_task(listen())
        try:
            yield client, got
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(condition, timeout_s: float = 60.0):
    async with asyncio.timeout(timeout_s):
        while not (value := condition()):
            await asyncio.sleep(0.005)
        return value


def numbers(got, topic: str) -> list[int]:
    return [item["n"] for where, payload, _ in got if where == topic for item in json.loads(payload)["items"]]
