"""Durations and moments as a person types them."""

from __future__ import annotations

import datetime
import re

_PART = re.compile(r"([0-9]{1,6})(d|h|min|m|s)")
_UNITS = {"d": 86400, "h": 3600, "m": 60, "min": 60, "s": 1}


def seconds(text: str) -> int:
    """`10m`, `1h30m`, `45s`, `2d` -> seconds. Raises ValueError with what to write."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"'{text}' is no duration; write 45s, 10m, 1h30m or 2d")
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def moment(text: str) -> datetime.datetime:
    """An ISO date and time -> UTC; without a zone it is the local time of this computer."""
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or len(text) < 16 or not 2000 <= found.year <= 2099:
        raise ValueError(f"'{text}' is no moment; write 2026-06-21T22:00Z, or without Z for this computer's local time")
    return found.astimezone(datetime.UTC)
