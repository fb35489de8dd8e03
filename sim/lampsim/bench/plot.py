"""The benchmark as a picture: how long an event takes, for each scheme, at each speed of the line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .measure import Row


class PlotError(Exception):
    """The picture cannot be made; says what to do."""


def save(rows: Sequence[Row], path: Path) -> None:
    """Medians as bars and 99th percentiles as marks, on a logarithmic axis, one panel for each number of posts and
    turn-around. Raises PlotError."""
    plt = pyplot()
    panels = list(dict.fromkeys((row.setup.posts, row.setup.turn_us) for row in rows))
    figure, all_axes = plt.subplots(len(panels), 1, figsize=(10, 4 * len(panels)), squeeze=False)
    for (posts, turn_us), axes in zip(panels, all_axes[:, 0], strict=True):
        mine = [row for row in rows if (row.setup.posts, row.setup.turn_us) == (posts, turn_us)]
        _panel(axes, mine)
        axes.set_title(f"{posts} posts, turn-around {turn_us / 1000:g} ms")
    figure.suptitle("From a sensor's edge to the gateway: bars p50, marks p99; dots: a burst of neighbours p99")
    write(figure, path)


def pyplot():
    """matplotlib without a screen. Raises PlotError."""
    try:
        import matplotlib as mpl

        mpl.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        raise PlotError("a plot needs matplotlib: install the extra `report` (./deploy/setup dev)") from None
    return plt


def write(figure, path: Path) -> None:
    """To a file whose ending says the format. Raises PlotError."""
    figure.tight_layout()
    try:
        figure.savefig(path, dpi=120)
    except (OSError, ValueError) as error:
        raise PlotError(f"{path}: {error}") from None
    finally:
        pyplot().close(figure)


def _panel(axes, rows: Sequence[Row]) -> None:
    bauds = list(dict.fromkeys(row.setup.baud for row in rows))
    schemes = list(dict.fromkeys(row.scheme for row in rows))
    width = 0.8 / len(bauds)
    for i, baud in enumerate(bauds):
        mine = {row.scheme: row for row in rows if row.setup.baud == baud}
        places = [schemes.index(name) + (i - (len(bauds) - 1) / 2) * width for name in mine]
        bars = axes.bar(places, [row.gateway_ms[0] for row in mine.values()], width * 0.9, label=f"{baud} baud")
        colour = bars.patches[0].get_facecolor()
        axes.scatter(places, [row.gateway_ms[1] for row in mine.values()], marker="_", s=200, color=colour)
        largest = max((size for row in rows for size, kind in row.bursts if kind == "neighbours"), default=0)
        told = [(p, row.bursts[largest, "neighbours"][1]) for p, row in zip(places, mine.values(), strict=True)
                if (largest, "neighbours") in row.bursts]  # fmt: skip
        axes.scatter([p for p, _ in told], [ms for _, ms in told], marker=".", color="black", zorder=3)
    axes.set_yscale("log")
    axes.set_ylabel("ms")
    axes.set_xticks(range(len(schemes)), schemes, rotation=20)
    axes.grid(axis="y", which="both", alpha=0.3)
    axes.legend()
