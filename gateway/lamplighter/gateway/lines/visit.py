"""A search of a line (finding.py) beside its polls: whose turn it is, and what was heard for what was said."""

from __future__ import annotations

from lamplighter.gateway.lines.line import Result, Search
from lamplighter.gateway.search.finding import GARBLED, Answer

TURN, TURN_WALKED = 2, 4  # one in so many turns of the line is its own; the second while somebody walks
WALKED_MS = 5_000  # somebody does for so long behind an event
OWED_MAX = 3  # more that it leaves to acknowledgements; not all, or a flood of events would end every search


class Visit:
    """At most one search at a time; it takes every second turn at most, so that polls and presence go on."""

    def __init__(self) -> None:
        self.data = b""  # to say next
        self.slow = False  # the answer to it waits for flash
        self.waiting = False  # it has been said, and nothing has come yet
        self.noise = False  # something was heard since that is no frame; somebody's event is not an answer to it
        self._search: Search | None = None
        self._others = 0  # turns of others since its own
        self._walked_ms = -WALKED_MS

    @property
    def active(self) -> bool:
        return self._search is not None

    def begin(self, search: Search) -> Result | None:
        """Take a search up; its Result where there is another, or where it ends at once."""
        if self._search is not None:
            return Result(search.id, 0, None, "a search of this line is under way; wait for it")
        self._search = search
        return self._advance(None, first=True)

    def walked(self, t_ms: int) -> None:
        """An event was heard."""
        self._walked_ms = t_ms

    def turn(self, t_ms: int, owed: bool) -> bool:
        """Whether `data` is to be said now. `owed`: somebody waits to be told that its event was heard, and says it
        again into others' if it is not."""
        least = TURN_WALKED if t_ms - self._walked_ms < WALKED_MS else TURN
        mine = self.active and self._others + 1 >= least + (OWED_MAX if owed else 0)
        self._others = 0 if mine else self._others + 1
        self.waiting, self.noise = mine, False
        return mine

    def answer(self, answer: Answer) -> Result | None:
        """A frame has come for what was said, or its time is over (None); the Result where that was the last."""
        if answer is None and self.noise:
            answer = GARBLED
        self.waiting = False
        return self._advance(answer)

    def drop(self, error: str) -> list[Result]:
        """The line is gone."""
        search, self._search, self.waiting = self._search, None, False
        if search is None:
            return []
        search.asking.close()
        return [Result(search.id, 0, None, error)]

    def _advance(self, answer: Answer, first: bool = False) -> Result | None:
        search = self._search
        assert search is not None
        try:
            self.data, self.slow = next(search.asking) if first else search.asking.send(answer)
        except StopIteration as end:
            self._search = None
            return Result(search.id, 0, end.value, "")
        return None
