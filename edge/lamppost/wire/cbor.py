"""The part of CBOR (RFC 8949) that Lamplighter speaks, always in its shortest form.

Integers of up to 64 bits, byte and text strings, definite arrays, false, true and null. No maps (a board's dicts are
unordered), no floats, no tags, nothing indefinite. Whatever is not the one shortest encoding of a value is refused,
so that equal values have equal bytes.
"""

from lamppost.limits import CBOR_DEPTH_MAX, CBOR_ITEMS_MAX
from lamppost.wire.errors import WireError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def encode(value) -> bytes:
    """Return the encoding of `value`. Raises WireError on a type or an integer outside the subset."""
    out = bytearray()
    _write(out, value, CBOR_DEPTH_MAX)
    return bytes(out)


def decode(data: bytes) -> "Any":
    """Return the one value in `data`. Raises WireError on anything else: rest, cut, depth, long form, other types."""
    try:
        value, end, _ = _read(data, 0, CBOR_DEPTH_MAX, CBOR_ITEMS_MAX)
    except MemoryError:  # a blob of empty arrays takes thirty times its size
        raise WireError("too big for this device")
    if end != len(data):
        raise WireError("bytes after the value")
    return value


def array_head(count: int) -> bytes:
    """What stands before the `count` values of an array."""
    out = bytearray()
    _head(out, 0x80, count)
    return bytes(out)


def array_at(data: bytes, at: int) -> "tuple[int, int]":
    """Return (how many values the array at `at` has, the index of the first). Raises WireError where there is none."""
    if at >= len(data) or data[at] >> 5 != 4:
        raise WireError("not an array")
    return _number(data, at + 1, data[at] & 31)


def value_at(data: bytes, at: int) -> "tuple[Any, int]":
    """Return (the value at `at`, the index after it). Raises WireError as `decode` does."""
    value, end, _ = _read(data, at, CBOR_DEPTH_MAX, CBOR_ITEMS_MAX)
    return value, end


def utf8(text: str) -> bytes:
    """The UTF-8 of `text`. Raises WireError where there is none (half a surrogate pair, as JSON can bring)."""
    try:
        data = text.encode()
    except (UnicodeError, ValueError):
        raise WireError("bad text")
    _check_text(text, len(data))
    return data


def _head(out: bytearray, major: int, number: int) -> None:
    if number < 24:
        out.append(major | number)
        return
    if number < 256:
        out.append(major | 24)
        out.append(number)
    elif number < 65536:
        out.append(major | 25)
        out.append(number >> 8)
        out.append(number & 255)
    elif number < 1 << 32:
        out.append(major | 26)
        out.extend(number.to_bytes(4, "big"))
    elif number < 1 << 64:
        out.append(major | 27)
        out.extend(number.to_bytes(8, "big"))
    else:
        raise WireError("integer over 64 bits")


def _write(out: bytearray, value, depth: int) -> None:
    if value is None:
        out.append(0xF6)
    elif value is True:
        out.append(0xF5)
    elif value is False:
        out.append(0xF4)
    elif isinstance(value, int):
        if value >= 0:
            _head(out, 0x00, value)
        else:
            _head(out, 0x20, -1 - value)
    elif isinstance(value, (bytes, bytearray)):
        _head(out, 0x40, len(value))
        out.extend(value)
    elif isinstance(value, str):
        text = utf8(value)
        _head(out, 0x60, len(text))
        out.extend(text)
    elif isinstance(value, (list, tuple)):
        if depth <= 0:
            raise WireError("arrays nested too deep")
        _head(out, 0x80, len(value))
        for item in value:
            if type(item) is int and 0 <= item < 24:  # most are, and a call costs five times that
                out.append(item)
            else:
                _write(out, item, depth - 1)
    else:
        raise WireError("no encoding for this type")


def _number(data: bytes, at: int, low: int):
    """Return (the number of a head whose low five bits are `low`, the index after it)."""
    if low < 24:
        return low, at
    if low > 27:
        raise WireError("reserved or indefinite length")
    size = 1 << (low - 24)
    if at + size > len(data):
        raise WireError("cut short")
    number = int.from_bytes(data[at : at + size], "big")
    if number < (24, 256, 65536, 1 << 32)[low - 24]:
        raise WireError("not the shortest form")
    return number, at + size


def _text(data: bytes) -> str:
    try:
        text = str(data, "utf-8")
    except (UnicodeError, ValueError):
        raise WireError("bad text")
    _check_text(text, len(data))
    return text


def _check_text(text: str, size: int) -> None:
    """Refuse what MicroPython lets pass: surrogates, long forms and points beyond Unicode (RFC 3629)."""
    if len(text) == size:  # all ASCII
        return
    for char in text:
        point = ord(char)
        if 0xD800 <= point <= 0xDFFF or point > 0x10FFFF:
            raise WireError("bad text")
        size -= 1 if point < 0x80 else 2 if point < 0x800 else 3 if point < 0x10000 else 4
    if size:
        raise WireError("bad text")


def _read(data: bytes, at: int, depth: int, budget: int):
    """Return (value, index after it, items still allowed)."""
    if at >= len(data):
        raise WireError("cut short")
    head = data[at]
    major = head >> 5
    if major == 7:
        if head == 0xF6:
            return None, at + 1, budget
        if head == 0xF4 or head == 0xF5:
            return head == 0xF5, at + 1, budget
        raise WireError("float or simple value")
    number, at = _number(data, at + 1, head & 31)
    if major == 0:
        return number, at, budget
    if major == 1:
        return -1 - number, at, budget
    if major == 2 or major == 3:
        if number > len(data) - at:
            raise WireError("cut short")
        chunk = bytes(data[at : at + number])
        return (chunk if major == 2 else _text(chunk)), at + number, budget
    if major != 4:
        raise WireError("map or tag")
    if depth <= 0:
        raise WireError("arrays nested too deep")
    if number > budget or number > len(data) - at:  # an item takes at least a byte
        raise WireError("too many items")
    budget -= number
    items = []
    for _ in range(number):
        if at < len(data) and data[at] < 24:
            items.append(data[at])
            at += 1
        else:
            item, at, budget = _read(data, at, depth - 1, budget)
            items.append(item)
    return items, at, budget
