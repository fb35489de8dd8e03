"""Posts as processes: lines both ways on both interpreters, and nothing left behind however it ends."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from lampsim.posts import Identify, Lamp, Log, Ready, Site, micropython, parse
from lampsim.processes import STDERR_LINES, Child

STAND_IN = str(Path(__file__).parent / "stand_in_post.py")
INTERPRETERS = [[sys.executable, "-u"]] + ([[micropython(), "-X", "heapsize=192wK"]] if micropython() else [])


class Listening(Child):
    """A child whose lines can be awaited."""

    def __init__(self, command, **kwargs):
        self.lines: asyncio.Queue[str] = asyncio.Queue()
        super().__init__("child", command, on_line=self.lines.put_nowait, **kwargs)

    async def next_line(self) -> str:
        return await asyncio.wait_for(self.lines.get(), 10)


def gone(pid: int) -> bool:
    """True when the process is no more (or waits only to be reaped by init)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_until_gone(pid: int) -> bool:
    end = time.monotonic() + 30
    while time.monotonic() < end and not gone(pid):
        time.sleep(0.01)
    return gone(pid)


@pytest.mark.parametrize("interpreter", INTERPRETERS, ids=lambda i: Path(i[0]).name)
async def test_lines_go_in_and_come_out(interpreter):
    child = Listening([*interpreter, STAND_IN])
    await child.start()
    assert await child.next_line() == "ready"
    assert child.send("presence 0 1 0")
    assert parse(await child.next_line()) == Lamp(1000, 300)
    assert child.send("lux 12")
    assert parse(await child.next_line()) == Log("heard lux 12")
    assert await child.stop("quit") == 0
    assert not child.send("too late")
    assert child.dropped_lines == 1


async def test_a_crash_is_seen_with_its_traceback_and_return_code():
    ended: list[int] = []
    child = Listening([sys.executable, STAND_IN, "--crash"], on_exit=ended.append)
    await child.start()
    await child.wait()
    assert ended == [1]
    assert child.errors[-1] == "ValueError: crash as asked"


async def test_kill_is_at_once_and_it_can_start_again():
    child = Listening([sys.executable, "-u", STAND_IN])
    await child.start()
    first = child.pid
    await child.next_line()
    await child.kill()
    assert child.returncode == -signal.SIGKILL
    await child.start()
    assert await child.next_line() == "ready"
    assert child.pid != first
    await child.stop()


async def test_a_failing_listener_is_reported_and_reading_goes_on():
    reports: list[dict] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reports.append(context))
    lines: list[str] = []

    def listen(line: str) -> None:
        lines.append(line)
        raise KeyError("id")

    child = Child("child", [sys.executable, "-c", "print(1); print(2)"], on_line=listen)
    await child.start()
    await child.wait()
    assert lines == ["1", "2"]
    assert [report["message"] for report in reports] == ["listener of child failed"] * 2


async def test_a_child_that_ignores_everything_is_killed():
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(99)"
    )
    child = Listening([sys.executable, "-c", stubborn])
    await child.start()
    await child.next_line()
    assert await child.stop(grace_s=0.05) == -signal.SIGKILL


async def test_what_a_child_says_is_bounded():
    child = Listening(
        [
            sys.executable,
            "-c",
            "import sys; print('x' * 200000); print('end'); [print(i, file=sys.stderr) for i in range(999)]",
        ]
    )
    await child.start()
    await child.wait()
    assert child.dropped_lines >= 1
    assert len(child.errors) == STDERR_LINES
    assert child.errors[-1] == "998"
    last = ""
    while not child.lines.empty():
        last = child.lines.get_nowait()
    assert last == "end"


async def test_a_child_that_does_not_read_loses_lines_instead_of_our_memory():
    child = Listening([sys.executable, "-c", "import time; print('up', flush=True); time.sleep(99)"])
    await child.start()
    await child.next_line()
    sent = sum(child.send("presence 0 1 0" * 100) for _ in range(200))
    assert sent < 200
    await child.kill()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the parent-death signal is Linux's")
@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "raise ValueError", "os.kill(os.getpid(), 2)"])
def test_nothing_is_left_behind_when_the_parent_dies(end):
    parent = textwrap.dedent(f"""
        import asyncio, os, sys
        from lampsim.processes import Child
        async def main():
            up = asyncio.Event()
            command = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(99)"]
            child = Child("c", command, on_line=lambda line: up.set())
            await child.start()
            await up.wait()
            print(child.pid, flush=True)
            {end}
        asyncio.run(main())
    """)
    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode != 0
    assert wait_until_gone(int(done.stdout))


async def test_a_child_is_not_a_session_leader_and_not_in_our_group():
    child = Listening(
        [sys.executable, "-c", "import os; print(os.getsid(0) != os.getpid(), os.getpgid(0) == os.getpid())"]
    )
    await child.start()
    assert await child.next_line() == "True True"
    await child.wait()


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("lamp 600 1000", Lamp(600, 1000)),
        ("ready", Ready()),
        ("identify 1", Identify(True)),
        ("identify 0", Identify(False)),
        ("log plan  applied", Log("plan  applied")),
        ("log", Log("")),
        ("Traceback (most recent call last):", Log("Traceback (most recent call last):")),
        ("lamp -1 x", Log("lamp -1 x")),
    ],
)
def test_the_lines_of_the_field_channel(line, event):
    assert parse(line) == event


def test_a_site_knows_its_command(tmp_path):
    site = Site("p01", "/dev/pts/3", tmp_path / "p01", service="/dev/pts/4")
    assert site.command()[1:] == [
        "-m", "lamppost", "--bus", "/dev/pts/3", "--baud", "19200",
        "--state", str(tmp_path / "p01"), "--service", "/dev/pts/4",
    ]  # fmt: skip
    assert site.env() == {}


@pytest.mark.skipif(micropython() is None, reason="the micropython interpreter has no wheel for this machine")
def test_a_site_on_micropython_runs_in_a_small_heap_from_compiled_files(tmp_path):
    site = Site("p01", "/dev/pts/3", tmp_path, mpy=Path("/x"))
    assert site.command()[:5] == [micropython(), "-X", "heapsize=192wK", "-m", "lamppost"]
    assert site.env() == {"MICROPYPATH": "/x:.frozen"}
    assert os.access(site.command()[0], os.X_OK)
