"""One policy through one night: the real posts, line, gateway and sensors in virtual time, and what they metered.

The town is switched on half an hour before the night and runs on for half an hour after it, so that the posts have
their time and plan before anything counts, and their last readings have come in.
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lamplighter.plans.document import Document
from lamppost.light import sun
from lamppost.wire import messages

from ..night.data import Users
from ..recording import light_pm
from ..town.model import Town
from ..traffic.model import KINDS, Traffic, User
from ..virtual.world import Options, World
from .study import EPOCH, LightLeft

SLOT_S = 900  # of readings: the posts' usual reading period
WARM_S = 1800  # to be online, with time and plan: some hundred frames a line
MARGIN_S = 600  # of daylight at both ends of a night, so that the switching is seen

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Window:
    """From `start_s` (UTC since 2000), `seconds` long, both whole readings; sun below the horizon in between."""

    start_s: int
    seconds: int
    sunset_s: int
    sunrise_s: int


@dataclass(frozen=True)
class Result:
    """What one night left: levels by lamp and second, energy counters by lamp and reading, latencies. A level is the
    drive of a lamp; `light_pm` is the light it gave for it."""

    levels_pm: np.ndarray
    counter_mwh: np.ndarray  # lamps x (readings + 1), NaN where the reading did not arrive
    latencies_ms: np.ndarray
    counters: dict[str, int]
    log_sha256: str
    light: LightLeft
    planned_pm: int = 1000

    @property
    def light_pm(self) -> np.ndarray:
        """Of the light that was planned, by lamp and second."""
        light = np.empty_like(self.levels_pm)
        for i, left in enumerate(self.light.left):
            light[i] = light_pm(self.levels_pm[i], left, self.planned_pm)
        return light


def window(lat: float, lon: float, day: datetime.date) -> Window:
    """The night that begins on `day`. Raises ValueError where the sun does not set; polar night is all day."""
    number = (day - EPOCH.date()).days
    place = round(lat * 1e6), round(lon * 1e6)
    sunset, sunrise = sun.times(number, *place)[2], sun.times(number + 1, *place)[1]
    if sunset is None or sunrise is None:
        if sun.above(number, *place, False):
            raise ValueError(f"the sun does not set on {day} at {lat:.2f}, {lon:.2f}; choose another --date")
        noon = number * 86400 + round(43200 - lon * 240)
        sunset, sunrise = noon, noon + 86400 - 2 * MARGIN_S
    start = (sunset - MARGIN_S) // SLOT_S * SLOT_S
    end = -(-(sunrise + MARGIN_S) // SLOT_S) * SLOT_S
    return Window(start, end - start, sunset, sunrise)


def run(
    town: Town, document: Document, traffic: Traffic, night: Window, seed: str, progress: Progress | None = None,
    clo: str = "",
) -> Result:  # fmt: skip
    """Simulate. `traffic` begins at the window's start; `clo` is the posts' table of constant light output."""
    options = Options(reading_s=SLOT_S, cycle_s=SLOT_S, progress=progress, clo=clo)
    world = World(town, document, Later(traffic, WARM_S), (), seed, night.start_s - WARM_S, options)
    readings = _tap(world)
    world.run_s(WARM_S + night.seconds + 2 * SLOT_S)
    recording = world.recording()
    begin = WARM_S
    levels = np.empty((len(town.lamps), night.seconds), dtype=np.int16)
    for i in range(len(town.lamps)):
        levels[i] = recording.levels_each_second(i)[begin : begin + night.seconds]
    counter = _counters(town, readings, night)
    return Result(
        levels, counter, np.asarray(recording.latencies_ms), recording.counters, recording.log_sha256,
        LightLeft(recording.light_left, recording.light_kept), recording.planned_pm,
    )  # fmt: skip


def users(traffic: Traffic, seconds: int) -> Users:
    """Everybody in every second, as the night benchmark holds them."""
    numbers: dict[str, int] = {}
    rows: list[tuple] = []
    t_s = traffic.next_busy(0)
    while t_s is not None and t_s < seconds:
        for user in traffic.users(t_s):
            who = numbers.setdefault(user.id, len(numbers))
            rows.append((t_s, who, KINDS.index(user.kind), user.x_m, user.y_m, user.speed_mps, user.heading_deg))
        t_s = traffic.next_busy(t_s + 1)
    table = np.array(rows, dtype=float).reshape(-1, 7)
    whole = [table[:, i].astype(np.int64) for i in range(3)]
    return Users(*whole, *(np.ascontiguousarray(table[:, i]) for i in range(3, 7)), seconds=seconds)


class Later:
    """Another traffic, begun `by_s` seconds later (negative: its first seconds are over already)."""

    def __init__(self, whole: Traffic, by_s: int) -> None:
        self.whole, self.by_s, self.kinds = whole, by_s, whole.kinds
        self.duration_s = max(0, whole.duration_s + by_s)

    def users(self, t_s: int) -> "list[User]":
        return list(self.whole.users(t_s - self.by_s)) if t_s >= self.by_s else []

    def next_busy(self, t_s: int) -> int | None:
        found = self.whole.next_busy(max(0, t_s - self.by_s))
        return None if found is None else found + self.by_s


def _tap(world: World) -> list[tuple[str, int, int]]:
    """(post, utc_s, mWh) of each reading as the centre takes it, from now on."""
    readings: list[tuple[str, int, int]] = []
    upsert = world.centre.upsert

    def told(gateway: str, epoch: str, seq: int, post: str, item_epoch: int, item: tuple) -> None:
        if item[1] == messages.READING and item[2]:
            readings.append((post, item[2], item[5]))
        upsert(gateway, epoch, seq, post, item_epoch, item)

    world.centre.upsert = told
    return readings


def _counters(town: Town, readings: list[tuple[str, int, int]], night: Window) -> np.ndarray:
    counter = np.full((len(town.lamps), night.seconds // SLOT_S + 1), np.nan)
    for post, utc_s, mwh in readings:
        slot = round((utc_s - night.start_s) / SLOT_S)
        if 0 <= slot < counter.shape[1] and abs(utc_s - night.start_s - slot * SLOT_S) <= SLOT_S // 10:
            counter[town.index(post), slot] = mwh
    return counter
