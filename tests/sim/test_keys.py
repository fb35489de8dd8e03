"""Keys pressed while a picture is shown: a real pseudo-terminal, restored afterwards."""

import asyncio
import os
import pty
import termios

from lampsim.keys import Keys


async def test_a_key_calls_and_others_do_nothing() -> None:
    master, slave = pty.openpty()
    pressed: list[str] = []
    before = termios.tcgetattr(slave)
    try:
        async with Keys({key: lambda key=key: pressed.append(key) for key in "gq"}, slave):
            os.write(master, b"xg\x1b\xffq\ng")
            for _ in range(200):
                if len(pressed) == 3:
                    break
                await asyncio.sleep(0.005)
        assert pressed == ["g", "q", "g"]
        assert termios.tcgetattr(slave) == before
    finally:
        os.close(master)
        os.close(slave)


async def test_without_a_terminal_nothing_is_read() -> None:
    reader, writer = os.pipe()
    try:
        os.write(writer, b"q")
        async with Keys({"q": lambda: pytest_fails()}, reader):
            await asyncio.sleep(0.02)
        assert os.read(reader, 1) == b"q"
    finally:
        os.close(reader)
        os.close(writer)


def pytest_fails() -> None:
    raise AssertionError("a pipe is no keyboard")
