"""A time-space diagram: somebody walks, and the light moves with them.

Across is time, up is the way they went; each band is one lamp, as bright as it was. Light that runs ahead lies above
the white line of the walker (places not reached yet), light behind below it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..palette import light, style
from ..study import KINDS, Night, Study

BESIDE_M = 20.0  # a lamp this near to the way belongs to it
SPAN_S = 300  # of a walk: more would hide the wave
BEFORE_S, AFTER_S = 20, 30
LAMPS_MIN = 4  # fewer show no wave
TRIED_MAX = 300  # people looked at; the longest walk of these is as good as any


@dataclass(frozen=True)
class Walk:
    """One walk: when, how far along (m), and the lamps beside it with their distance along."""

    person: int
    kind: str
    t_s: np.ndarray
    along_m: np.ndarray
    lamps: np.ndarray
    lamp_m: np.ndarray

    @property
    def window(self) -> tuple[int, int]:
        return max(0, int(self.t_s[0]) - BEFORE_S), int(self.t_s[-1]) + AFTER_S


def time_space(study: Study, walk: "Walk | None" = None) -> Any:
    """A panel a policy around the same walk; None where nobody passed enough lamps."""
    walk = walk or find_walk(study)
    if walk is None:
        return None
    begin, end = walk.window[0], min(walk.window[1], study.night.seconds)
    with style() as figure:
        fig = figure(figsize=(9.6, 4.1), layout="constrained")
        panels = fig.subplots(1, len(study.policies), sharey=True, squeeze=False)[0]
        shown = None
        edges_m, edges_s = _edges(walk.lamp_m), np.arange(begin, end + 1)
        for axes, policy in zip(panels, study.policies, strict=True):
            cells = policy.levels_pm[walk.lamps, begin:end] / 10
            shown = axes.pcolormesh(edges_s - walk.t_s[0], edges_m, cells, cmap=light(), vmin=0, vmax=100)
            axes.plot(walk.t_s - walk.t_s[0], walk.along_m, color="#0a1030", lw=4.5, solid_capstyle="round")
            axes.plot(walk.t_s - walk.t_s[0], walk.along_m, color="white", lw=2, solid_capstyle="round")
            axes.set(title=policy.title, xlabel="time (s)", xlim=(begin - walk.t_s[0], end - walk.t_s[0]))
            axes.grid(visible=False)
        at = study.local(study.night.start_s + int(walk.t_s[0]))
        panels[0].set_ylabel(f"way of the {walk.kind} from {at:%H:%M:%S} (m)")
        panels[0].set_ylim(edges_m[0], edges_m[-1])
        fig.colorbar(shown, ax=list(panels), label="level (% of full light)", pad=0.015)
        return fig


def find_walk(study: Study, kind: str = "pedestrian") -> Walk | None:
    """The walk past the most lamps, of somebody when the policies differ most; any kind if nobody walks."""
    night = study.night
    order = [kind, *(k for k in KINDS if k != kind)]
    for wanted in order:
        people = np.unique(night.users.who[night.users.kind == KINDS.index(wanted)])
        if people.size > TRIED_MAX:
            people = people[np.linspace(0, people.size - 1, TRIED_MAX).astype(int)]
        walks = [_walk(study, night, int(person), wanted) for person in people]
        found = [walk for walk in walks if walk is not None]
        if found:
            return max(found, key=lambda walk: (len(walk.lamps) * (0.2 + _contrast(study, walk) ** 2), -walk.person))
    return None


def _contrast(study: Study, walk: Walk) -> float:
    """How far apart the policies light this walk, 0..1."""
    begin, end = walk.window
    means = [policy.levels_pm[walk.lamps, begin:end].mean() for policy in study.policies]
    return float(max(means) - min(means)) / 1000


def _walk(study: Study, night: Night, person: int, kind: str) -> Walk | None:
    rows = np.flatnonzero(night.users.who == person)
    t_s = night.users.t_s[rows]
    rows = rows[t_s < t_s[0] + SPAN_S]
    t_s, x_m, y_m = night.users.t_s[rows], night.users.x_m[rows], night.users.y_m[rows]
    if len(rows) < 20:
        return None
    along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x_m), np.diff(y_m)))])
    apart = np.hypot(study.lamps.x_m[:, None] - x_m, study.lamps.y_m[:, None] - y_m)
    nearest = apart.argmin(axis=1)
    beside = np.flatnonzero(apart[np.arange(len(apart)), nearest] <= BESIDE_M)
    lamps = beside[np.argsort(along[nearest[beside]], kind="stable")]
    lamp_m = along[nearest[lamps]]
    apart_m = np.concatenate([[True], np.diff(lamp_m) > 1.0]) if lamps.size else np.array([], dtype=bool)
    lamps, lamp_m = lamps[apart_m], lamp_m[apart_m]  # two lamps at one place of the way: one band
    if len(lamps) < LAMPS_MIN:
        return None
    return Walk(person, kind, t_s, along, lamps, lamp_m)


def _edges(at_m: np.ndarray) -> np.ndarray:
    """Borders half-way between lamps, and as far beyond the first and the last."""
    middles = (at_m[1:] + at_m[:-1]) / 2
    return np.concatenate([[2 * at_m[0] - middles[0]], middles, [2 * at_m[-1] - middles[-1]]])
