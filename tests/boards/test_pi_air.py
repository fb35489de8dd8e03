"""A Raspberry Pi without a wire: signed firmware reaches it through the cabinet's broker, is tried, and stays."""

import ast
import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from pi_post import BIN, Service, packed

from lamplighter.provision import board_files
from lamplighter.provision.secret_key import SecretKey
from lampsim.air_street import AirStreet
from lampsim.inventory import default
from lampsim.layout import GATEWAY, SITE

pytestmark = pytest.mark.system


def bare(source: bytes) -> bytes:
    """The same program without its words: fewer blocks, less time."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree).encode()


async def kept_running(post: Service) -> None:
    """What systemd does: start it again after each end."""
    while True:
        assert post.process
        while post.process.poll() is None:
            await asyncio.sleep(0.1)
        post.ended()
        post.start()


async def lamplighter(*words: str) -> str:
    """What an operator types."""
    command = [str(BIN / "lamplighter"), *words]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def test_signed_firmware_comes_by_the_broker_and_is_tried(service, card, mosquitto, tmp_path: Path) -> None:
    """[W-10] [D-5]"""
    key = SecretKey.new()
    (tmp_path / "site.pub").write_text(key.public_text())
    street = AirStreet(tmp_path / "cabinet", default()[:1], mosquitto, 0)
    shutil.copytree(street.layout.state("p01"), tmp_path / "state" / "records")
    wifi = json.loads((street.folder / "air/posts/p01/wifi.json").read_text())["wifi"]
    shutil.copy(street.folder / "air/posts/p01" / wifi["ca"], card.at)
    target = ["--broker", "{}:{}".format(*mosquitto), "--site", SITE, "--gateway", GATEWAY]
    reports: list[dict] = []

    async def until_state(state: str) -> None:
        for _ in range(200):
            report = json.loads(await lamplighter("firmware", "show", *target, "--json"))
            reports.append(report)
            if report["posts"].get("p01", {}).get("state") == state:
                return
            await asyncio.sleep(0.3)
        raise AssertionError(f"{reports[-1]}\n{post.said()[-2000:]}")

    card.add_group("gpio")
    await street.start_broker()
    post = service("--key", str(tmp_path / "site.pub"), wifi=wifi)
    running = asyncio.create_task(kept_running(post))
    try:
        await street.start_gateway()
        files = {path: bare(source) for path, source in board_files.firmware("raspberry_pi").items()}
        image = await asyncio.to_thread(packed, tmp_path, key, files, 2)
        await lamplighter("firmware", "send", str(image), *target, "--no-wait")
        await until_state("trial")
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await street.stop()
    assert post.said().count("start b 2 on trial") == 1
    assert "Traceback" not in post.said()
    assert len({report["posts"]["p01"]["percent"] for report in reports if report["posts"]}) > 3, reports
