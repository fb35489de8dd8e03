"""The checks that stand between the bytes of a peer and a plan: every fault becomes a PlanError of one short line.

`where` names the place as words and numbers ("program", 3, "level"); it is put together only when there is a fault.
"""

from lamppost.light.plan import PlanError
from lamppost.limits import NAME_MAX


def fault(what, *where):
    """Return the PlanError to raise for `what` is wrong `where`."""
    return PlanError("plan refused: %s: %s; compile and send it again" % (" ".join([str(w) for w in where]), what))


def whole(value, low, high, *where):
    """Return `value` if it is a whole number in low..high (true and false are not numbers)."""
    if type(value) is not int:
        raise fault("expected a whole number %d..%d, got %s" % (low, high, _kind(value)), *where)
    if not low <= value <= high:
        raise fault("%d is not in %d..%d" % (value, low, high), *where)
    return value


def name(value, *where):
    """Return `value` if it is text of 1..24 bytes without control characters (it is printed on a console)."""
    if type(value) is not str:
        raise fault("expected a name, got %s" % _kind(value), *where)
    if not 0 < len(value.encode()) <= NAME_MAX:
        raise fault("a name has 1..%d bytes" % NAME_MAX, *where)
    for c in value:
        if c < " " or c == "\x7f":
            raise fault("a name has no control characters", *where)
    return value


def row(value, size, *where):
    """Return `value` if it is an array of exactly `size` fields."""
    if type(value) is not list or len(value) != size:
        raise fault("expected an array of %d fields, got %s" % (size, _kind(value)), *where)
    return value


def table(value, most, *where):
    """Return `value` if it is an array of at most `most` rows."""
    if type(value) is not list or len(value) > most:
        raise fault("expected an array of at most %d rows, got %s" % (most, _kind(value)), *where)
    return value


def _kind(value):
    if type(value) is list:
        return "an array of %d" % len(value)
    if value is None:
        return "null"
    if type(value) is int:
        return "a number"
    if type(value) is str:
        return "text"
    return "bytes" if type(value) is bytes else "true or false"
