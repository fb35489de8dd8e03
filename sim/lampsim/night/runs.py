"""The rows of the table: one for each policy and night, of everything that was asked for."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from . import ideal, measure, sensors
from .data import Lamps, Users

CEILING = "CEILING"
NAMES = (*ideal.POLICIES, CEILING)


class RunError(ValueError):
    """What was asked for cannot be run; the text says what to ask instead."""


@dataclass(frozen=True)
class Wanted:
    """`policies` empty: all; `bench`, `real`: with the rule engine, with the whole posts; `why`: causes of the loss."""

    policies: tuple[str, ...] = ()
    bench: bool = False
    real: bool = False
    baud: int = 19200
    loss: float = 0.0
    seed: int = 1
    steps: bool = False
    why: bool = False

    def __post_init__(self) -> None:
        for name in self.policies:
            if name not in NAMES:
                raise RunError(f"policy {name!r} is not known; there are {', '.join(NAMES)}")


@dataclass(frozen=True)
class Row:
    """One policy in one night (`begin_s` seconds after 18:00, for `seconds`); `extra` has what only some have."""

    night: str
    users: int
    begin_s: int
    seconds: int
    policy: str
    figures: measure.Figures
    extra: dict[str, float | None] = field(default_factory=dict)

    def as_json(self) -> dict:
        place = {"night": self.night, "users": self.users, "from_s": self.begin_s, "seconds": self.seconds}
        return {**place, "policy": self.policy, **self.figures.as_json(), **self.extra}


def rows(lamps: Lamps, users: Users, night: str, begin_s: int, wanted: Wanted) -> Iterator[Row]:
    """All the rows of one night."""
    if not len(users):
        raise RunError(f"{night}: nobody is about between these hours; choose others with --from and --hours")
    names = wanted.policies or NAMES
    needs = measure.Needs(lamps, users)
    for policy, levels in ideal.all_levels(tuple(n for n in ideal.POLICIES if n in names), lamps, users):
        yield _row(night, users, begin_s, policy, needs.figures(levels))
    if CEILING in names:
        levels = ceiling(lamps, users, wanted.seed)
        yield _row(night, users, begin_s, CEILING, needs.figures(levels))


def ceiling(lamps: Lamps, users: Users, seed: int):
    """The levels of AHEAD10 when it knows only whom a sensor sees in that second."""
    seen = sensors.sightings(lamps, users, seed).seen(len(users))
    return ideal.levels("AHEAD10", lamps, users, seen)


def _row(
    night: str, users: Users, begin_s: int, policy: str, figures: measure.Figures, extra: dict | None = None
) -> Row:
    return Row(night, users.count, begin_s, users.seconds, policy, figures, extra or {})
