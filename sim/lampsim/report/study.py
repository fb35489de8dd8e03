"""What a report is made from: lamps, one or more nights of people, and what each policy did in them.

Arrays are numpy; a row of `levels_pm` is a lamp, a column a second of the night. Times are seconds of UTC since
2000-01-01 (as everywhere in Lamplighter), or seconds from the night's start where the name says `t_s`.
"""

import datetime
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np

from ..night.data import Users
from .savings import Metered

EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
KINDS = ("pedestrian", "cyclist", "car")
SWITCHED_ON, PROPORTIONAL = 0.03, 0.97  # of rated power, as lamppost.meter and NIGHT.md have them


@dataclass(frozen=True)
class Lamps:
    """The lamps of the study: `x_m` east and `y_m` north of the middle, `street` the way each belongs to. `drive` is
    that of full level, 0..1: below 1 where constant light output has something in reserve."""

    ids: tuple[str, ...]
    x_m: np.ndarray
    y_m: np.ndarray
    rated_w: np.ndarray
    standby_w: np.ndarray
    streets: tuple[str, ...]
    kinds: tuple[str, ...]  # "street", "park" or "square"
    cable: np.ndarray  # rising along each line, line after line
    age_h: np.ndarray  # hours at full output when the first night begins
    drive: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def power_w(self, level_pm: np.ndarray | float) -> np.ndarray:
        """Electrical power of each lamp driven with 0..1000, `[lamp]` or `[lamp, second]`, as a post meters it.

        Standby always; with the lamp on, 3 % of rated power for the driver and 97 % in proportion to the level.
        """
        level = np.asarray(level_pm, dtype=np.float32) / 1000
        rated, standby = self.rated_w, self.standby_w
        if level.ndim == 2:
            rated, standby = rated[:, None], standby[:, None]
        return standby + rated * np.where(level > 0, SWITCHED_ON + PROPORTIONAL * level, 0.0)

    @property
    def full_w(self) -> float:
        """All lamps at full level."""
        return float(self.power_w(1000.0 * self.drive).sum())

    @property
    def order(self) -> np.ndarray:
        """Indexes so that neighbours on the cable lie together: the rows of a heat map."""
        return np.argsort(self.cable, kind="stable")

    def spacing_m(self) -> dict[str, float]:
        """The usual distance to the next lamp, by kind: the median over its lamps."""
        xy = np.column_stack([self.x_m, self.y_m])
        found = {}
        for kind in dict.fromkeys(self.kinds):
            mine = [i for i, k in enumerate(self.kinds) if k == kind]
            gaps = [_nearest_m(xy, i) for i in mine]
            found[kind] = float(np.median(gaps))
        return found


@dataclass(frozen=True)
class Night:
    """One lighting night that was simulated: it begins at `start_s`; `users` has its people, a row a second each."""

    start_s: int
    users: Users

    @property
    def seconds(self) -> int:
        return self.users.seconds


@dataclass(frozen=True)
class Utility:
    """Light that people had of the light they needed, 0..1 (NIGHT.md): mean and 5th percentile over user-seconds."""

    mean: float
    p5: float
    seconds: int  # user-seconds counted


@dataclass(frozen=True)
class LightLeft:
    """Shares by lamp: of its first light what is `left`, and of the planned light what full level gives (`kept`), which
    is the same but for constant light output."""

    left: np.ndarray
    kept: np.ndarray


@dataclass(frozen=True)
class Policy:
    """A lighting policy and what it did in all the nights. `levels_pm` is of the first night, whole."""

    id: str
    title: str
    summary: str
    levels_pm: np.ndarray  # lamps x seconds, 0..1000: how strongly they were driven
    energy_wh: float  # of all nights, by Lamps.power_w
    full_wh: float  # of the same lamps on all the same night, all nights
    utility: dict[str, Utility]  # by kind of user
    metered: Metered  # the posts' own readings, lamps x hours, all nights
    year: tuple["YearState", ...] = ()
    latency_ms: tuple[float, float] | None = None  # p50, p99: from a sensor to the neighbour's lamp
    facts: dict[str, float | str] = field(default_factory=dict)  # counters of the runs, and the hash of their logs

    @property
    def energy_pct(self) -> float:
        return 100 * self.energy_wh / self.full_wh


@dataclass(frozen=True)
class YearState:
    """An operating state over a year: hours as the mean over the lamps, energy of all lamps."""

    name: str
    hours: float
    energy_wh: float


@dataclass(frozen=True)
class Study:
    """Everything a report tells."""

    place: str
    source: str  # what the lamps came from
    lat: float
    lon: float
    zone: str
    lamps: Lamps
    nights: tuple[Night, ...]
    policies: tuple[Policy, ...]
    people: str  # where the people come from, in words
    lit_lux: dict[str, float]  # assumed maintained illuminance at full output, by kind of lamp
    lamp_m2: dict[str, float]  # assumed lit area of one lamp, by kind
    light: LightLeft
    assumptions: tuple[str, ...] = ()

    @property
    def night(self) -> Night:
        return self.nights[0]

    @property
    def baseline(self) -> Policy:
        return self.policies[0]

    def local(self, utc_s: float) -> datetime.datetime:
        return (EPOCH + datetime.timedelta(seconds=utc_s)).astimezone(self.tz)

    @property
    def tz(self) -> datetime.tzinfo:
        return ZoneInfo(self.zone)

    def hour_marks(self, step_h: int = 1) -> list[tuple[int, str]]:
        """(t_s, "HH:00") for each whole local hour of the first night, each `step_h`-th of the day."""
        marks = []
        for t_s in range(-self.night.start_s % 900, self.night.seconds + 1, 900):
            at = self.local(self.night.start_s + t_s)
            if at.minute == 0 and at.hour % step_h == 0:
                marks.append((t_s, f"{at:%H:%M}"))
        return marks


def energy_wh(lamps: Lamps, levels_pm: np.ndarray) -> np.ndarray:
    """What each lamp used at levels a second each."""
    used = np.zeros(len(lamps))
    for begin in range(0, levels_pm.shape[1], 3600):  # an hour at once: a night of a town is a gigabyte of watts
        used += lamps.power_w(levels_pm[:, begin : begin + 3600]).sum(axis=1)
    return used / 3600


def binned(values: np.ndarray, seconds: int) -> np.ndarray:
    """Means over `seconds` along the last axis; what is left over at the end is a bin of its own."""
    edges = np.arange(0, values.shape[-1], seconds)
    sums = np.add.reduceat(values, edges, axis=-1, dtype=float)
    return sums / np.diff(np.append(edges, values.shape[-1]))


def _nearest_m(xy: np.ndarray, i: int) -> float:
    gaps = np.hypot(*(xy - xy[i]).T)
    gaps[i] = np.inf
    there = gaps[gaps > 0.5]  # two lamps on one pole are one place
    return float(there.min()) if there.size and np.isfinite(there.min()) else 30.0
