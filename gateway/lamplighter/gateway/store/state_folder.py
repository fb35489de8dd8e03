"""The state folder of a cabinet, which one process at a time may have."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class StartError(Exception):
    """The daemon cannot start; one line each."""


def lock_state(folder: Path):
    """Make the state folder, for us alone, and hold it. Raises StartError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.fdopen(os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600), "w")
    except OSError as error:
        raise StartError(f"state_dir {folder}: {error.strerror}; give a folder this user may write") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise StartError(f"state_dir {folder} is in use by another gateway; stop that one") from None
    return file
