"""What is wrong with a plan file, each fault with the line it stands on.

A fault is one line: `file:LINE: what is wrong; what to do`. All faults of a file are reported together, in the order
of their lines, up to a bound.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

FAULTS_MAX = 50  # more lines than a person works through in one go; the count of the rest is told
QUOTE_MAX = 40  # a quoted value is there to be recognised, not to fill the screen


class Fault(NamedTuple):
    """One fault: its line, counted from 1 (0: the file as a whole), and the words."""

    line: int
    text: str


class PlanFileError(ValueError):
    """A plan that cannot be used; `faults` holds every fault found, str() is one line for each."""

    def __init__(self, faults: Iterable[Fault], name: str = "plan") -> None:
        self.faults = sorted(set(faults))
        self.name = name
        super().__init__(name, self.faults)

    def lines(self) -> list[str]:
        """`name:LINE: text` for each fault, at most FAULTS_MAX of them and one line for the rest."""
        shown = [_line(self.name, fault) for fault in self.faults[:FAULTS_MAX]]
        if len(self.faults) > FAULTS_MAX:
            shown.append(f"{self.name}: {len(self.faults) - FAULTS_MAX} more faults; mend these first")
        return shown

    def __str__(self) -> str:
        return "\n".join(self.lines())


def quote(value: object) -> str:
    """The value as a person typed it, cut to QUOTE_MAX characters, without control characters."""
    text = str(value)
    if len(text) > QUOTE_MAX:
        text = text[: QUOTE_MAX - 1] + "…"
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text) + '"'


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word most like `word`, or an empty string where none comes near."""
    by_lower = {name.lower(): name for name in known}
    import difflib  # takes memory that a cabinet needs, and only a fault wants it

    found = difflib.get_close_matches(word[:100].lower(), list(by_lower), n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """The part of a fault after the semicolon: the nearest known word, else what is known, else `otherwise`."""
    known = list(known)
    best = nearest(word, known)
    if best:
        return f"did you mean {quote(best)}?"
    if 0 < len(known) <= 12:
        return "known: " + ", ".join(known)
    return otherwise or f"none of the {len(known)} known ones comes near"


def _line(name: str, fault: Fault) -> str:
    return f"{name}:{fault.line}: {fault.text}" if fault.line else f"{name}: {fault.text}"
