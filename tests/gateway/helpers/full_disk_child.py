"""Runs on a file system of its own that is nearly full; prints what it found as JSON. See test_outbox_disk.py."""

import json
import os
import sqlite3
import sys
from pathlib import Path

from lamplighter.gateway.store.database import Database
from lamplighter.gateway.store.outbox import EVENTS, Entry, Outbox

folder = Path(sys.argv[1])
said: list[str] = []
database = Database(folder / "gateway.db", said.append)
outbox = Outbox(database, 1 << 30)
database.start()


def append(first: int, count: int) -> str:
    entries = [
        Entry(EVENTS, "p01", 1, seq, json.dumps({"n": seq, "x": "x" * 200})) for seq in range(first, first + count)
    ]
    try:
        outbox.append(entries).result(30)
    except sqlite3.Error as error:
        return str(error)
    return ""


def ids() -> dict[int, int]:
    return {json.loads(row.body)["n"]: row.seq for row in outbox.read(EVENTS, 0, 1_000_000)}


def fill() -> None:
    """Somebody else's file takes all the room there is."""
    with (folder / "filler").open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue


before = append(1, 100)
stored = ids()
fill()
free = os.statvfs(folder).f_bavail
errors = []
for first in range(101, 2001, 100):
    errors.append(append(first, 100))
    if errors[-1]:
        break
try:
    acknowledged = str(outbox.acknowledge(EVENTS, 1, 50).result(30))
except sqlite3.Error as error:
    acknowledged = str(error)
during, promised = ids(), outbox.stored()["p01"][1]
(folder / "filler").unlink()
after = append(1, 2000)
final = ids()
database.close()
facts = {
    "before": before, "free_blocks": free, "error": errors[-1], "acknowledged": acknowledged, "after": after,
    "kept": all(during.get(n) == seq for n, seq in stored.items()),
    "promised_is_there": set(during) >= set(range(1, promised + 1)),
    "whole": set(final) | (set(range(1, 51)) if acknowledged == "50" else set()) == set(range(1, 2001)),
    "same_ids": all(final.get(n, seq) == seq for n, seq in during.items()),
    "said": said,
}  # fmt: skip
print(json.dumps(facts))
