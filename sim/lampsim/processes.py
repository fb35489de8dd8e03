"""Processes of a simulation: started, spoken to by lines, killed and stopped; nothing is left behind.

What it promises
- Only processes started here are signalled, each as its own process group.
- They end with us however we end: by `stop`, by an exception (atexit), or by kill -9 (the kernel's parent-death signal
  on Linux; everywhere, a post quits when its stdin closes).
- Reading never blocks and stays bounded: lines of at most 64 KB, the last 50 lines of stderr, and a child that does not
  read its stdin loses what exceeds 16 KB.
"""

import asyncio
import atexit
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence

LINE_MAX = 65_536  # asyncio's own default; a status line of 32 posts is 8 KB
STDERR_LINES = 50  # enough for a traceback
STDIN_BYTES_MAX = 16_384  # a thousand field lines: a child so far behind is stuck
GRACE_S = 2.0  # a post writes its journal within a second; a gateway closes its outbox in less

# Runs first in the child, then becomes it. A small program of its own, because code between fork and exec is unsafe
# in a process with threads. PR_SET_PDEATHSIG = 1; the parent may have gone before the call, hence the comparison.
_WITH_US = (
    "import ctypes, os, sys\n"
    "ctypes.CDLL(None).prctl(1, 9)\n"
    "os.getppid() == int(sys.argv[1]) or os._exit(1)\n"
    "os.execvp(sys.argv[2], sys.argv[2:])\n"
)
_alive: set["Child"] = set()


class Child:
    """One process whose stdout is lines. `on_line(line)` is called in the loop, `on_exit(returncode)` at its end."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: dict[str, str] | None = None,
        on_line: Callable[[str], None] = lambda line: None,
        on_exit: Callable[[int], None] = lambda returncode: None,
        log_path: str | os.PathLike[str] | None = None,
    ) -> None:
        """`env` is added to ours. `log_path`: a file that gets stderr instead of `errors`."""
        self.name, self.command = name, list(command)
        self.on_line, self.on_exit = on_line, on_exit
        self.errors: deque[str] = deque(maxlen=STDERR_LINES)
        self.dropped_lines = 0
        self._env = {**os.environ, **(env or {})}
        self._log_path = log_path
        self._process: asyncio.subprocess.Process | None = None
        self._readers: list[asyncio.Task[None]] = []
        self._ended: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def returncode(self) -> int | None:
        return self._process.returncode if self._process else None

    async def start(self) -> None:
        """Start it, also again after it ended. Raises OSError when the command is not there."""
        if self.running:
            return
        _watch_without_threads()
        with self._stderr() as stderr:
            self._process = await asyncio.create_subprocess_exec(
                *_launch(self.command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                env=self._env,
                limit=LINE_MAX,
                process_group=0,  # not a session: a session leader that opens a pty would make it its terminal
            )
        _alive.add(self)
        self._ended = asyncio.create_task(self._follow(self._process))

    def send(self, line: str) -> bool:
        """Write one line to its stdin. False when it has ended or does not read."""
        stdin = self._process.stdin if self._process and self.running else None
        if stdin is None or stdin.is_closing() or stdin.transport.get_write_buffer_size() > STDIN_BYTES_MAX:
            self.dropped_lines += 1
            return False
        stdin.write(line.encode() + b"\n")
        return True

    async def kill(self) -> None:
        """kill -9, as a power cut does it, and wait until it is gone."""
        self._signal(signal.SIGKILL)
        await self.wait()

    async def stop(self, farewell: str | None = None, grace_s: float = GRACE_S) -> int | None:
        """Ask it to end (a line, then a closed stdin), then SIGTERM, then SIGKILL. Its return code."""
        if self.running and self._process and self._process.stdin:
            if farewell:
                self.send(farewell)
            self._process.stdin.close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            if await self._ends_within(grace_s):
                break
            self._signal(number)
        await self.wait()
        return self.returncode

    async def wait(self) -> None:
        """Until it has ended and its last line has been read."""
        if self._ended:
            await asyncio.shield(self._ended)

    async def _ends_within(self, seconds: float) -> bool:
        if self._ended is None:
            return True
        done, _ = await asyncio.wait([self._ended], timeout=seconds)
        return bool(done)

    def _signal(self, number: int) -> None:
        if self.running and self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    @contextlib.contextmanager
    def _stderr(self):
        if self._log_path is None:
            yield asyncio.subprocess.PIPE
            return
        with open(self._log_path, "ab") as file:
            yield file

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        readers = [self._read(process.stdout, self.on_line)]
        if process.stderr:
            readers.append(self._read(process.stderr, self.errors.append))
        await asyncio.gather(*readers)
        returncode = await process.wait()
        _alive.discard(self)
        self.on_exit(returncode)

    async def _read(self, stream: asyncio.StreamReader | None, take: Callable[[str], None]) -> None:
        while stream:
            try:
                line = await stream.readline()
            except ValueError:  # longer than LINE_MAX: asyncio has thrown it away
                self.dropped_lines += 1
                continue
            if not line:
                return
            try:
                take(line.decode("utf-8", "replace").rstrip("\r\n"))
            except Exception as error:  # a listener's fault is said loudly, but the child's pipe is read on
                message = f"listener of {self.name} failed"
                asyncio.get_running_loop().call_exception_handler({"message": message, "exception": error})


def _watch_without_threads() -> None:
    """Before Python 3.12 asyncio waits for each child in a thread; one that still waits at exit can hang the exit."""
    if sys.version_info < (3, 12) and hasattr(os, "pidfd_open"):
        watcher = asyncio.get_event_loop_policy().get_child_watcher()
        if not (isinstance(watcher, asyncio.PidfdChildWatcher) and watcher.is_active()):  # one for each running loop
            watcher = asyncio.PidfdChildWatcher()
            watcher.attach_loop(asyncio.get_running_loop())
            asyncio.set_child_watcher(watcher)


def _launch(command: list[str]) -> list[str]:
    if not sys.platform.startswith("linux"):
        return command
    return [sys.executable, "-I", "-S", "-c", _WITH_US, str(os.getpid()), *command]


def _kill_all() -> None:
    for child in list(_alive):
        child._signal(signal.SIGKILL)


atexit.register(_kill_all)
