"""What every relay is measured on: one pty, one mosquitto, one source of lines before it and one centre behind it.

- The source writes as fast as the port takes it, or so many lines a second. It stands still while nobody has the port
  open: what a relay is not there to read is not held against it.
- Where a relay acknowledges lines (`+number` and a newline on the port: all up to there are stored), the source keeps
  them until then and says the others again when the relay is back or asks for them (`-number`: from there on), as a
  post does. A relay that does not acknowledge is not asked.
- The centre has a session that the broker keeps, and counts each line's first arrival, its delay and its repetitions.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import resource
import shutil
import struct
import termios
import time
import tty
from collections import deque
from collections.abc import Callable
from pathlib import Path

from ...broker import free_port
from ...processes import Child
from .lines import found, line
from .mqtt import Client

START_S = 20.0
AUTOSAVE_S = 1  # as in deploy/mosquitto/tuning.conf
CHUNK = 16  # lines in one write: what a pty takes at once
AGAIN_S = 0.05
OPEN_S = 0.3  # drivers throw away what came before they had set the port

# As deploy/mosquitto/tuning.conf says: nothing is dropped, and what was acknowledged is there after a restart.
_CONFIG = """\
listener {port} 127.0.0.1
allow_anonymous true
max_queued_messages 0
max_queued_bytes 0
max_inflight_messages 1000
set_tcp_nodelay true
persistence true
persistence_location {folder}/
autosave_interval {autosave_s}
"""


Ids = Callable[[bytes], list[tuple[tuple, int]]]


class StageError(Exception):
    """The benchmark cannot run here; the text says what to do."""


def now_us() -> int:
    """The clock of births and arrivals."""
    return time.monotonic_ns() // 1000


class Mosquitto:
    """A mosquitto of our own on a free loopback port; stopped and started again, it keeps port and store."""

    def __init__(self, folder: Path, autosave_s: int = AUTOSAVE_S) -> None:
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if program is None:
            raise StageError("mosquitto is not installed: sudo apt-get install -y mosquitto")
        self.host, self.port, self.autosave_s = "127.0.0.1", free_port(), autosave_s
        folder.mkdir()
        config = folder / "mosquitto.conf"
        user = "user root\n" if os.geteuid() == 0 else ""  # else it could not read its own folder
        config.write_text(_CONFIG.format(port=self.port, folder=folder, autosave_s=autosave_s) + user)
        self._child = Child("mosquitto", [program, "-c", str(config)], log_path=folder / "log")

    async def start(self) -> None:
        await self._child.start()
        for _ in range(round(START_S / AGAIN_S)):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(self.host, self.port)
                writer.close()
                return
            if not self._child.running:
                break
            await asyncio.sleep(AGAIN_S)
        raise StageError(f"mosquitto did not start on {self.host}:{self.port}; does it run on this machine?")

    async def stop(self) -> None:
        """With time to write its store."""
        await self._child.stop(grace_s=0.5)

    @property
    def cpu_s(self) -> float:
        return cpu_s(self._child.pid)

    @property
    def resident_kb(self) -> int:
        return resident_kb(self._child.pid) if self._child.pid else 0


class Port:
    """A pty. `path` is what a relay opens; it stays there when the relay dies."""

    def __init__(self) -> None:
        self.fd, self._slave = pty.openpty()
        tty.setraw(self._slave)  # no echo and no translation, also before a relay sets it so
        os.set_blocking(self.fd, False)
        self.path = os.ttyname(self._slave)

    def unread(self) -> int:
        """Bytes that nobody has read yet."""
        size = fcntl.ioctl(self._slave, termios.TIOCINQ, struct.pack("i", 0))
        return struct.unpack("i", size)[0]

    def empty(self) -> None:
        """Throw away what a relay left unread, and what it said."""
        termios.tcflush(self._slave, termios.TCIOFLUSH)
        termios.tcflush(self.fd, termios.TCIOFLUSH)

    def close(self) -> None:
        os.close(self.fd)
        os.close(self._slave)


class Source:
    """Writes lines to the port."""

    def __init__(self, port: Port, acknowledged: bool) -> None:
        self.next = 0  # the number of the next new line
        self._port, self._acknowledged = port, acknowledged
        self._kept: deque[int] = deque()  # numbers of lines not acknowledged, in order
        self._births: dict[int, int] = {}
        self._waiting: deque[int] = deque()  # numbers to be said again
        self._said = b""
        self._loop = asyncio.get_running_loop()
        self._may = asyncio.Event()
        self._may.set()
        self._writable = asyncio.Event()
        self._loop.add_reader(port.fd, self._read)

    def close(self) -> None:
        self._loop.remove_reader(self._port.fd)
        self._loop.remove_writer(self._port.fd)

    def pause(self) -> None:
        self._may.clear()

    def go_on(self) -> None:
        """The relay is back: say again what it has not acknowledged, then what comes."""
        self._waiting = deque(self._kept)
        self._may.set()

    async def flood(self, count: int, until_s: float) -> None:
        """So many new lines, as fast as the port takes them, but no longer than until_s of the loop's clock."""
        end = self.next + count
        try:
            async with asyncio.timeout_at(until_s):
                while self.next < end or self._waiting:
                    await self.again()
                    await self._write(b"".join(self._new() for _ in range(min(end - self.next, CHUNK))))
        except TimeoutError:
            return

    async def steady(self, per_s: float, seconds: float) -> None:
        """Lines at even distances; while paused none are born."""
        begin, count = self._loop.time(), 0
        while count < round(per_s * seconds):
            if not self._may.is_set():
                await self._may.wait()
                begin = self._loop.time() - count / per_s
            await asyncio.sleep(max(0.0, begin + count / per_s - self._loop.time()))
            if self._may.is_set():
                count += 1
                await self.again()
                await self._write(self._new())

    async def again(self) -> None:
        """What is to be said again."""
        while self._waiting:
            number = self._waiting.popleft()
            if number in self._births:
                await self._write(line(number, self._births[number]))

    def _new(self) -> bytes:
        number, born = self.next, now_us()
        self.next += 1
        if self._acknowledged:
            self._kept.append(number)
            self._births[number] = born
        return line(number, born)

    async def _write(self, data: bytes) -> None:
        while data:
            with contextlib.suppress(BlockingIOError):
                data = data[os.write(self._port.fd, data) :]
            if data:
                self._writable.clear()
                self._loop.add_writer(self._port.fd, self._writable.set)
                try:
                    await self._writable.wait()
                finally:
                    self._loop.remove_writer(self._port.fd)

    def _read(self) -> None:
        try:
            data = self._said + os.read(self._port.fd, 65_536)
        except OSError:
            return
        *whole, self._said = data.split(b"\n")
        for words in whole:
            if words[:1] == b"+" and words[1:].isdigit():
                while self._kept and self._kept[0] <= int(words[1:]):
                    del self._births[self._kept.popleft()]
            elif words[:1] == b"-" and words[1:].isdigit() and not self._waiting:
                self._waiting.extend(number for number in self._kept if number >= int(words[1:]))


class Centre:
    """Hears what the relays publish; `ids` finds (id, number) in a payload of a relay that gives ids."""

    def __init__(self, broker: Mosquitto, filters: tuple[str, ...], ids: Ids | None = None) -> None:
        self.first = 0  # lines below are none of the measurement
        self.arrived: dict[int, int] = {}  # line number: delay in us
        self.times = 0  # arrivals, repetitions counted
        self.last_us = 0
        self.ids: dict[tuple, int] = {}  # the number of the line under each id
        self.confused = 0  # lines that came under the id of another
        self.answers: dict[bytes, tuple[bytes, bytes]] = {}  # of a server: topic before the number, topic and payload
        self._broker, self._filters, self.find_ids = broker, filters, ids
        self._heard = asyncio.Event()
        self._client: Client | None = None
        self._task: asyncio.Task | None = None

    async def start(self) -> None:
        await self._connect()
        self._task = asyncio.create_task(self._stay())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._client is not None:
            self._client.close()
        # a clean connection under the same name ends the session that the broker keeps
        with contextlib.suppress(OSError, TimeoutError):
            (await Client("centre").connect(self._broker.host, self._broker.port)).close()

    def begin(self, first: int) -> None:
        """Count from line `first` on."""
        self.first, self.times = first, 0
        self.arrived.clear()

    async def until(self, count: int, until_s: float) -> bool:
        """Whether so many different lines are there before until_s of the loop's clock."""
        return await self._wait(lambda: len(self.arrived) >= count, until_s)

    async def quiet(self, count: int, quiet_s: float, more_s: float) -> None:
        """Until all `count` are there and more_s have passed, or nothing has come for quiet_s."""
        loop = asyncio.get_running_loop()
        while not await self.until(count, loop.time() + quiet_s):
            if now_us() - self.last_us > quiet_s * 1_000_000:
                return
        await asyncio.sleep(more_s)

    async def _wait(self, condition, until_s: float) -> bool:
        try:
            async with asyncio.timeout_at(until_s):
                while not condition():
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError:
            pass
        return condition()

    async def _connect(self) -> None:
        client = Client("centre", self._received, clean=False)
        self._gone = asyncio.Event()
        client.lost = self._gone.set
        await client.connect(self._broker.host, self._broker.port)
        self._client = client
        await client.subscribe(*self._filters)

    async def _stay(self) -> None:
        while True:
            await self._gone.wait()
            await asyncio.sleep(AGAIN_S)
            try:
                await self._connect()
            except (OSError, TimeoutError):
                self._gone.set()

    def _received(self, topic: bytes, payload: bytes) -> None:
        for start, (answer, content) in self.answers.items():
            if topic.startswith(start) and self._client is not None:
                self._client.publish(answer + topic[len(start) :], content)
        lines = [one for one in found(payload) if one[0] >= self.first]
        if not lines:
            return
        self.last_us = now_us()
        self.times += len(lines)
        for number, born in lines:
            self.arrived.setdefault(number, self.last_us - born)
        if self.find_ids is not None:
            for name, number in self.find_ids(payload):
                self.confused += number >= self.first and self.ids.setdefault(name, number) != number
        self._heard.set()


class Process:
    """A relay as processes of one group."""

    def __init__(self, name: str, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.most_kb = 0
        self._child = Child(name, command, env=environment, log_path=folder / "errors")
        self._folder = folder

    async def start(self, port: Port) -> None:
        """Until it has the port open. Raises StageError."""
        await self._child.start()
        for _ in range(round(6 * START_S / AGAIN_S)):
            if opened(port.path, self.pids()):
                await asyncio.sleep(OPEN_S)
                return
            if not self._child.running:
                break
            await asyncio.sleep(AGAIN_S)
        raise StageError(f"{self._child.name} did not open its port: {self.last_words()}")

    def last_words(self) -> str:
        log = self._folder / "errors"
        words = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
        return words[-1][:200] if words else "it said nothing"

    async def kill(self) -> None:
        await self._child.kill()

    async def stop(self) -> None:
        await self._child.stop(grace_s=2.0)

    @property
    def running(self) -> bool:
        return self._child.running

    def pids(self) -> list[int]:
        return in_group(self._child.pid)

    def resident_kb(self) -> int:
        size = sum(resident_kb(pid) for pid in self.pids())
        self.most_kb = max(self.most_kb, size)
        return size

    @property
    def cpu_s(self) -> float:
        return sum(cpu_s(pid) for pid in self.pids())


def in_group(leader: int | None) -> list[int]:
    """The processes of a group that live."""
    found_pids = []
    for name in os.listdir("/proc") if leader else ():
        if name.isdigit():
            with contextlib.suppress(OSError):
                if os.getpgid(int(name)) == leader:
                    found_pids.append(int(name))
    return found_pids


def opened(path: str, pids: list[int]) -> bool:
    """Whether one of the processes has the file open."""
    for pid in pids:
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    if os.readlink(f"/proc/{pid}/fd/{name}") == path:
                        return True
    return False


def resident_kb(pid: int) -> int:
    """VmRSS; 0 when it has ended."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status") as lines:
        for words in lines:
            if words.startswith("VmRSS"):
                return int(words.split()[1])
    return 0


def cpu_s(pid: int | None) -> float:
    """Seconds of processor that a process has used; 0 when it has ended."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def machine_cpu_s() -> float:
    """Seconds of processor that the whole machine has used, and its host has taken from it."""
    with open("/proc/stat") as stat:
        user, nice, system, _idle, _wait, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


class Elsewhere:
    """How much of the machine others take from now on; `mine()`: the seconds of processor of all that is measured."""

    def __init__(self, mine: Callable[[], float]) -> None:
        self._mine = mine
        self._begin_s, self._machine_s, self._mine_s = time.monotonic(), machine_cpu_s(), mine()

    def share(self) -> float:
        """Of all cores, 0 to 1."""
        took_s = (time.monotonic() - self._begin_s) * (os.cpu_count() or 1)
        theirs_s = machine_cpu_s() - self._machine_s - (self._mine() - self._mine_s)
        return min(1.0, max(0.0, theirs_s / took_s))


def more_files(count: int) -> None:
    """Let this process and those it starts have so many files open. Raises StageError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (count, max(count, hard)))
        except (OSError, ValueError):
            raise StageError(f"{count} open files are needed and {hard} allowed: ulimit -n {count} as root") from None


def own_cpu_s() -> float:
    """Seconds of processor that the benchmark itself has used."""
    return time.process_time()
