"""Firmware on a board: takes an image in, installs it between other work, keeps it once it has been healthy.

An image on trial is kept after HEALTHY_MS in which the board looked after everything, and, where the post has a
line, its gateway has asked it at least once: firmware that is deaf must not stay. If the gateway does not ask for
DEAF_MS the board restarts, which counts as a try; a gateway that is away for hours thus brings the old firmware
back, and no harm is done. Where flash could not count the start of a trial the firmware before it runs, and is not
mistaken for the new one: the trial goes on at the next start, which the board makes itself once flash works again.
"""

import os
import sys
from hashlib import sha256

from lamppost.boards.flash import FirmwareFlash
from lamppost.intake import Intake
from lamppost.sign.minisign import PublicKey, SignatureError
from lamppost.store.slots import HEALTHY_MS, Slots
from lamppost.update import UpdateError, Updater

DEAF_MS = 3600000
_READ = 512
_NO_ROOM = 28  # ENOSPC
_RESTART_MS = 2000  # for the answer to leave the board


class FileStore:
    """The store of an Intake: one file and one journal record."""

    def __init__(self, path: str, journal):
        self._path = path
        self._journal = journal

    def have(self) -> int:
        try:
            return os.stat(self._path)[6]
        except OSError:
            return 0

    def clear(self) -> None:
        with open(self._path, "wb"):
            pass

    def append(self, data: bytes) -> None:
        with open(self._path, "ab") as file:
            file.write(data)

    def part(self, offset: int, count: int) -> bytes:
        with open(self._path, "rb") as file:
            file.seek(offset)
            return file.read(count)

    def digest(self, pause=None) -> bytes:
        hashed = sha256()
        at = 0
        while True:
            data = self.part(at, _READ)
            if not data:
                return hashed.digest()
            hashed.update(data)
            at += len(data)
            if pause:
                pause()

    def keep(self, record: bytes) -> None:
        self._journal.put("intake", record)

    def kept(self) -> "bytes | None":
        return self._journal.get("intake")


class Firmware:
    """`root` holds the folders, `settings` firmware.pub, the site's public key: without it no image is ever taken."""

    def __init__(self, root: str, board: str, journal, restart, settings: str):
        self._begin(
            FileStore(root + "/incoming.llf", journal),
            FirmwareFlash(root),
            board,
            journal,
            restart,
            _key(settings + "/firmware.pub"),
        )
        self._starts(root + "/" + self._slots.spare in sys.path)

    def _begin(self, store, flash, board: str, journal, restart, key) -> None:
        self.intake = None
        self._store = store
        self._slots = Slots(journal)
        self._restart = restart
        self._restart_ms = None
        self._again_ms = HEALTHY_MS
        self._spare_runs = False  # so it is where flash refused to count the start of a trial
        if key:
            self._updater = Updater(flash, self._slots, board, [key])
            self.intake = Intake(self._store)
            self.intake.updater = self._updater
            self._say_what_runs()

    def _starts(self, spare: bool) -> None:
        """Which of the folders runs is known: the one in force, or the spare one."""
        self._spare_runs = spare
        if self.intake:
            self.intake.untried = spare and self._slots.trial > 0

    @property
    def version(self) -> int:
        """The version of the folder in force, 0 as delivered."""
        return self._slots.version

    def look(self, t_ms: int, on_line: bool, asked_ms: int, pause) -> None:
        """Install what is wanted, keep what is healthy. `asked_ms`: when the gateway last asked, 0 if not yet."""
        if self._restart_ms is not None:
            if t_ms >= self._restart_ms:
                self._restart()
            return
        if self.intake and self.intake.wanted:
            self._install(self.intake, t_ms, pause)
            return  # how long the firmware before was healthy says nothing about the new one
        if not self._slots.trial:
            return
        if self._spare_runs:
            self._count_again(t_ms)
            return
        if t_ms >= HEALTHY_MS and (asked_ms or not on_line):
            self._slots.confirm()
            self._store.clear()
            self._say_what_runs()
            print("log firmware %d is kept" % self._slots.version)
        elif t_ms >= DEAF_MS:
            print("log firmware %d has not been asked by its gateway: again" % self._slots.version)
            self._restart_ms = t_ms

    def _count_again(self, t_ms: int) -> None:
        """Begin the trial that flash could not count, when it takes records again."""
        if t_ms < self._again_ms:
            return
        self._again_ms = t_ms + HEALTHY_MS
        try:
            self._slots.rewrite()
        except OSError:
            return
        print("log flash takes records again: the board starts again")
        self._restart_ms = t_ms

    def _say_what_runs(self) -> None:
        if self.intake:
            trial = " on trial" if self._slots.trial else ""
            self.intake.running = "version %d%s" % (self._slots.version, trial)

    def _install(self, intake: Intake, t_ms: int, pause) -> None:
        try:
            if intake.spoilt(pause):
                return
            manifest = self._updater.install(self._store.part, pause)
        except (UpdateError, OSError, MemoryError) as error:
            reason = "flash has no room for a second firmware" if error.args[:1] == (_NO_ROOM,) else str(error)
            intake.done("refused: " + reason)
            print("log firmware refused: " + reason)
            return
        intake.done("version %d (%s) installed; it is tried now" % (manifest.version, manifest.label))
        intake.untried = True
        print("log firmware %d installed: the board starts again" % manifest.version)
        self._restart_ms = t_ms + _RESTART_MS


def _key(path: str):
    try:
        with open(path) as file:
            return PublicKey(file.read())
    except OSError:
        return None
    except SignatureError as error:
        print("log firmware.pub: %s" % error)
        return None
