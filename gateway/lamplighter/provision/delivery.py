"""The manifest of a delivery: `{"posts": {IDENTITY: KEY}}`, a key of its own for each board that was written.

`lamplighter find --manifest` takes it, so that a board is given its place by the line; whoever has it can speak as
these posts, so only its owner may read it.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
from pathlib import Path

from lamplighter import whole_file
from lamplighter.provision.board_files import BoardError

BOARDS_MAX = 4096
KEY = re.compile(r"[0-9a-f]{64}")


def key_of(path: Path, identity: str) -> bytes:
    """The key of a board: the one that the manifest has, else a new one, which is on disk when this returns.

    Raises BoardError.
    """
    boards = _read(path)
    if identity not in boards:
        if len(boards) >= BOARDS_MAX:
            raise BoardError(f"{path} has {BOARDS_MAX} boards; begin another")
        boards[identity] = secrets.token_hex(32)
        try:
            whole_file.replace(path, json.dumps({"posts": boards}, indent=1).encode() + b"\n")
        except OSError as error:
            raise BoardError(f"{path}: {error.strerror}; the board's key must be kept") from None
    return bytes.fromhex(boards[identity])


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        mode = os.stat(path).st_mode
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise BoardError(f"{path}: {error.strerror}") from None
    except ValueError:
        mode, found = 0, None
    boards = found.get("posts") if isinstance(found, dict) else None
    if not isinstance(boards, dict) or not all(isinstance(key, str) and KEY.fullmatch(key) for key in boards.values()):
        raise BoardError(f"{path} is no manifest of a delivery; give a new file, or the right one")
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BoardError(f"{path}: others may read it; run  chmod 600 {path}")
    return boards
