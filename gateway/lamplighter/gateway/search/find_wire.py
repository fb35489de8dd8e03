"""How `lamplighter find` asks the daemon: a socket in the state folder that only its owner may open, JSON a line.

One line asks: {"v": 1, "bus": ..., "boards": {IDENTITY: HEX}, "replace": {POST: IDENTITY}, "fill": ...}. The answers
are {"progress": {...}} now and then, and at the end {"report": {...}} or {"error": ..., "hint": ...}. Keys go this way
and no other: never over the broker.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

from lamplighter.gateway.rollover.keyring import ENTRIES_MAX
from lamplighter.gateway.rollover.keys import KEY
from lamplighter.gateway.search.hunt import IDENTITY_MAX, Wanted

NAME = "find.sock"
LINE_MAX = 1 << 19  # 4,096 boards of a delivery take 450 KB
FIELDS = {"v", "bus", "boards", "replace", "fill"}


@contextlib.contextmanager
def address(folder: Path) -> Generator[str]:
    """A short name for the socket: that of a folder may be longer than the 107 bytes of a socket's. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{NAME}"
    finally:
        os.close(handle)


def ask(wanted: Wanted) -> bytes:
    """The line that asks."""
    value = {
        "v": 1,
        "bus": wanted.bus,
        "boards": {identity: key.hex() for identity, key in wanted.boards.items()},
        "replace": {post: identity for identity, post in wanted.replace.items()},
        "fill": wanted.fill,
    }
    return say(value)


def say(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"


def read(data: bytes) -> Wanted:
    """What somebody asks. Raises ValueError with one line, which has no key in it."""
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(raw, dict) or set(raw) != FIELDS or raw["v"] != 1:
        raise ValueError("another version of lamplighter asks; use the one that the daemon is of")
    bus, boards, replace, fill = raw["bus"], raw["boards"], raw["replace"], raw["fill"]
    if not isinstance(bus, str) or not isinstance(fill, bool):
        raise ValueError("bus is a name, fill true or false")
    if not isinstance(boards, dict) or len(boards) > ENTRIES_MAX:
        raise ValueError(f"boards has at most {ENTRIES_MAX} keys by identity")
    if not all(isinstance(key, str) and KEY.fullmatch(key) for key in boards.values()):
        raise ValueError("a board's key is 64 hexadecimal digits")
    if not isinstance(replace, dict) or len(replace) > ENTRIES_MAX or not all(map(_is_identity, replace.values())):
        raise ValueError(f"replace has an identity of 1 to {IDENTITY_MAX} characters for each post")
    if len(set(replace.values())) < len(replace):
        raise ValueError("one board cannot stand in for two posts")
    keys = {identity: bytes.fromhex(key) for identity, key in boards.items()}
    return Wanted(bus, keys, {identity: post for post, identity in replace.items()}, fill)


def _is_identity(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= IDENTITY_MAX and value.isprintable()
