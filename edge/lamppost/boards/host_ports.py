"""Byte ports and stdin of the host board, driven by asyncio: one way on CPython, one on MicroPython."""

import asyncio
import sys

from lamppost.boards.host import CHUNK, CPYTHON


class PortError(Exception):
    """A serial port cannot be used; the text is one line for a person and says what to do."""


def open_port(path: str, baud: int):
    """Open a serial port or pty, locked where the system can. Raises PortError."""
    return _CpythonPort(path, baud) if CPYTHON else _MicroPythonPort(path)


class _MicroPythonPort:
    """A pty or tty that somebody else has set to raw, VMIN=0, VTIME=0: the Unix port cannot."""

    def __init__(self, path: str):
        try:
            self._file = open(path, "r+b")
        except OSError as error:
            raise PortError("cannot open port %s (%s): check the path" % (path, error))

    def start(self, received) -> None:
        self._task = asyncio.create_task(self._read(received))

    def write(self, data: bytes) -> None:
        self._file.write(data)

    async def _read(self, received) -> None:
        reader = asyncio.StreamReader(self._file)  # pyright: ignore[reportArgumentType] - MicroPython's
        while True:
            data = await reader.read(CHUNK)
            if data:
                received(data)
            else:
                await asyncio.sleep_ms(2)  # pyright: ignore[reportAttributeAccessIssue] - MicroPython's


class _CpythonPort:
    def __init__(self, path: str, baud: int):
        import serial  # pure Python; not on boards

        try:
            self._serial = serial.Serial(path, baud, timeout=0, write_timeout=0, exclusive=True)
        except (serial.SerialException, OSError, ValueError) as error:
            reason = str(error)
            if "exclusively lock" in reason or "busy" in reason:
                raise PortError("port %s is already open in another program: close it there" % path) from None
            if getattr(error, "errno", None) == 13:
                raise PortError("no right to open port %s: add this user to the group dialout" % path) from None
            raise PortError("cannot open port %s: check the cable and the path" % path) from None

    def start(self, received) -> None:
        self._received = received
        asyncio.get_running_loop().add_reader(self._serial.fileno(), self._read)

    def write(self, data: bytes) -> None:
        try:
            self._serial.write(data)
        except Exception:  # a pulled adapter: the light goes on without a line
            self._close()

    def _read(self) -> None:
        try:
            data = self._serial.read(CHUNK)
        except Exception:
            data = b""
        if data:
            self._received(data)
        else:
            self._close()

    def _close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._serial.fileno())


def start_stdin(line):
    """Call `line(text)` for each line of stdin and `line(None)` at its end; keep the returned task."""
    return asyncio.create_task(_cpython_stdin(line) if CPYTHON else _micropython_stdin(line))


async def _micropython_stdin(line) -> None:
    reader = asyncio.StreamReader(sys.stdin)  # pyright: ignore[reportArgumentType] - MicroPython's
    while True:
        text = await reader.readline()
        if not text:
            line(None)
            return
        line(text.decode() if isinstance(text, bytes) else text)


async def _cpython_stdin(line) -> None:
    import os
    import stat

    mode = os.fstat(sys.stdin.fileno()).st_mode if sys.stdin else 0
    if not mode or stat.S_ISREG(mode) or (stat.S_ISCHR(mode) and not sys.stdin.isatty()):
        return  # /dev/null or a file, as a service has: nobody types there, and the post runs on
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while True:
        text = await reader.readline()
        if not text:
            line(None)
            return
        line(text.decode("ascii", "replace"))
