"""What is said: the message types and the fields of each, a CBOR array in a fixed order.

FIELDS and those of seldom.py are the whole catalogue; `encode` and `decode` check both ways against it. A field is a
tuple: ("u", most) integer 0..most; ("i", most) integer -most..most; ("b", least, most) bytes of that length; ("s",
most) text of at most that many bytes of UTF-8; ("a", most, fields) array of at most that many arrays, each with these
fields.
POLL, STILL, MOVED, EVENT and GO are no CBOR: packed.py.
"""

from lamppost.wire import cbor, packed
from lamppost.wire.errors import WireError

VERSION = 1

HELLO = 0x01  # gateway to post, sealed with the post's key: begin a session
HELLO_OK = 0x02
POLL = packed.POLL  # gateway to post: acknowledge, ask for status and waiting items
STATUS = 0x11
EVENT = packed.EVENT  # post to everybody, sealed with the bus key: somebody is here
TIME = 0x13  # gateway to everybody, sealed with the bus key
STILL = packed.STILL  # the answer to POLL while the last STATUS holds
MOVED = packed.MOVED  # and while nothing but the light has changed
GO = packed.GO
COMMAND = 0x20  # gateway to post: act, once for each transaction
RESULT = 0x21
WHY = 0x22  # gateway to post: the reasons for the level, now or at another moment
WHY_OK = 0x23
BLOB_BEGIN = 0x30  # gateway to post: something longer than a frame follows
BLOB_DATA = 0x31
BLOB_OK = 0x32
FIRMWARE = 0x33  # gateway to post: an image for everybody: how much of it is there, or install it
FIRMWARE_OK = 0x34
BLOCK = 0x35  # gateway to everybody, sealed with the bus key: a part of it
MISSING = 0x36  # gateway to post: what of it does not lie there yet
SET_TIME = 0x40  # gateway to post: the time, as one post may believe it whatever its clock says
TIME_OK = 0x41
SEARCH = 0x42  # gateway to whoever is not served, not sealed: show yourself
HERE = 0x43
PLACE = 0x44  # gateway to one of them: your address and the bus key
PLACED = 0x45
KEY = 0x46  # gateway to post: a new key, hidden, or that one is in force
KEY_OK = 0x47

# The requests that a session carries, and what may answer each
ANSWERS = {
    POLL: (STATUS, STILL, MOVED), COMMAND: (RESULT,), WHY: (WHY_OK,), BLOB_BEGIN: (BLOB_OK,), BLOB_DATA: (BLOB_OK,),
    SET_TIME: (TIME_OK,), KEY: (KEY_OK,), FIRMWARE: (FIRMWARE_OK,), MISSING: (FIRMWARE_OK,),
}  # fmt: skip

# Kinds of item in a STATUS: [seq, kind, utc_s (0: unknown), a, b, c]
READING = 1  # a level_pm, b power_mw, c energy_mwh since the epoch began
PRESENCE = 2  # a input, b class of user, c 1: somebody who has been there since an item before
FAULT = 3  # a number of the fault, b 1 on or 0 off
BOOT = 4  # a boots so far
PLAN = 5  # a 1 applied or 0 refused

# Kinds of COMMAND
LEVEL = 1
CLEAR = 2
IDENTIFY = 3
HUSH = 4

# Codes of RESULT, BLOB_OK, KEY_OK and FIRMWARE_OK
OK = 0
REFUSED = 1
MORE = 2  # go on with block `next`, with what is `missing`
DONE = 3  # whole, verified, applied
AGAIN = 4  # what came does not fit what was begun (a power cut, another transfer), or not now: begin again
OTHER = 5  # FIRMWARE_OK only: for another kind of board

BLOB_PLAN = 1

# What a FIRMWARE asks for
TAKE = 0  # take its blocks
INSTALL = 1

# What a KEY is about
BUS_NEXT = 1  # the bus key that comes after the one in force
BUS_NOW = 2  # the bus key that is in force
POST_NEXT = 3  # the key that comes after the post's own

_U8 = ("u", 255)
_U16 = ("u", 65535)
_U32 = ("u", 0xFFFFFFFF)
_PM = ("u", 1000)
_VALUE = ("i", (1 << 53) - 1)  # what every JSON reader holds exactly

_TIME = (("utc_s", _U32), ("ms", ("u", 999)), ("uncertainty_ms", _U16))

ITEM = (("seq", _U32), ("kind", _U8), ("utc_s", _U32), ("a", _VALUE), ("b", _VALUE), ("c", _VALUE))
ROW = (
    ("layer", _U8), ("op", ("u", 3)), ("level_pm", _PM), ("won", ("u", 1)), ("until_utc_s", _U32), ("text", ("s", 80)),
)  # fmt: skip

FIELDS = {
    HELLO: (("version", _U8), ("random", ("b", 8, 8)), ("bus_counter", _U32)),
    HELLO_OK: (
        ("version", _U8), ("random", ("b", 8, 8)), ("item_epoch", _U32), ("boots", _U32),
        ("identity", ("s", 32)), ("firmware", ("s", 24)), ("bus_counter", _U32),
    ),
    STATUS: (
        ("level_pm", _PM), ("target_pm", _PM), ("layer", _U8), ("faults", _U32), ("power_mw", _U32),
        ("plan", ("b", 0, 8)), ("utc_s", _U32), ("waiting", _U16), ("items", ("a", 16, ITEM)),
    ),
    TIME: _TIME,
    COMMAND: (
        ("transaction", _U32), ("kind", _U8), ("layer", ("u", 9)), ("op", ("u", 2)), ("level_pm", _PM),
        ("until_utc_s", _U32), ("for_s", _U32), ("reason", ("s", 40)),
    ),
    RESULT: (("transaction", _U32), ("code", _U8), ("text", ("s", 96))),
    WHY: (("utc_s", _U32), ("row", _U8)),
    WHY_OK: (
        ("utc_s", _U32), ("level_pm", _PM), ("layer", _U8), ("rows", _U8), ("row", _U8), ("chain", ("a", 16, ROW)),
    ),
    BLOB_BEGIN: (("kind", _U8), ("size", _U16), ("sha256", ("b", 32, 32))),
    BLOB_DATA: (("block", _U16), ("data", ("b", 1, 128))),
    BLOB_OK: (("code", _U8), ("next", _U16), ("text", ("s", 96))),
    SET_TIME: _TIME,
    TIME_OK: (("off_ms", _VALUE), ("drift_ppb", _VALUE), ("uncertainty_ms", _U16)),
}  # fmt: skip


def fields_of(kind: int):
    """The fields of a message of type `kind`, None where there is none."""
    fields = FIELDS.get(kind)
    if fields is None:
        from lamppost.wire import seldom

        fields = seldom.FIELDS.get(kind)
    return fields


def encode(kind: int, values) -> bytes:
    """The payload of a message of type `kind`. Raises WireError where a value is outside its bounds."""
    if kind in packed.KINDS:
        return packed.encode(kind, values)
    _check(kind, values)
    return cbor.encode(values)


def decode(kind: int, payload: bytes) -> list:
    """The values of a message, in the order of FIELDS. Raises WireError on any other shape and on another version."""
    if kind in packed.KINDS:
        return packed.decode(kind, payload)
    values = cbor.decode(payload)
    if not isinstance(values, list):
        raise WireError("not an array")
    if kind in (HELLO, HELLO_OK):
        _check_version(values)
    _check(kind, values)
    return values


def _check_version(values: list) -> None:
    # First of all: another version may have other fields, and "bad field" would send a person the wrong way.
    if values and _fits(values[0], _U8) and values[0] != VERSION:
        raise WireError("protocol version %d is not spoken here" % values[0])


def _check(kind: int, values) -> None:
    fields = fields_of(kind)
    if fields is None:
        raise WireError("unknown message type %d" % kind)
    if not isinstance(values, (list, tuple)) or len(values) != len(fields):
        raise WireError("message type %d has %d fields" % (kind, len(fields)))
    for value, (name, spec) in zip(values, fields):
        if spec[0] == "u" and type(value) is int and 0 <= value <= spec[1]:
            continue  # what most are
        if not _fits(value, spec):
            raise WireError("message type %d: bad %s" % (kind, name))


def _fits(value, spec) -> bool:
    shape = spec[0]
    most = spec[1]
    if shape == "u":  # CPython counts True as an int, MicroPython does not
        return isinstance(value, int) and 0 <= value <= most and value is not True and value is not False
    if shape == "i":
        return isinstance(value, int) and -most <= value <= most and value is not True and value is not False
    if shape == "b":
        return isinstance(value, (bytes, bytearray)) and most <= len(value) <= spec[2]
    if shape == "s":
        return isinstance(value, str) and len(cbor.utf8(value)) <= most
    return isinstance(value, (list, tuple)) and len(value) <= most and _all_fit(value, spec[2])


def _all_fit(rows, fields) -> bool:
    for row in rows:
        if not isinstance(row, (list, tuple)) or len(row) != len(fields):
            return False
        for value, (_, spec) in zip(row, fields):
            if not _fits(value, spec):
                return False
    return True
