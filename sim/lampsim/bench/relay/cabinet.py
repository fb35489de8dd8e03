"""The whole daemon of a cabinet with 250 posts: what it takes of the memory of a small computer.

Its store, broker session, plans, fleet, flow, energy, Home Assistant and page of figures are there; its ports are open
ptys on which nobody speaks, and what 250 posts say in a day is given to it where its lines would. It runs in the
environment of deploy/systemd/lamplighter-gateway.service, with its bytecode made before, as an installed package has.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from .cabinet_child import POSTS, places
from .stage import StageError

CHILD = "lampsim.bench.relay.cabinet_child"
LINES = 5
DAY = 96  # quarters of an hour
WITHIN_S = 300.0
SERVICE = {"PYTHONMALLOC": "malloc", "MALLOC_ARENA_MAX": "1"}  # as the unit says; a test compares them


@dataclass
class Cabinet:
    """Megabytes resident: when it serves and the broker is there, and at most in the day."""

    posts: int
    lines: int
    items: int
    start_mb: float
    most_mb: float
    end_mb: float

    def to_json(self) -> dict:
        return {name: round(value, 1) for name, value in asdict(self).items()}


async def measure(folder: Path, host: str, port: int, quarters: int = DAY) -> Cabinet:
    """A day of 250 posts, or as many quarters of an hour. Raises StageError."""
    ptys = [pty.openpty() for _ in range(LINES)]
    try:
        config = _config(folder, [os.ttyname(slave) for _, slave in ptys], host, port)
        environment = os.environ | SERVICE
        environment |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
        await _run(environment, "-c", f"import {CHILD}")
        facts = json.loads(await _run(environment, "-m", CHILD, str(config), str(LINES), str(quarters)))
    finally:
        for handle in (handle for pair in ptys for handle in pair):
            os.close(handle)
    megabytes = (facts[name] / 1024 for name in ("start_kb", "most_kb", "end_kb"))
    return Cabinet(POSTS, LINES, facts["items"], *megabytes)


async def _run(environment: dict[str, str], *arguments: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environment,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(WITHIN_S):
            out, errors = await process.communicate()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        raise StageError(f"the daemon failed: {errors.decode(errors='replace').strip()[-500:]}")
    return out


def _config(folder: Path, ports: list[str], host: str, mqtt_port: int) -> Path:
    folder.mkdir(parents=True)
    where = places(len(ports))
    keys = {
        "bus_keys": {f"bus{index}": os.urandom(32).hex() for index in range(len(ports))},
        "posts": {f"p{index:03}": os.urandom(32).hex() for index in range(POSTS)},
    }
    (folder / "keys.json").touch(0o600)
    (folder / "keys.json").write_text(json.dumps(keys))
    text = (
        '[gateway]\nid = "gw1"\nsite = "bench"\nstate_dir = "state"\nkeys_file = "keys.json"\n'
        f'homeassistant = true\nmetrics = "0"\n\n[mqtt]\nhost = "{host}"\nport = {mqtt_port}\n\n'
    )
    for index, port in enumerate(ports):
        text += f'[[bus]]\nid = "bus{index}"\nport = "{port}"\nbaud = 115200\n\n'
    for index, (bus, address) in enumerate(where):
        place = f"lat = {50.6693 + index % 50 * 2e-4}\nlon = {4.6150 + index // 50 * 1e-3}\n"
        text += f'[[post]]\nid = "p{index:03}"\nbus = "{bus}"\naddress = {address}\n{place}\n'
    path = folder / "gateway.toml"
    path.write_text(text)
    return path
