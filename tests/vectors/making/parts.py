"""What frames are made of: COBS, CRC, CBOR and seals, good and forbidden."""

import cbor2
from cobs import cobs
from making.wire import BUS_KEY, GATEWAY_RANDOM, POST_KEY, POST_RANDOM, crc, mac, plain


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
