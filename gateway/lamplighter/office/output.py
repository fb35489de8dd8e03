"""How the office commands show what they know: a table, a percentage, progress on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lamplighter.terminal import console, printable

PIPE_WIDTH = 160  # columns of a table that goes into a file or a pipe


class Progress:
    """A line on stderr that replaces itself; silent where stderr is no terminal."""

    def __init__(self) -> None:
        self._console = console(stderr=True)
        self._status = self._console.status("connecting") if self._console.is_terminal else None

    def __enter__(self) -> Progress:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def say(self, text: str) -> None:
        if self._status:
            self._status.update(text)


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[str] = ()) -> None:
    """A table on stdout, as wide as the terminal, or PIPE_WIDTH in a pipe; no cell is markup."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    out = console()
    if not out.is_terminal:
        out.width = PIPE_WIDTH
    shown = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for head in heads:
        shown.add_column(head, justify="right" if head in right else "left")
    for row in rows:
        shown.add_row(*(Text(cell(item)) for item in row))
    out.print(shown)


def cell(item: Any) -> str:
    """A value for a person: nothing for None, numbers without needless decimals, lists with commas."""
    if item is None:
        return ""
    if isinstance(item, bool):
        return "yes" if item else "no"
    if isinstance(item, float):
        return f"{item:.1f}".removesuffix(".0")
    if isinstance(item, list | tuple):
        return ", ".join(cell(one) for one in item)
    return printable(str(item))
