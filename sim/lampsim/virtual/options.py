"""How a World is built, and when it begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

START_UTC_S = 824_385_600  # 2026-02-14T12:00:00Z: noon before a winter night


@dataclass(frozen=True)
class Options:
    """How the town is built. `cycle_s` paces the polls (0: as often as the line allows); `exact` lets every post hear
    every byte; `drift_ppm` bounds the posts' clocks; `loss`, `bit_error` as in Wire.impair; `power` as in power.py;
    ages and `clo` as in ageing.py."""

    baud: int = 19200
    cycle_s: int = 900
    reading_s: int = 900
    drift_ppm: int = 20  # a usual crystal
    loss: float = 0.0
    bit_error: float = 0.0
    exact: bool = False
    relay: str = (
        "lines"  # events cross the "lines" of a cabinet; with "cabinets" also from one to the next; "": neither
    )
    detection: float = 0.95  # per second in range (NIGHT.md)
    range_m: float = 12.0
    power: str = "estimate"  # or "driver", "metered", "thermal"
    air_c: float = 10.0  # around the luminaires, where power is "thermal"
    age_h: float | None = None  # of every lamp, hours at full output; None: as the town says
    counted_h: float | None = None  # what every post has counted; None: the age, where there is a table for it
    clo: str = ""  # constant light output, such as 0:800,100000:1000
    cabinets: frozenset[str] | None = None  # only these, their lines and posts (shares.py); None: all
    progress: Callable[[float], None] | None = field(default=None, compare=False)  # told the share done

    def here(self, gateway: str) -> bool:
        """Whether this cabinet is one of those to build."""
        return self.cabinets is None or gateway in self.cabinets
