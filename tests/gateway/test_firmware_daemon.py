"""Firmware from the operator's command to running posts: the real daemon, a real broker, real boards behind a pty."""

import asyncio
import json
import os
import signal
import sys

import pytest
from cabinet import BASE, Centre, start_gateway, stop, write_config
from firmware_street import KEY, Board, build
from pty_street import PtyStreet

from lamplighter.firmware_image import Image, payload, read
from lamplighter.provision.secret_key import SecretKey
from lamppost.boards import firmware as board_firmware

COUNT = 3
POSTS = [f"p{address:02}" for address in range(1, COUNT + 1)]


@pytest.fixture
def street():
    street = PtyStreet(COUNT, [Board(address) for address in range(1, COUNT + 1)])
    yield street
    street.close()


@pytest.fixture
async def centre(mosquitto):
    centre = Centre(mosquitto)
    async with centre.listening():
        yield centre
        for topic in [*centre.last, "desired/firmware"]:
            await centre.client.publish(f"{BASE}/{topic}", b"", qos=1, retain=True)


async def publish(centre: Centre, image: Image) -> None:
    await centre.client.publish(f"{BASE}/desired/firmware", json.dumps(payload(image.board, image)), qos=1, retain=True)


def rows(centre: Centre) -> dict:
    return centre.last.get("reported/firmware", {}).get("posts", {})


def all_are(centre: Centre, *states: str) -> bool:
    return len(rows(centre)) == COUNT and all(row["state"] in states for row in rows(centre).values())


@pytest.mark.system
async def test_from_the_operator_s_desk_to_posts_that_run_it(tmp_path, street, centre, mosquitto, monkeypatch) -> None:
    monkeypatch.setattr(board_firmware, "HEALTHY_MS", 3000)  # instead of ten minutes
    config = write_config(tmp_path / "gw", street.port, mosquitto, COUNT)
    gateway = start_gateway(config)
    try:
        await centre.until(lambda: centre.last.get("status", {}).get("posts_online") == COUNT)
        image = build(tmp_path / "image", size=30_000)
        (tmp_path / "image.llf").write_bytes(image.data)
        names = {"BROKER": f"{mosquitto[0]}:{mosquitto[1]}", "SITE": "lln", "GATEWAY": "gw1"}
        desk = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "lamplighter", "firmware", "send", str(tmp_path / "image.llf"),
            env=os.environ | {f"LAMPLIGHTER_{name}": value for name, value in names.items()},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        await centre.until(lambda: any(10 < row["percent"] < 90 for row in rows(centre).values()))
        gateway.send_signal(signal.SIGKILL)
        gateway.wait(10)
        have = street.call(lambda street: min(len(lamp.memory.incoming) for lamp in street.lamps))
        assert 0 < have < len(image.data)
        gateway = start_gateway(config)
        said, _ = await asyncio.wait_for(desk.communicate(), 60)
        assert desk.returncode == 0, said.decode()
        assert all(post in said.decode() for post in POSTS), said.decode()
        await centre.until(lambda: all(centre.state(post).get("firmware") == image.label for post in POSTS))
        street.wait_for(lambda street: not any(lamp.firmware._slots.trial for lamp in street.lamps), 30)
        stop(gateway)
        gateway = start_gateway(config)  # which asks them all
        await centre.until(lambda: all_are(centre, "installed"), 60)
        assert street.call(lambda street: [lamp.firmware.version for lamp in street.lamps]) == [2] * COUNT
        assert street.call(lambda street: [lamp.starts for lamp in street.lamps]) == [2] * COUNT

        strange = build(tmp_path / "strange", version=3, size=3000, key=SecretKey(bytes(32), b"stranger"))
        await publish(centre, strange)
        await centre.until(lambda: all_are(centre, "refused"), 120)
        assert centre.last["reported/firmware"]["accepted"] is True
        broken = payload("rp2", image)
        broken["firmware"]["image"] = broken["firmware"]["image"][:-8] + "AAAAAAA="
        await centre.client.publish(f"{BASE}/desired/firmware", json.dumps(broken), qos=1, retain=True)
        report = await centre.until(lambda: (r := centre.last["reported/firmware"])["accepted"] is False and r)
        assert "changed on its way" in report["error"]
        assert street.call(lambda street: [lamp.firmware.version for lamp in street.lamps]) == [2] * COUNT
    finally:
        stop(gateway)
        print((tmp_path / "gw" / "gateway.log").read_text())


def test_what_is_desired_is_read_as_it_was_written(tmp_path) -> None:
    image = build(tmp_path, size=100)
    value = payload("rp2", image)
    assert read(value) == (value["hash"], "rp2", image)
    assert read(payload("rp2", None)).image is None
    for change in (
        {"firmware": None}, {"firmware": {"board": "rp2"}}, {"hash": "0" * 16}, payload("esp32", image),
        {"firmware": {"board": 5, "image": None}}, {"firmware": {"board": "rp2", "image": 7}},
        {"firmware": {"board": "rp2", "image": "A" * 800_000}},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"firmware|board|image|hash"):
            read(value | change)
    assert KEY.public_text()
