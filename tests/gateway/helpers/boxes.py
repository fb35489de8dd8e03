"""An outbox on a file with what a test wants of it, and entries to put in."""

import json
from pathlib import Path

from lamplighter.gateway.store.database import Database
from lamplighter.gateway.store.ledger import Ledger
from lamplighter.gateway.store.outbox import EVENTS, Entry, Outbox


def body(post: str, seq: int) -> str:
    return json.dumps({"post": post, "post_seq": seq})


def entry(seq: int, post: str = "p01", epoch: int = 1, fast: bool = False, stream: int = EVENTS) -> Entry:
    return Entry(stream, post, epoch, seq, body(post, seq), fast)


class Opened:
    """An outbox on a file, and what it said."""

    def __init__(self, path: Path, budget: int = 1 << 20):
        self.said: list[str] = []
        self.database = Database(path, self.said.append)
        self.outbox = Outbox(self.database, budget)
        self.ledger = Ledger(self.database)
        self.database.start()

    def append(self, *entries: Entry) -> int:
        return self.outbox.append(entries).result(10)

    def seqs(self, stream: int = EVENTS) -> list[int]:
        return [json.loads(row.body)["post_seq"] for row in self.outbox.read(stream, 0, 10_000)]
