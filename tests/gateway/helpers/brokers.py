"""A mosquitto of a test's own, to be killed."""

import asyncio
import shutil
import socket
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def start_mosquitto(folder: Path, port: int, *more: str) -> asyncio.subprocess.Process:
    """Start it on 127.0.0.1:`port`, for anybody unless `more` lines of configuration say otherwise, and wait for it."""
    lines = [f"listener {port} 127.0.0.1", "persistence false", "max_queued_messages 0", "max_inflight_messages 0"]
    config = folder / f"{port}.conf"
    config.write_text("\n".join([*lines, *(more or ("allow_anonymous true",))]) + "\n")
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin") or "mosquitto"
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(program, "-c", str(config), stdout=quiet, stderr=quiet)
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                assert process.returncode is None, "mosquitto ended"
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return process
