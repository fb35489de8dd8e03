"""Reading members of a parsed plan, with every fault kept: the small tools of `reading`.

Each tool returns a value of the right type and range. Where the file has none it notes the fault and returns a
neutral value, so that reading goes on and the next fault is found too; nobody sees those values, because a reader
with faults ends in PlanFileError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, TypeVar

from lamplighter.plans.bounds import DESCRIPTION_MAX
from lamplighter.plans.faults import Fault, PlanFileError, did_you_mean, quote
from lamplighter.plans.positions import Node

T = TypeVar("T")
Members = dict[str, Node]
COLLECT_MAX = 500  # faults: a file with more is not a plan, and each costs a search for the nearest word

_ID = re.compile(r"[a-z0-9-]+")
_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number"}


class Reader:
    """Collects faults; `end()` raises them all."""

    def __init__(self, name: str, faults: Iterable[Fault] = ()) -> None:
        self.name = name
        self.faults = list(faults)

    def fault(self, line: int, text: str) -> None:
        self.faults.append(Fault(line, text))
        if len(self.faults) >= COLLECT_MAX:
            self.end()

    def end(self) -> None:
        if self.faults:
            raise PlanFileError(self.faults, self.name)

    def members(self, node: Node, what: str, required: Iterable[str], optional: Iterable[str] = ()) -> Members:
        """The members of an object, without the unknown ones."""
        required = tuple(required)
        known = (*required, *optional)
        if not isinstance(node.value, dict):
            self.fault(node.line, f"{what} must be an object in braces, not {kind(node)}")
            return {}
        for key, item in node.value.items():
            if key not in known:
                self.fault(item.key_line, f"unknown key {quote(key)} in {what}; {did_you_mean(key, known)}")
        for key in required:
            if key not in node.value:
                self.fault(node.line, f'the key "{key}" is missing in {what}; add it')
        if "description" in known:
            self.text(node.value, "description", DESCRIPTION_MAX)
        return {key: item for key, item in node.value.items() if key in known}

    def items(self, members: Members, key: str, bounds: tuple[int, int], read: Callable[[Node], T]) -> list[T]:
        """A list with between bounds[0] and bounds[1] items, each through `read`; a longer one is not read."""
        node = members.get(key)
        if node is None:
            return []
        least, most = bounds
        if not isinstance(node.value, list):
            self.fault(node.line, f'"{key}" must be a list in square brackets, not {kind(node)}')
            return []
        if not least <= len(node.value) <= most:
            self.fault(node.line, f'"{key}" has {len(node.value)} items; {least} to {most} are possible')
            if len(node.value) > most:
                return []
        return [read(item) for item in node.value]

    def text(self, members: Members, key: str, most: int) -> str:
        node = members.get(key)
        if node is None:
            return ""
        if not isinstance(node.value, str):
            self.fault(node.line, f'"{key}" must be a text in double quotes, not {kind(node)}')
            return ""
        if not 0 < len(node.value) <= most:
            self.fault(node.line, f'"{key}" has {len(node.value)} characters; 1 to {most} are possible')
            return ""
        return node.value

    def ident(self, node: Node | None, what: str, most: int) -> str:
        """A name of a-z, 0-9 and '-'; an empty text where it is none."""
        if node is None:
            return ""
        if not isinstance(node.value, str):
            self.fault(node.line, f"{what} must be a text in double quotes, not {kind(node)}")
        elif len(node.value) > most:
            self.fault(node.line, f"{what} {quote(node.value)} has {len(node.value)} characters; at most {most}")
        elif not _ID.fullmatch(node.value):
            better = re.sub(r"[^a-z0-9]+", "-", node.value.lower()).strip("-")
            hint = f"; write {quote(better)}" if better else ""
            self.fault(node.line, f"{what} {quote(node.value)} may hold only a-z, 0-9 and -{hint}")
        else:
            return node.value
        return ""

    def parsed(self, node: Node | None, parse: Callable[[str], T], neutral: T, what: str) -> T:
        """A text through `parse`, whose ValueError becomes the fault."""
        if node is None:
            return neutral
        if not isinstance(node.value, str):
            self.fault(node.line, f"{what} must be a text in double quotes, not {kind(node)}")
            return neutral
        try:
            return parse(node.value)
        except ValueError as fault:
            self.fault(node.line, str(fault))
            return neutral

    def scaled(self, members: Members, key: str, span: tuple[int, int], unit: str, default: int, scale: int = 1) -> int:
        """A number within span, times `scale` (1: whole numbers only; 10: one decimal), as an integer."""
        node = members.get(key)
        if node is None:
            return default
        number, (low, high) = node.value, span
        if isinstance(number, bool) or not isinstance(number, int | Decimal):
            self.fault(node.line, f'"{key}" must be a number, not {kind(node)}; write it without quotes')
            return default
        if not low <= number <= high:
            self.fault(node.line, f"{key} {quote_number(number)} is outside {low}..{high}; it is in {unit}")
            return default
        exact = number * scale
        if exact != int(exact):
            finest = "whole numbers" if scale == 1 else "one decimal"
            self.fault(node.line, f"{key} {quote_number(number)} is too fine; {finest} at most")
            return default
        return int(exact)

    def percent(self, members: Members, key: str, default: int = 0) -> int:
        """A level in percent with at most one decimal, as per mille."""
        return self.scaled(members, key, (0, 100), "percent of full light", default, 10)

    def unique(self, things: Iterable[Any], what: str) -> dict[str, Any]:
        """By id; a second one of the same id is a fault."""
        by_id: dict[str, Any] = {}
        for thing in things:
            if thing.id in by_id:
                first = by_id[thing.id].line
                self.fault(thing.line, f"a second {what} {quote(thing.id)}; the first is on line {first}, rename one")
            elif thing.id:
                by_id[thing.id] = thing
        return by_id

    def refers(self, node: Node | None, known: Iterable[str], what: str) -> str:
        """A name that must exist among `known`; an empty text where it does not."""
        if node is None:
            return ""
        if not isinstance(node.value, str):
            self.fault(node.line, f"the name of a {what} must be a text in double quotes, not {kind(node)}")
        elif node.value not in known:
            hint = did_you_mean(node.value, known, f"add the {what}")
            self.fault(node.line, f"there is no {what} {quote(node.value)}; {hint}")
        else:
            return node.value
        return ""


def kind(node: Node) -> str:
    """What a value is, in a person's words."""
    if node.value is None:
        return "null"
    return next((name for type_, name in _KINDS.items() if isinstance(node.value, type_)), "a number")


def quote_number(number: int | Decimal) -> str:
    text = str(number)
    return text if len(text) <= 20 else f"{number:.3e}"
