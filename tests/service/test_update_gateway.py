"""A real gateway updates itself under a small systemd: watched, and taken back."""

import asyncio
import contextlib
import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cabinet import Centre, write_config
from pty_street import PtyStreet
from small_systemd import SmallSystemd
from updates import install, status

from lamplighter.update import boot


@pytest.mark.slow
@pytest.mark.system
async def test_a_real_gateway_updates_itself_is_watched_and_goes_back(releases, tmp_path, mosquitto) -> None:
    """1.0.0 serves; 1.1.0 proves itself, but not without the broker that 1.0.0 had; 1.2.0 falls and is taken back."""
    good, better = releases.whole("1.0.0"), releases.whole("1.1.0")
    broken = releases.whole(
        "1.2.0",
        (
            "gateway/lamplighter/gateway/daemon.py",
            "        self._loop = asyncio.get_running_loop()\n",
            "        1 / 0\n",
        ),
    )
    releases.sign(good)
    releases.sign(better, "1.1.0")
    releases.sign(broken, "1.1.0")
    base, street = tmp_path / "opt", PtyStreet(1)
    config = write_config(tmp_path, street.port, mosquitto, 1, "trial_s = 2")
    state = tmp_path / "state"
    done = install(releases, good, base, "--config", config)
    assert done.returncode == 0, done.stderr
    program = str(base / "current" / "bin" / "lamplighter")
    systemd, centre = SmallSystemd(base, config, state), Centre(mosquitto)

    def serves(version: str):
        def now() -> bool:
            told = centre.last.get("status", {})
            return told.get("version") == version and told.get("online") and told.get("posts_online") == 1

        return now

    def log() -> str:
        return systemd.log.read_text()

    try:
        async with centre.listening():
            await centre.until(serves("1.0.0"))
            await centre.until(lambda: had(state).get("broker") and had(state)["posts"])
            done = install(releases, better, base, "--config", config, program=program)
            assert done.returncode == 0, done.stderr
            right = config.read_text()
            config.write_text(right.replace(f"port = {mosquitto[1]}", "port = 1"))
            systemd.kill()
            lacks = "there is no connection to the broker"
            await asyncio.to_thread(wait, lambda: "1.1.0 is on trial and not yet well" in log() and lacks in log())
            await asyncio.sleep(4)
            assert not (state / "confirmed").exists(), "twice the time, but without the broker"
            config.write_text(right)
            systemd.kill()
            await centre.until(serves("1.1.0"))
            await asyncio.to_thread(wait, (state / "confirmed").exists)
            assert check(base, state) == ["lamplighter: version 1.1.0 has proved itself"]
            assert status(base) | {"version": "1.1.0", "on_trial": False, "minimum": "1.1.0"} == status(base)
            done = install(releases, good, base, program=program)
            assert "version 1.0.0 is below the minimum 1.1.0" in done.stderr
            done = install(releases, broken, base, program=program)
            assert done.returncode == 0, done.stderr
            before = systemd.starts
            systemd.kill()
            await asyncio.to_thread(wait, lambda: systemd.starts - before > boot.STARTS)
            centre.last["status"] = {}
            await centre.until(serves("1.1.0"))
            assert systemd.starts - before == boot.STARTS + 1
            assert "version 1.2.0 was started 5 times and was never well; version 1.1.0 runs again" in log()
            assert status(base)["refused"] == ["1.2.0"]
            items = [item["post_seq"] for item in centre.items.values()]
            assert len(items) == len(set(items)), "no item has come under two ids"
    finally:
        systemd.close()
        street.close()


def had(state: Path) -> dict:
    """What the gateway has written down."""
    with contextlib.closing(sqlite3.connect(f"{(state / 'gateway.db').as_uri()}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT value FROM meta WHERE name='had'").fetchall()
    return json.loads(rows[0][0]) if rows else {}


def check(base: Path, state: Path) -> list[str]:
    """One minute of the timer."""
    words = [sys.executable, "-I", str(base / "boot.py"), "check", "--state", str(state)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60).stderr.splitlines()


def wait(condition, timeout_s: float = 60.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)
