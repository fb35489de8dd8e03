"""What is said: the message types and the fields of each, a CBOR array in a fixed order.

The table FIELDS is the whole catalogue; `encode` and `decode` check both ways against it. A field is a tuple:
("u", most) integer 0..most; ("b", least, most) bytes of that length; ("s", most) text of at most that many bytes;
("a", most) array of at most that many items, whose shape the receiver checks.
"""

from lamppost.wire import cbor
from lamppost.wire.errors import WireError

VERSION = 1

HELLO = 0x01  # gateway to post, sealed with the post's key: begin a session
HELLO_OK = 0x02
POLL = 0x10  # gateway to post: acknowledge, ask for status and waiting items
STATUS = 0x11
EVENT = 0x12  # post to everybody, sealed with the bus key: somebody is here
TIME = 0x13  # gateway to everybody, sealed with the bus key
COMMAND = 0x20  # gateway to post: act, once for each transaction
RESULT = 0x21
WHY = 0x22  # gateway to post: the reasons for the level, now or at another moment
WHY_OK = 0x23
BLOB_BEGIN = 0x30  # gateway to post: something longer than a frame follows
BLOB_DATA = 0x31
BLOB_OK = 0x32

# Kinds of item in a STATUS: [seq, kind, utc_s (0: unknown), a, b, c]
READING = 1  # a level_pm, b power_mw, c energy_mwh since the epoch began
PRESENCE = 2  # a input, b class of user
FAULT = 3  # a number of the fault, b 1 on or 0 off
BOOT = 4  # a boots so far
PLAN = 5  # a 1 applied or 0 refused

# Kinds of COMMAND
LEVEL = 1
CLEAR = 2
IDENTIFY = 3

# Codes of RESULT and BLOB_OK
OK = 0
REFUSED = 1
MORE = 2  # BLOB_OK only: go on with block `next`
DONE = 3  # BLOB_OK only: whole, verified, applied

BLOB_PLAN = 1

_U8 = ("u", 255)
_U16 = ("u", 65535)
_U32 = ("u", 0xFFFFFFFF)
_PM = ("u", 1000)

FIELDS = {
    HELLO: (("version", _U8), ("random", ("b", 8, 8)), ("bus_counter", _U32)),
    HELLO_OK: (
        ("version", _U8), ("random", ("b", 8, 8)), ("item_epoch", _U32), ("boots", _U32),
        ("identity", ("s", 24)), ("firmware", ("s", 24)),
    ),
    POLL: (("ack", _U32), ("heard", ("b", 0, 16))),
    STATUS: (
        ("level_pm", _PM), ("target_pm", _PM), ("layer", _U8), ("faults", _U32), ("power_mw", _U32),
        ("plan", ("b", 0, 8)), ("utc_s", _U32), ("waiting", _U16), ("items", ("a", 16)),
    ),
    EVENT: (("seq", _U32), ("kind", _U8), ("user_class", ("u", 2)), ("input", ("u", 3)), ("age_ms", _U16)),
    TIME: (("utc_s", _U32), ("ms", ("u", 999)), ("uncertainty_ms", _U16)),
    COMMAND: (
        ("transaction", _U32), ("kind", _U8), ("layer", ("u", 9)), ("op", ("u", 2)), ("level_pm", _PM),
        ("until_utc_s", _U32), ("for_s", _U32), ("reason", ("s", 32)),
    ),
    RESULT: (("transaction", _U32), ("code", _U8), ("text", ("s", 96))),
    WHY: (("utc_s", _U32), ("row", _U8)),
    WHY_OK: (
        ("utc_s", _U32), ("level_pm", _PM), ("layer", _U8), ("rows", _U8), ("row", _U8), ("chain", ("a", 16)),
    ),
    BLOB_BEGIN: (("kind", _U8), ("size", _U16), ("sha256", ("b", 32, 32))),
    BLOB_DATA: (("block", _U16), ("data", ("b", 1, 128))),
    BLOB_OK: (("code", _U8), ("next", _U16), ("text", ("s", 96))),
}  # fmt: skip


def encode(kind: int, values) -> bytes:
    """The payload of a message of type `kind`. Raises WireError where a value is outside its bounds."""
    _check(kind, values)
    return cbor.encode(values)


def decode(kind: int, payload: bytes) -> list:
    """The values of a message, in the order of FIELDS. Raises WireError on any other shape."""
    values = cbor.decode(payload)
    _check(kind, values)
    return values


def _check(kind: int, values) -> None:
    fields = FIELDS.get(kind)
    if fields is None:
        raise WireError("unknown message type %d" % kind)
    if not isinstance(values, (list, tuple)) or len(values) != len(fields):
        raise WireError("message type %d has %d fields" % (kind, len(fields)))
    for value, (name, spec) in zip(values, fields):
        if not _fits(value, spec):
            raise WireError("message type %d: bad %s" % (kind, name))


def _fits(value, spec) -> bool:
    shape = spec[0]
    if shape == "u":
        return isinstance(value, int) and value is not True and value is not False and 0 <= value <= spec[1]
    if shape == "b":
        return isinstance(value, (bytes, bytearray)) and spec[1] <= len(value) <= spec[2]
    if shape == "s":
        return isinstance(value, str) and len(value.encode()) <= spec[1]
    return isinstance(value, (list, tuple)) and len(value) <= spec[1]
