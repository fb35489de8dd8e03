"""What ends a check: a broken promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lampsim.check.world.post import StreetPost


class Broken(Exception):
    """A promise is broken: which, by whom, when, and what was seen."""

    def __init__(self, promise: int, who: str, at_us: int, what: str) -> None:
        self.promise, self.who, self.at_us, self.what = promise, who, at_us, what
        super().__init__(f"promise {promise} is broken by {who} at {at_us / 1e6:.3f} s: {what}")


Breaks = Callable[[int, "StreetPost", str], Broken]  # of promise (number), by whom, what was seen: makes the error
