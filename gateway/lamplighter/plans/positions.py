"""JSON with positions: every value and every key knows the line it stands on (RFC 8259, strict).

The standard library's parser tells the line of a syntax error only, and takes NaN, duplicate keys and any depth. This
one refuses those, names the line, and goes on after a fault where it can, so that a person sees all of them. Bounds
come before work: the size is checked before parsing, the depth while parsing.
"""

from __future__ import annotations

import bisect
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from lamplighter.plans.faults import Fault, PlanFileError, quote

SIZE_MAX = 1 << 20  # 1 MiB: some thirty times the largest plan of a gateway with 250 posts
DEPTH_MAX = 16  # a plan is 6 deep; a bomb of brackets must not reach Python's recursion limit
NUMBER_MAX = 32  # digits: no figure of a plan has more, and a million digits take seconds to convert

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[+-]?[A-Za-z0-9_.+-]+")
_WORDS = {"true": True, "false": False, "null": None}
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(slots=True)
class Node:
    """A JSON value and its line. An object is dict[str, Node], an array list[Node], a number int or Decimal."""

    value: Any
    line: int
    key_line: int = 0  # where its key stands, for a member of an object

    def plain(self) -> Any:
        """The value as json.loads would give it, a whole number always as int: `60.0` is 60."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        if isinstance(self.value, Decimal):
            return int(self.value) if self.value == self.value.to_integral_value() else float(self.value)
        return self.value


def parse(data: bytes | str, name: str = "plan") -> tuple[Node, list[Fault]]:
    """The document and the faults that did not stop the parser; PlanFileError where it cannot go on."""
    return _Parser(_text(data, name), name).document()


def _text(data: bytes | str, name: str) -> str:
    size = len(data) if isinstance(data, bytes) else len(data.encode("utf-8", "surrogatepass"))
    if size > SIZE_MAX:
        reason = f"more than the {SIZE_MAX} bytes (1 MiB) a plan may have; is this the right file?"
        raise PlanFileError([Fault(0, reason)], name)
    if isinstance(data, bytes):
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise PlanFileError([Fault(1, "the file is in UTF-16; save it as UTF-8")], name)
        try:
            data = data.decode("utf-8")
        except UnicodeDecodeError as fault:
            line = fault.object[: fault.start].count(b"\n") + 1
            reason = f"byte 0x{fault.object[fault.start]:02x} is not UTF-8; save the file as UTF-8"
            raise PlanFileError([Fault(line, reason)], name) from None
    if data.startswith("\ufeff"):
        raise PlanFileError([Fault(1, "the file starts with a byte order mark; save it as UTF-8 without one")], name)
    return data


class _Parser:
    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.at = 0
        self.faults: list[Fault] = []
        self.line_starts = [0] + [found.end() for found in _LINE_END.finditer(text)]

    def document(self) -> tuple[Node, list[Fault]]:
        root = self.value(0)
        if self.peek():
            self.stop(f"there is more after the end of the document: {self.here()}; remove it")
        return root, self.faults

    def value(self, depth: int) -> Node:
        start = self.peek()
        line = self.line()
        if start in ("{", "["):
            if depth >= DEPTH_MAX:
                self.stop(f"nested deeper than {DEPTH_MAX} levels; a plan has 6")
            return Node(self.object(depth) if start == "{" else self.array(depth), line)
        if start == '"':
            return Node(self.string(), line)
        return Node(self.number_or_word(line), line)

    def object(self, depth: int) -> dict[str, Node]:
        members: dict[str, Node] = {}
        self.at += 1
        if self.peek() == "}":
            self.at += 1
            return members
        while True:
            if self.peek() != '"':
                self.stop(f"a key in double quotes is missing before {self.here()}")
            line, key = self.line(), self.string()
            if self.peek() != ":":
                self.stop(f"a colon is missing after the key {quote(key)}")
            self.at += 1
            node = self.value(depth + 1)
            node.key_line = line
            if key in members:
                text = f"the key {quote(key)} stands twice, first on line {members[key].key_line}; remove one"
                self.faults.append(Fault(line, text))
            members.setdefault(key, node)
            if self.closed("}"):
                return members

    def array(self, depth: int) -> list[Node]:
        items: list[Node] = []
        self.at += 1
        if self.peek() == "]":
            self.at += 1
            return items
        while True:
            items.append(self.value(depth + 1))
            if self.closed("]"):
                return items

    def closed(self, bracket: str) -> bool:
        """Step over a comma (False) or the closing bracket (True)."""
        found, line = self.peek(), self.line()
        if found not in (",", bracket) or not found:
            self.stop(f"a comma or {bracket} is missing before {self.here()}")
        self.at += 1
        if found == "," and self.peek() == bracket:
            self.faults.append(Fault(line, f"a comma stands before the closing {bracket}; remove the comma"))
            self.at += 1
            return True
        return found == bracket

    def string(self) -> str:
        found = _STRING.match(self.text, self.at)
        if not found:
            self.stop("a text that starts here has no closing quote on its line, or a wrong escape in it")
        line, self.at = self.line(), found.end()
        text = json.loads(found[0])
        if any("\ud800" <= c <= "\udfff" for c in text):
            self.faults.append(Fault(line, "half a surrogate pair in a text; write the character itself"))
            text = text.encode("utf-8", "replace").decode()
        return text

    def number_or_word(self, line: int) -> int | Decimal | bool | None:
        found = _WORD.match(self.text, self.at)
        if not found:
            self.stop(f"a value is missing before {self.here()}")
        word, self.at = found[0], found.end()
        if word in _WORDS:
            return _WORDS[word]
        number = _NUMBER.fullmatch(word)
        if number and len(word) <= NUMBER_MAX:
            exact = Decimal(word)
            if not number[1] and not number[2]:
                return int(word)
            if exact == 0 or -NUMBER_MAX <= exact.adjusted() <= NUMBER_MAX:
                return exact
        reason = "a number beyond all ranges of a plan" if number else "not a JSON value; texts stand in double quotes"
        self.faults.append(Fault(line, f"{quote(word)} is {reason}"))
        return 0

    def peek(self) -> str:
        """The next character that is not white space, or an empty string at the end."""
        self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr] # it matches the empty string
        return self.text[self.at : self.at + 1]

    def here(self) -> str:
        return quote(self.text[self.at : self.at + 1]) if self.peek() else "the end of the file"

    def line(self) -> int:
        return bisect.bisect_right(self.line_starts, self.at)

    def stop(self, text: str) -> NoReturn:
        raise PlanFileError([*self.faults, Fault(self.line(), text)], self.name)
