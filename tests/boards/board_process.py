"""A board as a process: its flash image under the real MicroPython interpreter, restarted when it resets or hangs."""

import os
import select
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ptys import COPIER, raw_pty

HERE = Path(__file__).parent
MICROPYTHON = shutil.which("micropython", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
RESET = 42
LOST_S = 300  # on a machine with other work; a board says something each tenth of a second


@contextmanager
def joined(far: int) -> Iterator[str]:
    """A device for a program, joined to the master of another pty for as long as this lasts."""
    master, slave = raw_pty()
    over, end = os.pipe()

    def copy() -> None:
        while True:
            for ready in select.select([far, master, over], [], [])[0]:
                if ready == over:
                    return
                os.write(master if ready == far else far, os.read(ready, 4096))

    thread = threading.Thread(target=copy)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        os.close(end)
        thread.join()
        for descriptor in (over, master, slave):
            os.close(descriptor)


class Board:
    """`lines`: all that it has said; `port`: the device for a laptop on its service port; `bus`: master of its line."""

    def __init__(self, image: Path, heap: str = "192wK", watchdog_s: float = 3) -> None:
        self.image, self.heap, self.watchdog_s = image, heap, watchdog_s
        self.lines: list[str] = []
        self.resets: list[str] = []
        self._at = 0
        self.bus, self._bus_slave = raw_pty()
        ends = [raw_pty(), raw_pty()]
        self._descriptors = [self.bus, self._bus_slave, *ends[0], *ends[1]]
        self._service = os.ttyname(ends[0][1])
        self.port = os.ttyname(ends[1][1])
        masters = (ends[0][0], ends[1][0])
        words = [sys.executable, "-c", COPIER, *map(str, masters)]
        self._copier = subprocess.Popen(words, pass_fds=masters)
        self.start()

    def start(self) -> None:
        """Give it power."""
        assert MICROPYTHON
        words = [MICROPYTHON, "-X", f"heapsize={self.heap}", HERE / "run_board.py", self.image]
        words += [os.ttyname(self._bus_slave), self._service]
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0, env={}
        )
        self._rest = b""
        self._watched = False
        self._fed = 0.0

    def see(self, pin: int, level: int) -> None:
        """A sensor's pin goes to a level."""
        assert self._process.stdin
        self._process.stdin.write(f"level {pin} {level}\n".encode())

    def hurry(self, speed: int) -> None:
        """Let its clock run faster until it starts again."""
        assert self._process.stdin
        self._process.stdin.write(f"speed {speed}\n".encode())

    def until(self, words: str, restart: bool = True) -> int:
        """Let it run until a line begins with `words`, after the last one found; returns its place in `lines`.

        A reset or a hang begins it anew.
        """
        end = time.monotonic() + LOST_S
        while time.monotonic() < end:
            while self._at < len(self.lines):
                self._at += 1
                if self.lines[self._at - 1].startswith(words):
                    return self._at - 1
            self.live(restart)
        raise AssertionError(f"no '{words}' within {LOST_S} s; it said:\n" + "\n".join(self.lines[-40:]))

    def live(self, restart: bool = True) -> None:
        """Take what it says, for a tenth of a second at most."""
        assert self._process.stdout
        if not select.select([self._process.stdout], [], [], 0.1)[0]:
            if self._watched and self._used_s() - self._fed > self.watchdog_s:
                self._process.kill()
                self._process.wait()
                self._again("watchdog", restart)
            return
        data = self._process.stdout.read(4096)
        if not data:
            self._again("reset" if self._process.wait() == RESET else f"ended {self._process.returncode}", restart)
            return
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            text = line.strip().decode("utf-8", "replace")
            if text == "fed" or text.startswith("watchdog"):
                self._watched = True
                self._fed = self._used_s()
            else:
                self.lines.append(text)

    def _again(self, why: str, restart: bool) -> None:
        self.resets.append(why)
        self.lines.append(f"-- {why}")
        assert restart, "\n".join(self.lines[-40:])
        assert why in ("reset", "watchdog"), "\n".join(self.lines[-40:])
        self._release()
        self.start()

    def _used_s(self) -> float:
        """Its CPU seconds: one that hangs uses them, one that waits for a busy machine does not."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(stat[11]) / os.sysconf("SC_CLK_TCK")

    def cut(self) -> None:
        """Take its power away."""
        self._process.kill()
        self._process.wait()
        self._release()

    def _release(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def close(self) -> None:
        """End it and what belongs to it."""
        self.cut()
        self._copier.kill()
        self._copier.wait()
        for descriptor in self._descriptors:
            os.close(descriptor)
