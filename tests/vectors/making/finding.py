"""A board that is found and given its place."""

import cbor2
from making.wire import ADDRESS, BUS_KEY, POST_KEY, TYPES, crc, delimited, head, line, mac


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
