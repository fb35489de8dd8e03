"""The central store as the gateways see it: items upserted by (gateway, epoch, seq), gaps seen, the rest counted."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter


class Numbers:
    """Whole numbers from 1 on, as runs without a gap: a post that learns the time jumps to the number that it is."""

    __slots__ = ("_first", "_last")

    def __init__(self) -> None:
        self._first: list[int] = []  # of each run, rising
        self._last: list[int] = []

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._first, number) - 1
        return at >= 0 and number <= self._last[at]

    def add(self, number: int) -> bool:
        """Note a number; return whether it is new."""
        first, last = self._first, self._last
        if last and number == last[-1] + 1:
            last[-1] = number
            return True
        at = bisect_right(first, number)
        if at and number <= last[at - 1]:
            return False
        after, before = at < len(first) and first[at] == number + 1, bool(at) and last[at - 1] == number - 1
        if before and after:
            last[at - 1] = last.pop(at)
            first.pop(at)
        elif before:
            last[at - 1] = number
        elif after:
            first[at] = number
        else:
            first.insert(at, number)
            last.insert(at, number)
        return True

    def missing(self, most: int = 1 << 20) -> list[int]:
        """The numbers below the highest that have not come; a gap of more than `most` was a jump."""
        gaps = [(end + 1, begin) for end, begin in zip([0, *self._last], self._first, strict=False)]
        return [n for begin, end in gaps if end - begin <= most for n in range(begin, end)]

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in zip(self._first, self._last, strict=True))


class Centre:
    """`received` counts what came, `repeated` what had been here, `kinds` the items by kind."""

    def __init__(self) -> None:
        self.received = self.repeated = self.doubled = 0
        self.kinds: Counter[int] = Counter()
        self.streams: dict[tuple[str, str], Numbers] = {}
        self.posts: dict[tuple[str, int], Numbers] = {}

    def upsert(self, gateway: str, epoch: str, seq: int, post: str, item_epoch: int, item: tuple) -> None:
        """Take one item: (post seq, kind, utc_s, a, b, c). One with the same id changes nothing."""
        self.received += 1
        if not self.streams.setdefault((gateway, epoch), Numbers()).add(seq):
            self.repeated += 1
            return
        if not self.posts.setdefault((post, item_epoch), Numbers()).add(item[0]):
            self.doubled += 1  # one item under two ids: the gateway has stored it twice
            return
        self.kinds[item[1]] += 1

    def gaps(self) -> dict[tuple[str, str], list[int]]:
        """The ids that are missing, by (gateway, epoch)."""
        return {key: missing for key, numbers in self.streams.items() if (missing := numbers.missing())}

    def missing(self, post: str, item_epoch: int) -> list[int]:
        """The items of a post that are missing below the highest that has come."""
        numbers = self.posts.get((post, item_epoch))
        return numbers.missing() if numbers else []

    def has(self, post: str, item_epoch: int, seq: int) -> bool:
        numbers = self.posts.get((post, item_epoch))
        return numbers is not None and seq in numbers
