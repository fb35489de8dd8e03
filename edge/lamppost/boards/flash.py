"""Flash as a folder of files: records for the journal, and whole folders of firmware. For boards and PCs alike.

A record is written as a new file and a rename, so that a full disk or a cut leaves the old one. Firmware goes into the
folder that does not run and needs no such care: it counts only once it has been read back and checked.
"""

import os
import sys

CPYTHON = sys.implementation.name == "cpython"
_FOLDER = 0x4000  # the bit of a mode that says folder


class FolderFlash:
    """Files below one folder; `read` and `write` for store/journal.py."""

    def __init__(self, folder: str):
        self._folder = folder
        try:
            os.mkdir(folder)
            if CPYTHON:
                os.chmod(folder, 0o700)  # it holds the keys
        except OSError:
            pass  # it is there, or the first write says what is wrong

    def read(self, name: str) -> "bytes | None":
        """The bytes of a file, None where there is none."""
        try:
            with open(self._folder + "/" + name, "rb") as file:
                return file.read()
        except OSError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Replace a file. OSError when the disk refuses."""
        path = self._folder + "/" + name
        with open(path + ".new", "wb") as file:
            file.write(data)
            file.flush()
            if CPYTHON:
                os.fsync(file.fileno())
        os.rename(path + ".new", path)


class FirmwareFlash:
    """What lamppost.update wants: the folders `a` and `b` below `root` (no slash at its end)."""

    def __init__(self, root: str):
        self._root = root
        self._ready = ""  # the folder of the last append, known to exist

    def wipe(self, folder: str) -> None:
        """Remove a folder and all that is in it; none there is as good. OSError from flash."""
        self._ready = ""
        _remove(self._root + "/" + folder)

    def append(self, path: str, data: bytes) -> None:
        """Add to a file, which begins empty; its folders are made. OSError from flash."""
        folder = path.rsplit("/", 1)[0]
        if folder != self._ready:
            self._make(folder)
            self._ready = folder
        with open(self._root + "/" + path, "ab") as file:
            file.write(data)

    def part(self, path: str, offset: int, count: int) -> bytes:
        """Bytes of a file; fewer at its end. OSError where there is none."""
        with open(self._root + "/" + path, "rb") as file:
            file.seek(offset)
            return file.read(count)

    def _make(self, folder: str) -> None:
        path = self._root
        for part in folder.split("/"):
            path += "/" + part
            try:
                os.mkdir(path)
            except OSError:
                pass  # it is there, or opening the file says what is wrong


def _remove(path: str) -> None:
    try:
        is_folder = os.stat(path)[0] & _FOLDER
    except OSError:
        return
    if not is_folder:
        os.remove(path)
        return
    for name in os.listdir(path):
        _remove(path + "/" + name)
    os.rmdir(path)
