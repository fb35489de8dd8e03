"""The bytes on the wire as edge/PROTOCOL.md has them, made a second time: nothing of Lamplighter is imported here."""

import binascii
import hashlib
import hmac
import struct

from cobs import cobs

TYPES = {
    "HELLO": 0x01, "HELLO_OK": 0x02, "POLL": 0x10, "STATUS": 0x11, "EVENT": 0x12, "TIME": 0x13, "COMMAND": 0x20,
    "STILL": 0x14, "GO": 0x15, "MOVED": 0x16,
    "RESULT": 0x21, "WHY": 0x22, "WHY_OK": 0x23, "BLOB_BEGIN": 0x30, "BLOB_DATA": 0x31, "BLOB_OK": 0x32,
    "FIRMWARE": 0x33, "FIRMWARE_OK": 0x34, "BLOCK": 0x35, "MISSING": 0x36,
    "SET_TIME": 0x40, "TIME_OK": 0x41, "SEARCH": 0x42, "HERE": 0x43, "PLACE": 0x44, "PLACED": 0x45,
    "KEY": 0x46, "KEY_OK": 0x47,
}  # fmt: skip
SHORT = ("POLL", "STILL", "MOVED", "EVENT", "GO")
POST_KEY = bytes(range(32))
BUS_KEY = bytes(range(100, 132))
ADDRESS = 7
GATEWAY_RANDOM = bytes.fromhex("a0a1a2a3a4a5a6a7")
POST_RANDOM = bytes.fromhex("b0b1b2b3b4b5b6b7")
GATEWAY_COUNTER = 100
NEXT_NUMBER = 43


def mac(key: bytes, context: bytes, data: bytes) -> bytes:
    return hmac.new(key, context + data, hashlib.sha256).digest()


def crc(data: bytes) -> bytes:
    return binascii.crc_hqx(data, 0xFFFF).to_bytes(2, "big")


def head(dst: int, src: int, kind: int, counter: int) -> bytes:
    return bytes([dst, src, kind]) + counter.to_bytes(4, "big")


def delimited(body: bytes) -> bytes:
    return b"\x00" + cobs.encode(body) + b"\x00"


def line(key: bytes, context: bytes, signed: bytes) -> bytes:
    body = signed + mac(key, context, signed)[:8]
    return delimited(body + crc(body))


def short_line(key: bytes, context: bytes, name: str, address: int, counter: int, values: list) -> bytes:
    """A short frame as section 2 of PROTOCOL.md lays it out. The seal covers what a long frame's would: the header with
    the whole counter, the first byte, and what stands behind the header's part."""
    if name == "POLL":
        ack, pairs, full, more = values
        first = bytes([1 << 5 | full << 4 | (ack > 0) << 3 | more << 2 | len(pairs) // 2])
        place, rest = bytes([address, counter & 255]), (struct.pack(">I", ack) if ack else b"") + pairs
        sealed = head(address, 0, TYPES[name], counter)
    elif name == "STILL":
        first, place, rest = bytes([2 << 5]), bytes([address]), bytes(values)
        sealed = head(0, address, TYPES[name], counter)
    elif name == "MOVED":
        as_of, level_pm, target_pm, layer, power_mw = values
        first, place = bytes([5 << 5]), bytes([address])
        light = struct.pack(">I", level_pm << 14 | target_pm << 4 | layer)[1:]
        rest = bytes([as_of]) + light + struct.pack(">H", power_mw // 100)
        sealed = head(0, address, TYPES[name], counter)
    elif name == "EVENT":
        user_class, source, age_ms, repeat = values
        first = bytes([3 << 5 | (repeat > 0) << 4 | user_class << 2 | source])
        place, rest = struct.pack(">BI", address, counter), bytes([repeat or min(age_ms // 10, 255)])
        sealed = head(255, address, TYPES[name], counter)
    else:
        low, high, pairs, more = values
        body = bytes([4 << 5 | more << 4 | len(pairs) // 2, address, low, high]) + pairs
        return delimited(body + crc(body))
    return delimited(first + place + rest + mac(key, context, sealed + first + rest)[:6])


def short_payload(name: str, values: list) -> bytes:
    """The part of a short frame that is no header, seal or CRC."""
    body = cobs.decode(short_line(b"", b"", name, 0, 0, values)[1:-1])
    cut = {"POLL": (3, -6), "STILL": (2, -6), "MOVED": (2, -6), "EVENT": (6, -6), "GO": (2, -2)}[name]
    return body[:1] + body[cut[0] : cut[1]]


def plain(value):
    """A value as JSON can hold it."""
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 53:
        return {"int": str(value)}
    return value
