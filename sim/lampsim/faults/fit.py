"""Whether a fault means something in a world: its fields are of their type and range, its posts and line are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

from lamplighter.plans.faults import did_you_mean, quote
from lampsim.faults.base import Fault, FaultPlanError

CLOCK_S = 600_000_000  # 19 years; a post's and a gateway's time is UTC since 2000
RANGES = {
    "rate": (0.0, 0.99),
    "ahead_s": (-CLOCK_S, CLOCK_S),
    "ppm": (-100_000, 100_000),
    "temperature_dc": (-32768, 32767),
    "after": (0, 1000),
    "again": (1, 20),
    "cuts": (0, 100),
}
TYPES = {"int": (int,), "float": (int, float), "str": (str,)}


def fits(fault: Fault, lines: Mapping[str, Sequence[str]]) -> None:
    """`lines` maps a line of the world to its posts. Raises FaultPlanError, one line."""
    for field in fields(fault):
        wrong = _value(fault, field.name, str(field.type)) or _place(fault, field.name, lines)
        if wrong:
            raise FaultPlanError(f"{fault.name}: {wrong}")


def _value(fault: Fault, name: str, kind: str) -> str:
    value = getattr(fault, name)
    if kind.startswith("tuple"):
        good = isinstance(value, tuple) and all(isinstance(one, str) for one in value)
        return "" if good else f"{name} must be a list of names"
    types = TYPES.get(kind)
    if types and (not isinstance(value, types) or isinstance(value, bool)):
        return f"{name} must be {'a text' if kind == 'str' else 'a number' if kind == 'float' else 'a whole number'}"
    low, high = RANGES.get(name, (None, None))
    if low is not None and high is not None and isinstance(value, (int, float)) and not low <= value <= high:
        return f"{name} must be {low} to {high}"
    kinds = getattr(fault, "KINDS", ())
    if name == "kind" and kinds and value not in kinds:
        return f"no kind {quote(str(value)[:40])}; {did_you_mean(str(value), kinds)}"
    return ""


def _place(fault: Fault, name: str, lines: Mapping[str, Sequence[str]]) -> str:
    value = getattr(fault, name)
    if name == "line" and value not in lines:
        return f"no line {quote(str(value)[:40])} in the town; {did_you_mean(str(value), lines)}"
    if name not in ("post", "some"):
        return ""
    line = getattr(fault, "line", "")
    known = set(lines[line]) if line in lines else {post for posts in lines.values() for post in posts}
    for post in (value,) if name == "post" else value:
        if post not in known:
            where = f"on line {line}" if line in lines else "in the town"
            return f"no post {quote(str(post)[:40])} {where}; {did_you_mean(str(post), known)}"
    return ""
