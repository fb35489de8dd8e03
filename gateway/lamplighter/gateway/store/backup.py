"""A cabinet's store in one file, and back: what it has not delivered, the plan in force, counters, requests, energy.

A restored store is older than what the street and the centre have seen since, so it must not go on as if it were not:
- it gets a new epoch, or the ids given since the backup would come again with another meaning;
- its broadcast counters are lifted to at least the seconds since 2000: a gateway uses less than one a second, so no
  post takes a new frame for one it has heard;
- what it holds undelivered is delivered again, though the centre may have it: under the new epoch, and still with the
  post's own (post, post_epoch, post_seq).

Keys and certificates are not in it; `lamplighter provision` keeps those.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from pathlib import Path

from lamplighter.gateway.store.database import SCHEMA_VERSION

COUNTER_MAX = 0xFFFFFFFF  # four bytes on the wire


class BackupError(Exception):
    """It cannot be done; one line that says what to do."""


def make(database: Path, target: Path) -> int:
    """Copy the store as of one moment, also while a gateway runs; returns the bytes. Never over another file."""
    if not database.is_file():
        raise BackupError(f"{database} is not there; has this gateway ever run?")
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise BackupError(f"{target} is there already; give another name") from None
    except OSError as error:
        raise BackupError(f"{target}: {error.strerror}; give a place you may write") from None
    try:
        with _reading(database) as source, contextlib.closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        check(target)
    except (sqlite3.Error, BackupError) as error:
        target.unlink()
        raise BackupError(f"{database} cannot be copied: {error}") from None
    return target.stat().st_size


def check(path: Path) -> None:
    """Raises BackupError unless the file is a whole store of a version we know."""
    try:
        with _reading(path) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            connection.execute("SELECT value FROM meta WHERE name='epoch'").fetchone()[0]
    except (sqlite3.Error, TypeError) as error:
        raise BackupError(f"{path} is no backup of a gateway: {error}") from None
    if found != "ok" or not 0 < version <= SCHEMA_VERSION:
        raise BackupError(f"{path} is damaged, or of a newer version (schema {version})")


def restore(source: Path, database: Path, utc_s: int) -> str:
    """Put a backup in the place of the store, which is kept beside it; returns the new epoch. No gateway may run."""
    check(source)
    fresh = database.with_name(f"{database.name}.restored")
    fresh.unlink(missing_ok=True)
    epoch = secrets.token_hex(4)
    with _reading(source) as old, contextlib.closing(sqlite3.connect(fresh)) as new:
        old.backup(new)
        with new:
            new.execute("UPDATE meta SET value=? WHERE name='epoch'", (epoch,))
            lift = "UPDATE meta SET value=? WHERE name LIKE 'counter:%' AND CAST(value AS INTEGER)<?"
            new.execute(lift, (min(utc_s, COUNTER_MAX), utc_s))
    fresh.chmod(0o600)
    aside(database)
    fresh.rename(database)
    return epoch


def aside(database: Path) -> None:
    """Rename a store and its log; a person may still want them."""
    number = 1
    while (kept := database.with_name(f"{database.name}.before-{number}")).exists():
        number += 1
    for suffix in ("", "-wal", "-shm"):
        part = database.with_name(database.name + suffix)
        if part.exists():
            part.rename(kept.with_name(kept.name + suffix))


def _reading(path: Path) -> contextlib.closing[sqlite3.Connection]:
    return contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True))
