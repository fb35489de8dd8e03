"""The lines that are relayed: 200 bytes each, with a number and the time they were born.

A relay may wrap a line as it likes, as long as its text stays whole; `found` reads what came out of one.
"""

from __future__ import annotations

import re

LINE_BYTES = 200  # with its newline
_FILL = b"a lamp post says what it has seen " * 6
_FOUND = re.compile(rb"<(\d{7}) (\d{16})>[a-z ]{173}")  # a line that was cut is none


def line(number: int, now_us: int) -> bytes:
    """Line `number`, born at now_us of any clock that both ends share."""
    return (b"<%07d %016d>" % (number, now_us) + _FILL)[: LINE_BYTES - 1] + b"\n"


def number_of(text: bytes) -> int:
    """The number of a line, with or without its newline. Raises ValueError where it is none."""
    text = text.rstrip(b"\r\n")
    if len(text) != LINE_BYTES - 1 or text[:1] != b"<" or not text[1:8].isdigit():
        raise ValueError("not a line of the benchmark")
    return int(text[1:8])


def found(payload: bytes) -> list[tuple[int, int]]:
    """(number, birth in us) of each line in what a relay published, in order, repetitions kept."""
    return [(int(number), int(born)) for number, born in _FOUND.findall(payload)]
