"""A visitor pulls the gateway's cable with a key, sees that the line is alone, puts it back and leaves."""

import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest

pytestmark = [pytest.mark.system, pytest.mark.slow]
WAIT_S = 180.0  # a plan to 24 posts on a machine that does much else


class Screen:
    """What a program on a pseudo-terminal has written since the last look, without its escape sequences."""

    def __init__(self, command: list[str]) -> None:
        self.master, slave = pty.openpty()
        size = {"LINES": "40", "COLUMNS": "120", "TERM": "xterm-256color"}
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, **size}, start_new_session=True
        )
        os.close(slave)

    def until(self, pattern: str) -> str:
        """Everything up to what matches. Fails after WAIT_S."""
        seen, end = "", time.monotonic() + WAIT_S
        while time.monotonic() < end:
            if select.select([self.master], [], [], 0.5)[0]:
                try:
                    seen += os.read(self.master, 65536).decode("utf-8", "replace")
                except OSError:  # it has ended
                    break
                plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
                if re.search(pattern, plain):
                    return plain
        pytest.fail(f"{pattern} did not come; last: {seen[-500:]!r}")

    def press(self, key: str) -> None:
        os.write(self.master, key.encode())

    def drain(self) -> int:
        """Read until the program ends; its exit code."""
        while self.process.poll() is None:
            if select.select([self.master], [], [], 0.2)[0]:
                try:
                    os.read(self.master, 65536)
                except OSError:
                    break
        return self.process.wait(30)


def test_the_cable_is_pulled_and_put_back() -> None:
    screen = Screen([sys.executable, "-m", "lampsim", "demo", "--play", "--micropython", "2", "--seconds", "600"])
    try:
        screen.until("24 of 24 posts report plan")
        screen.press("g")
        screen.until("UNPLUGGED")
        screen.until(r"sees a walker")
        screen.press("g")
        screen.until("running")
        screen.press("q")
        assert screen.drain() == 0
    finally:
        screen.process.kill()
        os.close(screen.master)
