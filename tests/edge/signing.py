"""Signs images for tests on both interpreters, with the group arithmetic of the code under test (RFC 8032, 5.1.6).

That the arithmetic is right is held against RFC 8032's vectors here and against another implementation in cpython/.
"""

from binascii import b2a_base64, hexlify
from hashlib import sha256

from lamppost.sign import ed25519
from lamppost.sign.sha512 import digest


class Signer:
    """A key made from a seed of 32 bytes."""

    def __init__(self, seed, key_id=b"testtest"):
        hashed = digest((seed,))
        low = int.from_bytes(hashed[:32], "little")
        self._a = low & ((1 << 254) - 8) | 1 << 254
        self._prefix = hashed[32:]
        self.key_id = key_id
        self.public = ed25519._encode(_times(self._a))

    def sign(self, message):
        r = int.from_bytes(digest((self._prefix, message)), "little") % ed25519._L
        point = ed25519._encode(_times(r))
        k = int.from_bytes(digest((point, self.public, message)), "little") % ed25519._L
        return point + ((r + k * self._a) % ed25519._L).to_bytes(32, "little")

    def key_text(self):
        return "untrusted comment: test\n" + b2a_base64(b"Ed" + self.key_id + self.public).decode()

    def minisign(self, message, comment="made by a test", kind=b"Ed"):
        first = self.sign(message)
        second = self.sign(first + comment.encode())
        lines = ["untrusted comment: test", b2a_base64(kind + self.key_id + first).decode()[:-1]]
        lines += ["trusted comment: " + comment, b2a_base64(second).decode()]
        return "\n".join(lines).encode()


def _times(scalar):
    point = ed25519._ZERO
    for bit in range(scalar.bit_length() - 1 if hasattr(scalar, "bit_length") else 255, -1, -1):
        point = ed25519._add(point, point)
        if scalar >> bit & 1:
            point = ed25519._add(point, ed25519._BASE)
    return point


def manifest(files, board="testboard", version=2, minimum=1, label="0.2.0"):
    """The text for files [(path, bytes)]."""
    lines = ["lamplighter firmware 1", "board " + board, "version %d" % version, "minimum %d" % minimum]
    lines.append("label " + label)
    for path, data in files:
        lines.append("file %s %d %s" % (path, len(data), hexlify(sha256(data).digest()).decode()))
    return ("\n".join(lines) + "\n").encode()


def image(signer, files, text=None, signature=None, **fields):
    """The bytes of an image."""
    if text is None:
        text = manifest(files, **fields)
    if signature is None:
        signature = signer.minisign(text)
    head = b"LLF1" + len(text).to_bytes(2, "big") + len(signature).to_bytes(2, "big")
    return head + text + signature + b"".join([data for _, data in files])


def reader(data):
    """What Updater wants: image(offset, count)."""
    return lambda offset, count: data[offset : offset + count]
