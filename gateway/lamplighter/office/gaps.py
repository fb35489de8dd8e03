"""Which items of a gateway the centre has not seen, and what to ask for again.

A PUBACK proves that a broker had an item, not that the centre has it. Every item has a number in its gateway's epoch,
one count through all streams, and the gateway's status says which number comes next: so a hole shows by what follows
it, and a lost end by the status. Pure: it is told what came, and says what is missing.

A hole is asked for only when it has been there for PATIENCE looks, because items of different streams overtake each
other; what the gateway calls gone is never asked for again, and counted.
"""

from __future__ import annotations

from collections.abc import Iterable

RANGES_MAX = 256  # of one request: what the gateway takes
SPAN_MAX = 10_000  # ids of one request: what the gateway takes
HOLES_MAX = 10_000  # remembered of one gateway; more is a store that was lost, and the oldest are given up
PATIENCE = 2

Range = tuple[int, int]


class Gaps:
    """The items of one epoch of one gateway."""

    def __init__(self, epoch: str, first: int = 1) -> None:
        self.epoch = epoch
        self.lost = 0  # items that are nowhere any more
        self._next = first  # everything below has come, or is in a hole
        self._holes: dict[Range, int] = {}  # how often each was looked at

    def came(self, seqs: Iterable[int]) -> None:
        """These items are stored here."""
        for seq in sorted(set(seqs)):
            if seq >= self._next:
                self.given(seq)
                self._next = seq + 1
            else:
                self._fill(seq, seq)

    def given(self, following: int) -> None:
        """The gateway has given every number below `following`, as its status says."""
        if following > self._next:
            self._holes[self._next, following - 1] = 0
            self._next = following
        while len(self._holes) > HOLES_MAX:
            first, last = next(iter(self._holes))
            self.gone([(first, last)])

    def gone(self, ranges: Iterable[Range]) -> None:
        """The gateway does not have these any more."""
        for first, last in ranges:
            self.lost += self._fill(first, last)

    def missing(self) -> list[Range]:
        """All that has not come."""
        return sorted(self._holes)

    def ask(self) -> list[Range]:
        """A look: what to ask for now, within the bounds of one request."""
        asked: list[Range] = []
        room = SPAN_MAX
        for (first, last), looks in sorted(self._holes.items()):
            self._holes[first, last] = looks + 1
            if looks + 1 >= PATIENCE and room and len(asked) < RANGES_MAX:
                asked.append((first, min(last, first + room - 1)))
                room -= asked[-1][1] - first + 1
        return asked

    def _fill(self, first: int, last: int) -> int:
        """Take first..last out of the holes; how many items that were."""
        filled = 0
        for hole in [hole for hole in self._holes if hole[0] <= last and hole[1] >= first]:
            looks = self._holes.pop(hole)
            filled += min(hole[1], last) - max(hole[0], first) + 1
            if hole[0] < first:
                self._holes[hole[0], first - 1] = looks
            if hole[1] > last:
                self._holes[last + 1, hole[1]] = looks
        return filled
