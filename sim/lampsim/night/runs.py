"""The rows of the table: one for each policy and night, of everything that was asked for."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from . import bench, causes, ideal, measure, sensors, steps
from .data import Lamps, Users

CEILING, BENCH, REAL = "CEILING", "BENCH", "REAL"
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
    unrelayed: bool = False

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
    sightings = sensors.sightings(lamps, users, wanted.seed)
    seen = sightings.seen(len(users))
    if CEILING in names:
        yield _row(night, users, begin_s, CEILING, needs.figures(ideal.levels("AHEAD10", lamps, users, seen)))
    if wanted.steps:
        for name, profile, rules in steps.steps():
            levels = bench.Bench(lamps, profile, presence=rules).run(sightings, users)
            yield _row(night, users, begin_s, f"BENCH {name}", needs.figures(levels))
    elif wanted.bench or wanted.real:
        yield from _engines(lamps, users, night, begin_s, wanted, needs, sightings, seen)


def _engines(
    lamps: Lamps, users: Users, night: str, begin_s: int, wanted: Wanted, needs: measure.Needs,
    sightings: sensors.Sightings, seen: np.ndarray,
) -> Iterator[Row]:  # fmt: skip
    """The rule engine on the bench, and the whole posts; what each loses to what, if that is asked."""
    benched = bench.Bench(lamps, steps.TUNED).run(sightings, users)
    utility = needs.utilities(benched)
    still = None
    if wanted.why:
        profile = [*steps.TUNED[:2], 0, 0, *steps.TUNED[4:]]
        still = needs.utilities(bench.Bench(lamps, profile).run(sightings, users))
    if wanted.bench:
        extra = causes.parts(users, seen, still, utility, None) if still is not None else {}
        yield _row(night, users, begin_s, BENCH, measure.summed(measure.energy_pct(benched), utility, users), extra)
    if wanted.real:
        from . import real

        try:
            outcome = real.run(
                lamps, users, sightings, steps.TUNED, wanted.baud, wanted.loss, wanted.seed, not wanted.unrelayed
            )
        except RuntimeError as error:
            raise RunError(str(error)) from error
        told = needs.utilities(outcome.levels)
        extra = {
            "latency_ms_p50": _percentile(outcome.latencies_ms, 50),
            "latency_ms_p99": _percentile(outcome.latencies_ms, 99),
        }
        extra |= {"baud": wanted.baud, "loss": wanted.loss, "heard_share": round(outcome.heard, 4)}
        if still is not None:
            extra |= causes.parts(users, seen, still, utility, told)
        yield _row(night, users, begin_s, REAL, measure.summed(measure.energy_pct(outcome.levels), told, users), extra)


def _percentile(values: np.ndarray, share: float) -> float | None:
    return round(float(np.percentile(values, share)), 1) if len(values) else None


def _row(
    night: str, users: Users, begin_s: int, policy: str, figures: measure.Figures, extra: dict | None = None
) -> Row:
    return Row(night, users.count, begin_s, users.seconds, policy, figures, extra or {})
