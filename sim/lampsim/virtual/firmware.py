"""The firmware of a board in memory: the real Firmware, Intake, Updater and Slots, on flash that outlives its power."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from hashlib import sha256

from lamppost.boards.firmware import Firmware
from lamppost.sign.minisign import PublicKey
from lamppost.store.journal import Journal


class Flash:
    """Records, the image on its way, and the two folders. `full` refuses what is appended to the image."""

    def __init__(self) -> None:
        self.records: dict[str, bytes] = {}
        self.files: dict[str, bytearray] = {}
        self.incoming = bytearray()
        self.full = False

    def read(self, name: str) -> bytes | None:
        return self.records.get(name)

    def write(self, name: str, data: bytes) -> None:
        self.records[name] = data

    def wipe(self, folder: str) -> None:
        self.files = {path: data for path, data in self.files.items() if not path.startswith(folder + "/")}

    def append(self, path: str, data: bytes) -> None:
        self.files.setdefault(path, bytearray()).extend(data)

    def part(self, path: str, offset: int, count: int) -> bytes:
        return bytes(self.files[path][offset : offset + count])


class Store:
    """The store of an Intake."""

    def __init__(self, flash: Flash, journal: Journal) -> None:
        self._flash, self._journal = flash, journal

    def have(self) -> int:
        return len(self._flash.incoming)

    def clear(self) -> None:
        self._flash.incoming = bytearray()

    def append(self, data: bytes) -> None:
        if self._flash.full:
            raise OSError(28)
        self._flash.incoming += data

    def part(self, offset: int, count: int) -> bytes:
        return bytes(self._flash.incoming[offset : offset + count])

    def digest(self, pause=None) -> bytes:
        return sha256(self._flash.incoming).digest()

    def keep(self, record: bytes) -> None:
        self._journal.put("intake", record)

    def kept(self) -> bytes | None:
        return self._journal.get("intake")


class VirtualFirmware(Firmware):
    """The Firmware of one start of a board; `restart` is called when it wants another. `label` is what runs."""

    def __init__(self, flash: Flash, board: str, public_key: str, restart: Callable[[], None]) -> None:
        journal = Journal(flash)
        self._begin(Store(flash, journal), flash, board, journal, restart, PublicKey(public_key))
        folder = self._slots.start()
        self._starts(folder == self._slots.spare)
        name = flash.files.get(folder + "/version.py")
        self.label = name.decode() if name is not None and self._slots.version else ""

    def look(self, t_ms: int, on_line: bool, asked_ms: int, pause=None) -> None:
        """As a board does; what it would print is nobody's."""
        with redirect_stdout(io.StringIO()):
            super().look(t_ms, on_line, asked_ms, pause)
