"""Energy performance indicators of EN 13201-5:2015, as pure functions.

D_P, the power density indicator (PDI): system power over the sum of illuminance times area, in W/(lx m2).
D_E, the annual energy consumption indicator (AECI): the sum over the operating states of power times hours in a year,
over the lit area, in Wh/(m2 a). Both count everything the installation draws: lamps, drivers, sensors and control; D_E
counts the hours with the lamp off too, because the control gear stands by then.
"""

from collections.abc import Sequence
from dataclasses import dataclass

HOURS_A_YEAR = 8760.0  # a common year; D_E describes no particular one


@dataclass(frozen=True)
class Area:
    """A sub-area that is lit: maintained average horizontal illuminance in lux, surface in m2."""

    name: str
    lux: float
    area_m2: float

    def __post_init__(self) -> None:
        if not self.lux > 0 or not self.area_m2 > 0:
            raise ValueError(f"{self.name}: illuminance {self.lux} lx and area {self.area_m2} m2 must be above 0")


@dataclass(frozen=True)
class State:
    """One operating state of the whole installation: its power in W, and the hours of a year it lasts."""

    name: str
    power_w: float
    hours: float

    def __post_init__(self) -> None:
        if self.power_w < 0 or not 0 <= self.hours <= HOURS_A_YEAR + 24:  # a leap year
            raise ValueError(f"{self.name}: {self.power_w} W for {self.hours} h is no state of a year")

    @property
    def energy_wh(self) -> float:
        return self.power_w * self.hours


def power_density(power_w: float, areas: Sequence[Area]) -> float:
    """D_P = P / sum(E_i A_i) in W/(lx m2); P is the system power while the areas are lit so. (EN 13201-5, 4.2)"""
    if not areas:
        raise ValueError("no lit area: D_P wants at least one")
    return power_w / sum(area.lux * area.area_m2 for area in areas)


def annual_consumption(states: Sequence[State], area_m2: float) -> float:
    """D_E = sum(P_j t_j) / A in Wh/(m2 a). (EN 13201-5, 5.2)

    The states of a whole year must be given, standby included: their hours add up to a year, or it is a ValueError.
    """
    if not area_m2 > 0:
        raise ValueError(f"area {area_m2} m2 must be above 0")
    hours = sum(state.hours for state in states)
    if not HOURS_A_YEAR - 1 <= hours <= HOURS_A_YEAR + 25:
        raise ValueError(f"the states last {hours:.1f} h; give all {HOURS_A_YEAR:.0f} of a year, standby included")
    return sum(state.energy_wh for state in states) / area_m2
