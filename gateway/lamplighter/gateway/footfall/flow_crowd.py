"""When a zone is so full that it asks for more light, and when no longer.

A zone is looked at every LOOK_MS: how many of its sensors see somebody now. Over a minute of such looks the mean share
passes `on_percent`: the zone is crowded and layer 4 of its posts is asked up, for RAISE_S, again before that ends.
It is over when the mean is below `off_percent` (hysteresis) for a minute; then the command is cleared. A command that
nobody renews ends by itself at the post: a gateway that dies leaves no light on longer than RAISE_S.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

LOOK_MS = 10_000
LOOKS = 6  # a minute: longer than a group that passes, short beside a festival
POSTS_MIN = 3  # two people who wait are no crowd, however small their zone
RAISE_S = 600
RENEW_MS = RAISE_S * 1000 // 2


@dataclass(frozen=True, slots=True)
class Threshold:
    """Shares of a zone's sensors that see somebody, in percent, and the level asked for."""

    on_percent: int = 70
    off_percent: int = 40
    level_pm: int = 1000

    def __post_init__(self) -> None:
        if not 0 < self.off_percent < self.on_percent <= 100:
            raise ValueError(f"crowd from {self.on_percent} % to {self.off_percent} %: must be 0 < off < on <= 100")
        if not 0 <= self.level_pm <= 1000:
            raise ValueError(f"crowd level {self.level_pm} is not in 0..1000")


class Crowd(NamedTuple):
    """Ask the posts of a zone up to level_pm for for_s seconds; for_s 0: it is over, clear those of
    `posts`, which no other crowded zone holds."""

    zone: str
    posts: tuple[str, ...]
    level_pm: int
    for_s: int


class Watch:
    """The state of one zone: at most LOOKS numbers and one moment."""

    __slots__ = ("_asked_ms", "_looks", "_threshold")

    def __init__(self, threshold: Threshold) -> None:
        self._threshold = threshold
        self._looks: list[float] = []
        self._asked_ms: int | None = None

    @property
    def crowded(self) -> bool:
        return self._asked_ms is not None

    def look(self, busy: int, posts: int, now_ms: int) -> int | None:
        """`busy` of `posts` sensors see somebody: seconds to raise for, 0 to clear, None for nothing to do."""
        self._looks = [*self._looks, 100 * busy / posts][-LOOKS:]
        if len(self._looks) < LOOKS:
            return None
        mean = sum(self._looks) / LOOKS
        if self._asked_ms is not None and mean < self._threshold.off_percent:
            self._asked_ms = None
            return 0
        if self._asked_ms is None and (mean < self._threshold.on_percent or busy < POSTS_MIN):
            return None
        if self._asked_ms is not None and 0 <= now_ms - self._asked_ms < RENEW_MS:
            return None
        self._asked_ms = now_ms
        return RAISE_S
