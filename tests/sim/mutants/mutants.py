"""Deliberate bugs: what the checker and the tests must catch, or they prove nothing.

Each is one change of one file: `old` stands there exactly once (a test holds that). `catcher` is "check", for
`lampsim check` on the seeds of its case, or the test file that must fail. They stand in areas/, by what they spoil.
"""

from areas import cabinet, casts, finding, flash, health, light, wire
from areas.base import CHECK, Case, Mutant

__all__ = ["CHECK", "MUTANTS", "QUICK", "Case", "Mutant"]

MUTANTS = [
    *light.MUTANTS, *health.MUTANTS, *flash.MUTANTS, *wire.MUTANTS, *cabinet.MUTANTS, *casts.MUTANTS, *finding.MUTANTS,
]  # fmt: skip

QUICK = (
    "dark without a plan",
    "any seal will do in a session",
    "an item too many is forgotten",
    "neighbours are not heard",
)
