"""What a run of the virtual town leaves behind: each change of each lamp, each detection, latencies, counters, energy.

What it promises
- The level of any post at any millisecond follows from the changes alone: straight fades, as the real Dimmer has.
- `save` and `load` give the same recording back. numpy is imported only here and only when a recording is made.

Arrays of one length belong together: changes (`change_*`, in the order of time) and detections (`seen_*`). Times are
milliseconds from the start of the run, `post` the place in `ids`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

_ARRAYS = {
    "x_m": np.float64,
    "y_m": np.float64,
    "rated_w": np.float64,
    "change_t_ms": np.int64,
    "change_post": np.int32,
    "change_from_pm": np.int16,
    "change_target_pm": np.int16,
    "change_fade_ms": np.int32,
    "change_layer": np.int8,
    "seen_t_ms": np.int64,
    "seen_post": np.int32,
    "seen_class": np.int8,
    "latencies_ms": np.float64,
    "energy_mwh": np.int64,
    "full_h": np.float64,
    "light_left": np.float64,
    "light_kept": np.float64,
}
_PLAIN = ("ids", "streets", "start_utc_s", "duration_ms", "seed", "log_sha256", "planned_pm", "counters", "faults")
_OF_LAMPS = ("energy_mwh", "full_h", "light_left", "light_kept")  # 0 for a lamp that was simulated elsewhere


@dataclass
class Recording:
    """`latencies_ms`: from a sensor's edge to the lamp of a neighbour that acts on it. By post, at the end of the run:
    `energy_mwh` used, hours at full output in its life (`full_h`), the share of its first light that is left, and that
    of the planned light which its full level gives (virtual/ageing.py). A level is the drive of a lamp; `planned_pm` is
    the drive that gives a new lamp's planned light.
    """

    ids: list[str]
    streets: list[str]
    x_m: np.ndarray
    y_m: np.ndarray
    rated_w: np.ndarray
    start_utc_s: int
    duration_ms: int
    seed: str
    log_sha256: str
    change_t_ms: np.ndarray
    change_post: np.ndarray
    change_from_pm: np.ndarray
    change_target_pm: np.ndarray
    change_fade_ms: np.ndarray
    change_layer: np.ndarray
    seen_t_ms: np.ndarray
    seen_post: np.ndarray
    seen_class: np.ndarray
    latencies_ms: np.ndarray
    energy_mwh: np.ndarray
    full_h: np.ndarray
    light_left: np.ndarray
    light_kept: np.ndarray
    planned_pm: int = 1000
    counters: dict[str, int] = field(default_factory=dict)
    faults: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, kind in _ARRAYS.items():
            setattr(self, name, np.asarray(getattr(self, name), dtype=kind))

    def in_order(self) -> Recording:
        """The same with changes and detections by time and post, latencies by length: however it came together."""
        columns: dict[str, Any] = {"latencies_ms": np.sort(self.latencies_ms)}
        for kind in ("change_", "seen_"):
            order = np.lexsort((getattr(self, kind + "post"), getattr(self, kind + "t_ms")))
            columns |= {name: getattr(self, name)[order] for name in _ARRAYS if name.startswith(kind)}
        return replace(self, **columns)

    def index(self, post: str | int) -> int:
        """The place of a post. Raises KeyError."""
        return post if isinstance(post, int) else self._places[post]

    def changes(self, post: str | int) -> np.ndarray:
        """The places of a post's changes in the `change_*` arrays, oldest first."""
        i = self.index(post)
        return self._order[self._starts[i] : self._starts[i + 1]]

    def level_pm(self, post: str | int, t_ms: int) -> int:
        """What the lamp showed at `t_ms`; 0 before its first change."""
        rows = self.changes(post)
        place = int(np.searchsorted(self.change_t_ms[rows], t_ms, side="right")) - 1
        return int(self._levels(rows[place : place + 1], np.array([t_ms]))[0]) if place >= 0 else 0

    def levels_each_second(self, post: str | int) -> np.ndarray:
        """The level at each whole second from 0 on, as int16, one longer than the whole seconds of the run."""
        moments = np.arange(0, self.duration_ms + 1, 1000, dtype=np.int64)
        rows = self.changes(post)
        levels = np.zeros(len(moments), dtype=np.int16)
        if len(rows):
            places = np.searchsorted(self.change_t_ms[rows], moments, side="right") - 1
            known = places >= 0
            levels[known] = self._levels(rows[places[known]], moments[known])
        return levels

    def light_each_second(self, post: str | int) -> np.ndarray:
        """The same as light: per mille of what was planned for its place, by what the lamp has left."""
        return light_pm(self.levels_each_second(post), float(self.light_left[self.index(post)]), self.planned_pm)

    def light_shares(self) -> dict[str, float]:
        """The shares of light left and kept over all lamps: their mean, and the least."""
        return {
            f"{name}_{what}": round(float(of(getattr(self, name))), 4)
            for name in ("light_left", "light_kept")
            for what, of in (("mean", np.mean), ("least", np.min))
        }

    def latency_ms(self, percentile: float) -> float | None:
        """A percentile of the latencies; None where no lamp acted on a neighbour's sensor."""
        return float(np.percentile(self.latencies_ms, percentile)) if len(self.latencies_ms) else None

    def save(self, path: str | Path) -> None:
        """Write a .npz file."""
        plain = json.dumps({name: getattr(self, name) for name in _PLAIN})
        arrays: dict[str, Any] = {name: getattr(self, name) for name in _ARRAYS}
        with open(path, "wb") as file:
            np.savez_compressed(file, plain=np.frombuffer(plain.encode(), dtype=np.uint8), **arrays)

    @classmethod
    def load(cls, path: str | Path) -> Recording:
        """Read what `save` wrote. Raises ValueError on another file, OSError where there is none."""
        try:
            with np.load(path, allow_pickle=False) as file:
                plain = json.loads(bytes(file["plain"]))
                return cls(**plain, **{name: file[name] for name in _ARRAYS})
        except (KeyError, TypeError, EOFError) as error:
            raise ValueError(f"{path}: no recording of lampsim ({error}); give a file that lampsim run wrote") from None

    def _levels(self, rows: np.ndarray, t_ms: np.ndarray) -> np.ndarray:
        """The level of each change in `rows` at each moment in `t_ms`, as Dimmer has it."""
        begin = self.change_from_pm[rows].astype(np.int64)
        way = self.change_target_pm[rows].astype(np.int64) - begin
        fade = np.maximum(self.change_fade_ms[rows], 1).astype(np.int64)
        gone = np.minimum(t_ms - self.change_t_ms[rows], fade)
        gone = np.where(self.change_fade_ms[rows] > 0, gone, fade)
        return begin + np.sign(way) * (np.abs(way) * gone // fade)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {post: i for i, post in enumerate(self.ids)}

    @cached_property
    def _order(self) -> np.ndarray:
        return np.argsort(self.change_post, kind="stable")

    @cached_property
    def _starts(self) -> np.ndarray:
        return np.searchsorted(self.change_post[self._order], np.arange(len(self.ids) + 1))


def light_pm(levels_pm: np.ndarray, left: float, planned_pm: int = 1000) -> np.ndarray:
    """The light of a lamp at these levels, per mille of the planned: it may be more where a post drives it harder than
    its age asks."""
    return np.rint(levels_pm * (left * 1000 / planned_pm)).astype(np.int16)


def join(parts: Sequence[Recording]) -> Recording:
    """One recording of several that hold different posts of the same town through the same time."""
    first, columns = parts[0], {}
    for name in _ARRAYS:
        if name.startswith(("change_", "seen_", "latencies_")):
            columns[name] = np.concatenate([getattr(part, name) for part in parts])
    columns |= {name: np.sum([getattr(part, name) for part in parts], axis=0) for name in _OF_LAMPS}
    counters = {name: sum(part.counters[name] for part in parts) for name in first.counters}
    return replace(first, **columns, counters=counters).in_order()
