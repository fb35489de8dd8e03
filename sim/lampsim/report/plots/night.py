"""The first night over local time: the mean level of all lamps, and every lamp's level as a heat map."""

from typing import Any

import numpy as np

from ..palette import LINES, POLICY, QUIET, light, style
from ..study import Study, binned

STEP_S = 300  # of the mean and of the count of people
CELL_S = 60  # of the heat map: finer than the picture can show
ROWS_MAX = 400  # lamps a heat map shows; more would be thinner than a dot


def mean_level(study: Study) -> Any:
    """Mean level of all lamps by policy; below, how many people were about."""
    with style() as figure:
        fig = figure(figsize=(9.6, 4.4), layout="constrained")
        top, below = fig.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        for i, policy in enumerate(study.policies):
            percent = binned(policy.levels_pm.mean(axis=0), STEP_S) / 10
            colour, line = POLICY[i % len(POLICY)], LINES[i % len(LINES)]
            edges = _edges(study)
            top.stairs(percent, edges, baseline=None, color=colour, ls=line, lw=2, label=policy.title)
        top.set(ylabel="mean level (%)", ylim=(-3, 105), title="All lamps together")
        top.legend(loc="lower left", bbox_to_anchor=(0.25, 1.0), ncols=len(study.policies), columnspacing=1.4)
        count = _people(study)
        below.stairs(count, _edges(study), fill=True, color=QUIET, alpha=0.45, lw=0)
        below.set(ylabel="people\npresent", ylim=(0, max(1.0, 1.15 * count.max())), xlabel=_time_label(study))
        _time_axis(below, study)
        return fig


def heat_maps(study: Study) -> Any:
    """A panel a policy: a row for each lamp (in the order of the cable), a column for each minute."""
    policies = study.policies
    rows = study.lamps.order
    if len(rows) > ROWS_MAX:
        rows = rows[np.linspace(0, len(rows) - 1, ROWS_MAX).astype(int)]
    with style() as figure:
        fig = figure(figsize=(9.6, 0.8 + 1.95 * len(policies)), layout="constrained")
        panels = fig.subplots(len(policies), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        shown = None
        for axes, policy in zip(panels, policies, strict=True):
            cells = binned(policy.levels_pm[rows], CELL_S) / 10
            extent = (0, study.night.seconds, len(rows), 0)
            shown = axes.imshow(
                cells, cmap=light(), vmin=0, vmax=100, aspect="auto", extent=extent, interpolation="nearest"
            )
            axes.set(title=policy.title, ylabel="lamp")
            axes.grid(visible=False)
        _time_axis(panels[-1], study)
        panels[-1].set_xlabel(_time_label(study))
        fig.colorbar(shown, ax=list(panels), label="level (% of full light)", shrink=0.8, pad=0.015)
        return fig


def _people(study: Study) -> np.ndarray:
    seconds = np.bincount(study.night.users.t_s, minlength=study.night.seconds)[: study.night.seconds]
    return binned(seconds, STEP_S)


def _edges(study: Study) -> np.ndarray:
    return np.append(np.arange(0, study.night.seconds, STEP_S), study.night.seconds)


def _time_axis(axes: Any, study: Study) -> None:
    marks = study.hour_marks(1 if study.night.seconds <= 14 * 3600 else 2)
    axes.set_xticks([t for t, _ in marks], [text for _, text in marks])
    axes.set_xlim(0, study.night.seconds)


def _time_label(study: Study) -> str:
    first, last = (study.local(study.night.start_s + t) for t in (0, study.night.seconds))
    return f"local time ({study.zone}), night of {first:%-d %B} to {last:%-d %B %Y}"
