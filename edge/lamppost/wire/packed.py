"""The short frames: what is said all the time takes 5 to 16 bytes instead of at least 17.

A frame of at most SHORT_MAX bytes is short; its first byte is `form:3 flags:5`. The five types below exist only in this
form, so that no seal is good for two readings. What the seal covers is the same as in a long frame: the header of seven
bytes, with the whole counter, and the payload, here the first byte and what stands behind the header's part.

    POLL   form:3 full:1 ack:1 more:1 pairs:2 | dst | counter, low byte | ack:4 if flagged | pairs:2 each | seal:6
    STILL  form:3 0:5                  | src | low byte of the counter that its STATUS answered     | seal:6
    MOVED  form:3 0:5                  | src | the same | level:10 target:10 layer:4 | power, 0.1 W:2 | seal:6
    EVENT  form:3 repeated:1 class:2 input:2 | src | number:4 | age in 10 ms, or how often repeated  | seal:6
    GO     form:3 more:1 0:1 pairs:3   | src | low | high | pairs:2 each                            | crc:2

POLL and STILL leave out what both ends know: the gateway's counters rise by one with each request and it gives a
session up after two without an answer, so the low byte names one counter above the last; STILL and MOVED have the
counter of the POLL before them. A receiver puts the whole counter under the seal: a wrong guess is a wrong seal.
"""

from lamppost.wire.errors import WireError

POLL = 0x10  # gateway to post: acknowledge, ask how it is
STILL = 0x14  # the answer while nothing has changed
MOVED = 0x16  # the answer while nothing but the light has changed
EVENT = 0x12  # post to everybody: somebody is here
GO = 0x15  # whoever serves the line, to the posts between two addresses that wait with an event

KINDS = (POLL, STILL, MOVED, EVENT, GO)
SEAL_BYTES = 6
SHORT_MAX = 16  # one below the least long frame
PAIRS_MAX = 3
GO_PAIRS_MAX = 5
AGE_UNIT_MS = 10
POWER_UNIT_MW = 100
POWER_MAX_MW = 6553500
AGE_MAX_MS = 2550  # and more
REPEAT_MAX = 255

_FORMS = {POLL: 1, STILL: 2, EVENT: 3, GO: 4, MOVED: 5}
_KINDS = {1: POLL, 2: STILL, 3: EVENT, 4: GO, 5: MOVED}
_EVERYBODY = 255


def pack(signed: bytes, seal: bytes) -> bytes:
    """The bytes before stuffing: of a header and payload (`encode`) and their seal, or a GO's CRC."""
    kind, first, rest = signed[2], signed[7:8], signed[8:]
    if kind == POLL:
        return first + signed[0:1] + signed[6:7] + rest + seal
    if kind == EVENT:
        return first + signed[1:2] + signed[3:7] + rest + seal
    return first + signed[1:2] + rest + seal


def unpack(body: bytes):
    """(dst, src, kind, counter or its low byte, payload, seal) of a short frame. Raises WireError where it is none."""
    size = len(body)
    kind = _KINDS.get(body[0] >> 5) if size else None
    if kind == POLL and size >= 9:
        return body[1], 0, kind, body[2], body[0:1] + body[3:-6], body[-6:]
    if kind == EVENT and size == 13:
        return _EVERYBODY, body[1], kind, int.from_bytes(body[2:6], "big"), body[0:1] + body[6:7], body[7:]
    if kind == STILL and size == 9:
        return 0, body[1], kind, 0, body[0:1] + body[2:3], body[3:]
    if kind == MOVED and size == 14:
        return 0, body[1], kind, 0, body[0:1] + body[2:8], body[8:]
    if kind == GO and size >= 6:
        return _EVERYBODY, body[1], kind, 0, body[0:1] + body[2:-2], body[-2:]
    raise WireError("no short frame")


def encode(kind: int, values) -> bytes:
    """The payload of a short message; `values` as `decode` has them. Raises WireError outside their bounds."""
    try:
        if kind == POLL:
            return _poll(*values)
        if kind == STILL:
            (as_of,) = values
            return bytes((0x40, _within(as_of, 255)))
        if kind == EVENT:
            return _event(*values)
        if kind == MOVED:
            return _moved(*values)
        low, high, pairs, more = values
        first = 0x80 | _within(more, 1) << 4 | _pairs(pairs, GO_PAIRS_MAX)
        return bytes((first, _within(low, 255), _within(high, 255))) + pairs
    except (TypeError, ValueError):
        raise WireError("message type %d: wrong fields" % kind)


def decode(kind: int, payload: bytes) -> list:
    """The values: of POLL [ack, pairs, full, more], of STILL [as_of], of MOVED
    [as_of, level_pm, target_pm, layer, power_mw], of EVENT [class, input, age_ms, repeat], of GO
    [low, high, pairs, more]. Raises WireError on a payload that `encode` does not make."""
    size = len(payload)
    first = payload[0] if size else 0
    if first >> 5 != _FORMS.get(kind, 0):
        raise WireError("message type %d is not of this form" % kind)
    if kind == POLL:
        count = 2 * (first & 3)
        ack_bytes = 4 if first & 8 else 0
        ack = int.from_bytes(payload[1 : 1 + ack_bytes], "big")
        if size != 1 + ack_bytes + count or (ack_bytes and not ack):
            raise WireError("message type %d: bad length" % kind)
        return [ack, payload[1 + ack_bytes :], first >> 4 & 1, first >> 2 & 1]
    if kind == GO:
        if size != 3 + 2 * (first & 7) or first & 8 or first & 7 > GO_PAIRS_MAX:
            raise WireError("message type %d: bad length" % kind)
        return [payload[1], payload[2], payload[3:], first >> 4 & 1]
    if kind == MOVED:
        light = int.from_bytes(payload[2:5], "big")
        level_pm, target_pm = light >> 14, light >> 4 & 0x3FF
        if size != 7 or first & 31 or level_pm > 1000 or target_pm > 1000:
            raise WireError("message type %d: bad fields" % kind)
        return [payload[1], level_pm, target_pm, light & 15, POWER_UNIT_MW * int.from_bytes(payload[5:7], "big")]
    if size != 2:
        raise WireError("message type %d: bad length" % kind)
    if kind == STILL:
        if first & 31:
            raise WireError("message type %d: bad flags" % kind)
        return [payload[1]]
    user_class, source, last = first >> 2 & 3, first & 3, payload[1]
    repeated = first >> 4 & 1
    if user_class > 2 or (repeated and not last):
        raise WireError("message type %d: bad fields" % kind)
    return [user_class, source, 0, last] if repeated else [user_class, source, AGE_UNIT_MS * last, 0]


def _poll(ack, pairs, full=0, more=0) -> bytes:
    ack_bytes = ack.to_bytes(4, "big") if _within(ack, 0xFFFFFFFF) else b""
    first = 0x20 | _within(full, 1) << 4 | (8 if ack_bytes else 0) | _within(more, 1) << 2 | _pairs(pairs, PAIRS_MAX)
    if len(ack_bytes) + len(pairs) > 2 * PAIRS_MAX:
        raise WireError("more than a short frame holds")
    return bytes((first,)) + ack_bytes + pairs


def _event(user_class, source, age_ms, repeat) -> bytes:
    first = 0x60 | (0x10 if repeat else 0) | (_within(user_class, 2) << 2) | _within(source, 3)
    last = _within(repeat, REPEAT_MAX) or min(_within(age_ms, 1 << 29), AGE_MAX_MS) // AGE_UNIT_MS
    return bytes((first, last))


def _moved(as_of, level_pm, target_pm, layer, power_mw) -> bytes:
    light = _within(level_pm, 1000) << 14 | _within(target_pm, 1000) << 4 | _within(layer, 15)
    power = _within(power_mw, POWER_MAX_MW) // POWER_UNIT_MW
    return bytes((0xA0, _within(as_of, 255))) + light.to_bytes(3, "big") + power.to_bytes(2, "big")


def _within(value, most: int) -> int:
    if not isinstance(value, int) or value is True or value is False or not 0 <= value <= most:
        raise WireError("a field of a short message is outside its bounds")
    return value


def _pairs(pairs, most: int) -> int:
    if not isinstance(pairs, bytes) or len(pairs) % 2 or len(pairs) > 2 * most:
        raise WireError("pairs are at most %d times two bytes" % most)
    return len(pairs) // 2
