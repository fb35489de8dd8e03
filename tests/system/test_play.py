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
TAIL = 20_000  # characters that are looked at: a whole screen has some 10,000 with its colours


def plain(text: str) -> str:
    """Without escape sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


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
        """What was seen last, up to what matches. Fails after WAIT_S."""
        seen, end = "", time.monotonic() + WAIT_S
        while time.monotonic() < end:
            if select.select([self.master], [], [], 0.5)[0]:
                try:
                    read = os.read(self.master, 65536).decode("utf-8", "replace")
                except OSError:  # it has ended
                    break
                seen = (seen + read)[-TAIL - len(read) :]  # all of it would take longer to search each time
                if re.search(pattern, plain(seen)):
                    return plain(seen)
        pytest.fail(f"{pattern} did not come; last: {plain(seen)[-3000:]}")

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
        screen.process.wait(10)
        os.close(screen.master)
