"""Consistent Overhead Byte Stuffing (Cheshire and Baker, 1999): no zero byte inside a frame, so 0x00 can end one.

Costs one byte for up to 254 bytes and one more for each 254 after that. Delimiters are the caller's.
"""

from lamppost.wire.errors import WireError


def encode(data: bytes) -> bytes:
    """Return `data` (any bytes) stuffed, without a zero byte and without a delimiter."""
    out = bytearray()
    runs = data.split(b"\x00")
    for last, run in enumerate(runs, 1 - len(runs)):
        while len(run) >= 254:
            out.append(255)
            out.extend(run[:254])
            run = run[254:]
            if last == 0 and not run:
                return bytes(out)
        out.append(len(run) + 1)
        out.extend(run)
    return bytes(out)


def decode(data: bytes) -> bytes:
    """Undo `encode`. Raises WireError on a zero byte, on an empty input and on a run that goes past the end."""
    out = bytearray()
    at, end = 0, len(data)
    if not end:
        raise WireError("empty frame")
    if data.find(b"\x00") >= 0:  # MicroPython has no `0 in bytes`
        raise WireError("bad stuffing")
    while at < end:
        code = data[at]
        stop = at + code
        if stop > end:
            raise WireError("bad stuffing")
        out.extend(data[at + 1 : stop])
        at = stop
        if code < 255 and at < end:
            out.append(0)
    return bytes(out)
