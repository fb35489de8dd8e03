"""What a luminaire draws, how warm it gets, how much light it still gives, and what its meter says of that.

What it promises
- At full level it draws its rated power, at 0 its standby power; between, the LED's share over the driver's efficiency
  at that load, so that half the light costs more than half the power.
- Temperature and ageing are closed formulas of time: the engine may leap over hours.
- Differences between lamps (`vary`) come from a seed and the lamp's name.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass, replace

from .chance import seed_of, uniform

# Efficiency against load of a constant-current driver of some 75 W at 230 V: the shape that makers' data sheets show.
EFFICIENCY = ((0.0, 0.50), (0.05, 0.62), (0.1, 0.74), (0.2, 0.83), (0.4, 0.88), (0.7, 0.905), (1.0, 0.91))
DROOP = 0.08  # an LED gives this share more light for a watt at the lowest current than at full
RISE_C = 42.0  # of the driver's case over the air at full power, in a closed aluminium housing
WARMING_S = 2400.0  # its time constant
L80_H = 100_000.0  # hours at full output until 80 % of the light is left (TM-21 projections end about there)


@dataclass(frozen=True, slots=True)
class LuminaireModel:
    """One luminaire. Levels in per mille, watts, degrees C, hours."""

    rated_w: float = 80.0
    standby_w: float = 0.5
    rise_c: float = RISE_C
    warming_s: float = WARMING_S
    l80_h: float = L80_H
    meter_gain: float = 1.0  # a class 1 meter is within 1 %
    meter_offset_w: float = 0.0

    def power_w(self, level_pm: int) -> float:
        """At 230 V; a wide-range driver draws the same down to its cut-out, at more current."""
        if level_pm <= 0:
            return self.standby_w
        share = min(1.0, level_pm / 1000)
        led = share * (1 - DROOP * (1 - share))
        return max(self.standby_w, self.rated_w * led * efficiency(1.0) / efficiency(led))

    def metered_mw(self, level_pm: int) -> int:
        """What its own meter reports, in milliwatts."""
        return max(0, round(1000 * (self.power_w(level_pm) * self.meter_gain + self.meter_offset_w)))

    def settled_c(self, level_pm: int, air_c: float) -> float:
        """The driver's temperature when it has had this level for hours."""
        return air_c + self.rise_c * self.power_w(level_pm) / self.rated_w

    def temperature_c(self, from_c: float, level_pm: int, air_c: float, for_s: float) -> float:
        """Its temperature `for_s` after it was `from_c`, level and air unchanged."""
        settled_c = self.settled_c(level_pm, air_c)
        return settled_c + (from_c - settled_c) * math.exp(-for_s / self.warming_s)

    def reaches_in_s(self, from_c: float, to_c: float, level_pm: int, air_c: float) -> float | None:
        """Seconds until it has `to_c`, the next thing to wait for; None when it never will."""
        settled_c = self.settled_c(level_pm, air_c)
        if from_c == to_c:
            return 0.0
        share = (to_c - settled_c) / (from_c - settled_c) if from_c != settled_c else 0.0
        return -self.warming_s * math.log(share) if 0 < share < 1 else None

    def light_left(self, hours_full: float) -> float:
        """The share of its first light after hours at full output, or as many at less: exponential as in TM-21."""
        return 0.8 ** (max(0.0, hours_full) / self.l80_h)


def efficiency(load: float) -> float:
    """Of the driver at a share of its load, linear between the points of the data sheet."""
    loads = [at for at, _ in EFFICIENCY]
    i = min(max(1, bisect_right(loads, load)), len(loads) - 1)
    (a, low), (b, high) = EFFICIENCY[i - 1], EFFICIENCY[i]
    return low + (high - low) * (min(max(load, 0.0), 1.0) - a) / (b - a)


def vary(model: LuminaireModel, seed: int, lamp: str) -> LuminaireModel:
    """The same model as one lamp of many: meter within 1 %, 0.1 W; power within 3 %, warmth within 10 %."""
    name = seed_of("luminaire", seed, lamp)

    def between(number: int, spread: float) -> float:
        return spread * (2 * uniform(name, number) - 1)

    return replace(
        model,
        rated_w=round(model.rated_w * (1 + between(1, 0.03)), 3),
        rise_c=round(model.rise_c * (1 + between(2, 0.10)), 2),
        l80_h=round(model.l80_h * (1 + between(3, 0.2))),
        meter_gain=round(1 + between(4, 0.01), 5),
        meter_offset_w=round(between(5, 0.1), 3),
    )
