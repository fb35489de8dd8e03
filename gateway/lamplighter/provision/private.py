"""Files with secrets: made once, for their owner only, never over another file.

A whole folder is built under another name beside its place and renamed when it is complete, so that a half-made site
never stands where a whole one is looked for.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

PUBLIC, SECRET = 0o644, 0o600


class ProvisionError(ValueError):
    """It cannot be done; one line that says what to do."""


def write(path: Path, data: bytes | str, mode: int = SECRET) -> None:
    """Make a file. Raises ProvisionError where there is one: a key is never overwritten."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise ProvisionError(f"{path} is there already; nothing is overwritten") from None
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, mode)  # whatever the umask says
        file.write(data.encode() if isinstance(data, str) else data)
        file.flush()
        os.fsync(handle)


@contextlib.contextmanager
def whole_folder(place: Path) -> Iterator[Path]:
    """A folder for its owner only, to be filled; it appears at `place` when the block ends well, else not at all."""
    if place.exists():
        raise ProvisionError(f"{place} is there already; give a new folder, or use 'lamplighter provision add'")
    fresh = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        fresh.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise ProvisionError(f"{place}: {error.strerror}; give a folder you may write") from None
    try:
        yield fresh
        fresh.rename(place)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
