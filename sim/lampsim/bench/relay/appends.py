"""Appends a second that are on disk: the gateway's outbox beside bare SQLite, both in batches of ten, turn by turn.

Bare: one table, WAL, synchronous FULL, a commit for each batch, nothing remembered. The outbox gives ids, remembers
what has come, counts its bytes, and shares a commit among all that waits for the disk; so it is measured twice, with
one batch under way and with as many as the lines of a busy cabinet keep under way.
"""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path

from lamplighter.gateway.store.database import Database
from lamplighter.gateway.store.outbox import TELEMETRY, Entry, Outbox

BATCH = 10
ROUNDS = 3
UNDER_WAY = 32
BUDGET_BYTES = 4 << 30
POSTS = 250
BODY = '{"post":"p017","post_epoch":1,"kind":"reading","utc":"2026-06-21T00:15:00Z","level_percent":40.0,'
BODY += '"power_w":12.1,"energy_wh":1234.567,"note":"' + "x" * 40 + '"}'


@dataclass
class Appends:
    """Appends a second, medians of the rounds."""

    raw_per_s: float
    alone_per_s: float  # one batch under way
    shared_per_s: float  # UNDER_WAY of them

    def to_json(self) -> dict:
        ratio = {"ratio": round(self.shared_per_s / self.raw_per_s, 2)}
        return {name: round(value) for name, value in asdict(self).items()} | ratio


def measure(folder: Path, seconds: float) -> Appends:
    """`seconds` for each of the three in each round."""
    raw, alone, shared = [], [], []
    folder.mkdir()
    for turn in range(ROUNDS):
        raw.append(_raw(folder / f"raw-{turn}.db", seconds))
        alone.append(_outbox(folder / f"alone-{turn}.db", seconds, 1))
        shared.append(_outbox(folder / f"shared-{turn}.db", seconds, UNDER_WAY))
    return Appends(*(statistics.median(rates) for rates in (raw, alone, shared)))


def _raw(path: Path, seconds: float) -> float:
    store = sqlite3.connect(path, isolation_level=None)
    store.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE items (id INTEGER, body TEXT);")
    count, begin_s = 0, time.monotonic()
    while time.monotonic() < begin_s + seconds:
        store.execute("BEGIN IMMEDIATE")
        store.executemany("INSERT INTO items VALUES (?, ?)", [(count + number, BODY) for number in range(BATCH)])
        store.execute("COMMIT")
        count += BATCH
    took_s = time.monotonic() - begin_s
    store.close()
    return count / took_s


def _outbox(path: Path, seconds: float, under_way: int) -> float:
    database = Database(path, lambda text: None)
    outbox = Outbox(database, BUDGET_BYTES)
    database.start()
    waiting: deque[Future[int]] = deque()
    count, begin_s = 0, time.monotonic()
    while time.monotonic() < begin_s + seconds:
        post, first = f"p{count // BATCH % POSTS:03}", count // (BATCH * POSTS) * BATCH + 1
        waiting.append(outbox.append([Entry(TELEMETRY, post, 1, first + number, BODY) for number in range(BATCH)]))
        count += BATCH
        if len(waiting) >= under_way:
            waiting.popleft().result()
    while waiting:
        waiting.popleft().result()
    took_s = time.monotonic() - begin_s
    if outbox.backlog != count:
        raise AssertionError(f"{count} items were appended and {outbox.backlog} are there")
    database.close()
    return count / took_s
