"""Write a microcontroller over its USB port: the files, an identity and a key, and then see it run.

mpremote speaks to the board. A write that was broken off goes on where it was: a file that is there as it should be is
not written again. Nothing is reset while files are written, so that the watchdog, which boards/choose.py feeds at the
prompt, leaves them alone.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any, NamedTuple

from lamplighter.provision.board_files import BoardError

MPY_VERSION = 6
BREATH_S = 0.5  # for a program to end at Ctrl-C
START_S = 60.0  # until a folder is chosen and its firmware loaded; boards take 3
LIVES_S = 8.0  # and then without an error: a watchdog's time
TEXT_MAX = 65_536  # of what a board says at its start
ANSWER_S = 3  # for a prompt
SILENT_S = 3.0  # of a board that is asked: it is gone, or hangs
CHUNK = 1024

_FACTS = """
import sys, os, machine
s = os.statvfs('/')
try:
    r = os.listdir('/records')
except OSError:
    r = []
print((sys.platform, getattr(sys.implementation, '_mpy', 0) & 255, '.'.join([str(n) for n in
    sys.implementation[1][:3]]), s[0] * s[3], ''.join(['%02x' % n for n in machine.unique_id()]), len(r)))
"""
_ERASE = """
import os
def wipe(path):
    for entry in os.ilistdir(path):
        name = path + '/' + entry[0]
        if entry[1] & 0x4000:
            wipe(name)
            os.rmdir(name)
        else:
            os.remove(name)
wipe('')
"""
_PROVISION = """
import sys
sys.path.insert(0, '/a')
from lamppost.boards.flash import FolderFlash
from lamppost.store.journal import Journal
from lamppost.store.settings import Settings
j, s = Journal(FolderFlash('/records')), Settings()
s.put('identity', %r)
s.put('post-key', %r)
j.put('settings', s.to_bytes())
print(Settings.from_bytes(Journal(FolderFlash('/records')).get('settings')).identity)
"""


class Facts(NamedTuple):
    """What a board says of itself; `free` bytes of flash, `serial` its own number, `records` how many a post left."""

    platform: str
    mpy: int
    version: str
    free: int
    serial: str
    records: int


class Writer:
    """One board at a port, stopped at its prompt. Every method may raise BoardError with one line."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def facts(self) -> Facts:
        """What is at the port."""
        try:
            found = Facts(*_values(self._exec(_FACTS)))
        except (TypeError, ValueError):
            raise BoardError("what answers there is no MicroPython that runs from flash") from None
        if found.mpy != MPY_VERSION:
            raise BoardError(f"its MicroPython {found.version} cannot load these files; install 1.29 on it first")
        return found

    def erase(self) -> None:
        """Remove every file: settings, keys and counters too."""
        self._exec(_ERASE, 120)

    def put(self, files: dict[str, bytes], said: Callable[[int, int], None]) -> int:
        """Write what is not there yet, and read it back. `said`: bytes done, of how many. Returns how many files."""
        total, done, written, made = sum(map(len, files.values())), 0, 0, set()
        for path, data in sorted(files.items()):
            if self._hash(path) != sha256(data).digest():
                for depth in range(1, path.count("/") + 1):
                    folder = "/".join(path.split("/")[:depth])
                    if folder not in made:
                        made.add(folder)
                        self._folder(folder)
                with _told(f"'{path}' cannot be written"):
                    self._transport.fs_writefile("/" + path, data, chunk_size=CHUNK)
                if self._hash(path) != sha256(data).digest():
                    raise BoardError(f"'{path}' does not read back as it was written; is its flash worn?")
                written += 1
            done += len(data)
            said(done, total)
        return written

    def provision(self, identity: str, key: bytes) -> None:
        """Give the board its identity and its own key."""
        if self._exec(_PROVISION % (identity, key)).strip() != identity.encode():
            raise BoardError("the board did not keep its identity; is its flash worn?")

    def start(self) -> str:
        """Let it run, and watch. Returns the line that says which firmware; the port is left to it."""
        text = self._begin()
        end, started = time.monotonic() + START_S, ""
        while time.monotonic() < end:
            text = (text + self._heard())[-TEXT_MAX:]
            lines = [line.strip() for line in text.decode(errors="replace").splitlines()]
            wrong = next((at for at, line in enumerate(lines) if line.startswith("Traceback")), None)
            if wrong is not None and (last := [line for line in lines[wrong + 1 :] if line and "File" not in line]):
                raise BoardError(f"it does not run: {last[0]}")
            if not started and (chosen := [line for line in lines if line.startswith("start ")]):
                started, end = chosen[0], time.monotonic() + LIVES_S
        if not started:
            raise BoardError(f"it did not start within {START_S:g} s; press its reset button and look at its port")
        return started

    def _begin(self) -> bytes:
        self._transport.exit_raw_repl()
        time.sleep(BREATH_S)
        self._heard()
        self._transport.serial.write(b"\x04")
        return b""

    def _heard(self) -> bytes:
        time.sleep(0.05)
        with _told("the board is gone"):
            serial = self._transport.serial
            return serial.read(serial.in_waiting)

    def _hash(self, path: str) -> bytes | None:
        with _told(f"'{path}' cannot be read"):
            if not self._transport.fs_exists("/" + path):
                return None
            return self._transport.fs_hashfile("/" + path, "sha256", chunk_size=CHUNK)

    def _folder(self, folder: str) -> None:
        with _told(f"folder '{folder}' cannot be made"):
            if not self._transport.fs_exists("/" + folder):
                self._transport.fs_mkdir("/" + folder)

    def _exec(self, code: str, timeout_s: float = 20.0) -> bytes:
        with _told("the board does not do what it is told"):
            said, wrong = self._transport.exec_raw(code, timeout=timeout_s)
        if wrong:
            raise BoardError(f"the board refuses: {wrong.decode(errors='replace').strip().splitlines()[-1][:200]}")
        return said


@contextlib.contextmanager
def at(port: str) -> Iterator[Writer]:
    """A Writer for the board at a serial port. Raises BoardError."""
    try:
        from mpremote.transport import TransportError
        from mpremote.transport_serial import SerialTransport
    except ImportError:
        raise BoardError("mpremote is not installed: pip install 'lamplighter[boards]'") from None
    with _told(f"cannot open {port}: is it a board's port, and no other program's"):
        transport = SerialTransport(port, baudrate=115_200, timeout=SILENT_S)
    try:
        with _told(f"no MicroPython answers on {port}"), contextlib.redirect_stdout(io.StringIO()):
            transport.serial.write(b"\r\x03\x03")
            time.sleep(BREATH_S)
            try:
                transport.enter_raw_repl(soft_reset=False, timeout_overall=ANSWER_S)
            except TransportError:  # its program was slow to end
                transport.serial.write(b"\r\x03\x03")
                time.sleep(4 * BREATH_S)
                transport.enter_raw_repl(soft_reset=False, timeout_overall=ANSWER_S)
        yield Writer(transport)
    finally:
        with contextlib.suppress(OSError):
            transport.close()


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """Whatever mpremote or the port says becomes one line."""
    from mpremote.transport import TransportError

    try:
        yield
    except (TransportError, OSError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise BoardError(f"{what}: {lines[-1][:200]}") from None


def _values(said: bytes) -> tuple:
    import ast

    found = ast.literal_eval(said.decode().strip())
    if not isinstance(found, tuple):
        raise ValueError("not what was asked for")
    return found
