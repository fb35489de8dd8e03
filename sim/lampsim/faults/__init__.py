"""Faults by seed: each a small record that begins and ends in a world. Importing this package registers all of them."""

from lampsim.faults import cabinet, casts, flash, hostile, lamp, lines, posts, sensors
from lampsim.faults.base import REGISTRY, Fault, FaultPlanError, Shape, Stage, dumps, fault, from_json, loads
from lampsim.faults.plan import draw_plan

__all__ = [
    "REGISTRY", "Fault", "FaultPlanError", "Shape", "Stage", "cabinet", "casts", "draw_plan", "dumps", "fault", "flash",
    "from_json", "hostile", "lamp", "lines", "loads", "posts", "sensors",
]  # fmt: skip
