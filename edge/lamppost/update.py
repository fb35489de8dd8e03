"""Signed firmware in two folders, `a` and `b`: install into the one that does not run, try it, keep it or go back.

What it promises
- Nothing is installed that one of the given keys has not signed, that is for another board, below the minimum
  version that a confirmed image has set, or that differs in one bit from what was signed.
- The running folder is never written. One journal record (store/slots.py) says which folder runs, so that a power cut
  at any moment leaves the old or the new firmware in force; an install that was cut begins again from the image.

An image is `LLF1 manifest_length:2 signature_length:2 manifest signature files...`, numbers big-endian; the manifest
is text whose lines are given at `Manifest`, the signature a minisign file over exactly its bytes.

`flash` has `wipe(folder)`, `append(path, data)` and `part(path, offset, count)`; each may raise OSError.
`image(offset, count)` reads the image.
"""

from binascii import hexlify
from hashlib import sha256

from lamppost.limits import FIRMWARE_FILES_MAX, FIRMWARE_MANIFEST_MAX, FIRMWARE_MAX
from lamppost.sign import minisign
from lamppost.store.slots import Slots

MAGIC = b"LLF1"
CHUNK = 512  # a piece of a file on its way: a page of the smallest flash, and no load on a 96 KB heap
PIECE = 256  # of the manifest
LINE_MAX = 160  # a path of 48 characters, a size and a SHA-256
_NAME = b"abcdefghijklmnopqrstuvwxyz0123456789_-./"
_NAME_MAX = 48


class UpdateError(ValueError):
    """An image is refused; the text says why and nothing has changed."""


class Manifest:
    """What is signed: `board`, `version`, `minimum`, `label`; `files` yields (path, size, sha256 in hexadecimal) anew.

    It is read in small pieces from `image` each time: a board's heap has no 7 KB in one piece after a week.

    lamplighter firmware 1
    board NAME
    version NUMBER
    minimum NUMBER
    label TEXT
    file PATH SIZE SHA256      (once for each file, in the order of the image)
    """

    def __init__(self, image, at: int, length: int):
        """Reads and checks all of it. Raises UpdateError."""
        self._image = image
        self._at = at
        self._end = at + length
        head = []
        for line in self._lines():
            head.append(line)
            if len(head) == 5:
                break
        if len(head) < 5 or head[0] != "lamplighter firmware 1":
            raise UpdateError("the manifest is not one of version 1")
        self.board = _word(head[1], "board")
        self.version = _number(head[2], "version")
        self.minimum = _number(head[3], "minimum")
        self.label = _word(head[4], "label")
        if not self.board or len(self.board) > 24 or len(self.label) > 24:
            raise UpdateError("the manifest's board and label have 1 to 24 characters")
        if self.minimum > self.version:
            raise UpdateError("the manifest's minimum %d is above its version %d" % (self.minimum, self.version))
        self._check_files()

    def files(self):
        """(path, size, sha256 in hexadecimal) of each file, in order."""
        for number, line in enumerate(self._lines()):
            if number >= 5:
                yield _file(line)

    def _check_files(self) -> None:
        seen = []
        total = 0
        for path, size, _ in self.files():
            total += size
            if path in seen:
                raise UpdateError("the manifest names '%s' twice" % path)
            if len(seen) >= FIRMWARE_FILES_MAX:
                raise UpdateError("the manifest has more than %d files" % FIRMWARE_FILES_MAX)
            if total > FIRMWARE_MAX:
                raise UpdateError("the files are over %d bytes" % FIRMWARE_MAX)
            seen.append(path)
        if not seen:
            raise UpdateError("the manifest names no file")

    def _lines(self):
        rest = b""
        for piece in _pieces(self._image, self._at, self._end - self._at):
            rest += piece
            while True:
                end = rest.find(b"\n")
                if end < 0:
                    break
                try:
                    line = str(rest[:end], "utf-8")
                except (UnicodeError, ValueError):
                    raise UpdateError("the manifest is not text")
                rest = rest[end + 1 :]
                yield line
            if len(rest) > LINE_MAX:
                raise UpdateError("the manifest has a line of over %d bytes" % LINE_MAX)
        if rest:
            raise UpdateError("the manifest's last line has no end")


def _pieces(image, at: int, length: int):
    """The bytes of a part of the image, PIECE by PIECE."""
    end = at + length
    while at < end:
        data = image(at, min(PIECE, end - at))
        if not data:
            raise UpdateError("the image ends too early; send it again")
        yield data
        at += len(data)


def _file(line: str):
    words = _word(line, "file").split(" ")
    if len(words) != 3 or len(words[2]) != 64:
        raise UpdateError("the manifest's file lines are: file PATH SIZE SHA256")
    if not _is_path(words[0]):
        raise UpdateError("the manifest names a file '%s' that no folder may have" % words[0][:_NAME_MAX])
    return words[0], _number("size " + words[1], "size"), words[2].encode()


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
        self.slots = slots
        self.board = board
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
        signature = image(8 + length, signed)
        if len(signature) != signed:
            raise UpdateError("the image ends too early; send it again")
        pieces = _pieces(image, 8, length)
        try:
            minisign.check(pieces, signature, self._keys, pause)
        except minisign.SignatureError as error:
            raise UpdateError(str(error))
        manifest = Manifest(image, 8, length)
        self.suits(manifest)
        return manifest, 8 + length + signed

    def suits(self, manifest) -> None:
        """Raises UpdateError where an image for this `board`, with this `version`, is not to be installed here now."""
        if manifest.board != self.board:
            raise UpdateError("the image is for board '%s', this is '%s'" % (manifest.board, self.board))
        if manifest.version < self.slots.minimum:
            raise UpdateError("version %d is below the minimum %d" % (manifest.version, self.slots.minimum))
        if self.slots.trial:
            raise UpdateError("version %d is still on trial; try again when it is confirmed" % self.slots.version)
        if manifest.version and manifest.version == self.slots.refused:
            raise UpdateError("version %d was tried and did not last; make another" % manifest.version)
        if manifest.version == self.slots.version:
            raise UpdateError("version %d already runs" % manifest.version)

    def install(self, image, pause=None) -> Manifest:
        """Put an image into the other folder and let the next start try it. Raises UpdateError; OSError from flash."""
        manifest, at = self.inspect(image, pause)
        folder = self.slots.spare
        self._flash.wipe(folder)
        for path, size, digest in manifest.files():
            self._copy(image, at, size, folder + "/" + path, pause)
            if self._sha256(folder + "/" + path, size, pause) != digest:
                raise UpdateError("file '%s' is not what was signed; send the image again" % path)
            at += size
        if image(at, 1):
            raise UpdateError("the image goes on after its last file")
        self.slots.begin_trial(manifest.version, manifest.minimum)
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
