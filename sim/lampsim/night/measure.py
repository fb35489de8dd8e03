"""Energy and utility of a night, from the levels of its lamps second by second.

Power of a lamp as a share of rated: 0.0125 + (0.03 + 0.97 level while level > 0); energy in % of all lamps full all
night. The utility of a user-second is sum(min(level, req)) / sum(req) over the lamps that must light it; a
user-second that no lamp need light is not counted. Required: for a pedestrian (and a cyclist) full within 15 m, 60 %
within 30 m, 30 % within 60 m; for a car full from 5 m behind to 63.4 m ahead (stopping sight distance at 50 km/h)
and within 12 m sideways.
"""

from dataclasses import dataclass

import numpy as np

from .data import CAR, Lamps, Users
from .ideal import along, chunks

STANDBY, SWITCHED_ON, PROPORTIONAL = 0.0125, 0.03, 0.97
FULL = STANDBY + SWITCHED_ON + PROPORTIONAL
_DARK, _FULL = np.uint16(0), np.uint16(1000)
_WALK_PM = [_FULL, np.uint16(600), np.uint16(300)]
_NOBODY = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint16))


@dataclass(frozen=True)
class Figures:
    """What a policy cost and gave; utilities are nan where nobody of that kind was about."""

    energy_pct: float
    u_ped: float
    u_car: float
    u_ped_p5: float
    u_car_p5: float

    def as_json(self) -> dict[str, float | None]:
        """Rounded to what the input bears; None for nan, which JSON has not."""
        return {name: None if np.isnan(value) else round(float(value), 4) for name, value in vars(self).items()}


class Needs:
    """Which level each user-second requires of which lamp: worked out once for a night, for all policies."""

    def __init__(self, lamps: Lamps, users: Users) -> None:
        self.users = users
        parts = [_pairs(users, rows, dx, dy) for rows, dx, dy in chunks(users, lamps)]
        row, lamp, req_pm = (np.concatenate(column) for column in zip(*parts, strict=True)) if parts else _NOBODY
        self.row, self.lamp, self.req_pm = row, lamp, req_pm
        self._asked = np.bincount(row, req_pm, len(users))

    def utilities(self, levels: np.ndarray) -> np.ndarray:
        """The utility of every user-second; nan where no lamp is required."""
        given = np.minimum(levels[self.users.t_s[self.row], self.lamp], self.req_pm)
        with np.errstate(invalid="ignore"):
            return np.bincount(self.row, given, len(self.users)) / np.where(self._asked > 0, self._asked, np.nan)

    def figures(self, levels: np.ndarray) -> Figures:
        return summed(energy_pct(levels), self.utilities(levels), self.users)


def summed(energy: float, utility: np.ndarray, users: Users) -> Figures:
    """The figures of a night whose user-seconds have these utilities (nan: not counted)."""
    known = ~np.isnan(utility)
    ped, car = utility[known & (users.kind != CAR)], utility[known & (users.kind == CAR)]
    return Figures(energy, _mean(ped), _mean(car), _low(ped), _low(car))


def energy_pct(levels: np.ndarray) -> float:
    """Of all lamps full all night."""
    mean_pm = levels.mean(dtype=np.float64)
    on = np.count_nonzero(levels) / levels.size
    return 100 * (STANDBY + SWITCHED_ON * on + PROPORTIONAL * mean_pm / 1000) / FULL


def required_pm(kind: np.ndarray, heading_deg: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """The level each user (rows) requires of each lamp (columns), per mille."""
    far2 = dx * dx + dy * dy
    required = np.select([far2 <= 15.0**2, far2 <= 30.0**2, far2 <= 60.0**2], _WALK_PM, _DARK)
    cars = np.nonzero(kind == CAR)[0]
    on, side = along(heading_deg[cars], dx[cars], dy[cars])
    required[cars] = np.where((on >= -5) & (on <= 63.4) & (np.abs(side) <= 12), _FULL, _DARK)
    return required


def _pairs(users: Users, rows: slice, dx: np.ndarray, dy: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(row, lamp, required level) of every pair with a requirement."""
    required = required_pm(users.kind[rows], users.heading_deg[rows], dx, dy)
    user, lamp = np.nonzero(required)
    return user + rows.start, lamp, required[user, lamp]


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _low(values: np.ndarray) -> float:
    return float(np.percentile(values, 5)) if len(values) else float("nan")
