"""The fields of every message at their limits, and over them."""

import cbor2
from making.wire import TYPES, plain


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
