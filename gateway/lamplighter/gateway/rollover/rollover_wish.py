"""The wish for new keys, which `lamplighter rollover` leaves in the state folder for the daemon to take.

A file for the owner only, {"bus_keys": {LINE: HEX or ""}, "posts": {POST: HEX or ""}}: where the text is empty the
daemon draws the key.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from lamplighter.gateway.rollover.keys import KEY, read_private

WISH = "rollover.json"  # in the state folder


def read_wish(path: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The keys that are wanted for lines and for posts, empty where the gateway is to draw one. Raises ValueError."""
    raw = read_private(path)
    parts = []
    for part in ("bus_keys", "posts"):
        table = raw.get(part, {})
        if not isinstance(table, dict) or not all(
            isinstance(k, str) and (not k or KEY.fullmatch(k)) for k in table.values()
        ):
            raise ValueError(f'"{part}" holds 64 hexadecimal digits a name, or nothing for a key that is drawn')
        parts.append({name: bytes.fromhex(key) for name, key in table.items()})
    return parts[0], parts[1]


def leave_wish(folder: Path, buses: dict[str, bytes], posts: dict[str, bytes]) -> None:
    """Leave it for the daemon, whole or not at all, and never over one that waits. Raises OSError, and FileExistsError
    where one does."""
    new = folder / (WISH + ".new")
    new.unlink(missing_ok=True)
    tables = {"bus_keys": buses, "posts": posts}
    text = json.dumps({part: {name: key.hex() for name, key in table.items()} for part, table in tables.items()})
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(new, folder / WISH)  # a rename would take the place of the other
    finally:
        new.unlink()
