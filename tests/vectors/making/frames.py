"""Long and short frames, good and forbidden."""

import cbor2
from cobs import cobs
from making.wire import (
    BUS_KEY,
    GATEWAY_RANDOM,
    POST_KEY,
    POST_RANDOM,
    TYPES,
    crc,
    delimited,
    head,
    line,
    mac,
    plain,
    short_line,
    short_payload,
)


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
