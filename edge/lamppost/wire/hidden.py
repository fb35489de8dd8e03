"""Keys on the wire: hidden under a pad that only the two ends can make.

A pad is HMAC-SHA256 of one key over a context and what is fresh to both ends, 32 bytes, as long as any key here. It
must never be used for two secrets: what is fresh must be new each time.
"""

from lamppost.wire import contexts
from lamppost.wire.seal import Key


def hide(key: Key, fresh: bytes, secret: bytes) -> bytes:
    """Hide 32 bytes, or bring them back: the same twice gives what was."""
    pad = key.digest(contexts.WRAP, fresh)
    return bytes([a ^ b for a, b in zip(pad, secret)])


def name_of(secret: bytes) -> bytes:
    """What a key of 32 bytes is called on the wire: 8 bytes that give nothing of it away."""
    return Key(secret).seal(contexts.NAME, b"")
