"""The line on real ptys: what goes in at one device comes out at the others, damaged where it must be."""

import asyncio
import os
import termios
import time

import pytest

from lampsim.agreement import POLL, REPLY, compare, predict_us
from lampsim.line import Line
from lampsim.line_process import LineProcess, obey
from lampsim.pty_line import PtyLine


async def read_all(fd: int, count: int, timeout_s: float = 2.0) -> bytes:
    """Up to `count` bytes; less only when `timeout_s` has passed."""
    got, end = b"", time.monotonic() + timeout_s
    while len(got) < count and time.monotonic() < end:
        got += os.read(fd, count - len(got))
        await asyncio.sleep(0.001)
    return got


@pytest.fixture
async def ptys():
    async with PtyLine(Line(115_200, ["gw", "a", "b"])) as opened:
        yield opened


@pytest.fixture
def opened(ptys):
    fds = {name: os.open(path, os.O_RDWR | os.O_NOCTTY) for name, path in ptys.paths.items()}
    yield fds
    for fd in fds.values():
        os.close(fd)


async def test_a_frame_reaches_every_other_device_byte_for_byte(ptys, opened):
    data = bytes(range(1, 255)) + b"\0"  # also what a terminal would take for itself: ^C, ^D, ^S, newline
    os.write(opened["gw"], data)
    assert await read_all(opened["a"], len(data)) == data
    assert await read_all(opened["b"], len(data)) == data
    assert os.read(opened["gw"], 10) == b""
    assert ptys.line.counters.frames == 1


async def test_reading_an_idle_device_returns_at_once(opened):
    attributes = termios.tcgetattr(opened["a"])
    assert attributes[6][termios.VMIN] in (0, b"\0")
    assert os.read(opened["a"], 10) == b""


async def test_two_at_once_collide(ptys, opened):
    os.write(opened["a"], b"A" * 20)
    os.write(opened["b"], b"B" * 20)
    got = await read_all(opened["gw"], 20)
    assert len(got) >= 20
    assert got not in (b"A" * 20, b"B" * 20)
    assert ptys.line.counters.collisions == 1


async def test_a_device_written_faster_than_the_wire_loses_nothing(ptys, opened):
    data = bytes(range(256)) * 16  # 4 KB: four times what the line takes at once
    os.write(opened["gw"], data)
    assert await read_all(opened["a"], len(data)) == data
    assert ptys.line.counters.dropped == 0


async def test_a_device_nobody_reads_overruns_instead_of_blocking_the_line():
    async with PtyLine(Line(1_000_000, ["gw", "a", "b"])) as ptys:
        fds = [os.open(ptys.paths[name], os.O_RDWR | os.O_NOCTTY) for name in ("gw", "a")]
        for _ in range(20):  # 80 KB; the kernel keeps 68 KB for b, which reads nothing
            os.write(fds[0], bytes(4000))
            assert await read_all(fds[1], 4000) == bytes(4000)
        for fd in fds:
            os.close(fd)
    assert ptys.overruns > 4000


async def test_plugging_in_again_throws_stale_bytes_away(ptys, opened):
    os.write(opened["gw"], b"stale\0")
    assert await read_all(opened["b"], 6) == b"stale\0"
    obey(ptys, ["unplug", "a"])
    obey(ptys, ["plug", "a"])
    os.write(opened["gw"], b"fresh\0")
    assert await read_all(opened["a"], 6) == b"fresh\0"


async def test_an_unknown_command_says_what_is_known(ptys):
    with pytest.raises(ValueError, match="unplug NODE"):
        obey(ptys, ["unplug", "nobody"])


async def test_the_line_in_its_own_process_reports_and_ends_with_quit():
    reports: asyncio.Queue[dict] = asyncio.Queue()
    line = LineProcess("bus0", ["gw", "a"], 115_200, on_report=reports.put_nowait)
    await line.start()
    fd = os.open(line.paths["gw"], os.O_RDWR | os.O_NOCTTY)
    os.write(fd, b"hello\0")
    report = await asyncio.wait_for(reports.get(), 5)
    os.close(fd)
    assert (report["bytes"], report["frames"], report["overruns"]) == (6, 1, 0)
    assert await line.stop() == 0


async def test_a_line_that_cannot_start_says_why():
    with pytest.raises(RuntimeError, match="baud 1: give 300"):
        await LineProcess("bus0", ["gw"], baud=1).start()


def test_the_model_of_an_exchange_is_its_bytes():
    assert predict_us(10_000) == (len(POLL) + len(REPLY)) * 1_000


async def test_real_exchanges_take_what_the_model_says():
    """Generous, because a loaded machine is not a wrong program; `python -m lampsim.agreement` prints the figure."""
    got = await compare(115_200, count=30, nodes=4)
    assert -600 < got["p50_us"] < 3_000
