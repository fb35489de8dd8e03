"""One check: a seed's world and a fault plan, played to the end or to the first broken promise.

`check` is a function of (seed, faults, posts, minutes): whoever calls it again gets the same again.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from lampsim.check.broken import Broken
from lampsim.check.witness.promises import Witness
from lampsim.check.world.street import Street
from lampsim.check.worlds import Spec, draw
from lampsim.faults import Fault, Shape, draw_plan


class Outcome(NamedTuple):
    """How a check ended: `promise` 0 where all held; 1 too where a program stopped, for then a lamp is left alone."""

    seed: int
    posts: int
    post_hours: float
    looks: int
    promise: int
    text: str


class Case(NamedTuple):
    """What to play: a seed, its fault plan, and at most which part of its world."""

    seed: int
    faults: tuple[Fault, ...]
    posts: int | None = None
    minutes: float | None = None

    def spec(self) -> Spec:
        """The seed's world, cut down to the first `posts` posts and `minutes` minutes."""
        spec = draw(self.seed)
        if self.posts is not None and self.posts < len(spec.sites):
            spec = spec.only({site.id for site in spec.sites[: self.posts]})
        if self.minutes is not None and self.minutes * 60 < spec.duration_s:
            spec = replace(spec, duration_s=self.minutes * 60)
        return spec


def drawn(seed: int) -> Case:
    """The whole case of a seed."""
    spec = draw(seed)
    return Case(seed, tuple(draw_plan(seed, Shape(spec.lines, spec.duration_s, spec.air))))


def play(case: Case) -> Outcome:
    """Play a case. Everything but KeyboardInterrupt ends in an Outcome."""
    spec, witness = case.spec(), Witness()
    street = Street(spec, _possible(case.faults, spec), witness)
    promise, text = 0, ""
    try:
        street.run()
    except Broken as broken:
        promise, text = broken.promise, str(broken)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{where.filename.rsplit('/', 1)[-1]}:{where.lineno}"
        promise, text = 1, f"a program stopped at {street.loop.now_us / 1e6:.3f} s: {error!r} ({place})"
    finally:
        street.close()
    post_hours = len(spec.sites) * street.loop.now_us / 3.6e9
    return Outcome(case.seed, len(spec.sites), post_hours, witness.looks, promise, text)


def _possible(faults: Iterable[Fault], spec: Spec) -> list[Fault]:
    """The faults that still have something to happen to in a smaller world, in time for its quiet end."""
    names = {site.id for site in spec.sites}
    kept = []
    for fault in faults:
        line = getattr(fault, "line", None)
        if (line is None or line in spec.lines) and names.issuperset(fault.posts()) and fault.at_s < spec.duration_s:
            kept.append(replace(fault, for_s=min(fault.for_s, spec.duration_s - fault.at_s)))
    return kept
