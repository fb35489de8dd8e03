"""A random fault plan: any mix, at any time, each with its own length."""

from __future__ import annotations

import random

from lampsim.faults.base import REGISTRY, Fault, Shape

MOST = 8  # faults of one plan: with more, a street is only broken
LATER = ("clock-jumps", "damaged-store", "full-disk", "replayed-requests")  # drawn apart: a seed keeps its other faults
LATER_MOST = 2
KEYS = ("rollover",)  # and these apart from those
PLACES = ("lost-place",)  # and these too
FLASH = ("bad-image", "flash-cut", "update", "worn-flash")
HEALTH = (
    "chattering-sensor", "door", "lamp-trouble", "mains-trouble", "photocell", "reset-storm", "silent-meter",
    "silent-thermometer", "stuck-relay",
)  # fmt: skip
AIR = ("line-broker",)  # on seeds with a line that is no wire
NAMED = ("old-flash",)  # never drawn
CASTS = ("cast", "cast", "hostile-blocks", "hostile-blocks", "withdrawn-cast")  # after one "cast", on some seeds
APART = LATER + KEYS + PLACES + FLASH + HEALTH + NAMED + CASTS + AIR


def draw_plan(seed: int, shape: Shape) -> list[Fault]:
    """The fault plan of a seed; all faults are over when `shape.duration_s` is."""
    draw = random.Random(f"faults {seed}")
    first = [name for name in sorted(REGISTRY) if name not in APART]
    faults = [_one(draw, shape, first) for _ in range(draw.randint(0, MOST))]
    draw = random.Random(f"faults of the cabinet {seed}")
    faults += [_one(draw, shape, LATER) for _ in range(draw.choice((0, 1, LATER_MOST)))]
    draw = random.Random(f"keys {seed}")
    faults += [_one(draw, shape, KEYS) for _ in range(draw.choice((0, 1, 2)))]
    draw = random.Random(f"places {seed}")
    faults += [_one(draw, shape, PLACES) for _ in range(draw.choice((0, 0, 1, 3)))]
    draw = random.Random(f"flash {seed}")
    faults += [_one(draw, shape, FLASH) for _ in range(draw.choice((0, 0, 1, 2, 4)))]
    draw = random.Random(f"health {seed}")
    faults += [_one(draw, shape, HEALTH) for _ in range(draw.choice((0, 0, 1, 2, 4)))]
    draw = random.Random(f"casts {seed}")
    if draw.random() < 0.4:
        faults.append(_one(draw, shape._replace(duration_s=shape.duration_s / 2), CASTS[:1]))
        faults += [_one(draw, shape, CASTS) for _ in range(draw.choice((0, 1, 2, 3)))]
    if shape.air:
        draw = random.Random(f"air {seed}")
        faults += [_one(draw, shape, AIR) for _ in range(draw.choice((0, 1, 2, 3)))]
    return sorted(faults, key=lambda fault: fault.at_s)


def _one(draw: random.Random, shape: Shape, names) -> Fault:
    cls = REGISTRY[draw.choice(names)]
    at_s = round(draw.uniform(0, shape.duration_s * 0.9), 3)
    for_s = round(min(draw.choice((0.5, 5.0, 30.0, 120.0, 900.0)) * draw.uniform(0.5, 1.5), shape.duration_s - at_s), 3)
    return cls.draw(draw, shape, at_s, for_s)
