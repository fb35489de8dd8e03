"""A sensor on each lamp: once a second it sees each user within its range with a chance of 95 %.

The draw for one sensor, one user and one second depends on nothing but these and the seed, so that the ceiling, the
bench without a bus and the real posts are shown exactly the same.
"""

from dataclasses import dataclass

import numpy as np

from .data import Lamps, Users
from .ideal import chunks

RANGE_M = 12.0
CHANCE = 0.95


@dataclass(frozen=True)
class Sightings:
    """`row` (of the users) was seen by the sensor of `lamp`; in the order of rows, so of time."""

    row: np.ndarray
    lamp: np.ndarray

    def seen(self, rows: int) -> np.ndarray:
        """A mask of `rows` user-seconds: whether any sensor saw it."""
        mask = np.zeros(rows, bool)
        mask[self.row] = True
        return mask


def sightings(lamps: Lamps, users: Users, seed: int, range_m: float = RANGE_M, chance: float = CHANCE) -> Sightings:
    """What the sensors saw in that night."""
    rows, seen_by = [], []
    for part, dx, dy in chunks(users, lamps):
        row, lamp = np.nonzero(dx * dx + dy * dy <= range_m * range_m)
        row = row + part.start
        lucky = _draw(users.t_s[row], users.who[row], lamp, seed) < chance
        rows.append(row[lucky])
        seen_by.append(lamp[lucky])
    if not rows:
        return Sightings(np.zeros(0, np.int64), np.zeros(0, np.int64))
    return Sightings(np.concatenate(rows), np.concatenate(seen_by))


def _draw(t_s: np.ndarray, who: np.ndarray, lamp: np.ndarray, seed: int) -> np.ndarray:
    """A number in [0, 1) for each: the finaliser of splitmix64 over the four, which wraps on purpose."""
    with np.errstate(over="ignore"):
        z = np.uint64((seed * 0x9E3779B97F4A7C15) % 2**64)
        for part in (t_s, who, lamp):
            z = (z ^ part.astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) / 2.0**53
