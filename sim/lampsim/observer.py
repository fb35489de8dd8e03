"""The centre of a simulation: a plain MQTT client that sees what any partner would, and counts it."""

import asyncio
import contextlib
import json
from collections.abc import Callable

import aiomqtt

from .layout import GATEWAY, SITE
from .tally import Items

ROOT = "lamplighter"
RETRY_S = 0.5


class Observer:
    """Follows one gateway: the last `status`, `states` and `reported`, and readings and events counted in `items`."""

    def __init__(self, host: str, port: int, on_item: Callable[[dict], None] = lambda item: None) -> None:
        self.items = Items()
        self.status: dict = {}
        self.states: dict[str, dict] = {}
        self.reported: dict = {}
        self.connected = False
        self._host, self._port, self._on_item = host, port, on_item
        self._prefix = f"{ROOT}/{SITE}/{GATEWAY}/"
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns when it is subscribed."""
        ready = asyncio.Event()
        self._task = asyncio.create_task(self._run(ready))
        await ready.wait()

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self, ready: asyncio.Event) -> None:
        while True:
            try:
                async with aiomqtt.Client(self._host, self._port, identifier="lampsim-observer") as client:
                    await client.subscribe(self._prefix + "#", qos=1)
                    self.connected = True
                    ready.set()
                    async for message in client.messages:
                        self._take(str(message.topic)[len(self._prefix) :], bytes(message.payload or b""))
            except aiomqtt.MqttError:
                self.connected = False
                await asyncio.sleep(RETRY_S)

    def _take(self, topic: str, payload: bytes) -> None:
        try:
            value = json.loads(payload) if payload else {}
        except ValueError:
            return
        if topic == "status":
            self.status = value
        elif topic == "reported/plans":
            self.reported = value
        elif topic.startswith("post/") and value:
            self.states[value["post"]] = value
        elif topic in ("events", "telemetry"):
            for item in value.get("items", ()):
                if self.items.received(value["gateway"], value["epoch"], item):
                    self._on_item(item)
