"""One SQLite file that survives kill -9 and power cuts, and one thread that writes it.

`submit(work)` hands a function to the writer; its future is done when the commit that holds it lies on disk (WAL,
synchronous=FULL). While one commit waits for the disk the next works gather, so a commit is shared by all that came
meanwhile (group commit): a lone event is not delayed, and a flood costs one fsync for many.

A damaged file is never trusted, at the start or later: it is renamed, `say` is told, and a new one begun with a new
epoch.
"""

from __future__ import annotations

import queue
import secrets
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]

WORKS_MAX = 1000  # in one commit: some 20 ms of work, so that nobody waits longer behind a flood
WAL_MAX = 8 << 20  # bytes the log keeps on disk after a checkpoint
CACHE_KB = 128  # of each connection: items are written once and read once, in order; more only costs memory
SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
CREATE TABLE outbox (stream INTEGER, seq INTEGER, body TEXT NOT NULL, PRIMARY KEY (stream, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE posts (post TEXT PRIMARY KEY, epoch INTEGER NOT NULL, stored INTEGER NOT NULL, heard TEXT NOT NULL)
    STRICT, WITHOUT ROWID;
CREATE TABLE transactions (id TEXT PRIMARY KEY, at INTEGER NOT NULL, response TEXT) STRICT, WITHOUT ROWID;
"""


class Database:
    """`say(text)`, also called from the writer's thread, is told what was found wrong and what was done about it."""

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self.path = path
        self.commits = 0
        self._say = say
        self.failed: list[Callable[[sqlite3.Connection], None]] = []  # called after a rollback: put memory right again
        self._queue: queue.SimpleQueue[tuple[Work, Future] | None] = queue.SimpleQueue()
        self._reading = threading.Lock()
        self._write = self._open()
        self._read = _connect(path)
        self._thread = threading.Thread(target=self._run, name="outbox writer", daemon=True)
        self._closing = False

    def start(self) -> None:
        """Begin to write; what others prepare from `connection` comes before."""
        self._thread.start()

    @property
    def connection(self) -> sqlite3.Connection:
        """The writer's connection, for reading before start()."""
        return self._write

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Run work(connection) inside the next commit; the future is done when that is on disk."""
        future: Future = Future()
        if self._closing:
            future.set_exception(RuntimeError("the store is closed"))
        else:
            self._queue.put((work, future))
        return future

    def read(self, sql: str, values: tuple = ()) -> list[tuple]:
        """Rows as of the last commit. Raises sqlite3.Error."""
        with self._reading:
            return self._read.execute(sql, values).fetchall()

    def suspect(self) -> None:
        """Something could not be read: let the writer look at the whole file, and begin a new one if it is damaged."""
        self.submit(_check)

    def close(self) -> None:
        """Write what has been submitted and stop."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
            if self._thread.is_alive():
                self._thread.join()
            self._read.close()
            self._write.close()

    def _open(self) -> sqlite3.Connection:
        try:
            return _prepare(self.path)
        except sqlite3.OperationalError as error:
            raise OSError(f"{self.path}: {error}; check the disk and the owner of the folder") from None
        except sqlite3.DatabaseError as error:
            kept = _quarantine(self.path)
            self._say(f"{self.path.name} was damaged ({error}); it is kept as {kept.name} and a new one is begun")
            return _prepare(self.path)

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            if self._commit(self._gather(first)):
                return

    def _gather(self, first: tuple[Work, Future]) -> list[tuple[Work, Future] | None]:
        batch: list = [first]
        while len(batch) < WORKS_MAX and batch[-1] is not None:
            try:
                batch.append(self._queue.get_nowait())
            except queue.Empty:
                break
        # whoever has cancelled is left out; from here on a work cannot be cancelled, and its future is always done
        return [entry for entry in batch if entry is None or entry[1].set_running_or_notify_cancel()]

    def _commit(self, batch: list) -> bool:
        """Return whether the end was asked for."""
        ending = bool(batch) and batch[-1] is None
        works = [entry for entry in batch if entry is not None]
        try:
            self._write.execute("BEGIN IMMEDIATE")
            results = [work(self._write) for work, _ in works]
            self._write.execute("COMMIT")
            self.commits += 1
        except Exception as error:
            self._undo(error)
            if len(works) > 1 and (_is_damage(error) or not isinstance(error, sqlite3.Error)):
                for entry in works:  # one of them is at fault, or the file was; the others must not suffer
                    self._commit([entry])
            else:
                _fail([future for _, future in works], error)
            return ending
        for (_, future), result in zip(works, results, strict=True):
            future.set_result(result)
        return ending

    def _undo(self, error: Exception) -> None:
        if _is_damage(error):
            self._rebuild(error)
        elif self._write.in_transaction:
            self._write.execute("ROLLBACK")
        for reload in self.failed:
            reload(self._write)

    def _rebuild(self, error: Exception) -> None:
        with self._reading:
            self._read.close()
            self._write.close()
            kept = _quarantine(self.path)
            self._write, self._read = _prepare(self.path), _connect(self.path)
        self._say(f"{self.path.name} was damaged ({error}); it is kept as {kept.name} and a new one is begun")


def _is_damage(error: Exception) -> bool:
    """SQLite says so with DatabaseError itself; its subclasses mean something else."""
    return type(error) is sqlite3.DatabaseError


def _fail(futures: list[Future], error: Exception) -> None:
    for future in futures:
        future.set_exception(error)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA journal_size_limit={WAL_MAX}")
    connection.execute(f"PRAGMA cache_size=-{CACHE_KB}")
    return connection


def _prepare(path: Path) -> sqlite3.Connection:
    """A connection to a whole database of this version, made if there is none. Raises sqlite3.DatabaseError."""
    connection = _connect(path)
    try:
        _check(connection)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise OSError(f"{path} was written by a newer version (schema {version}); install that version")
        if version == 0:
            epoch = secrets.token_hex(4)
            script = f"{SCHEMA} INSERT INTO meta VALUES ('epoch', '{epoch}'); PRAGMA user_version={SCHEMA_VERSION};"
            connection.executescript(f"BEGIN IMMEDIATE; {script} COMMIT;")
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    """Raises sqlite3.DatabaseError, and none of its subclasses, when the file is damaged."""
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(found.splitlines()[0])


def _quarantine(path: Path) -> Path:
    """Rename the database and its log; what is in them may still be read by a person."""
    number = 1
    while (kept := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(kept)
    for suffix in ("-wal", "-shm"):
        side = path.with_name(path.name + suffix)
        if side.exists():
            side.rename(kept.with_name(kept.name + suffix))
    return kept
