"""Signed firmware in two folders, `a` and `b`: install into the one that does not run, try it, keep it or go back.

What it promises
- Nothing is installed that one of the given keys has not signed, that is for another board, below the minimum
  version that a confirmed image has set, or that differs in one bit from what was signed.
- The running folder is never written. One journal record says which folder runs, so that a power cut at any moment
  leaves the old or the new firmware in force; an install that was cut begins again from the image.
- A new image runs on trial: it has `TRIES` starts to live through HEALTHY_MS; then it is confirmed, else the firmware
  before it comes back. Where a trial cannot be counted because flash refuses, the confirmed one runs.

An image is `LLF1 manifest_length:2 signature_length:2 manifest signature files...`, numbers big-endian; the manifest
is text whose lines are given at `read_manifest`, the signature a minisign file over exactly its bytes.

`flash` has `read(name)` and `write(name, data)` as for the Journal, and for the folders `wipe(folder)`,
`append(path, data)`, `part(path, offset, count)`; any may raise OSError. `image(offset, count)` reads the image.
"""

from binascii import hexlify
from hashlib import sha256

from lamppost.limits import FIRMWARE_FILES_MAX, FIRMWARE_MANIFEST_MAX, FIRMWARE_MAX
from lamppost.sign import minisign
from lamppost.store.journal import Journal
from lamppost.wire import cbor
from lamppost.wire.errors import WireError

MAGIC = b"LLF1"
TRIES = 3  # starts of a new image: a power cut or two while it is tried must not throw it out
HEALTHY_MS = 600000  # ten minutes: longer than any watchdog, and a post has then spoken with its gateway
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
    """The two folders of one post. `board` is its name, `keys` are minisign PublicKeys."""

    def __init__(self, flash, board: str, keys: list):
        self._flash = flash
        self._board = board
        self._keys = keys
        self._journal = Journal(flash)
        self._load()

    # --- at each start

    def start(self) -> str:
        """The folder to run now, "a" or "b"; counts the start of a trial before it happens."""
        if self.trial:
            try:
                if self.tries_left:
                    self._save(tries_left=self.tries_left - 1)
                else:
                    self._save(active=_other(self.active), trial=0, refused=self.versions[self.active])
            except OSError:  # a trial that cannot be counted might never end
                return "ab"[_other(self.active)]
        return "ab"[self.active]

    def confirm(self) -> None:
        """The running image has been healthy for HEALTHY_MS: it stays, and its minimum holds. OSError from flash."""
        if self.trial:
            self._save(trial=0, tries_left=0, minimum=max(self.minimum, self.wanted_minimum))

    # --- an image

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
        if manifest.version < self.minimum:
            raise UpdateError("version %d is below the minimum %d" % (manifest.version, self.minimum))
        if self.trial:
            raise UpdateError("version %d is still on trial; try again when it is confirmed" % self.version)
        if manifest.version == self.version:
            raise UpdateError("version %d already runs" % self.version)

    def install(self, image, pause=None) -> Manifest:
        """Put an image into the other folder and let the next start try it. Raises UpdateError; OSError from flash."""
        manifest, at = self.inspect(image, pause)
        folder = _other(self.active)
        self._flash.wipe("ab"[folder])
        for path, size, digest in manifest.files:
            self._copy(image, at, size, "ab"[folder] + "/" + path, pause)
            if self._sha256("ab"[folder] + "/" + path, size, pause) != digest:
                raise UpdateError("file '%s' is not what was signed; send the image again" % path)
            at += size
        if image(at, 1):
            raise UpdateError("the image goes on after its last file")
        versions = list(self.versions)
        versions[folder] = manifest.version
        self._save(active=folder, trial=1, tries_left=TRIES, versions=versions, wanted_minimum=manifest.minimum)
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

    # --- the record

    @property
    def version(self) -> int:
        """The version of the folder in force; 0 is what the board was delivered with."""
        return self.versions[self.active]

    def _load(self) -> None:
        """[active 0..1, trial 0..1, tries left, [version a, version b], minimum, minimum wanted, refused version]."""
        raw = self._journal.get("slot")
        try:
            values = cbor.decode(raw) if raw else None
        except WireError:
            values = None
        self._take(values if _is_record(values) else [0, 0, 0, [0, 0], 0, 0, 0])

    def _take(self, values) -> None:
        self.active, self.trial, self.tries_left, self.versions = values[:4]
        self.minimum, self.wanted_minimum, self.refused = values[4:]

    def _save(self, **changes) -> None:
        names = ("active", "trial", "tries_left", "versions", "minimum", "wanted_minimum", "refused")
        values = [changes.get(name, getattr(self, name)) for name in names]
        self._journal.put("slot", cbor.encode(values))
        self._take(values)


def _other(folder: int) -> int:
    return 1 - folder


def _is_record(values) -> bool:
    if not isinstance(values, list) or len(values) != 7 or not isinstance(values[3], list) or len(values[3]) != 2:
        return False
    numbers = values[:3] + values[3] + values[4:]
    return not [n for n in numbers if not isinstance(n, int) or n < 0] and values[0] < 2 and values[1] < 2
