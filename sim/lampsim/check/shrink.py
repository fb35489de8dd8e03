"""From a case that breaks a promise to a smaller one that breaks the same: delta debugging (Zeller, Hildebrandt 2002).

First fewer faults (halves, then quarters, ... then one by one), then a shorter run, fewer posts, and shorter faults. A
step is kept when the same promise still breaks. It stops after `most` plays: a good small case beats the smallest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lampsim.check.run import Case, Outcome
from lampsim.faults import Fault

PLAYS_MAX = 80


def shrink(
    case: Case, broken: Outcome, play: Callable[[Case], Outcome], most: int = PLAYS_MAX
) -> tuple[Case, Outcome, int]:
    """(smaller case, how it ends, plays it took)."""
    plays = 0
    going = True
    while going:
        going = False
        for smaller in _smaller(case, broken):
            if plays >= most:
                return case, broken, plays
            plays += 1
            outcome = play(smaller)
            if outcome.promise == broken.promise:
                case, broken, going = smaller, outcome, True
                break
    return case, broken, plays


def _smaller(case: Case, broken: Outcome) -> Iterator[Case]:
    for faults in _fewer(case.faults):
        yield case._replace(faults=faults)
    minutes = case.spec().duration_s / 60
    for part in (0.25, 0.5, 0.75):
        if minutes * part >= 0.5:
            yield case._replace(minutes=round(minutes * part, 2))
    for posts in sorted({2, broken.posts // 2, broken.posts - 1}):
        if 2 <= posts < broken.posts:
            yield case._replace(posts=posts)
    for place, fault in enumerate(case.faults):
        shorter = fault.shorter()
        if shorter is not None:
            yield case._replace(faults=(*case.faults[:place], shorter, *case.faults[place + 1 :]))


def _fewer(faults: tuple[Fault, ...]) -> Iterator[tuple[Fault, ...]]:
    """Without a part of them: all, halves, quarters, ... each one."""
    size = len(faults)
    while size:
        for start in range(0, len(faults), size):
            yield faults[:start] + faults[start + size :]
        size //= 2
