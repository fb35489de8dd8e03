"""The central store as the gateways see it: items upserted by (gateway, epoch, seq), gaps seen, the rest counted."""

from __future__ import annotations

from collections import Counter


class Numbers:
    """Whole numbers from 1 on: all up to `whole`, and those beyond a gap."""

    __slots__ = ("_beyond", "whole")

    def __init__(self) -> None:
        self.whole = 0
        self._beyond: set[int] = set()

    def add(self, number: int) -> bool:
        """Note a number; return whether it is new."""
        if number <= self.whole or number in self._beyond:
            return False
        if number != self.whole + 1:
            self._beyond.add(number)
            return True
        self.whole = number
        while self._beyond and self.whole + 1 in self._beyond:
            self.whole += 1
            self._beyond.discard(self.whole)
        return True

    def missing(self) -> list[int]:
        """The numbers below the highest that have not come."""
        if not self._beyond:
            return []
        return [n for n in range(self.whole + 1, max(self._beyond)) if n not in self._beyond]

    def __len__(self) -> int:
        return self.whole + len(self._beyond)


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
        return numbers is not None and (seq <= numbers.whole or seq in numbers._beyond)
