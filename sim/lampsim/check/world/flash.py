"""The flash of a post: records and files in memory, a power cut at any operation, a chip that refuses, and its wear.

An operation is a record that is written, a piece added to a file, or a file removed. One that is cut is done, absent,
torn (a part of it is there) or garbage; then the power is gone and `Cut` leaves the program that wanted it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from lamppost.store.journal import Journal

HOWS = ("done", "absent", "torn", "garbage")
EIO = 5


class Cut(Exception):
    """The power went in the middle of an operation."""


class Plan(NamedTuple):
    """The power goes at the operation after `after` more of them; after `back_us` it returns by itself, -1: it does
    not."""

    after: int
    how: str
    draw: random.Random
    back_us: int


class Flash:
    """`gone(back_us)` takes the post's power. It has what Journal and Updater want of a flash."""

    def __init__(self, gone: Callable[[int], None]) -> None:
        self.records: dict[str, bytes] = {}
        self.files: dict[str, bytes] = {}
        self.cuts: list[Plan] = []
        self.refuses = self.was_cut = False
        self.refused: set[str] = set()  # records and files that were not taken, ever
        self.written: dict[str, int] = {}  # how often each record was, both copies together
        self._gone = gone

    def read(self, name: str) -> bytes | None:
        return self.records.get(name)

    def write(self, name: str, data: bytes) -> None:
        record = name[:-2]  # without its copy
        self._operate(self.records, name, record, data, b"")
        self.written[record] = self.written.get(record, 0) + 1

    def wipe(self, folder: str) -> None:
        for name in sorted(name for name in self.files if name == folder or name.startswith(folder + "/")):
            self._operate(self.files, name, name, None, b"")

    def append(self, path: str, data: bytes) -> None:
        before = self.files.get(path, b"")
        self._operate(self.files, path, path, before + data, before)

    def part(self, path: str, offset: int, count: int) -> bytes:
        if path not in self.files:
            raise OSError(2)
        return self.files[path][offset : offset + count]

    def folder(self, name: str) -> dict[str, bytes]:
        """What lies below a folder."""
        return {path[len(name) + 1 :]: data for path, data in self.files.items() if path.startswith(name + "/")}

    def _operate(self, store: dict[str, bytes], name: str, what: str, data: bytes | None, before: bytes) -> None:
        if self.refuses:
            self.refused.add(what)
            raise OSError(EIO, "the flash refuses")
        if not self.cuts:
            self._put(store, name, data)
            return
        plan = self.cuts[0]
        if plan.after:
            self.cuts[0] = plan._replace(after=plan.after - 1)
            self._put(store, name, data)
            return
        self.cuts.pop(0)
        if plan.how == "done":
            self._put(store, name, data)
        elif data is not None and plan.how == "torn":
            store[name] = data[: len(before) + plan.draw.randrange(max(1, len(data) - len(before)))]
        elif data is not None and plan.how == "garbage":
            store[name] = before + plan.draw.randbytes(len(data) - len(before))
        self.was_cut = True
        self._gone(plan.back_us)
        raise Cut(name)

    @staticmethod
    def _put(store: dict[str, bytes], name: str, data: bytes | None) -> None:
        if data is None:
            store.pop(name, None)
        else:
            store[name] = data


class Watched(Journal):
    """A Journal that notes in `states` (name -> old, new) what a record may be from now on; the new one alone once it
    is written."""

    def __init__(self, flash: Flash, states: dict[str, tuple[bytes | None, bytes | None]]) -> None:
        super().__init__(flash)
        self._states = states

    def put(self, name: str, data: bytes) -> None:
        self._states[name] = (self._states.get(name, (None, None))[1], data)
        try:
            super().put(name, data)
        except OSError:  # as if it had not been asked for
            self._states[name] = (self._states[name][0], self._states[name][0])
            raise
        self._states[name] = (data, data)
