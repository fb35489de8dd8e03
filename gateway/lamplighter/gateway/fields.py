"""The keys of a TOML table: what each may hold, what stands for one that is missing, and how a fault reads.

A check takes the raw value and returns the good one, or raises ValueError with words that follow the key's name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

REQUIRED = object()
QUOTE_MAX = 40  # a quoted value is there to be recognised

Check = Callable[[Any], Any]


class Field(NamedTuple):
    """One key: its check and its default; without a default it must be there."""

    check: Check
    default: Any = REQUIRED


class Table:
    """The known keys of one table."""

    def __init__(self, **fields: Field) -> None:
        self.fields = fields

    def read(self, raw: dict[str, Any], where: str, faults: list[str]) -> dict[str, Any]:
        """The checked values with defaults filled in; an empty dict, and lines in `faults`, where one is wrong."""
        before = len(faults)
        self.unknown(raw, where, faults)
        values = {name: self._value(name, field, raw, where, faults) for name, field in self.fields.items()}
        return values if len(faults) == before else {}

    def unknown(self, raw: dict[str, Any], where: str, faults: list[str]) -> None:
        """Name every key that is not known, and the nearest one that is."""
        for name in raw:
            if name not in self.fields:
                import difflib  # takes memory that a cabinet needs, and only a fault wants it

                near = difflib.get_close_matches(name, self.fields, 1, 0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(self.fields)}"
                faults.append(f"{where}unknown key {name!r}; {hint}")

    def _value(self, name: str, field: Field, raw: dict[str, Any], where: str, faults: list[str]) -> Any:
        if name not in raw:
            if field.default is REQUIRED:
                faults.append(f"{where}{name} is missing; add it")
            return field.default
        try:
            return field.check(raw[name])
        except ValueError as error:
            faults.append(f"{where}{name}: {str(raw[name])[:QUOTE_MAX]!r} {error}")
            return None


def text(pattern: str) -> Check:
    """Text that matches the whole pattern."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(f"must be text like {pattern}")
        return value

    return check


def texts(pattern: str, most: int) -> Check:
    """A list of at most `most` such texts."""
    one = text(pattern)

    def check(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise ValueError(f"must be a list of at most {most} names")
        return tuple(one(item) for item in value)

    return check


def integer(least: int, most: int) -> Check:
    """A whole number, bounds included."""

    def check(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return value

    return check


def number(least: float, most: float) -> Check:
    """A finite number, bounds included."""

    def check(value: Any) -> float:
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not good or not least <= value <= most:
            raise ValueError(f"must be a number from {least} to {most}")
        return value

    return check


def one_of(*known: Any) -> Check:
    """One of the known values."""

    def check(value: Any) -> Any:
        if isinstance(value, bool) or value not in known:
            raise ValueError(f"must be one of {', '.join(map(str, known))}")
        return value

    return check


def boolean(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value
