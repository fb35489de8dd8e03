"""Where a post stands and what hangs on it: the part of a compiled plan that the operator does not write.

Values are checked when they are made, so that a compiled plan never carries an impossible place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from lamppost import limits

POST_ID = re.compile(r"[a-z0-9-]{1,32}")  # it is a level of an MQTT topic


class Luminaire(NamedTuple):
    """The lamp on a post: dimming range in per mille of full output, electrical power in milliwatts."""

    min_pm: int = 0
    max_pm: int = 1000
    rated_mw: int = 30_000
    standby_mw: int = 300

    def check(self) -> None:
        """Raise ValueError, naming the figure, for a lamp that cannot exist."""
        if not (0 <= self.min_pm <= self.max_pm <= limits.LEVEL_MAX and self.max_pm):
            raise ValueError(f"luminaire levels {self.min_pm}..{self.max_pm} must lie in 0..1000, lowest first")
        if not 0 <= self.standby_mw <= self.rated_mw <= limits.RATED_MW_MAX:
            raise ValueError(
                f"luminaire power {self.standby_mw}..{self.rated_mw} mW must lie in 0..{limits.RATED_MW_MAX}"
            )


DEFAULT_LUMINAIRE = Luminaire()


@dataclass(frozen=True, slots=True)
class PostSite:
    """One post: its name, its address on which bus, its place in integer microdegrees (north and east positive)."""

    id: str
    address: int
    bus: str
    lat_ud: int
    lon_ud: int
    luminaire: Luminaire = DEFAULT_LUMINAIRE

    def __post_init__(self) -> None:
        if not POST_ID.fullmatch(self.id):
            raise ValueError(f"post id {self.id!r} must be 1 to 32 of a-z, 0-9 and '-'")
        if not 1 <= self.address <= limits.ADDRESS_MAX:
            raise ValueError(f"post {self.id}: address {self.address} must lie in 1..{limits.ADDRESS_MAX}")
        if not (abs(self.lat_ud) <= 90_000_000 and abs(self.lon_ud) <= 180_000_000):
            raise ValueError(f"post {self.id}: {self.lat_ud}, {self.lon_ud} is no place in microdegrees")
        lamp = Luminaire(*self.luminaire)
        lamp.check()
        object.__setattr__(self, "luminaire", lamp)
