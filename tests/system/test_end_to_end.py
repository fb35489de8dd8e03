"""Broker, line, posts and gateway as real processes; the operator and the centre only over MQTT."""

import asyncio
import json
import sys
import time
from pathlib import Path

import pytest

from lampsim.inventory import default
from lampsim.plans import evening
from lampsim.posts import micropython
from lampsim.scene import PostView, Scene
from lampsim.street import Options, Street

pytestmark = pytest.mark.system
UNIX_2000 = 946_684_800


class Town:
    """Eight posts of the park path, two of them on MicroPython, against a real mosquitto."""

    def __init__(self, folder: Path, broker: tuple[str, int], loss: float = 0.0) -> None:
        self.lamps = default()[:8]
        self.scene = Scene("test", [PostView(lamp.id, 0, 0) for lamp in self.lamps])
        self.street = Street(
            folder, self.lamps, self.scene, Options(micropython=2, broker=broker, reading_s=1, loss=loss)
        )
        self.street.attach()
        self.broker = broker

    async def operator(self, *words: str, code: int = 0) -> dict:
        """Run a `lamplighter` command as the operator would; return its JSON."""
        command = [
            sys.executable,
            "-m",
            "lamplighter",
            *words,
            "--json",
            "--broker",
            f"{self.broker[0]}:{self.broker[1]}",
        ]
        command += ["--site", "louvain-la-neuve", "--gateway", "gw1"]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await asyncio.wait_for(process.communicate(), 120)
        assert process.returncode == code, err.decode() + out.decode()
        return json.loads(out.decode().splitlines()[-1]) if out else {"stderr": err.decode()}

    async def until(self, what, seconds: float = 30.0):
        """Wait until `what()` is true; its value."""
        end = time.monotonic() + seconds
        while not (value := what()):
            assert time.monotonic() < end, f"not within {seconds} s; the gateway says: {self.log()}"
            await asyncio.sleep(0.05)
        return value

    def log(self) -> str:
        path = self.street.layout.folder / "gateway.log"
        return path.read_text()[-1500:] if path.exists() else ""

    async def lost(self, seconds: float = 30.0) -> int:
        """Items that did not arrive, after giving them time."""
        end = time.monotonic() + seconds
        while True:
            made = await self.street.made()
            items = self.street.observer.items
            missing = [items.missing(p, s["item-epoch"], s["numbers"]) for p, s in made.items()]
            lost = sum(map(len, missing))
            if not lost or time.monotonic() > end:
                return lost
            await asyncio.sleep(0.2)


@pytest.fixture
async def town(tmp_path, mosquitto):
    town = Town(tmp_path, mosquitto)
    await town.street.start()
    yield town
    await town.street.stop()


def night_offset_s() -> int:
    """A clock shift to 23:00 UTC of the next day: night at Louvain-la-Neuve all year."""
    now = time.time() - UNIX_2000
    return round((now // 86400 + 1) * 86400 + 23 * 3600 - now)


async def test_a_plan_reaches_every_post_and_the_gateway_may_die(town: Town, tmp_path: Path) -> None:
    street = town.street
    if micropython():
        assert sum(post.interpreter == "micropython" for post in street.posts.values()) == 2
    await street.start_gateway(night_offset_s())
    await town.until(lambda: street.observer.status.get("posts_online") == 8)

    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(evening(town.lamps)))
    done = await town.operator("plan", "publish", str(plan))
    assert street.observer.reported["desired"] == done["hash"]
    assert {post["result"] for post in street.observer.reported["posts"].values()} == {"applied"}
    await town.until(lambda: {light.dimmer.target_pm for light in street._lights.values()} == {300})

    why = await town.operator("why", "p03")
    assert "park" in json.dumps(why)
    await town.operator("override", "p03", "--level", "70", "--for", "5m", "--reason", "test")
    await town.until(lambda: street._lights["p03"].dimmer.target_pm == 700, 5)
    await town.operator("override", "p03", "--clear")
    await town.until(lambda: street._lights["p03"].dimmer.target_pm == 300, 5)
    posts = await town.operator("posts")
    assert len(posts["posts"]) == 8

    street.posts["p04"].presence(True)
    await town.until(lambda: street._lights["p05"].dimmer.target_pm == 1000, 5)
    street.posts["p04"].presence(False)

    await street.kill_gateway()
    await town.until(lambda: {light.dimmer.target_pm for light in street._lights.values()} == {300}, 20)
    street.posts["p06"].presence(True)
    await town.until(lambda: street._lights["p07"].dimmer.target_pm == 1000, 5)
    street.posts["p06"].presence(False)
    await asyncio.sleep(2)

    await street.restart_gateway()
    await town.until(lambda: street.observer.status.get("posts_online") == 8)
    assert await town.lost() == 0
    assert street.observer.items.doubled == 0
    assert street.observer.items.kinds["presence"] >= 2
    assert street.observer.reported["desired"] == done["hash"]


async def test_a_post_that_is_killed_comes_back_with_its_plan(town: Town, tmp_path: Path) -> None:
    street = town.street
    await street.start_gateway(night_offset_s())
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(evening(town.lamps)))
    await town.operator("plan", "publish", str(plan))
    for name in ("p01", "p02"):  # one on MicroPython, one on CPython
        post = street.posts[name]
        await post.kill()
        await town.until(lambda name=name: street.observer.states[name]["online"] is False, 20)
        await post.start()
        assert street._lights[name].dimmer.target_pm in (300, 1000)
        await town.until(lambda name=name: street.observer.states[name]["online"] is True, 20)
        await town.until(lambda name=name: street._lights[name].dimmer.target_pm == 300, 20)


async def test_bad_input_is_refused_in_one_line_and_changes_nothing(town: Town, tmp_path: Path) -> None:
    await town.street.start_gateway(night_offset_s())
    await town.until(lambda: town.street.observer.status.get("posts_online") == 8)
    before = town.street.observer.reported.get("desired")  # an earlier test's plan, retained by the broker
    document = evening(town.lamps)
    document["controlPrograms"][0]["level"] = 170
    (tmp_path / "bad.json").write_text(json.dumps(document, indent=1))
    said = (await town.operator("plan", "publish", str(tmp_path / "bad.json"), code=2))["stderr"]
    assert "170" in said
    assert town.street.observer.reported.get("desired") == before
    said = (await town.operator("override", "p99", "--level", "70", "--for", "5m", code=1)).values()
    assert "p99" in json.dumps(list(said))
    said = (await town.operator("why", "p01", "--at", "tomorrow", code=2))["stderr"]
    assert len(said.splitlines()) <= 2
