"""The gateway's store while no disk is to fail: the real tables in memory, which outlive it as a disk would."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from lamplighter.gateway.store.database import SCHEMA


class MemoryDatabase:
    """The interface of gateway.store.database.Database over one connection: each work is one commit, at once."""

    def __init__(self, epoch: str) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.connection.executescript(SCHEMA)
        self.connection.execute("INSERT INTO meta VALUES ('epoch', ?)", (epoch,))
        self.failed: list[Callable[[sqlite3.Connection], None]] = []

    def submit(self, work: Callable[[sqlite3.Connection], Any]) -> Future:
        future: Future = Future()
        self.connection.execute("BEGIN")
        result = work(self.connection)
        self.connection.execute("COMMIT")
        future.set_result(result)
        return future

    def read(self, sql: str, values: tuple = ()) -> list[tuple]:
        return self.connection.execute(sql, values).fetchall()

    def suspect(self) -> None:
        raise AssertionError("memory is never damaged")
