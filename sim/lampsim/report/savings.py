"""Verified savings: what was metered against a named baseline, with completeness and uncertainty.

In the manner of IPMVP, Option B (all parameters measured, whole reporting period): saving = baseline - reporting period
over the same lamps and the same hours. The rules kept here:

- A reading that is missing is not counted as zero. It is filled with the mean of the readings that arrived for the
  same hours, per rated watt, and adds their spread to the uncertainty. The share of readings present is told.
- Metering errors are propagated (GUM, ISO/IEC Guide 98-3): a meter's own error stays with it for all its readings, and
  differs from meter to meter, so it falls with the number of lamps; the error all meters share does not fall at all.
- A saving is `verified` where at least 90 % of the readings are present and it exceeds twice its standard uncertainty.
"""

import math
from dataclasses import dataclass

import numpy as np

COMPLETE = 0.90  # less, and the filled part could hide a whole bad hour of every night
COVERAGE = 2.0  # k: about 95 % for a sum of many small errors


@dataclass(frozen=True)
class MeterError:
    """Standard uncertainties of an energy meter, as shares: `own` differs from meter to meter, `shared` is common."""

    own: float = 0.01  # a driver's own metering: class 1
    shared: float = 0.005  # one calibration for all

    def __post_init__(self) -> None:
        if not (0 <= self.own < 1 and 0 <= self.shared < 1):
            raise ValueError(f"meter errors {self.own}, {self.shared} are shares from 0 to below 1")


@dataclass(frozen=True)
class Metered:
    """Energy by readings: `wh[lamp, interval]`, NaN where it is not known; `rated_w` of each lamp.

    `present`: the share of readings that arrived, where it is not the share of intervals that are known (a counter
    that goes on tells what was used over a reading that is missing).
    """

    name: str
    wh: np.ndarray
    rated_w: np.ndarray
    present: float | None = None

    def __post_init__(self) -> None:
        if self.wh.ndim != 2 or self.rated_w.shape != self.wh.shape[:1] or not self.wh.size:
            raise ValueError(f"{self.name}: readings are a table of lamps by intervals, with one rated power a lamp")
        if not np.isfinite(self.wh).any():
            raise ValueError(f"{self.name}: not one reading; nothing can be verified")

    @property
    def completeness(self) -> float:
        """Share of the expected readings that are there, 0..1."""
        return float(np.isfinite(self.wh).mean()) if self.present is None else self.present


@dataclass(frozen=True)
class Energy:
    """The Wh of each lamp, missing readings filled; how much was filled, and the standard uncertainty of that."""

    lamps_wh: np.ndarray
    filled_wh: float
    fill_u_wh: float

    @property
    def wh(self) -> float:
        return float(self.lamps_wh.sum())


@dataclass(frozen=True)
class Saving:
    """`saving_wh` with standard uncertainty `u_wh`; both also as shares of the baseline."""

    baseline: str
    name: str
    baseline_wh: float
    reported_wh: float
    saving_wh: float
    u_wh: float
    completeness: float
    filled_wh: float

    @property
    def share(self) -> float:
        return self.saving_wh / self.baseline_wh if self.baseline_wh else 0.0

    @property
    def expanded_share(self) -> float:
        """Half of the interval that holds the saving in about 95 of 100 cases, as a share of the baseline."""
        return COVERAGE * self.u_wh / self.baseline_wh if self.baseline_wh else 0.0

    @property
    def verified(self) -> bool:
        return self.completeness >= COMPLETE and self.saving_wh > COVERAGE * self.u_wh

    @property
    def verdict(self) -> str:
        if self.completeness < COMPLETE:
            return f"not verified: {self.completeness:.0%} of the readings are present, {COMPLETE:.0%} are needed"
        return "verified" if self.verified else "not verified: no larger than twice its uncertainty"


def total(metered: Metered) -> Energy:
    """The energy of every lamp over all intervals."""
    there = np.isfinite(metered.wh)
    mean, spread = _per_watt(metered, there)
    rated = metered.rated_w[:, None]
    filled = np.where(there, 0.0, mean * rated)
    fill_u = np.where(there, 0.0, spread * rated)
    lamps = np.where(there, metered.wh, filled).sum(axis=1)
    return Energy(lamps, float(filled.sum()), float(np.sqrt((fill_u**2).sum())))


def verify(baseline: Metered, reported: Metered, error: MeterError | None = None) -> Saving:
    """The saving of `reported` against `baseline`: same lamps, same hours, the same meters in both.

    The same meters measured both, so a meter's own error acts on the difference of its two energies, not on their sum.
    """
    error = error or MeterError()
    if baseline.wh.shape != reported.wh.shape or not np.array_equal(baseline.rated_w, reported.rated_w):
        raise ValueError(f"{reported.name}: not the lamps and hours of the baseline {baseline.name}")
    before, after = total(baseline), total(reported)
    each = before.lamps_wh - after.lamps_wh
    saving = float(each.sum())
    own, shared = error.own * float(np.sqrt((each**2).sum())), error.shared * saving
    return Saving(
        baseline=baseline.name,
        name=reported.name,
        baseline_wh=before.wh,
        reported_wh=after.wh,
        saving_wh=saving,
        u_wh=math.hypot(own, shared, before.fill_u_wh, after.fill_u_wh),
        completeness=min(baseline.completeness, reported.completeness),
        filled_wh=before.filled_wh + after.filled_wh,
    )


def _per_watt(metered: Metered, there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread of Wh per rated watt in each interval, over the lamps with a reading; else over all intervals."""
    rated = np.where(metered.rated_w > 0, metered.rated_w, 1.0)[:, None]
    ratio = np.where(there, metered.wh, 0.0) / rated
    count = there.sum(axis=0)
    some = np.maximum(count, 1)
    mean = ratio.sum(axis=0) / some
    spread = np.sqrt((np.where(there, (ratio - mean) ** 2, 0.0)).sum(axis=0) / some)
    everywhere = ratio[there]
    return np.where(count > 0, mean, everywhere.mean()), np.where(count > 0, spread, everywhere.std())
