"""A post on a PC: lines on ptys or UARTs, flash in a folder, lamp and sensors as text on stdin and stdout.

The same file on CPython and on the Unix port of MicroPython. In: `presence INPUT 0|1 [CLASS]`, `lux LX`, `temp DC`
(tenths of a degree), `power MW`, `voltage MV`, `factor PER_MILLE`, `quit`. Out: `ready`, `lamp TARGET_PM FADE_MS`,
`identify 0|1`, `log TEXT`. The end of stdin ends the post, so that none is left behind.
"""

import os
import sys
import time

from lamppost.limits import FIELD_LINE_MAX, TICKS_MASK

CPYTHON = sys.implementation.name == "cpython"
CHUNK = 256


def ticks() -> int:
    """Milliseconds of a monotonic clock that wraps at 2**30, as on every board."""
    if CPYTHON:
        return time.monotonic_ns() // 1000000 & TICKS_MASK
    return time.ticks_ms() & TICKS_MASK  # pyright: ignore[reportAttributeAccessIssue] - MicroPython's


def random_bytes(count: int) -> bytes:
    """Unpredictable bytes from the operating system."""
    return os.urandom(count)


def field_event(line: str):
    """Turn a line from stdin into an event for the Post, None for an empty one. Raises ValueError."""
    words = line.split()
    if not words:
        return None
    if len(line) > FIELD_LINE_MAX:
        raise ValueError("line over %d characters" % FIELD_LINE_MAX)
    name = words[0]
    try:
        numbers = [int(word) for word in words[1:]]
    except ValueError:
        raise ValueError("'%s' wants whole numbers" % name)
    if name == "presence" and 2 <= len(numbers) <= 3 and 0 <= numbers[0] <= 3:
        user_class = numbers[2] if len(numbers) == 3 else 0
        if 0 <= user_class <= 2:
            return ("presence", numbers[0], bool(numbers[1]), user_class)
    elif name in ("lux", "temp", "power", "voltage", "factor") and len(numbers) == 1:
        return (name, numbers[0])
    elif name == "quit" and not numbers:
        return ("quit",)
    raise ValueError(
        "not understood: '%s'; try presence 0 1, lux 30, temp 450, power 18000 or quit" % line.strip()[:40]
    )


def action_line(action) -> "str | None":
    """The line that shows an action on stdout, None for one that is not shown."""
    name = action[0]
    if name == "lamp":
        return "lamp %d %d" % (action[1], action[2])
    if name == "identify":
        return "identify %d" % action[1]
    if name == "log":
        return "log " + action[1]
    return None
