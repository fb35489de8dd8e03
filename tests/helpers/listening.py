"""What a client hears of a broker while something else goes on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable

import aiomqtt


@contextlib.asynccontextmanager
async def listening(client: aiomqtt.Client, topics: Iterable[str], qos: int) -> AsyncIterator[list[tuple[str, bytes]]]:
    """A list of (topic, payload) that grows as long as this lasts."""
    got: list[tuple[str, bytes]] = []

    async def listen() -> None:
        async for message in client.messages:
            got.append((str(message.topic), message.payload))

    for topic in topics:
        await client.subscribe(topic, qos=qos)
    task = asyncio.create_task(listen())
    try:
        yield got
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
