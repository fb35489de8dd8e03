"""The log of a run as a hash: one for each cabinet, and one over them all.

Cabinets share nothing but the people who walk by, so each has a log of its own, in the order of time; what belongs to
none (the office, a fault) has another. The whole is the same whether one process ran all cabinets or several some.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

COMMON = ""  # of no cabinet


class Log:
    """`of(cabinet)` is what to update with everything that happens there."""

    def __init__(self, cabinets: Iterable[str]) -> None:
        self._hashes = {cabinet: sha256() for cabinet in (COMMON, *cabinets)}

    def of(self, cabinet: str):
        return self._hashes[cabinet]

    def digests(self) -> dict[str, str]:
        """The hash of each cabinet's log so far, in hexadecimal digits."""
        return {cabinet: one.hexdigest() for cabinet, one in self._hashes.items()}


def whole(digests: Mapping[str, str]) -> str:
    """The hash over the logs of all cabinets."""
    return sha256("".join(f"{cabinet} {digests[cabinet]}\n" for cabinet in sorted(digests)).encode()).hexdigest()
