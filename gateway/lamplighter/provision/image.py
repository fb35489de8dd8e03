"""Firmware images from a folder: the manifest, its signature, and the files, as `lamppost.update` reads them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from lamplighter.provision.secret_key import SecretKey
from lamppost.limits import FIRMWARE_FILES_MAX, FIRMWARE_MANIFEST_MAX, FIRMWARE_MAX
from lamppost.sign.minisign import PublicKey
from lamppost.store.journal import Journal
from lamppost.store.slots import Slots
from lamppost.update import MAGIC, Updater

ENDINGS = (".mpy", ".py")  # what a MicroPython board runs; other files of a folder are left out


class ImageError(ValueError):
    """No image can be made; the text says what to do."""


class Image(NamedTuple):
    """The image, and the two parts of it that a person may want to look at with minisign."""

    data: bytes
    manifest: bytes
    signature: bytes
    files: int


def make(folder: Path, board: str, version: int, minimum: int, label: str, key: SecretKey) -> Image:
    """Pack and sign the .mpy and .py files of `folder`. Raises ImageError."""
    files = _files(folder)
    lines = ["lamplighter firmware 1", f"board {board}", f"version {version}", f"minimum {minimum}", f"label {label}"]
    lines += [f"file {name} {len(data)} {hashlib.sha256(data).hexdigest()}" for name, data in files]
    manifest = ("\n".join(lines) + "\n").encode()
    if len(manifest) > FIRMWARE_MANIFEST_MAX:
        raise ImageError(f"the manifest has {len(manifest)} bytes, more than {FIRMWARE_MANIFEST_MAX}; use fewer files")
    signature = key.sign(manifest, f"{board} {label} version {version}")
    head = MAGIC + len(manifest).to_bytes(2, "big") + len(signature).to_bytes(2, "big")
    image = Image(head + manifest + signature + b"".join(data for _, data in files), manifest, signature, len(files))
    check(image.data, board, key.public_text())
    return image


def check(data: bytes, board: str, public_key: str) -> str:
    """What a new board of that name would say of an image: its label. Raises ImageError with the board's reason."""
    board_flash = _Memory()
    try:
        updater = Updater(board_flash, Slots(Journal(board_flash)), board, [PublicKey(public_key)])
        return updater.install(lambda offset, count: data[offset : offset + count]).label
    except ValueError as error:
        raise ImageError(str(error)) from None


def _files(folder: Path) -> list[tuple[str, bytes]]:
    if not folder.is_dir():
        raise ImageError(f"{folder} is not a folder; give the one that holds the board's .mpy files")
    paths = sorted(path for path in folder.rglob("*") if path.suffix in ENDINGS and path.is_file())
    if not paths:
        raise ImageError(f"{folder} has no .mpy or .py file; compile the edge code into it first")
    if len(paths) > FIRMWARE_FILES_MAX:
        raise ImageError(f"{len(paths)} files are more than the {FIRMWARE_FILES_MAX} a board takes")
    total = sum(path.stat().st_size for path in paths)
    if total > FIRMWARE_MAX:
        raise ImageError(f"{total} bytes are more than the {FIRMWARE_MAX} a board takes")
    return [(path.relative_to(folder).as_posix(), path.read_bytes()) for path in paths]


class _Memory:
    """A board's flash, for `check`: the real Updater installs into it."""

    def __init__(self) -> None:
        self._records: dict[str, bytes] = {}
        self._files: dict[str, bytes] = {}

    def read(self, name: str) -> bytes | None:
        return self._records.get(name)

    def write(self, name: str, data: bytes) -> None:
        self._records[name] = data

    def wipe(self, folder: str) -> None:
        self._files = {path: data for path, data in self._files.items() if not path.startswith(folder + "/")}

    def append(self, path: str, data: bytes) -> None:
        self._files[path] = self._files.get(path, b"") + data

    def part(self, path: str, offset: int, count: int) -> bytes:
        return self._files[path][offset : offset + count]
