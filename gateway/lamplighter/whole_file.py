"""New contents for a file: whoever reads it, also after a power cut, sees the old ones or the new ones, whole.

They are written beside it under a hidden name and then take its place. What a power cut left there is removed by the
next `replace` of that file: a hidden file that nobody holds locked is nobody's any more.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
from pathlib import Path


def replace(path: Path, data: bytes, mode: int = 0o600) -> None:
    """On disk, with its name, when it returns. `mode` is kept whatever the umask says. Raises OSError."""
    _tidy(path)
    fresh, handle = _begin(path, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            file.write(data)
            file.flush()
            os.fsync(handle)
            fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    settle(path.parent)


def settle(folder: Path) -> None:
    """Make the names in a folder last. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _begin(path: Path, mode: int) -> tuple[Path, int]:
    """A new hidden file beside it, locked: its path and handle."""
    while True:
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(handle).st_nlink:
                return fresh, handle
        os.close(handle)  # another `replace` took it for one that was left, and removes it


def _tidy(path: Path) -> None:
    """Remove what was left beside it; what cannot be is left."""
    left = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}")
    for name in filter(left.fullmatch, os.listdir(path.parent)):
        with contextlib.suppress(OSError):
            handle = os.open(path.with_name(name), os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.with_name(name).unlink()
            finally:
                os.close(handle)
