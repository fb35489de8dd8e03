"""From lamps, policies and people to a study: every policy through every night, summed as it goes.

Only the first night's levels are kept whole; a further night leaves sums. Deterministic by `seed`.
"""

import datetime
import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from lamppost.light.output import drive_pm, read_table

from ..night.data import Lamps as NightLamps
from ..night.measure import Needs
from ..town.model import Town
from ..traffic.model import Traffic
from . import simulate, year
from .policies import Choice
from .savings import Metered
from .simulate import Result, Window
from .study import KINDS, Lamps, LightLeft, Night, Policy, Utility, energy_wh
from .workers import Report, Task, run_all

People = Callable[[Window, int], Traffic]  # the traffic of a night, from the window's start on


@dataclass
class _Sums:
    levels_pm: np.ndarray | None = None
    energy_wh: float = 0.0
    full_wh: float = 0.0
    utility: list[np.ndarray] = field(default_factory=list)
    kinds: list[np.ndarray] = field(default_factory=list)
    metered_wh: list[np.ndarray] = field(default_factory=list)
    readings: list[np.ndarray] = field(default_factory=list)
    latencies: list[np.ndarray] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    seen: dict[year.Ask, year.Seen] = field(default_factory=lambda: defaultdict(year.Seen))
    hashes: list[str] = field(default_factory=list)


def lamps_of(town: Town, utc_s: int, clo: str = "") -> Lamps:
    """The town's lamps as arrays, as old as at `utc_s`, and driven as a table of constant light output asks."""
    table, age_h = read_table(clo), [lamp.age.hours(utc_s) for lamp in town.lamps]
    sites = town.sites
    lines = {bus.id: number for number, bus in enumerate(town.buses)}
    return Lamps(
        tuple(p.id for p in town.lamps),
        np.array([p.x_m for p in town.lamps]),
        np.array([p.y_m for p in town.lamps]),
        np.array([site.luminaire.rated_mw / 1000 for site in sites]),
        np.array([site.luminaire.standby_mw / 1000 for site in sites]),
        tuple(p.street for p in town.lamps),
        tuple(p.kind for p in town.lamps),
        np.array([1000 * lines[p.bus] + p.address for p in town.lamps]),
        np.array(age_h),
        np.array([drive_pm(table, int(hours)) / 1000 for hours in age_h]),
    )


def simulate_all(
    town: Town, lamps: Lamps, choices: Sequence[Choice], people: People, days: Sequence[datetime.date], seed: int,
    clo: str, report: Report,
) -> tuple[tuple[Night, ...], tuple[Policy, ...], LightLeft]:  # fmt: skip
    """Every policy through the nights that begin on `days`, and what light the lamps had left in the first. Raises
    PlanFileError, TrafficError, ValueError."""
    parts = {c.id: year.follows(c.document, town.lat, town.lon, lamps.ids) for c in choices}
    sums = {c.id: _Sums() for c in choices}
    nights, first = [], None
    for number, day in enumerate(days):
        window = simulate.window(town.lat, town.lon, day)
        traffic = people(window, number)
        night = Night(window.start_s, simulate.users(traffic, window.seconds))
        dark = slice(window.sunset_s - window.start_s, window.sunrise_s - window.start_s)
        nights.append(night)
        needs = Needs(NightLamps(lamps.ids, np.zeros(len(lamps), dtype=int), lamps.x_m, lamps.y_m), night.users)
        name = f"{day:%-d %B}"
        tasks = [
            Task(f"{c.title}, {name}", town, c.document, traffic, window, f"{seed} {number}", clo) for c in choices
        ]
        results = run_all(tasks, lambda step, share, n=number: report(step, (n + share) / len(days)))
        first = first or results[0]
        for choice, result in zip(choices, results, strict=True):
            _add(sums[choice.id], lamps, dark, needs, result)
            year.look(lamps, parts[choice.id], result.levels_pm, window.start_s, sums[choice.id].seen)
    made = [
        _policy(c, sums[c.id], lamps, year.states(lamps, parts[c.id], sums[c.id].seen, days[0].year)) for c in choices
    ]
    assert first is not None
    return tuple(nights), tuple(made), first.light


def from_counters(counter_mwh: np.ndarray) -> np.ndarray:
    """Wh of each interval from energy counters `[lamp, reading]`: one more reading than intervals.

    A reading that is missing between two others costs nothing but its moment: the counter went on, so what was used
    between them is known and spread evenly. Only beyond the first or the last reading an interval is NaN. A counter
    that fell was begun again at 0 by a restart: what it had before is not known, and that interval is NaN too.
    """
    wh = np.full((counter_mwh.shape[0], counter_mwh.shape[1] - 1), np.nan)
    for lamp, row in enumerate(counter_mwh):
        there = np.flatnonzero(np.isfinite(row))
        for a, b in itertools.pairwise(there):
            used = row[b] - row[a]
            if used >= 0:
                wh[lamp, a:b] = used / 1000 / (b - a)
    return wh


def full(lamps: Lamps, levels_pm: np.ndarray, dark: slice) -> np.ndarray:
    """The same lamps full from sunset to sunrise: what 100 % of energy means."""
    levels = np.zeros_like(levels_pm)
    levels[:, dark] = np.rint(1000 * lamps.drive)[:, None]
    return levels


def _add(sums: _Sums, lamps: Lamps, dark: slice, needs: Needs, result: Result) -> None:
    if sums.levels_pm is None:
        sums.levels_pm = result.levels_pm
    sums.energy_wh += float(energy_wh(lamps, result.levels_pm).sum())
    sums.full_wh += float(energy_wh(lamps, full(lamps, result.levels_pm, dark)).sum())
    users = needs.users
    counted = (users.t_s >= dark.start) & (users.t_s < dark.stop)  # before sunset nobody needs a lamp
    sums.utility.append(np.where(counted, needs.utilities(result.light_pm.T), np.nan))
    sums.kinds.append(users.kind)
    sums.metered_wh.append(from_counters(result.counter_mwh))
    sums.readings.append(np.isfinite(result.counter_mwh[:, 1:]))
    sums.latencies.append(result.latencies_ms)
    sums.hashes.append(result.log_sha256)
    for name, count in result.counters.items():
        sums.counters[name] += count


def _policy(choice: Choice, sums: _Sums, lamps: Lamps, states: tuple) -> Policy:
    latencies = np.concatenate(sums.latencies)
    latency = (float(np.percentile(latencies, 50)), float(np.percentile(latencies, 99))) if latencies.size else None
    present = float(np.concatenate(sums.readings, axis=1).mean())
    assert sums.levels_pm is not None
    return Policy(
        choice.id,
        choice.title,
        choice.summary,
        sums.levels_pm,
        sums.energy_wh,
        sums.full_wh,
        _utility(np.concatenate(sums.utility), np.concatenate(sums.kinds)),
        Metered(choice.id, np.concatenate(sums.metered_wh, axis=1), lamps.rated_w, present),
        states,
        latency,
        {"log_sha256": " ".join(sums.hashes), **sums.counters},
    )


def _utility(values: np.ndarray, kinds: np.ndarray) -> dict[str, Utility]:
    found = {}
    for number, kind in enumerate(KINDS):
        mine = values[(kinds == number) & np.isfinite(values)]
        if mine.size:
            found[kind] = Utility(float(mine.mean()), float(np.percentile(mine, 5)), int(mine.size))
    return found
