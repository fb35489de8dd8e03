"""Write the wire vectors: `python tests/vectors/generate.py`. Nothing of Lamplighter is imported here.

The bytes come from cbor2, cobs, hmac, hashlib, struct and binascii, from edge/PROTOCOL.md and from nothing else, so
that the committed files are a second opinion on our code. All bytes are hexadecimal; `line` is what stands on the wire,
with the delimiters. CBOR byte strings are {"bytes": HEX} and integers over 53 bits {"int": DECIMAL}.
"""

import binascii
import hashlib
import hmac
import json
import struct
from pathlib import Path

import cbor2
from cobs import cobs

HERE = Path(__file__).parent
TYPES = {
    "HELLO": 0x01, "HELLO_OK": 0x02, "POLL": 0x10, "STATUS": 0x11, "EVENT": 0x12, "TIME": 0x13, "COMMAND": 0x20,
    "STILL": 0x14, "GO": 0x15, "MOVED": 0x16,
    "RESULT": 0x21, "WHY": 0x22, "WHY_OK": 0x23, "BLOB_BEGIN": 0x30, "BLOB_DATA": 0x31, "BLOB_OK": 0x32,
    "FIRMWARE": 0x33, "FIRMWARE_OK": 0x34, "BLOCK": 0x35, "MISSING": 0x36,
    "SET_TIME": 0x40, "TIME_OK": 0x41, "SEARCH": 0x42, "HERE": 0x43, "PLACE": 0x44, "PLACED": 0x45,
    "KEY": 0x46, "KEY_OK": 0x47,
}  # fmt: skip
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


SHORT = ("POLL", "STILL", "MOVED", "EVENT", "GO")


def plain(value):
    """A value as JSON can hold it."""
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 53:
        return {"int": str(value)}
    return value


def cobs_vectors() -> dict:
    good = [
        b"", b"\x00", b"\x00\x00", b"\x01", b"\x11\x22\x00\x33", b"\x11\x22\x33\x44", b"\x11\x00\x00\x00",
        bytes(range(1, 254)), bytes(range(1, 255)), b"\x00" + bytes(range(1, 255)), bytes(range(1, 256)),
        bytes(range(2, 256)) + b"\x00", bytes(range(3, 256)) + b"\x00\x01", b"\xff" * 209, bytes(209),
    ]  # fmt: skip
    forbidden = [
        (b"", "empty"), (b"\x02", "the run goes past the end"), (b"\x05\x11\x22", "the run goes past the end"),
        (b"\x02\x00", "a zero byte inside a run"), (b"\x00", "a zero byte"), (b"\x01\x00\x01", "a zero byte"),
        (b"\x03\x11\x22\x02", "the second run goes past the end"), (b"\xff" + b"\x01" * 253, "a full run cut short"),
    ]  # fmt: skip
    return {
        "good": [{"decoded": data.hex(), "encoded": cobs.encode(data).hex()} for data in good],
        "forbidden": [{"encoded": data.hex(), "why": why} for data, why in forbidden],
    }


def crc_vectors() -> list:
    samples = [b"123456789", b"", b"\x00", b"\xff", b"\x00" * 32, bytes(range(256)), b"A" * 199]
    return [{"data": data.hex(), "crc": crc(data).hex()} for data in samples]


def cbor_vectors() -> dict:
    good = [
        0, 1, 23, 24, 255, 256, 65535, 65536, (1 << 32) - 1, 1 << 32, (1 << 53) - 1, (1 << 64) - 1,
        -1, -24, -25, -256, -257, -65536, -65537, -(1 << 32), -(1 << 32) - 1, -(1 << 64),
        False, True, None, b"", b"\x00", bytes(23), bytes(24), bytes(255), bytes(256), "", "a", "post-07", "x" * 24,
        "Louvain-la-Neuve é", "→ 50 %", "\U0001f4a1", "\x00", [], [[]], [1, [2, b"3"], "4"], list(range(24)),
        [[[[[[0]]]]]], [True, 1, False, 0, None],
    ]  # fmt: skip
    forbidden = [
        ("", "nothing"), ("0000", "bytes after the value"), ("1800", "0 in two bytes"), ("1817", "23 in two bytes"),
        ("1900ff", "255 in three bytes"), ("1a0000ffff", "65535 in five bytes"),
        ("1b00000000ffffffff", "4294967295 in nine bytes"), ("3817", "-24 in two bytes"), ("18", "cut short"),
        ("1900", "cut short"), ("1b00000001000000", "cut short"), ("1c", "reserved"), ("1f", "reserved"),
        ("5f4100ff", "indefinite bytes"), ("7f6161ff", "indefinite text"), ("9f00ff", "indefinite array"),
        ("41", "bytes cut short"), ("5800", "length 0 in two bytes"), ("580161", "length 1 in two bytes"),
        ("5bffffffffffffffff", "bytes cut short"), ("62c3", "text cut short"), ("61ff", "not UTF-8"),
        ("62c080", "long form of U+0000"), ("63eda080", "half a surrogate pair"), ("64f4908080", "over U+10FFFF"),
        ("63e08080", "long form"), ("61c3", "character cut short"), ("81", "array cut short"),
        ("9a00010000", "array cut short"), ("9bffffffffffffffff", "array cut short"),
        ("81818181818180", "seven arrays deep"), ("a0", "map"), ("a10000", "map"), ("c000", "tag"),
        ("f7", "undefined"), ("f800", "simple value"), ("e0", "simple value"), ("f93c00", "half float"),
        ("fa3f800000", "float"), ("fb3ff0000000000000", "double"), ("ff", "break"), ("8200ff", "break in an array"),
    ]  # fmt: skip
    return {
        "good": [{"hex": cbor2.dumps(value).hex(), "value": plain(value)} for value in good],
        "forbidden": [{"hex": data, "why": why} for data, why in forbidden],
    }


def seal_vectors() -> dict:
    contexts = ["hello:", "hello-ok:", "session:", "down:", "up:", "bus:"]
    rows = []
    for key in (POST_KEY, BUS_KEY, b"\xff" * 32):
        for name in contexts:
            context = b"lamplighter 1 " + name.encode()
            data = bytes(range(len(rows), 3 * len(rows) + 7))
            digest = mac(key, context, data)
            row = {"key": key.hex(), "context": context.decode(), "data": data.hex()}
            rows.append({**row, "hmac_sha256": digest.hex(), "seal": digest[:8].hex()})
    session = mac(POST_KEY, b"lamplighter 1 session:", GATEWAY_RANDOM + POST_RANDOM)
    derived = {"post_key": POST_KEY.hex(), "gateway_random": GATEWAY_RANDOM.hex(), "post_random": POST_RANDOM.hex()}
    return {"seals": rows, "session_key": {**derived, "session_key": session.hex()}}


def frame_vectors() -> dict:
    context = b"lamplighter 1 bus:"
    good = []
    for dst, src, kind, counter, payload in (
        (255, 0, 0x13, 1, cbor2.dumps([838000010, 250, 15])), (0, 250, 0x11, 0xFFFFFFFF, b""),
        (1, 0, 0x22, 0, bytes(192)),
        (1, 0, 0x31, 0x01020304, bytes(range(1, 193))), (0, 0, 0, 0, b""), (255, 255, 255, 0x80000000, b"\xff"),
    ):  # fmt: skip
        signed = head(dst, src, kind, counter) + payload
        row = {"dst": dst, "src": src, "type": kind, "counter": counter, "payload": payload.hex()}
        seal = mac(BUS_KEY, context, signed)[:8].hex()
        row |= {"key": BUS_KEY.hex(), "context": context.decode(), "seal": seal}
        good.append({**row, "line": line(BUS_KEY, context, signed).hex()})
    body = head(255, 0, 0x13, 1) + cbor2.dumps([838000010, 250, 15]) + bytes(8)
    flipped = bytearray(cobs.encode(body + crc(body)))
    flipped[12] ^= 0x40
    long = head(1, 0, 0x31, 1) + bytes(193) + bytes(8)
    forbidden = [
        (delimited(body + bytes(2)), "CRC 0"), (delimited(body + crc(body)[::-1]), "CRC bytes swapped"),
        (b"\x00" + bytes(flipped) + b"\x00", "one bit flipped"), (delimited(long + crc(long)), "193 bytes of payload"),
        (b"\x00" + b"\x01" * 211 + b"\x00", "211 bytes between delimiters"),
        (b"\x00\x05\x01\x00", "the run goes past the end"), (b"\x00" + b"\xff" * 600 + b"\x00", "noise"),
        *((delimited(data + crc(data)), f"a long frame of type {kind:#x}, which is always short")
          for kind in (0x10, 0x12, 0x14, 0x15) for data in (head(1, 0, kind, 1) + bytes(8),)),
    ]  # fmt: skip
    return {"good": good, "forbidden": [{"line": data.hex(), "why": why} for data, why in forbidden]}


def short_vectors() -> dict:
    session = mac(POST_KEY, b"lamplighter 1 session:", GATEWAY_RANDOM + POST_RANDOM)
    down, up, bus = b"lamplighter 1 down:", b"lamplighter 1 up:", b"lamplighter 1 bus:"
    good = []
    for key, context, name, address, counter, values in (
        (session, down, "POLL", 7, 1, [0, b"", 1, 0]), (session, down, "POLL", 250, 0x1FF, [0, b"", 0, 1]),
        (session, down, "POLL", 1, 256, [0xFFFFFFFF, b"\x07\x2b", 0, 0]),
        (session, down, "POLL", 7, 9, [0, bytes(6), 0, 1]),
        (session, down, "POLL", 7, 0xFFFFFFFF, [1, b"", 1, 1]), (session, up, "STILL", 7, 300, [44]),
        (session, up, "STILL", 250, 1, [0]),
        (session, up, "MOVED", 7, 300, [44, 1000, 0, 3, 6553500]), (session, up, "MOVED", 1, 1, [0, 0, 1000, 15, 0]),
        (session, up, "MOVED", 250, 257, [1, 512, 513, 9, 25600]), (BUS_KEY, bus, "EVENT", 7, 43, [1, 0, 80, 0]),
        (BUS_KEY, bus, "EVENT", 250, 0xFFFFFFFF, [2, 3, 2550, 0]), (BUS_KEY, bus, "EVENT", 1, 256, [0, 0, 0, 255]),
        (BUS_KEY, bus, "EVENT", 1, 1, [0, 0, 0, 0]), (b"", b"", "GO", 0, 0, [1, 250, b"", 0]),
        (b"", b"", "GO", 3, 0, [9, 8, b"\x07\x2b\x08\x00\x09\xff" + bytes(4), 1]),
        (b"", b"", "GO", 0, 0, [0, 0, b"\x01\x01", 0]),
    ):  # fmt: skip
        row = {"say": name, "type": TYPES[name], "address": address, "counter": counter, "values": plain(values)}
        row |= {"key": key.hex(), "context": context.decode(), "payload": short_payload(name, values).hex()}
        good.append({**row, "line": short_line(key, context, name, address, counter, values).hex()})
    go = bytes([4 << 5, 0, 1, 250])
    forbidden = [
        (go + crc(go)[::-1], "GO with its CRC turned round"), (go + bytes(2), "GO without a CRC"),
        (crc(b""), "a CRC alone"), (go[:3] + crc(go[:3]), "GO without its end"),
        (bytes([0]) + bytes(8), "form 0"), (bytes([6 << 5]) + bytes(8), "form 6"),
        (bytes([5 << 5]) + bytes(12), "MOVED of 13 bytes"), (bytes([5 << 5]) + bytes(14), "MOVED of 15 bytes"),
        (bytes([7 << 5]) + bytes(12), "form 7"), (bytes([1 << 5]) + bytes(7), "POLL of eight bytes"),
        (bytes([2 << 5]) + bytes(7), "STILL of eight bytes"), (bytes([2 << 5]) + bytes(9), "STILL of ten bytes"),
        (bytes([3 << 5]) + bytes(11), "EVENT of twelve bytes"),
        (bytes([3 << 5]) + bytes(13), "EVENT of fourteen bytes"),
    ]  # fmt: skip
    payloads = [
        ("POLL", "", "empty"), ("POLL", "2000", "a byte too many"), ("POLL", "28", "the acknowledgement is missing"),
        ("POLL", "2800000000", "an acknowledgement of 0 is left out"), ("POLL", "21", "the pair is missing"),
        ("POLL", "2107", "half a pair"), ("POLL", "40", "the form of STILL"), ("STILL", "40", "no counter"),
        ("STILL", "4100", "a flag"), ("STILL", "400000", "a byte too many"), ("EVENT", "60", "no age"),
        ("EVENT", "6c00", "class of user 3"), ("EVENT", "7000", "repeated for the 0th time"),
        ("EVENT", "600000", "a byte too many"), ("GO", "8001", "no end"), ("GO", "810105", "the pair is missing"),
        ("GO", "860105" + "00" * 12, "six pairs"), ("GO", "880105", "an unknown flag"),
        ("MOVED", "a000fa400000", "a byte too few"), ("MOVED", "a000fa4000000000", "a byte too many"),
        ("MOVED", "a100fa40000000", "a flag"), ("MOVED", "a000fa7fff0000", "a level of 1001"),
        ("MOVED", "a000003e900000", "a target of 1001"),
    ]  # fmt: skip
    return {
        "good": good,
        "forbidden": [{"line": delimited(body).hex(), "why": why} for body, why in forbidden],
        "forbidden_payloads": [{"type": TYPES[n], "payload": data, "why": why} for n, data, why in payloads],
    }


def message_vectors() -> dict:
    item = [45, 1, 838000000, 600, 18200, 123456]
    row = [3, 1, 600, 1, 838000020, "presence"]
    good = [
        ("STATUS", [0, 0, 0, 0, 0, b"", 0, 0, []]),
        ("STATUS", [1000, 1000, 255, 0xFFFFFFFF, 0xFFFFFFFF, bytes(8), 0xFFFFFFFF, 65535, [item] * 8]),
        ("STATUS", [1, 1, 1, 0, 0, b"", 0, 1, [[1, 3, 0, (1 << 53) - 1, -(1 << 53) + 1, 0]]]),
        ("WHY_OK", [0, 0, 0, 9, 8, [row]]), ("RESULT", [1, 1, "x" * 96]), ("COMMAND", [1, 2, 6, 0, 0, 0, 0, ""]),
        ("WHY", [0, 255]), ("BLOB_DATA", [31, bytes(128)]), ("HELLO", [1, bytes(8), 0xFFFFFFFF]),
        ("SET_TIME", [838000010, 999, 65535]), ("TIME_OK", [-(1 << 53) + 1, -200000, 0]),
        ("SEARCH", [bytes(4), 255, 64, bytes(8), bytes(16)]), ("HERE", [bytes(8), "x" * 32, 250]),
        ("PLACE", [bytes(8), 0, b""]), ("PLACED", [bytes(8), 1]), ("KEY", [1, bytes(8), bytes(32)]),
        ("KEY", [255, bytes(8), b""]), ("KEY_OK", [3, 4]),
        ("FIRMWARE", [255, "x" * 24, 0xFFFFFFFF, 0xFFFFFFFF, bytes(32)]), ("FIRMWARE", [0, "", 0, 0, b"\xff" * 32]),
        ("FIRMWARE_OK", [5, 65535, 0xFFFFFFFF, "x" * 96]), ("BLOCK", [bytes(8), bytes(128)]),
        ("BLOCK", [bytes(8), b"1"]), ("MISSING", [bytes(8)]),
    ]  # fmt: skip
    forbidden = [
        ("WHY", [], "no fields"), ("WHY", [0], "a field is missing"), ("WHY", [0, 0, 0], "a field too many"),
        ("WHY", 0, "no array"), ("WHY", [-1, 0], "below 0"), ("WHY", [1 << 32, 0], "over 32 bits"),
        ("WHY", [False, 0], "false is not 0"), ("WHY", [None, 0], "null is not 0"), ("WHY", ["", 0], "text"),
        ("HELLO", [1, bytes(9), 1], "too many bytes"), ("HELLO", [1, bytes(7), 1], "random of seven bytes"),
        ("HELLO", [2, bytes(8), 1], "another version"), ("HELLO", [True, bytes(8), 1], "true is not 1"),
        ("TIME", [1, 1000, 0], "1000 ms"), ("SET_TIME", [1, 0], "without uncertainty"),
        ("TIME_OK", [1 << 53, 0, 0], "54 bits"), ("SEARCH", [bytes(4), 0, 65, b"", b""], "65 bits"),
        ("HERE", [bytes(7), "a", 0], "value of seven bytes"), ("PLACE", [bytes(8), 1, bytes(33)], "33 bytes"),
        ("COMMAND", [1, 1, 10, 0, 0, 0, 0, ""], "layer over 9"),
        ("COMMAND", [1, 1, 6, 3, 0, 0, 0, ""], "op over 2"),
        ("COMMAND", [1, 1, 6, 0, 1001, 0, 0, ""], "over 1000 per mille"),
        ("COMMAND", [1, 1, 6, 0, 0, 0, 0, "é" * 21], "42 bytes of text"),
        ("COMMAND", [1, 1, 6, 0, 0, 0, 0, b""], "bytes for text"), ("RESULT", [1, 0, "x" * 97], "97 bytes of text"),
        ("BLOB_DATA", [0, b""], "an empty block"), ("BLOB_DATA", [0, bytes(129)], "129 bytes"),
        ("BLOB_BEGIN", [1, 65536, bytes(32)], "size over 16 bits"), ("BLOB_BEGIN", [1, 1, bytes(31)], "short hash"),
        ("STATUS", [1, 1, 1, 0, 0, bytes(9), 0, 0, []], "plan of nine bytes"),
        ("BLOCK", [bytes(8), b""], "an empty block"), ("BLOCK", [bytes(8), bytes(129)], "129 bytes"),
        ("BLOCK", [bytes(7), b"1"], "a name of seven bytes"), ("MISSING", [], "no name"),
        ("FIRMWARE", [0, "x" * 25, 0, 0, bytes(32)], "25 bytes of text"),
        ("FIRMWARE", [0, "", 0, 0, bytes(31)], "short"), ("FIRMWARE_OK", [2, 65536, 0, ""], "a segment over 16 bits"),
        ("FIRMWARE_OK", [2, 0, 1 << 32, ""], "a mask of 33 bits"),
        ("STATUS", [1, 1, 1, 0, 0, b"", 0, 0, [item] * 17], "17 items"),
        ("STATUS", [1, 1, 1, 0, 0, b"", 0, 0, [item[:5]]], "item of five"),
        ("STATUS", [1, 1, 1, 0, 0, b"", 0, 0, [5]], "an item that is no array"),
        ("STATUS", [1, 1, 1, 0, 0, b"", 0, 0, [[*item[:5], "x"]]], "text in an item"),
        ("STATUS", [1, 1, 1, 0, 0, b"", 0, 0, [[*item[:5], 1 << 53]]], "54 bits in an item"),
        ("STATUS", [1, 1, 1, 0, 0, b"", 0, 0, [[*item[:5], True]]], "true in an item"),
        ("WHY_OK", [0, 0, 0, 1, 0, [[*row[:5], "x" * 81]]], "81 bytes of text in a row"),
        ("WHY_OK", [0, 0, 0, 1, 0, [[*row[:3], True, *row[4:]]]], "true for won"),
        ("WHY_OK", [0, 0, 0, 1, 0, [row[:5]]], "row of five"), (99, [], "unknown type"), (0, [], "type 0"),
    ]  # fmt: skip

    def number(name) -> int:
        return TYPES.get(name, name)

    return {
        "good": [{"type": number(n), "values": plain(v), "payload": cbor2.dumps(v).hex()} for n, v in good],
        "forbidden": [{"type": number(n), "payload": cbor2.dumps(v).hex(), "why": why} for n, v, why in forbidden],
    }


class Transcript:
    """A session as both ends speak it; every step holds what is said and the bytes on the wire."""

    def __init__(self):
        self.steps = []
        self.session_key = mac(POST_KEY, b"lamplighter 1 session:", GATEWAY_RANDOM + POST_RANDOM)
        self.counter = 0

    def say(self, sender: str, name: str, values: list, key: bytes, context: bytes, dst: int, counter: int) -> None:
        if name in SHORT:
            data = short_line(key, context, name, ADDRESS, counter, values)
        else:
            signed = head(dst, 0 if sender == "gateway" else ADDRESS, TYPES[name], counter) + cbor2.dumps(values)
            data = line(key, context, signed)
        step = {"from": sender, "say": name, "type": TYPES[name], "dst": dst, "counter": counter}
        self.steps.append({**step, "values": plain(values), "line": data.hex()})

    def ask(self, name: str, values: list) -> None:
        self.counter += 1
        self.say("gateway", name, values, self.session_key, b"lamplighter 1 down:", ADDRESS, self.counter)

    def answer(self, name: str, values: list) -> None:
        self.say("post", name, values, self.session_key, b"lamplighter 1 up:", 0, self.counter)


def session_vectors() -> dict:
    t = Transcript()
    hello = [1, GATEWAY_RANDOM, GATEWAY_COUNTER + 1]
    t.say("gateway", "HELLO", hello, POST_KEY, b"lamplighter 1 hello:", ADDRESS, 0)
    hello_ok = [1, POST_RANDOM, 3405691582, 12, "post-07", "0.1.0", NEXT_NUMBER]
    t.say("post", "HELLO_OK", hello_ok, POST_KEY, b"lamplighter 1 hello-ok:" + GATEWAY_RANDOM, 0, 0)
    t.ask("POLL", [0, b"", 1, 0])
    items = [[41, 4, 0, 12, 0, 0], [42, 1, 838000000, 600, 18200, 123456]]
    t.answer("STATUS", [600, 600, 1, 0, 18200, b"", 0, 2, items])
    t.say("gateway", "TIME", [838000010, 250, 15], BUS_KEY, b"lamplighter 1 bus:", 255, GATEWAY_COUNTER + 1)
    t.say("post", "EVENT", [1, 0, 80, 0], BUS_KEY, b"lamplighter 1 bus:", 255, 43)
    t.ask("POLL", [42, bytes([ADDRESS, 43]), 0, 0])
    t.answer("STATUS", [1000, 1000, 3, 0, 30000, b"", 838000010, 1, [[43, 2, 838000010, 0, 1, 0]]])
    t.ask("POLL", [43, b"", 0, 0])
    t.answer("STILL", [2])
    t.ask("POLL", [0, b"", 0, 1])
    t.answer("MOVED", [2, 640, 300, 1, 19500])
    t.say("post", "EVENT", [1, 0, 0, 1], BUS_KEY, b"lamplighter 1 bus:", 255, 43)
    t.ask("COMMAND", [77, 1, 6, 0, 400, 838000610, 600, "quiet hour"])
    t.answer("RESULT", [77, 0, ""])
    t.ask("WHY", [0, 0])
    chain = [[1, 0, 300, 0, 0, "park: 22:30 -> 30 %"], [6, 0, 400, 1, 838000610, "quiet hour"]]
    t.answer("WHY_OK", [838000011, 400, 6, 2, 0, chain])
    t.ask("SET_TIME", [838000012, 7, 15])
    t.answer("TIME_OK", [-3, 41250, 15])
    blob = bytes(range(256))[::-1][:140]
    t.ask("BLOB_BEGIN", [1, len(blob), hashlib.sha256(blob).digest()])
    t.answer("BLOB_OK", [2, 0, ""])
    t.ask("BLOB_DATA", [0, blob[:128]])
    t.answer("BLOB_OK", [2, 1, ""])
    t.ask("BLOB_DATA", [1, blob[128:]])
    t.answer("BLOB_OK", [1, 0, "this is no plan"])
    image = bytes(range(256))
    digest = hashlib.sha256(image).digest()
    t.ask("FIRMWARE", [0, "rp2", 2, len(image), digest])
    t.answer("FIRMWARE_OK", [2, 0, 3, ""])
    t.say("gateway", "BLOCK", [digest[:8], image[128:]], BUS_KEY, b"lamplighter 1 bus:", 255, 1)
    t.ask("MISSING", [digest[:8]])
    t.answer("FIRMWARE_OK", [2, 0, 1, ""])
    t.say("gateway", "BLOCK", [digest[:8], image[:128]], BUS_KEY, b"lamplighter 1 bus:", 255, 0)
    t.ask("FIRMWARE", [1, "rp2", 2, len(image), digest])
    t.answer("FIRMWARE_OK", [0, 0, 0, "installing"])
    return {
        "address": ADDRESS, "post_key": POST_KEY.hex(), "bus_key": BUS_KEY.hex(),
        "gateway_random": GATEWAY_RANDOM.hex(), "post_random": POST_RANDOM.hex(),
        "gateway_counter": GATEWAY_COUNTER, "next_number": NEXT_NUMBER, "session_key": t.session_key.hex(),
        "steps": t.steps, "refused_after": refused(t),
    }  # fmt: skip


def refused(t: Transcript) -> list:
    """Frames that both ends must refuse when the transcript has been spoken: every step again, and forgeries."""
    rows = []
    for step in t.steps[1:]:  # a HELLO may come again; it changes nothing until a frame of its session follows
        if step["say"] == "BLOCK":  # may come again too: it is known by its number
            continue
        to = "post" if step["from"] == "gateway" else "gateway"
        rows.append({"to": to, "line": step["line"], "why": f"{step['say']} again"})

    def forge(
        to: str, why: str, key: bytes, context: bytes, dst: int, src: int, name: str, counter: int, values
    ) -> None:
        if name in SHORT:
            data = short_line(key, context, name, src if name == "EVENT" else ADDRESS, counter, values)
        else:
            data = line(key, context, head(dst, src, TYPES[name], counter) + cbor2.dumps(values))
        rows.append({"to": to, "line": data.hex(), "why": why})

    down, up, bus = b"lamplighter 1 down:", b"lamplighter 1 up:", b"lamplighter 1 bus:"
    status = [0, 0, 1, 0, 0, b"", 0, 0, []]
    dark = [78, 1, 6, 0, 0, 0, 600, "dark"]
    forge("post", "sealed with the bus key", BUS_KEY, down, ADDRESS, 0, "COMMAND", 99, dark)
    forge("post", "sealed with the post key", POST_KEY, down, ADDRESS, 0, "COMMAND", 99, dark)
    forge("post", "sealed for the other direction", t.session_key, up, ADDRESS, 0, "COMMAND", 99, dark)
    forge("post", "not from the gateway", t.session_key, down, ADDRESS, 9, "COMMAND", 99, dark)
    forge("post", "an answer for a request", t.session_key, down, ADDRESS, 0, "STATUS", 99, status)
    forge("post", "a command for everybody", BUS_KEY, bus, 255, 0, "COMMAND", 999, dark)
    forge("post", "a block from a post", BUS_KEY, bus, 255, 9, "BLOCK", 0, [bytes(8), b"x"])
    forge("gateway", "a block from a post", BUS_KEY, bus, 255, ADDRESS, "BLOCK", 0, [bytes(8), b"x"])
    forge("post", "time from a post", BUS_KEY, bus, 255, 9, "TIME", 999, [838000000, 0, 0])
    forge("post", "an event from the gateway", BUS_KEY, bus, 255, 0, "EVENT", 999, [0, 0, 0, 0])
    forge("post", "an event from itself", BUS_KEY, bus, 255, ADDRESS, "EVENT", 999, [0, 0, 0, 0])
    forge("post", "an event from address 251", BUS_KEY, bus, 255, 251, "EVENT", 999, [0, 0, 0, 0])
    forge("post", "HELLO with the bus key", BUS_KEY, b"lamplighter 1 hello:", ADDRESS, 0, "HELLO", 0, [1, bytes(8), 1])
    forge("gateway", "sealed with the bus key", BUS_KEY, up, 0, ADDRESS, "STATUS", t.counter + 1, status)
    forge("gateway", "an answer nobody asked for", t.session_key, up, 0, ADDRESS, "STATUS", t.counter + 1, status)
    forge("gateway", "unknown post", t.session_key, up, 0, 8, "STATUS", t.counter + 1, status)
    forge("gateway", "reflected", t.session_key, down, 0, ADDRESS, "WHY", t.counter + 1, [0, 0])
    forge("gateway", "a STILL to something else than POLL", t.session_key, up, 0, ADDRESS, "STILL", t.counter, [2])
    forge("gateway", "a STILL with the bus key", BUS_KEY, up, 0, ADDRESS, "STILL", t.counter + 1, [2])
    forge("gateway", "an event of an older item", BUS_KEY, bus, 255, ADDRESS, "EVENT", 42, [1, 0, 0, 0])
    forge("gateway", "an event with another key", t.session_key, bus, 255, ADDRESS, "EVENT", 99, [1, 0, 0, 0])
    forge("post", "a POLL with the bus key", BUS_KEY, down, ADDRESS, 0, "POLL", t.counter + 1, [0, b"", 0, 0])
    forge("post", "a POLL of 256 requests ago", t.session_key, down, ADDRESS, 0, "POLL", t.counter - 1, [0, b"", 0, 0])
    return rows


def finding_vectors() -> dict:
    """A search of everybody, the answer, the place given with the bus key hidden, and its answer."""
    number, value, key = bytes.fromhex("c0c1c2c3"), bytes.fromhex("d0d1d2d3d4d5d6d7"), POST_KEY
    fresh = number + value
    pad = mac(key, b"lamplighter 1 wrap:", fresh)
    hidden = bytes(a ^ b for a, b in zip(pad, BUS_KEY, strict=True))
    search = head(254, 0, TYPES["SEARCH"], 0) + cbor2.dumps([number, 0, 3, b"\xc0", bytes.fromhex("01020304")])
    body = search + bytes(8)
    rows = [{"say": "SEARCH", "line": delimited(body + crc(body)).hex()}]
    for name, dst, src, context, values in (
        ("HERE", 0, 254, b"here:" + number, [value, "ll-000042", 0]),
        ("PLACE", 254, 0, b"place:" + fresh, [value, ADDRESS, hidden]),
        ("PLACED", 0, 254, b"placed:" + fresh, [value, ADDRESS]),
    ):
        signed = head(dst, src, TYPES[name], 0) + cbor2.dumps(values)
        rows.append({"say": name, "line": line(key, b"lamplighter 1 " + context, signed).hex()})
    return {
        "round": number.hex(), "value": value.hex(), "post_key": key.hex(), "bus_key": BUS_KEY.hex(),
        "identity": "ll-000042", "address": ADDRESS, "steps": rows,
    }  # fmt: skip


def name_of(key: bytes) -> bytes:
    return mac(key, b"lamplighter 1 name:", b"")[:8]


def rolling_vectors() -> dict:
    """A bus key and then a post key rolled over: every frame that matters, in order, and what must be refused between.

    The post's randoms are those of `randoms`, in order; frames of `forbidden` stand behind the step they name.
    """
    down, up, bus = b"lamplighter 1 down:", b"lamplighter 1 up:", b"lamplighter 1 bus:"
    new_bus, new_post = bytes(range(150, 182)), bytes(range(180, 212))
    randoms = [bytes([0xB0 + i] * 8) for i in range(3)]
    gates = [bytes([0xA0 + i] * 8) for i in range(3)]
    posts = [POST_KEY, new_post, new_post]
    sessions = [mac(k, b"lamplighter 1 session:", g + p) for k, g, p in zip(posts, gates, randoms, strict=True)]
    steps: list[dict] = []
    forbidden: list[dict] = []

    def add(to: str, say: str, data: bytes, answer: bytes = b"") -> None:
        steps.append({"to": to, "say": say, "line": data.hex(), "answer": answer.hex()})

    def refuse(why: str, data: bytes) -> None:
        forbidden.append({"after": len(steps) - 1, "line": data.hex(), "why": why})

    def hello(key: bytes, at: int) -> tuple[bytes, bytes]:
        ask = head(ADDRESS, 0, TYPES["HELLO"], 0) + cbor2.dumps([1, gates[at], GATEWAY_COUNTER])
        told = [1, randoms[at], 7, 3, "ll-000042", "0.1.0", NEXT_NUMBER]
        ok = head(0, ADDRESS, TYPES["HELLO_OK"], 0) + cbor2.dumps(told)
        context = b"lamplighter 1 hello-ok:" + gates[at]
        return line(key, b"lamplighter 1 hello:", ask), line(key, context, ok)

    def asked(session: bytes, counter: int, name: str, values: list) -> bytes:
        signed = head(ADDRESS, 0, TYPES[name], counter) + cbor2.dumps(values)
        return line(session, down, signed)

    def key(session: bytes, counter: int, what: int, secret: bytes, hidden: bool = True) -> bytes:
        start = head(ADDRESS, 0, TYPES["KEY"], counter)
        pad = mac(session, b"lamplighter 1 wrap:", start)
        wrapped = bytes(a ^ b for a, b in zip(pad, secret, strict=True)) if hidden else b""
        return asked(session, counter, "KEY", [what, name_of(secret), wrapped])

    def took(session: bytes, counter: int, what: int, code: int) -> bytes:
        return line(session, up, head(0, ADDRESS, TYPES["KEY_OK"], counter) + cbor2.dumps([what, code]))

    def time(secret: bytes, counter: int) -> bytes:
        return line(secret, bus, head(255, 0, TYPES["TIME"], counter) + cbor2.dumps([838000010, 250, 15]))

    def event(secret: bytes, number: int) -> bytes:
        return short_line(secret, bus, "EVENT", 8, number, [0, 0, 80, 0])

    s = sessions[0]
    add("post", "HELLO under the post's own key", *hello(POST_KEY, 0))
    first = key(s, 1, 1, new_bus)
    add("post", "KEY: the next bus key, first frame of the session", first, took(s, 1, 1, 0))
    refuse("the same KEY again: an old counter", first)
    refuse("a KEY of another session", key(sessions[1], 9, 1, new_bus))
    refuse("a KEY sealed with the bus key", key(BUS_KEY, 9, 1, new_bus))
    refuse("a KEY for everybody", line(BUS_KEY, bus, head(255, 0, TYPES["KEY"], 999) + cbor2.dumps([1, bytes(8), b""])))
    add("post", "TIME under the key in force", time(BUS_KEY, 100))
    add("post", "EVENT of a neighbour under the key in force", event(BUS_KEY, 50))
    add("post", "TIME under the next key: it is in force", time(new_bus, 101))
    refuse("TIME under the last key with a number that was heard under the new one", time(BUS_KEY, 101))
    refuse("an EVENT under the new key with a number that was heard under the last one", event(new_bus, 50))
    add("post", "EVENT of a neighbour that has not heard of it", event(BUS_KEY, 51))
    add("post", "KEY: this bus key is in force", key(s, 2, 2, new_bus, False), took(s, 2, 2, 0))
    add("post", "KEY: one in force that it has never had", key(s, 3, 2, b"\x77" * 32, False), took(s, 3, 2, 4))
    wrong = asked(s, 4, "KEY", [1, name_of(new_bus), bytes(32)])
    add("post", "KEY whose name is another's", wrong, took(s, 4, 1, 1))
    add("post", "KEY with half a key", asked(s, 5, "KEY", [1, name_of(new_bus), bytes(16)]), took(s, 5, 1, 1))
    add("post", "KEY about nothing known", key(s, 6, 4, new_bus, False), took(s, 6, 4, 1))
    add("wait", "the last bus key is forgotten", b"")
    refuse("TIME under the last bus key", time(BUS_KEY, 150))
    refuse("an EVENT under the last bus key", event(BUS_KEY, 99))
    add("post", "EVENT under the new key", event(new_bus, 52))
    refuse("that EVENT again", event(new_bus, 52))
    add("post", "KEY: the next post key", key(s, 7, 3, new_post), took(s, 7, 3, 0))
    add("post", "HELLO under the next post key", *hello(new_post, 1))
    poll = short_line(s, down, "POLL", ADDRESS, 8, [0, b"", 1, 0])
    add("post", "POLL in the session before: nothing has changed yet", poll)
    add("post", "KEY in the new session: that post key is its own", key(sessions[1], 1, 3, new_post, False),
        took(sessions[1], 1, 3, 0))  # fmt: skip
    refuse("HELLO under the last post key", hello(POST_KEY, 2)[0])
    refuse("a request of the last session", short_line(s, down, "POLL", ADDRESS, 9, [0, b"", 1, 0]))
    add("post", "HELLO under the post key in force", *hello(new_post, 2))
    return {
        "post_key": POST_KEY.hex(), "bus_key": BUS_KEY.hex(), "new_post_key": new_post.hex(),
        "new_bus_key": new_bus.hex(), "address": ADDRESS, "randoms": [random.hex() for random in randoms],
        "names": {"bus_key": name_of(BUS_KEY).hex(), "new_bus_key": name_of(new_bus).hex()},
        "steps": steps, "forbidden": forbidden,
    }  # fmt: skip


FILES = {
    "cobs": cobs_vectors, "crc": crc_vectors, "cbor": cbor_vectors, "seals": seal_vectors, "frames": frame_vectors,
    "short": short_vectors, "messages": message_vectors, "session": session_vectors, "finding": finding_vectors,
    "rolling": rolling_vectors,
}  # fmt: skip


def text(name: str) -> str:
    """The content of NAME.json."""
    return json.dumps(FILES[name](), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name in FILES:
        (HERE / f"{name}.json").write_text(text(name), encoding="utf-8")
        print(f"wrote {name}.json")
