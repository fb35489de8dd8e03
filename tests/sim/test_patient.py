"""A terminal that takes nothing keeps nobody waiting, and gets in order and whole what it was given."""

import asyncio
import contextlib
import os
import pty
import select
import time
import tty

import pytest
from rich.console import Console

from lampsim.patient import PatientFile
from lampsim.scene import Scene
from lampsim.view import View

FRAME = "x" * 200_000  # more than any pseudo-terminal holds


@pytest.fixture
def terminal():
    """(its other end, a text file on it)."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    with os.fdopen(slave, "w", encoding="utf-8") as file:
        yield master, file
    os.close(master)


def read(master: int, count: int) -> str:
    """What comes, up to `count` characters or until nothing comes for a second."""
    got = b""
    while len(got) < count and select.select([master], [], [], 1)[0]:
        got += os.read(master, 65_536)
    return got.decode()


def test_what_is_written_comes_in_order_and_the_writer_never_waits(terminal) -> None:
    master, file = terminal
    patient = PatientFile(file)
    start = time.monotonic()
    for text in (FRAME, "a", "b"):
        patient.write(text)
        patient.flush()
    assert time.monotonic() - start < 1.0
    time.sleep(0.05)
    assert not patient.idle
    assert read(master, len(FRAME) + 2) == FRAME + "ab"
    patient.close()
    assert patient.idle
    assert not file.closed


def test_a_terminal_that_is_gone_is_written_to_no_more() -> None:
    master, slave = pty.openpty()
    file = os.fdopen(slave, "w", encoding="utf-8")
    patient = PatientFile(file)
    os.close(master)
    for _ in range(3):
        patient.write("frame")
        patient.flush()
        time.sleep(0.05)
    assert patient.idle
    patient.close()
    with contextlib.suppress(OSError):
        file.close()


async def test_the_loop_runs_on_while_the_picture_waits_for_its_terminal(terminal) -> None:
    master, file = terminal
    console = Console(file=file, force_terminal=True, width=200, height=60, color_system="truecolor", _environ={})
    late = []

    async def watch() -> None:
        while True:
            start = time.monotonic()
            await asyncio.sleep(0.05)
            late.append(time.monotonic() - start)

    watcher = asyncio.create_task(watch())
    async with View(Scene("Nowhere", []), console, plain=False):
        await asyncio.sleep(2)  # nobody reads: a screen of 60 lines does not fit in
        watcher.cancel()
        assert len(late) > 5
        reader = asyncio.create_task(asyncio.to_thread(read, master, 10_000_000))
    assert "\x1b[?1049l" in await reader, "the screen is given back"
    assert max(late) < 1.0
