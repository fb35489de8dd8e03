"""A configuration on disk, the daemon as a process, and a centre that listens to it over MQTT."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import aiomqtt
from street import BUS_KEY, post_key

from lamplighter.plans.hashing import document_hash

BASE = "lamplighter/lln/gw1"
ENV = os.environ | {"PYTHONWARNINGS": "error", "JOURNAL_STREAM": ""}


def write_config(folder: Path, port: str, broker: tuple[str, int], count: int, more: str = "") -> Path:
    """A whole configuration with its keys file; returns the TOML's path."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = {"bus_keys": {"bus0": BUS_KEY.hex()}, "posts": {f"p{a:02}": post_key(a).hex() for a in range(1, count + 1)}}
    (folder / "keys.json").write_text(json.dumps(keys))
    (folder / "keys.json").chmod(0o600)
    posts = "".join(
        f'[[post]]\nid = "p{a:02}"\nbus = "bus0"\naddress = {a}\nlat = {50.6693 + a * 2e-4}\nlon = 4.6150\n'
        for a in range(1, count + 1)
    )
    text = (
        f'[gateway]\nid = "gw1"\nsite = "lln"\nstate_dir = "state"\nkeys_file = "keys.json"\nstatus_s = 1\n{more}\n'
        f'[mqtt]\nhost = "{broker[0]}"\nport = {broker[1]}\n\n'
        f'[[bus]]\nid = "bus0"\nport = "{port}"\nbaud = 115200\nreply_ms = 200\n\n{posts}'
    )
    path = folder / "gateway.toml"
    path.write_text(text)
    return path


def start_gateway(config: Path, first: str = "") -> subprocess.Popen:
    """The daemon; its log goes to gateway.log beside the configuration. `first`: code that shortens a wait."""
    code = f"{first}\nimport sys; sys.argv[0] = 'lamplighter'; from lamplighter.cli import main; main()"
    with (config.parent / "gateway.log").open("ab") as log:
        command = [sys.executable, "-c", code, "gateway", "--config", str(config)]
        return subprocess.Popen(command, stdout=log, stderr=log, env={k: v for k, v in ENV.items() if v})


def stop(process: subprocess.Popen) -> int:
    process.terminate()
    return process.wait(10)


class Centre:
    """Subscribes to everything below the gateway; keeps items by id, and the last of everything retained."""

    def __init__(self, broker: tuple[str, int]):
        self.broker = broker
        self.items: dict[tuple, dict] = {}
        self.received = 0  # items, repetitions counted
        self.last: dict[str, dict] = {}
        self.responses: list[dict] = []
        self.heard: asyncio.Event = asyncio.Event()

    @contextlib.asynccontextmanager
    async def listening(self):
        async with aiomqtt.Client(*self.broker) as self.client:
            await self.client.subscribe(f"{BASE}/#", qos=1)
            self.listener = asyncio.create_task(self._listen())
            self.listener.add_done_callback(lambda _: self.heard.set())
            try:
                yield self
            finally:
                self.listener.cancel()
                await asyncio.gather(self.listener, return_exceptions=True)

    async def until(self, condition, timeout_s: float = 120.0):
        """Wait until condition() is true; return it."""
        async with asyncio.timeout(timeout_s):
            while not (value := condition()):
                self.heard.clear()
                await self.heard.wait()
                if self.listener.done():
                    self.listener.result()  # what ended it is why nothing more is heard
        return value

    async def desire(self, value) -> None:
        payload = value if isinstance(value, (str, bytes)) else json.dumps(value)
        await self.client.publish(f"{BASE}/desired/plans", payload, qos=1, retain=True)

    async def desire_what(self, what: str, content) -> None:
        """Groups or scenes, as the office publishes them."""
        value = {"v": 1, "hash": document_hash(content), what: content}
        await self.client.publish(f"{BASE}/desired/{what}", json.dumps(value), qos=1, retain=True)

    async def ask(self, command: str, transaction: str, timeout_s: float = 120.0, **fields) -> dict:
        before = len(self.responses)  # an answer to the same transaction may have come earlier
        await self.request(command, transaction, **fields)

        def mine():
            return next((r for r in self.responses[before:] if r["transaction"] == transaction), None)

        return await self.until(mine, timeout_s)

    async def request(self, command: str, transaction: str, **fields) -> None:
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 10))
        value = {"v": 1, "transaction": transaction, "expires": expires, "command": command} | fields
        await self.client.publish(f"{BASE}/request", json.dumps(value), qos=1)

    def of_kind(self, kind: str, post: str | None = None) -> list[dict]:
        return [i for i in self.items.values() if i["kind"] == kind and post in (None, i.get("post"))]

    def state(self, post: str) -> dict:
        return self.last.get(f"post/{post}/state", {})

    async def _listen(self) -> None:
        async for message in self.client.messages:
            topic = str(message.topic).removeprefix(BASE + "/")
            if topic == "request" or topic.startswith("desired/") or topic.endswith("/set"):  # not always JSON
                continue
            value = json.loads(message.payload) if message.payload else None
            if topic in ("events", "telemetry"):
                for item in value["items"]:
                    key = value["gateway"], value["epoch"], item["seq"]
                    assert self.items.setdefault(key, item) == item, "an id never means two things"
                    self.received += 1
            elif topic == "response":
                self.responses.append(value)
            else:
                self.last[topic] = value
            self.heard.set()
