"""The fields of the messages that a board seldom hears: the finding of posts, new keys, firmware. As messages.FIELDS;
they take memory from the first of them on."""

from lamppost.wire import messages

_U8 = ("u", 255)
_U16 = ("u", 65535)
_U32 = ("u", 0xFFFFFFFF)
_NAME = ("b", 8, 8)
_PLACED = (("value", _NAME), ("address", _U8))

FIELDS = {
    messages.FIRMWARE: (
        ("what", _U8), ("board", ("s", 24)), ("version", _U32), ("size", _U32), ("sha256", ("b", 32, 32)),
    ),
    messages.FIRMWARE_OK: (("code", _U8), ("segment", _U16), ("missing", _U32), ("text", ("s", 96))),
    messages.BLOCK: (("name", _NAME), ("data", ("b", 1, 128))),
    messages.MISSING: (("name", _NAME),),
    messages.SEARCH: (
        ("round", ("b", 4, 4)), ("address", _U8), ("bits", ("u", 64)), ("prefix", ("b", 0, 8)), ("told", ("b", 0, 16)),
    ),
    messages.HERE: (("value", _NAME), ("identity", ("s", 32)), ("address", _U8)),
    messages.PLACE: (("value", _NAME), ("address", _U8), ("bus_key", ("b", 0, 32))),
    messages.PLACED: _PLACED,
    messages.KEY: (("what", _U8), ("name", _NAME), ("key", ("b", 0, 32))),
    messages.KEY_OK: (("what", _U8), ("code", _U8)),
}  # fmt: skip
