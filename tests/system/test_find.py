"""`lamplighter find` beside a daemon that serves: line, posts and gateway as real processes. Boards are changed, cut
off and found, the daemon is killed, and the others are served."""

import asyncio
import json
import os
import secrets
import shutil
import sys
import time
from pathlib import Path

import pytest

from lamppost.boards.flash import FolderFlash
from lamppost.store.journal import Journal
from lamppost.store.settings import Settings
from lampsim.inventory import default
from lampsim.layout import TURN_MS
from lampsim.scene import PostView, Scene
from lampsim.street import Options, Street

pytestmark = pytest.mark.system
COUNT = 8


class Cabinet:
    """Eight posts of the park path, one on MicroPython, at 19,200 baud, and boards in a box."""

    def __init__(self, folder: Path, broker: tuple[str, int]) -> None:
        lamps = default()[:COUNT]
        scene = Scene("test", [PostView(lamp.id, 0, 0) for lamp in lamps])
        self.street = Street(
            folder, lamps, scene, Options(baud=19_200, micropython=1, broker=broker, reading_s=1, loss=0.02)
        )
        self.street.attach()
        self.folder = folder
        self.keys: dict[str, str] = {}

    async def start(self) -> None:
        await self.street.start()
        await self.street.start_gateway(0)
        await self.online(COUNT)

    async def online(self, count: int, seconds: float = 60.0) -> None:
        await self.until(lambda: self.street.observer.status.get("posts_online") == count, seconds)

    async def until(self, what, seconds: float = 60.0):
        end = time.monotonic() + seconds
        while not (value := what()):
            assert time.monotonic() < end, f"not within {seconds} s; the gateway says: {self.log()[-1500:]}"
            await asyncio.sleep(0.05)
        return value

    def log(self) -> str:
        return (self.folder / "gateway.log").read_text()

    def box(self, *boards: str) -> Path:
        """The manifest of a delivery."""
        self.keys = {board: secrets.token_hex(32) for board in boards}
        path = self.folder / "delivery.json"
        path.write_text(json.dumps({"posts": self.keys}))
        path.chmod(0o600)
        return path

    async def swap(self, post: str, board: str) -> None:
        """Screw another board in."""
        await self.street.power_off(post)
        state = self.street.layout.state(post)
        shutil.rmtree(state)
        settings = Settings()
        settings.put("identity", board)
        settings.put("post-key", bytes.fromhex(self.keys[board]))
        settings.put("turn-ms", TURN_MS)
        settings.put("reading-s", 1)
        state.mkdir()
        Journal(FolderFlash(str(state))).put("settings", settings.to_bytes())
        await self.street.power_on(post)

    async def find(self, *words: str) -> asyncio.subprocess.Process:
        command = [sys.executable, "-m", "lamplighter", "find", "--config", str(self.street.layout.config), "--json"]
        return await asyncio.create_subprocess_exec(
            *command, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )

    async def found(self, *words: str) -> dict:
        out, err = await asyncio.wait_for((await self.find(*words)).communicate(), 120)
        assert out, err.decode()
        return json.loads(out)


@pytest.fixture
async def cabinet(tmp_path, mosquitto):
    made = Cabinet(tmp_path, mosquitto)
    await made.start()
    yield made
    await made.street.stop()


def took(report: dict) -> dict[str, str]:
    return {row["post"]: row["identity"] for row in report["boards"] if row["result"] in ("adopted", "stays")}


async def test_boards_are_changed_while_the_cabinet_runs_and_is_killed(cabinet: Cabinet) -> None:
    manifest = str(cabinet.box("ll-1", "ll-2", "ll-3"))
    daemon = cabinet.street.gateway.pid
    for post, board in (("p02", "ll-1"), ("p05", "ll-2")):
        await cabinet.swap(post, board)
    await cabinet.until(lambda: cabinet.log().count("does not answer") == 2)
    others = {post: cabinet.log().count(f"{post} is online") for post in ("p01", "p03", "p04", "p06", "p07", "p08")}
    report = await cabinet.found("--manifest", manifest)
    assert {row["identity"]: row["result"] for row in report["boards"]} == {"ll-1": "unplaced", "ll-2": "unplaced"}
    assert report["silent"] == ["p02", "p05"]

    # Somebody walks while the boards are found: nothing of it is lost, and nobody else falls out of service.
    street = cabinet.street
    asking = asyncio.create_task(
        cabinet.found("--manifest", manifest, "--replace", "p02=ll-1", "--replace", "p05=ll-2")
    )
    walks = 0
    while not asking.done():
        post = street.posts[f"p0{(1, 3, 4, 6, 7, 8)[walks % 6]}"]
        post.presence(True)
        await asyncio.sleep(0.2)
        post.presence(False)
        await asyncio.sleep(0.1)
        walks += 1
    report = await asking
    assert took(report) == {"p02": "ll-1", "p05": "ll-2"}
    assert report["silent"] == []
    await cabinet.online(COUNT)
    assert {post: cabinet.log().count(f"{post} is online") for post in others} == others
    assert cabinet.street.gateway.pid == daemon
    made, items = await street.made(), street.observer.items
    await cabinet.until(lambda: not any(items.missing(post, m["item-epoch"], m["numbers"]) for post, m in made.items()))
    assert walks > 3
    assert items.doubled == 0

    # The daemon is killed, and the board's power cut, at moments that nobody chose.
    await cabinet.swap("p03", "ll-3")
    await cabinet.until(lambda: cabinet.log().count("p03 does not answer") == 1)
    words = "--manifest", manifest, "--replace", "p03=ll-3"
    for number in range(3):
        asking = await cabinet.find(*words)
        await asyncio.sleep(0.4 + 0.1 * number)
        await cabinet.street.kill_gateway()
        _, err = await asyncio.wait_for(asking.communicate(), 60)
        if asking.returncode:
            assert err.decode().count("\n") <= 2, "one line and a hint"
            assert b"Traceback" not in err
        await street.restart_gateway()
        await cabinet.online(COUNT - 1 if "p03" not in keyring(cabinet) else COUNT)
        asking = await cabinet.find(*words)
        await asyncio.sleep(0.4 + 0.1 * number)
        await street.power_off("p03")
        await asyncio.wait_for(asking.communicate(), 120)
        await street.power_on("p03")
        await asyncio.sleep(1)
    if "p03" not in keyring(cabinet):
        report = await cabinet.found(*words)
        assert took(report) == {"p03": "ll-3"}
    await cabinet.online(COUNT)
    assert keyring(cabinet)["p03"]["identity"] == "ll-3"
    assert "Traceback" not in cabinet.log()
    assert not [key for key in cabinet.keys.values() if key[:12] in cabinet.log()]


def keyring(cabinet: Cabinet) -> dict:
    path = cabinet.folder / "gateway-state" / "keyring.json"
    return json.loads(path.read_text())["posts"] if path.exists() else {}


async def test_a_person_sees_how_far_it_is(cabinet: Cabinet) -> None:
    manifest = str(cabinet.box("ll-1"))
    await cabinet.swap("p02", "ll-1")
    await cabinet.until(lambda: "p02 does not answer" in cabinet.log())
    master, slave = os.openpty()
    command = [sys.executable, "-m", "lamplighter", "find", "--config", str(cabinet.street.layout.config)]
    try:
        asking = await asyncio.create_subprocess_exec(
            *command, "--manifest", manifest, stdout=asyncio.subprocess.PIPE, stderr=slave
        )
        out, _ = await asyncio.wait_for(asking.communicate(), 60)
        seen = os.read(master, 1 << 16).decode()
    finally:
        os.close(master)
        os.close(slave)
    assert "searches, 1 boards found" in seen or "searches, 0 boards found" in seen, seen
    lines = out.decode().splitlines()
    assert lines[0].split("\t")[:2] == ["ll-1", "unplaced"]
    assert lines[-1] == "does ll-1 stand in for p02? then add  --replace p02=ll-1"
