"""Chance as a pure function: the same seed and the same question give the same answer, in whatever order one asks.

SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) over integers. No state, so nothing that is asked more or less shifts
what anybody else draws.
"""

import hashlib

_MASK = (1 << 64) - 1


def seed_of(*parts: object) -> int:
    """64 bits from a seed and names, the same on every machine."""
    return int.from_bytes(hashlib.sha256("|".join(map(str, parts)).encode()).digest()[:8], "big")


def bits(*numbers: int) -> int:
    """64 random bits of integers."""
    state = 0
    for number in numbers:
        state = (state + number + 0x9E3779B97F4A7C15) & _MASK
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB & _MASK
        state ^= state >> 31
    return state


def uniform(*numbers: int) -> float:
    """In [0, 1)."""
    return (bits(*numbers) >> 11) / (1 << 53)
