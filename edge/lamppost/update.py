"""Signed firmware in two folders, `a` and `b`: install into the one that does not run, try it, keep it or go back.

What it promises
- Nothing is installed that one of the given keys has not signed, that is for another board, below the minimum
  version that a confirmed image has set, or that differs in one bit from what was signed.
- The running folder is never written. One journal record (store/slots.py) says which folder runs, so that a power cut
  at any moment leaves the old or the new firmware in force; an install that was cut begins again from the image.

An image is `LLF1 manifest_length:2 signature_length:2 manifest signature files...`, numbers big-endian; the manifest
is text whose lines are given at `read_manifest`, the signature a minisign file over exactly its bytes.

`flash` has `wipe(folder)`, `append(path, data)` and `part(path, offset, count)`; each may raise OSError.
`image(offset, count)` reads the image.
"""

from binascii import hexlify
from hashlib import sha256

from lamppost.limits import FIRMWARE_FILES_MAX, FIRMWARE_MANIFEST_MAX, FIRMWARE_MAX
from lamppost.sign import minisign
from lamppost.store.slots import Slots

MAGIC = b"LLF1"
CHUNK = 1024  # two sectors of the smallest flash, and no load on a 96 KB heap
_NAME = b"abcdefghijklmnopqrstuvwxyz0123456789_-./"
_NAME_MAX = 48


class UpdateError(ValueError):
    """An image is refused; the text says why and nothing has changed."""


class Manifest:
    """What is signed: `board`, `version`, `minimum`, `label`, and `files` [(path, size, sha256)]."""

    def __init__(self, board: str, version: int, minimum: int, label: str, files: list):
        self.board = board
        self.version = version
        self.minimum = minimum
        self.label = label
        self.files = files


def read_manifest(raw: bytes) -> Manifest:
    """The Manifest in its text; each line ends with a line feed, in this order. Raises UpdateError.

    lamplighter firmware 1
    board NAME
    version NUMBER
    minimum NUMBER
    label TEXT
    file PATH SIZE SHA256      (once for each file, in the order of the image)
    """
    try:
        text = str(raw, "utf-8")
    except (UnicodeError, ValueError):
        raise UpdateError("the manifest is not text")
    lines = text.split("\n")
    if len(lines) < 7 or lines[0] != "lamplighter firmware 1" or lines[-1] != "":
        raise UpdateError("the manifest is not one of version 1")
    board = _word(lines[1], "board")
    version = _number(lines[2], "version")
    minimum = _number(lines[3], "minimum")
    label = _word(lines[4], "label")
    if not board or len(board) > 24 or len(label) > 24:
        raise UpdateError("the manifest's board and label have 1 to 24 characters")
    if minimum > version:
        raise UpdateError("the manifest's minimum %d is above its version %d" % (minimum, version))
    return Manifest(board, version, minimum, label, _files(lines[5:-1]))


def _files(lines: list) -> list:
    if len(lines) > FIRMWARE_FILES_MAX:
        raise UpdateError("the manifest has %d files, more than %d" % (len(lines), FIRMWARE_FILES_MAX))
    files = []
    seen = []
    total = 0
    for line in lines:
        words = _word(line, "file").split(" ")
        if len(words) != 3 or len(words[2]) != 64:
            raise UpdateError("the manifest's file lines are: file PATH SIZE SHA256")
        path = words[0]
        if not _is_path(path) or path in seen:
            raise UpdateError("the manifest names a file '%s' that no folder may have" % path[:_NAME_MAX])
        size = _number("size " + words[1], "size")
        total += size
        if total > FIRMWARE_MAX:
            raise UpdateError("the files are over %d bytes" % FIRMWARE_MAX)
        seen.append(path)
        files.append((path, size, words[2].encode()))
    return files


def _word(line: str, name: str) -> str:
    if not line.startswith(name + " "):
        raise UpdateError("the manifest lacks its line '%s'" % name)
    return line[len(name) + 1 :]


def _number(line: str, name: str) -> int:
    word = _word(line, name)
    if not 0 < len(word) <= 9 or [c for c in word if not "0" <= c <= "9"] or (word[0] == "0" and word != "0"):
        raise UpdateError("the manifest's %s is not a whole number" % name)
    return int(word)


def _is_path(path: str) -> bool:
    if not 0 < len(path) <= _NAME_MAX or [c for c in path.encode() if c not in _NAME]:
        return False
    return not [part for part in path.split("/") if part == "" or part[0] == "."]


class Updater:
    """`board` is this board's name, `keys` are minisign PublicKeys, `slots` says which folder may be written."""

    def __init__(self, flash, slots: Slots, board: str, keys: list):
        self._flash = flash
        self._slots = slots
        self._board = board
        self._keys = keys

    def inspect(self, image, pause=None):
        """(Manifest, offset of the first file) of an image that may be installed here. Raises UpdateError."""
        head = image(0, 8)
        if len(head) < 8 or head[:4] != MAGIC:
            raise UpdateError("not a firmware image")
        length = int.from_bytes(head[4:6], "big")
        signed = int.from_bytes(head[6:8], "big")
        if length > FIRMWARE_MANIFEST_MAX or signed > minisign.FILE_MAX:
            raise UpdateError("the image's manifest or signature is too long")
        raw = image(8, length)
        signature = image(8 + length, signed)
        if len(raw) != length or len(signature) != signed:
            raise UpdateError("the image ends too early; send it again")
        try:
            minisign.check(raw, signature, self._keys, pause)
        except minisign.SignatureError as error:
            raise UpdateError(str(error))
        manifest = read_manifest(raw)
        self._suits(manifest)
        return manifest, 8 + length + signed

    def _suits(self, manifest: Manifest) -> None:
        if manifest.board != self._board:
            raise UpdateError("the image is for board '%s', this is '%s'" % (manifest.board, self._board))
        if manifest.version < self._slots.minimum:
            raise UpdateError("version %d is below the minimum %d" % (manifest.version, self._slots.minimum))
        if self._slots.trial:
            raise UpdateError("version %d is still on trial; try again when it is confirmed" % self._slots.version)
        if manifest.version == self._slots.version:
            raise UpdateError("version %d already runs" % manifest.version)

    def install(self, image, pause=None) -> Manifest:
        """Put an image into the other folder and let the next start try it. Raises UpdateError; OSError from flash."""
        manifest, at = self.inspect(image, pause)
        folder = self._slots.spare
        self._flash.wipe(folder)
        for path, size, digest in manifest.files:
            self._copy(image, at, size, folder + "/" + path, pause)
            if self._sha256(folder + "/" + path, size, pause) != digest:
                raise UpdateError("file '%s' is not what was signed; send the image again" % path)
            at += size
        if image(at, 1):
            raise UpdateError("the image goes on after its last file")
        self._slots.begin_trial(manifest.version, manifest.minimum)
        return manifest

    def _copy(self, image, at: int, size: int, path: str, pause) -> None:
        end = at + size
        self._flash.append(path, b"")  # an empty file is a file
        while at < end:
            data = image(at, min(CHUNK, end - at))
            if not data:
                raise UpdateError("the image ends too early; send it again")
            self._flash.append(path, data)
            at += len(data)
            if pause:
                pause()

    def _sha256(self, path: str, size: int, pause) -> bytes:
        hashed = sha256()
        at = 0
        while at <= size:  # one byte more than there should be would show
            data = self._flash.part(path, at, CHUNK)
            if not data:
                break
            hashed.update(data)
            at += len(data)
            if pause:
                pause()
        return hexlify(hashed.digest())
