"""The disk of the checker's gateway: the real Database on a real file, which can be full, or damaged while closed.

Each work is waited for, so that a run is the same each time.
"""

from __future__ import annotations

import json
import random
import sqlite3
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

from lamplighter.gateway.store.database import Database

FAST = Path("/dev/shm")  # where fsync costs nothing, and is waited for all the same


class DiskDatabase(Database):
    """A Database whose works are done when `submit` returns."""

    def submit(self, work: Callable[[sqlite3.Connection], Any]) -> Future:
        future = super().submit(work)
        wait([future])
        return future


class Disk:
    """One disk with one database: `open` begins a life of it, `close` is its kill, `fill` and `damage` spoil it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(dir=FAST if FAST.is_dir() else None)
        self._path = Path(self._folder.name) / "gateway.db"
        self._database: DiskDatabase | None = None
        self._full = ""
        self.said: list[str] = []  # what was found damaged
        self.before: list[dict[str, Any]] = []  # the items in the file before it was damaged, perhaps twice
        self._spoilt = False  # since it was last opened

    def open(self) -> DiskDatabase:
        self._database = DiskDatabase(self._path, self.said.append)
        self._database.start()
        self._spoilt = False
        self._limit()
        return self._database

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def remove(self) -> None:
        self.close()
        self._folder.cleanup()

    @property
    def full(self) -> bool:
        """Whether nothing at all can be written."""
        return self._full == "byte"

    def fill(self, kind: str) -> None:
        """ "page": no page can be added; "byte": nothing can be written; "": there is room."""
        self._full = kind
        self._limit()

    def damage(self, kind: str, draw: random.Random) -> None:
        """Spoil the file of a gateway that is not running."""
        self.close()
        self.before = (self.before if self._spoilt else []) + self._items()
        self._spoilt = True
        data = bytearray(self._path.read_bytes())
        if kind == "half":
            del data[len(data) // 2 :]
        elif kind == "zeros":
            data[:] = bytes(len(data))
        elif kind == "header":
            data[:100] = draw.randbytes(100)
        else:
            for page in range(4096, len(data), 4096):
                if draw.random() < 0.7:
                    data[page : page + 64] = draw.randbytes(64)
        self._path.write_bytes(data)

    def _limit(self) -> None:
        if self._database is None:
            return
        connection = self._database.connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages if self._full == 'page' else 1 << 30}")
        connection.execute(f"PRAGMA query_only={int(self._full == 'byte')}")

    def _items(self) -> list[dict[str, Any]]:
        try:
            connection = sqlite3.connect(self._path)
            rows = connection.execute("SELECT body FROM outbox").fetchall()
            connection.close()
        except sqlite3.Error:  # damaged twice
            return []
        return [json.loads(row[0]) for row in rows]
