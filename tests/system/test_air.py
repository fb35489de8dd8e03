"""Posts without a wire: the cabinet's own mosquitto with TLS and identities; gateway and four posts as processes."""

import asyncio
import json
import ssl
import sys
import time
from pathlib import Path

import aiomqtt
import pytest

from lampsim.air_street import HOST, AirStreet
from lampsim.inventory import default
from lampsim.layout import GATEWAY
from lampsim.observer import Observer
from lampsim.plans import evening
from lampsim.posts import micropython

pytestmark = pytest.mark.system
UNIX_2000 = 946_684_800


def night_offset_s() -> int:
    """A clock shift to 23:00 UTC of the next day: night at Louvain-la-Neuve all year."""
    now = time.time() - UNIX_2000
    return round((now // 86400 + 1) * 86400 + 23 * 3600 - now)


class Town:
    def __init__(self, folder: Path, centre: tuple[str, int]) -> None:
        self.street = AirStreet(folder, default()[:4], centre, night_offset_s())
        self.observer = Observer(*centre)
        self.presence: list[dict] = []
        self.observer._on_item = lambda item: self.presence.append(item) if item["kind"] == "presence" else None
        self.centre = centre
        self.folder = folder

    async def start(self) -> None:
        await self.observer.start()
        await self.street.start()
        await self.street.start_gateway()
        await self.until(lambda: self.observer.status.get("posts_online") == 4)

    async def plan(self) -> None:
        """Publish the evening plan as the operator does; every post runs it."""
        path = self.folder / "plan.json"
        path.write_text(json.dumps(evening(self.street.lamps)))
        words = ["plan", "publish", str(path), "--broker", "{}:{}".format(*self.centre)]
        command = [sys.executable, "-m", "lamplighter", *words, "--site", "louvain-la-neuve", "--gateway", GATEWAY]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        out, _ = await asyncio.wait_for(process.communicate(), 120)
        assert process.returncode == 0, out.decode()
        await self.until(lambda: {self.street.target_pm(post) for post in self.street.posts} == {300})

    async def until(self, what, seconds: float = 30.0):
        end = time.monotonic() + seconds
        while not (value := what()):
            assert time.monotonic() < end, f"not within {seconds} s; {self.log()}"
            await asyncio.sleep(0.05)
        return value

    def log(self) -> str:
        logs = [*self.folder.glob("*.log")]
        return "\n".join(f"{path.name}: {path.read_text()[-800:]}" for path in logs) + f"\n{self.observer.status}"

    def client(self, post: str) -> aiomqtt.Client:
        """A client with the identity of a post or of the gateway."""
        user, secret = self.street.user(post)
        tls = ssl.create_default_context(cafile=self.folder / "air/gateway/air-ca.pem")
        return aiomqtt.Client(HOST, self.street.port, username=user, password=secret, tls_context=tls)

    async def walk(self, post: str, neighbour: str) -> None:
        """Somebody comes to a post and goes: its neighbour lights the way, and holds no light afterwards."""
        self.street.posts[post].presence(True)
        await self.until(lambda: self.street.target_pm(neighbour) == 1000, 10)
        self.street.posts[post].presence(False)
        await self.until(lambda: self.street.target_pm(neighbour) == 300, 60)

    def made(self, post: str) -> list[dict]:
        return [item for item in self.presence if item["post"] == post]


@pytest.fixture
async def town(tmp_path, mosquitto):
    town = Town(tmp_path, mosquitto)
    try:
        await town.start()
        yield town
    finally:
        await town.street.stop()
        await town.observer.stop()


async def test_a_street_without_a_wire_lives_through_its_broker_and_its_gateway(town: Town) -> None:
    """[W-1] [W-2] [W-7] [W-8]"""
    street = town.street
    if micropython():
        assert sum(post.interpreter == "micropython" for post in street.posts.values()) == 2
    await town.plan()

    await town.walk("p02", "p03")
    await town.until(lambda: len(town.made("p02")) == 1)

    assert street.broker is not None
    assert street.gateway is not None
    await street.broker.kill()
    street.posts["p03"].presence(True)
    await town.until(lambda: street.target_pm("p03") == 1000, 5)  # its own light needs nobody
    street.posts["p03"].presence(False)
    await town.until(lambda: town.observer.status.get("posts_online") == 0)
    await street.start_broker()
    await town.until(lambda: town.observer.status.get("posts_online") == 4, 60)
    await town.until(lambda: len(town.made("p03")) == 1)

    await street.gateway.kill()
    await town.until(lambda: {street.target_pm(post) for post in street.posts} == {300}, 60)
    await town.walk("p02", "p01")  # by the broker alone
    await street.start_gateway()
    await town.until(lambda: len(town.made("p02")) == 2, 60)
    await town.until(lambda: town.observer.status.get("posts_online") == 4)
    assert len(town.made("p02")) == 2
    assert len(town.made("p03")) == 1
    assert town.observer.items.doubled == 0


async def test_garbage_and_recordings_change_nothing_and_the_next_good_frame_counts(town: Town) -> None:
    """[W-3] [W-4]"""
    await town.plan()
    street, topic = town.street, town.street.topic
    heard: list[tuple[str, bytes]] = []
    async with town.client(GATEWAY) as gateway, town.client("p02") as p02:
        await gateway.subscribe([(f"{topic}/up/+", 0), (f"{topic}/event/+", 0)])

        async def record() -> None:
            async for message in gateway.messages:
                heard.append((str(message.topic), bytes(message.payload)))

        recorder = asyncio.create_task(record())
        await town.walk("p03", "p02")
        event = next(data for where, data in heard if where == f"{topic}/event/3")

        for number in range(300):  # as fast as it goes, at the posts and at the gateway
            junk = bytes(number * 7 % 256 for _ in range(number))
            for data in (junk, b"\0" + junk + b"\0", b"\0" * number, event * 3):
                await gateway.publish(f"{topic}/down/all", data, qos=0)
                await p02.publish(f"{topic}/event/2", data, qos=0)
                await p02.publish(f"{topic}/up/2", data, qos=0)
        await gateway.publish(f"{topic}/down/all", event, qos=0)  # another's, from where none may come
        before = len(street.moves)
        await p02.publish(f"{topic}/event/2", event, qos=0)  # another's, under one's own name
        await asyncio.sleep(1)
        recorder.cancel()
        await asyncio.gather(recorder, return_exceptions=True)
        async with town.client("p03") as p03:  # a true recording of its own: old
            await p03.publish(f"{topic}/event/3", event, qos=0)
        await asyncio.sleep(1)
        assert not [move for move in street.moves[before:] if move[1] == 1000], street.moves[before:]
    await town.until(lambda: town.observer.status["bus"][0]["errors"] >= 300)  # counted, and that was all
    made = len(town.made("p02"))
    await town.walk("p02", "p01")
    await town.until(lambda: len(town.made("p02")) == made + 1)
    assert len(town.made("p03")) == 1
    assert town.observer.items.doubled == 0


async def test_a_post_may_speak_and_hear_under_its_own_address_only(town: Town) -> None:
    """[W-2]"""
    topic = town.street.topic
    got: list[str] = []

    async def listen(client: aiomqtt.Client, who: str) -> None:
        async for message in client.messages:
            if message.payload == b"mark":
                got.append(f"{who} {str(message.topic).removeprefix(topic + '/')}")

    async with town.client(GATEWAY) as gateway, town.client("p02") as p02, town.client("p03") as p03:
        await gateway.subscribe([(f"{topic}/up/+", 0), (f"{topic}/event/+", 0)])
        await p02.subscribe([("#", 0), (f"{topic}/#", 0), (f"{topic}/down/1", 0), (f"{topic}/up/3", 0)])
        listeners = [asyncio.create_task(listen(gateway, "gateway")), asyncio.create_task(listen(p02, "p02"))]
        for name in ("up/1", "event/1", "down/1", "down/all", "up/22", "up/2"):
            await p02.publish(f"{topic}/{name}", b"mark", qos=0)
        for name in ("down/1", "down/2", "down/all"):
            await gateway.publish(f"{topic}/{name}", b"mark", qos=0)
        for name in ("up/3", "event/3"):
            await p03.publish(f"{topic}/{name}", b"mark", qos=0)
        await town.until(lambda: len(set(got)) == 6, 10)
        await asyncio.sleep(0.5)
        for listener in listeners:
            listener.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)
    heard = {"gateway up/2", "gateway up/3", "gateway event/3", "p02 down/2", "p02 down/all", "p02 event/3"}
    assert set(got) == heard
    tls = ssl.create_default_context(cafile=town.folder / "air/gateway/air-ca.pem")
    stranger = aiomqtt.Client(HOST, town.street.port, username="gw1-p02", password="wrong", tls_context=tls)
    with pytest.raises(aiomqtt.MqttError):
        await stranger.__aenter__()
