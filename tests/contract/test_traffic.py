"""Every message of a day, from the real daemon and the real commands, against the contract."""

import asyncio
import contextlib
import json
import os
import sys
import time
from importlib.resources import files
from pathlib import Path

import aiomqtt
import pytest
from cabinet import BASE, Centre, start_gateway, stop, write_config
from firmware_street import build
from judge import Contract
from pty_street import PtyStreet

COUNT = 3
WINDOW_S = 300
pytestmark = pytest.mark.system


class Tap(Centre):
    """A centre that also holds every message against the contract."""

    def __init__(self, broker: tuple[str, int]) -> None:
        super().__init__(broker)
        self.contract = Contract()
        self.faults: list[str] = []

    @contextlib.asynccontextmanager
    async def tapping(self):
        async with aiomqtt.Client(*self.broker) as tap, self.listening():
            await tap.subscribe("lamplighter/#", qos=1)
            task = asyncio.create_task(self._judge(tap))
            try:
                yield self
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                for topic in [*self.last, "desired/plans", "desired/groups", "desired/scenes", "desired/firmware"]:
                    await self.client.publish(f"{BASE}/{topic}", b"", qos=1, retain=True)

    async def _judge(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            if message.payload:
                self.faults += self.contract.faults(str(message.topic), message.payload)

    async def operator(self, *words: str) -> tuple[int, str]:
        """Run a `lamplighter` command as its user would; (exit code, what it printed)."""
        names = {"BROKER": f"{self.broker[0]}:{self.broker[1]}", "SITE": "lln", "GATEWAY": "gw1"}
        environment = os.environ | {f"LAMPLIGHTER_{name}": value for name, value in names.items()}
        command = [sys.executable, "-m", "lamplighter", *words]
        pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.STDOUT}
        process = await asyncio.create_subprocess_exec(*command, **pipes, env=environment)
        said, _ = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode or 0, said.decode()


def hurry(street: PtyStreet) -> None:
    """Readings each second, from now."""
    for lamp in street.lamps:
        lamp.post.settings.put("reading-s", 1)
        lamp.post._read_at = 0  # set anew at the next event


def soon() -> int:
    """The offset at which the street's clock ends a window of five minutes in some seconds."""
    return WINDOW_S - 15 - int(time.time()) % WINDOW_S


def park(folder: Path) -> Path:
    plan = json.loads(files("lamplighter.plans").joinpath("examples/park-presence.json").read_text())
    plan["groups"] = [{"id": "paths", "posts": "all", "calendar": plan["calendars"][0]["id"]}]
    path = folder / "park.json"
    path.write_text(json.dumps(plan))
    return path


@pytest.fixture
def street():
    street = PtyStreet(COUNT)
    yield street
    street.close()


async def test_a_day_of_the_real_daemon_and_the_real_commands(tmp_path, street, mosquitto) -> None:
    config = write_config(tmp_path, street.port, mosquitto, COUNT, f"time_offset_s = {soon()}")
    with config.open("a") as file:  # the next cabinet, which is told of what happens near it
        file.write('[[far]]\nid = "p90"\ngateway = "gw2"\nlat = 50.6693\nlon = 4.6150\n')
    tap = Tap(mosquitto)
    async with tap.tapping():
        process = start_gateway(config)
        try:
            await tap.until(lambda: tap.last.get("status", {}).get("posts_online") == COUNT)
            await the_day(tap, street, tmp_path)
        finally:
            stop(process)
        await tap.until(lambda: tap.last["status"]["online"] is False)
    assert not tap.faults, "\n".join(tap.faults[:20])
    unused = {channel for channel, count in tap.contract.seen.items() if not count}
    assert unused == {"homeAssistant", "presence", "set"}, "every channel was used but Home Assistant's"


async def the_day(tap: Tap, street: PtyStreet, folder: Path) -> None:
    street.call(hurry)
    plan = park(folder)
    for words in (
        ("plan", "publish", str(plan)),
        ("override", "p01", "--level", "40", "--for", "10m", "--reason", "market"),
        ("why", "p01"),
        ("why", "p01", "--at", "2026-06-21T22:00Z"),
        ("override", "--clear", "--all"),
        ("posts",),
    ):
        code, said = await tap.operator(*words)
        assert code == 0, f"{words}: {said}"
    street.sense(2)
    street.sense(1, user_class=2)
    await tap.ask("identify", "show", posts=["p01"], for_s=1)
    await tap.ask("override", "late", posts=["p01"], level_percent=40, for_s=5, expires="2020-01-01T00:00:00Z")
    await tap.ask("snapshot", "here", reply_to=f"{BASE}/response")
    await tap.desire_what("groups", {"bench": ["p02"], "all-of-it": "all"})
    await tap.desire_what("scenes", [{"id": "market", "rules": [{"groups": ["bench"], "level_percent": 80}]}])
    await tap.until(lambda: "reported/groups" in tap.last and "reported/scenes" in tap.last)
    await firmware(tap, folder)
    await tap.ask("scene", "market-1", scene="market", for_s=60)
    await tap.ask("cap", "cap-1", all=True, power_w=60, for_s=60)
    await tap.ask("clear", "cap-2", all=True, layer="energy cap")
    await tap.ask("resend", "again", epoch=tap.last["status"]["epoch"], ranges=[[1, 3]])
    code, said = await tap.operator("watch", "--seconds", "1", "--json")
    assert code == 0, said
    await tap.until(lambda: tap.of_kind("presence") and tap.of_kind("reading") and "flow" in tap.last)
    await tap.until(lambda: "energy" in tap.last, 120)


async def firmware(tap: Tap, folder: Path) -> None:
    """An image for boards that have no key of the site: each post says so."""
    image = folder / "image.llf"
    image.write_bytes(build(folder / "image", size=500).data)
    code, said = await tap.operator("firmware", "send", str(image), "--timeout", "30")
    assert code == 1, said
    assert said.count("this board takes no firmware") == COUNT, said
    code, said = await tap.operator("firmware", "show", "--json")
    assert (code, json.loads(said)["images"]["rp2"]["version"]) == (0, 2)
    code, said = await tap.operator("firmware", "stop", "--board", "rp2")
    assert code == 0, said


@pytest.mark.slow
async def test_a_cut_line_is_one_alarm_in_events_and_status(tmp_path, street, mosquitto) -> None:
    """Three posts answer, five are configured: as if the cable were cut behind the third."""
    process = start_gateway(write_config(tmp_path, street.port, mosquitto, 5))
    tap = Tap(mosquitto)
    async with tap.tapping():
        try:
            await tap.until(lambda: tap.last.get("status", {}).get("alarms"), 120)
            (alarm,) = tap.last["status"]["alarms"]
            assert (alarm["alarm"], alarm["after"], alarm["before"]) == ("cut", "p03", "p04")
            await tap.until(lambda: tap.of_kind("alarm"))
            (item,) = tap.of_kind("alarm")
            assert item["text"] == alarm["text"] == "bus0: cut between p03 and p04; 2 posts behind it are silent"
        finally:
            stop(process)
    assert not tap.faults, "\n".join(tap.faults[:20])
