"""A map of the lamps, drawn from their coordinates alone: no tiles, no outside request."""

from typing import Any

import numpy as np

from ..palette import INK, NIGHT, style
from ..study import Study

KIND_LOOK = {"street": ("#ffe9a8", "o"), "park": ("#56b4e9", "D"), "square": ("#cc79a7", "s")}
SIDE_IN = 7.4  # the longer side of the picture


def lamp_map(study: Study) -> Any:
    """North up, metres, a scale bar; a mark is a lamp, larger with its rated power."""
    lamps = study.lamps
    width_m, height_m = max(np.ptp(lamps.x_m), 60.0), max(np.ptp(lamps.y_m), 60.0)
    scale = SIDE_IN / max(width_m, height_m)
    size = (max(4.2, width_m * scale) + 0.4, max(2.6, height_m * scale) + 0.4)
    with style() as figure:
        fig = figure(figsize=size, facecolor=NIGHT, layout="constrained")
        axes = fig.subplots()
        axes.set_facecolor(NIGHT)
        _traces(axes, study)
        for kind in dict.fromkeys(lamps.kinds):
            mine = np.array([k == kind for k in lamps.kinds])
            colour, mark = KIND_LOOK.get(kind, KIND_LOOK["street"])
            dot = np.clip(9000 / max(len(lamps), 60), 5, 42) * np.sqrt(lamps.rated_w[mine] / 80)
            label = f"{kind} lamps: {mine.sum()}"
            x, y = lamps.x_m[mine], lamps.y_m[mine]
            axes.scatter(x, y, s=dot * 6, c=colour, alpha=0.10, lw=0)
            axes.scatter(x, y, s=dot, c=colour, marker=mark, label=label, lw=0)
        _frame(axes, lamps.x_m, lamps.y_m)
        return fig


def _traces(axes: Any, study: Study) -> None:
    """Where people went, faintly: the ways of the place."""
    users = study.night.users
    step = max(1, len(users) // 20_000)
    axes.scatter(users.x_m[::step], users.y_m[::step], s=1.2, c="#8a94b8", alpha=0.35, lw=0)


def _frame(axes: Any, x_m: np.ndarray, y_m: np.ndarray) -> None:
    margin = 0.06 * max(np.ptp(x_m), np.ptp(y_m), 60.0)
    left, right = x_m.min() - margin, x_m.max() + margin
    low, high = y_m.min() - 2.2 * margin, y_m.max() + margin
    axes.set(xlim=(left, right), ylim=(low, high), aspect="equal")
    axes.set_axis_off()
    bar_m = _round_length(0.25 * (right - left))
    at = (left + 0.5 * margin, low + 0.7 * margin)
    axes.plot([at[0], at[0] + bar_m], [at[1]] * 2, color="white", lw=2.5, solid_capstyle="butt")
    axes.text(at[0] + bar_m / 2, at[1] + 0.25 * margin, f"{bar_m:g} m", color="white", ha="center", va="bottom")
    axes.annotate(
        "N",
        xy=(0.975, 0.985),
        xytext=(0.975, 0.90),
        xycoords="axes fraction",
        color="white",
        ha="center",
        va="top",
        arrowprops={"arrowstyle": "-|>", "color": "white"},
    )
    legend = axes.legend(loc="lower right", labelcolor="white", facecolor=NIGHT, frameon=True, edgecolor=INK)
    legend.set_zorder(10)


def _round_length(wanted_m: float) -> float:
    for step in (1000, 500, 200, 100, 50, 20):
        if step <= wanted_m:
            return step
    return 10
