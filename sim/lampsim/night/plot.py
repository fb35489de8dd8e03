"""Energy against utility: a point for each policy and night, pedestrians on the left and cars on the right."""

from collections.abc import Sequence
from pathlib import Path

from .runs import Row

_SHAPES = "osD^vP*X"  # one for each night


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write the picture to `path` (its ending says which format)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    FigureCanvasAgg(figure)
    policies = list(dict.fromkeys(row.policy for row in rows))
    nights = list(dict.fromkeys(row.night for row in rows))
    for axes, name, title in zip(
        figure.subplots(1, 2, sharey=True), ("u_ped", "u_car"), ("pedestrians", "cars"), strict=True
    ):
        for row in rows:
            colour, shape = f"C{policies.index(row.policy) % 10}", _SHAPES[nights.index(row.night) % len(_SHAPES)]
            label = row.policy if row.night == nights[0] else None
            axes.plot(row.figures.energy_pct, getattr(row.figures, name), shape, color=colour, label=label, alpha=0.8)
        axes.set(title=title, xlabel="energy, % of full all night", ylabel="mean utility", xlim=(0, 105))
        axes.grid(alpha=0.3)
    marks = "  ".join(f"{_SHAPES[i % len(_SHAPES)]} {night}" for i, night in enumerate(nights))
    figure.suptitle(f"Light where people are ({marks})", fontsize=10)
    figure.axes[1].legend(loc="lower right", fontsize=8)
    figure.savefig(path, dpi=120)
