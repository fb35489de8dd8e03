"""A signed firmware image as the office publishes it and a gateway keeps it: what its head says, and its blocks.

What is wrong with an image in any other way is found at the posts, which know the site's key.
"""

from __future__ import annotations

import binascii
from hashlib import sha256
from typing import Any, NamedTuple

from lamplighter.plans.hashing import document_hash
from lamppost.limits import BLOCK_BYTES, FIRMWARE_IMAGE_MAX, FIRMWARE_MANIFEST_MAX, SEGMENT_BLOCKS

IMAGE_TEXT_MAX = -(-FIRMWARE_IMAGE_MAX // 3) * 4  # of base64


class Image(NamedTuple):
    """A signed image, as `lamplighter sign` makes it; what its head says is proved at the post."""

    board: str
    version: int
    label: str
    data: bytes
    digest: bytes

    @classmethod
    def read(cls, data: bytes) -> Image:
        """Look at the head of an image. Raises ValueError."""
        if data[:4] != b"LLF1" or not 8 < len(data) <= FIRMWARE_IMAGE_MAX:
            raise ValueError(f"no firmware image of at most {FIRMWARE_IMAGE_MAX} bytes; lamplighter sign makes one")
        length = int.from_bytes(data[4:6], "big")
        lines = data[8 : 8 + length].split(b"\n")[:5]
        names = (b"lamplighter firmware 1", b"board ", b"version ", b"minimum ", b"label ")
        if length > FIRMWARE_MANIFEST_MAX or len(lines) < 5 or not all(map(bytes.startswith, lines, names)):
            raise ValueError("the image's manifest is not one of version 1")
        board, version, label = lines[1][6:], lines[2][8:], lines[4][6:]
        if not (board + label).isascii() or not 0 < len(board) <= 24 or len(label) > 24:
            raise ValueError("the manifest's board and label have 1 to 24 characters")
        if not all(c in b"abcdefghijklmnopqrstuvwxyz0123456789_-" for c in board):
            raise ValueError("the manifest's board is not one of a-z, 0-9, _ and -")
        if not version.isdigit() or len(version) > 9:
            raise ValueError("the manifest's version is not a whole number")
        return cls(board.decode(), int(version), label.decode(), data, sha256(data).digest())

    def damage(self) -> str:
        """What is not as the manifest says, "" for nothing: so that no line carries for minutes what no post takes."""
        length, seal = int.from_bytes(self.data[4:6], "big"), int.from_bytes(self.data[6:8], "big")
        at = 8 + length + seal
        for line in self.data[8 : 8 + length].split(b"\n")[5:-1]:
            words = line.split(b" ")
            if len(words) != 4 or words[0] != b"file" or not words[2].isdigit() or len(words[2]) > 7:
                return "a line of its manifest names no file"
            size = int(words[2])
            if sha256(self.data[at : at + size]).hexdigest().encode() != words[3]:
                return f"{words[1].decode(errors='replace')} is not what was signed"
            at += size
        return "" if at == len(self.data) else f"it has {len(self.data)} bytes and not {at}"

    @property
    def name(self) -> bytes:
        """What its blocks are named by."""
        return self.digest[:8]

    @property
    def segments(self) -> int:
        return -(-len(self.data) // (BLOCK_BYTES * SEGMENT_BLOCKS))

    def blocks(self, segment: int, mask: int) -> list[tuple[int, bytes, bytes]]:
        """(number, name, data) of those blocks of a segment whose bit is in `mask`."""
        numbers = [segment * SEGMENT_BLOCKS + at for at in range(SEGMENT_BLOCKS) if mask >> at & 1]
        pieces = [(number, self.data[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES]) for number in numbers]
        return [(number, self.name, piece) for number, piece in pieces if piece]


class Wanted(NamedTuple):
    """What is desired of one kind of board: its hash, and the image, or None for none."""

    hash: str
    board: str
    image: Image | None


def payload(board: str, image: Image | None) -> dict[str, Any]:
    """A desired/firmware payload."""
    text = binascii.b2a_base64(image.data, newline=False).decode() if image is not None else None
    content = {"board": board, "image": text}
    return {"v": 1, "hash": document_hash(content), "firmware": content}


def read(value: dict[str, Any]) -> Wanted:
    """What a desired/firmware payload of version 1 wants. Raises ValueError."""
    content = value.get("firmware")
    if not isinstance(content, dict) or set(content) != {"board", "image"}:
        raise ValueError('"firmware" must be {"board": ..., "image": ...}')
    board, text = content["board"], content["image"]
    if not isinstance(board, str) or not 0 < len(board) <= 24:
        raise ValueError("the board has a name of 1 to 24 characters")
    if text is not None and (not isinstance(text, str) or len(text) > IMAGE_TEXT_MAX):
        raise ValueError(f"the image is base64 of at most {FIRMWARE_IMAGE_MAX} bytes, or null")
    if document_hash(content) != value.get("hash"):
        raise ValueError("the hash is not that of the firmware; it was changed on its way")
    if text is None:
        return Wanted(value["hash"], board, None)
    try:
        image = Image.read(binascii.a2b_base64(text, strict_mode=True))
    except binascii.Error:
        raise ValueError("the image is no base64") from None
    if image.board != board:
        raise ValueError(f"the image is for board {image.board!r}, and not for {board!r}")
    return Wanted(value["hash"], board, image)
