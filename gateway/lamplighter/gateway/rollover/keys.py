"""The secrets of a cabinet: one JSON file of its own that only its owner may read.

`{"bus_keys": {"bus0": hex}, "posts": {"p01": hex}}`, each key 32 bytes as 64 hexadecimal digits. No key is ever part
of a message: a fault names whose key is wrong, not what it is.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

FILE_MAX = 1 << 18  # 250 posts take 24 KB
KEY = re.compile(r"[0-9a-fA-F]{64}")


_HINT = {"bus_keys": "", "posts": ", or find its board with 'lamplighter find'"}


def is_credential(path: Path) -> bool:
    """Whether systemd handed the file over (LoadCredential): in a folder that only the service sees, and readable by
    its user through an access list, whose mask shows as rights of the group."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return bool(folder) and path.parent == Path(folder)


class Keys(NamedTuple):
    """32 bytes for each bus and each post."""

    buses: dict[str, bytes]
    posts: dict[str, bytes]

    def __repr__(self) -> str:
        return f"Keys({len(self.buses)} buses, {len(self.posts)} posts)"  # never the keys themselves


def read_keys(path: Path, buses: list[str], posts: list[str], may_lack: Collection[str] = ()) -> tuple[Keys, list[str]]:
    """The keys of the named buses and posts, and the faults found; a post of `may_lack` may have none."""
    try:
        raw = read_private(path)
    except ValueError as error:
        return Keys({}, {}), [f"keys_file {path}: {error}"]
    faults: list[str] = []
    keys = Keys(_keys(raw, "bus_keys", buses, (), faults), _keys(raw, "posts", posts, may_lack, faults))
    return keys, [f"keys_file {path}: {fault}" for fault in faults]


def read_private(path: Path) -> dict[str, Any]:
    """A JSON object from a file that only its owner may read. Raises ValueError with one line."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(FILE_MAX + 1)
    except OSError as error:
        raise ValueError(f"{error.strerror}; make the keys with 'lamplighter provision' or mend the path") from None
    theirs = stat.S_IRWXO if is_credential(path) else stat.S_IRWXG | stat.S_IRWXO
    if mode & theirs:
        raise ValueError(f"others may read it (mode {stat.S_IMODE(mode):04o}); run  chmod 600 {path}")
    if len(data) > FILE_MAX:
        raise ValueError(f"over {FILE_MAX} bytes; is this the right file?")
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("not JSON; restore it from the backup") from None
    if not isinstance(raw, dict):
        raise ValueError('must be {"bus_keys": {...}, "posts": {...}}')
    return raw


def _keys(
    raw: dict[str, Any], part: str, names: list[str], may_lack: Collection[str], faults: list[str]
) -> dict[str, bytes]:
    table = raw.get(part)
    if not isinstance(table, dict):
        faults.append(f'"{part}" is missing; it holds a key for each of {len(names)}')
        return {}
    keys = {}
    for name in names:
        value = table.get(name)
        if value is None and name in may_lack:
            continue
        if isinstance(value, str) and KEY.fullmatch(value):
            keys[name] = bytes.fromhex(value)
        else:
            faults.append(f'"{part}" needs for {name} a key of 64 hexadecimal digits{_HINT[part]}')
    return keys
