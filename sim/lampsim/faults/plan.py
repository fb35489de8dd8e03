"""A random fault plan: any mix, at any time, each with its own length."""

from __future__ import annotations

import random

from lampsim.faults.base import REGISTRY, Fault, Shape

MOST = 8  # faults of one plan: with more, a street is only broken


def draw_plan(seed: int, shape: Shape) -> list[Fault]:
    """The fault plan of a seed; all faults are over when `shape.duration_s` is."""
    draw = random.Random(f"faults {seed}")
    faults = []
    for _ in range(draw.randint(0, MOST)):
        cls = REGISTRY[draw.choice(sorted(REGISTRY))]
        at_s = round(draw.uniform(0, shape.duration_s * 0.9), 3)
        for_s = round(
            min(draw.choice((0.5, 5.0, 30.0, 120.0, 900.0)) * draw.uniform(0.5, 1.5), shape.duration_s - at_s), 3
        )
        faults.append(cls.draw(draw, shape, at_s, for_s))
    return sorted(faults, key=lambda fault: fault.at_s)
