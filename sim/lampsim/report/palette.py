"""Colours and type of the report's pictures.

Light is shown on one scale whose brightness rises steadily from night blue to warm white, so it reads without colour.
Policies take the colours of Okabe and Ito (2008), which people with colour-blindness tell apart; each also has a mark
and a line style of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LIGHT = ("#0a1030", "#1d2254", "#432e63", "#7a3f5f", "#b85c45", "#e38b2f", "#f7bf55", "#ffe9a8", "#fffbea")
POLICY = ("#5b6770", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9")
MARKS = ("s", "o", "D", "^", "v", "P")
LINES = ("-", (0, (5, 2)), "-", (0, (1, 1.4)), (0, (4, 1.5, 1, 1.5)), "-")
USER = {"pedestrian": "#56b4e9", "cyclist": "#009e73", "car": "#cc79a7"}  # on night blue as on white
NIGHT, INK, QUIET, GRID = "#0a1030", "#1f2933", "#616e7c", "#e4e7eb"


def light() -> Any:
    """The scale of light levels, 0..1, for matplotlib."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("lamplight", LIGHT)


def light_rgb(steps: int) -> list[tuple[int, int, int]]:
    """The same scale as `steps` colours of 0..255."""
    scale = light()
    return [tuple(round(255 * c) for c in scale(i / (steps - 1))[:3]) for i in range(steps)]  # pyright: ignore


@contextmanager
def style() -> Iterator[Any]:
    """pyplot without a window, in the report's type; figures made within are closed at the end."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(rc=_RC):
        yield Figure


_RC: Any = {
    "font.family": "DejaVu Sans",  # it comes with matplotlib: the same picture on every machine
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#9aa5b1",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}
