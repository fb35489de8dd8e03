"""Seals: HMAC-SHA256 (RFC 2104, FIPS 198-1) cut to 8 bytes, to 6 in short frames, over a context and the frame.

Eight bytes on a line of 115,200 baud: a forger gets some 600 tries a second, so one hit in 500 million years; six bytes
in short frames: 960 POLLs a second that fill the line, one hit in 9,300 years.
Keys are 32 bytes. The two padded key blocks are kept, which on a board costs a third of computing them each time.
"""

from hashlib import sha256

SEAL_BYTES = 8


class Key:
    """A secret of 32 bytes that seals and derives. Raises ValueError on another length."""

    def __init__(self, secret: bytes):
        if len(secret) != 32:
            raise ValueError("a key is 32 bytes; this one has %d" % len(secret))
        block = bytes(secret) + bytes(32)
        self._inner = bytes([byte ^ 0x36 for byte in block])
        self._outer = bytes([byte ^ 0x5C for byte in block])

    def digest(self, context: bytes, data: bytes) -> bytes:
        """HMAC-SHA256 of context | data, 32 bytes."""
        inner = sha256(self._inner)
        inner.update(context)
        inner.update(data)
        outer = sha256(self._outer)
        outer.update(inner.digest())
        return outer.digest()

    def seal(self, context: bytes, data: bytes) -> bytes:
        """The first 8 bytes of the digest."""
        return self.digest(context, data)[:SEAL_BYTES]

    def derive(self, context: bytes, data: bytes) -> "Key":
        """A key that belongs to `context` and `data` (HMAC as a key derivation function, NIST SP 800-108)."""
        return Key(self.digest(context, data))


def fits(key: Key, context: bytes, signed: bytes, seal: bytes) -> bool:
    """Whether `seal`, as long as its form of frame has it and never empty, is the one of `signed`."""
    return len(seal) >= 6 and equal(key.seal(context, signed)[: len(seal)], seal)


try:
    from hmac import compare_digest

    def equal(a: bytes, b: bytes) -> bool:
        """Compare in a time that does not depend on where the difference is."""
        return compare_digest(a, b)

except ImportError:  # MicroPython

    def equal(a: bytes, b: bytes) -> bool:
        """Compare in a time that does not depend on where the difference is."""
        if len(a) != len(b):
            return False
        difference = 0
        for x, y in zip(a, b):
            difference |= x ^ y
        return difference == 0
