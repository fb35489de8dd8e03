"""The rows on a terminal."""

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from .runs import Row

_COLUMNS = (
    ("energy %", "energy_pct", 1),
    ("u ped", "u_ped", 3),
    ("u car", "u_car", 3),
    ("p5 ped", "u_ped_p5", 2),
    ("p5 car", "u_car_p5", 2),
)


def show(rows: Sequence[Row], console: Console | None = None) -> None:
    """For each night a table of its policies, and one of what more is known of some of them; 80 columns are enough."""
    console = console or Console()
    for night in dict.fromkeys(row.night for row in rows):
        there = [row for row in rows if row.night == night]
        console.print(_figures(there))
        more = [row for row in there if row.extra]
        if more:
            console.print(_more(more))


def _figures(rows: Sequence[Row]) -> Table:
    first = rows[0]
    title = f"{first.night}: {first.users} users, {_clock(first.begin_s)} to {_clock(first.begin_s + first.seconds)}"
    table = Table(title=title)
    table.add_column("policy")
    for heading, _, _ in _COLUMNS:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(row.policy, *(_number(getattr(row.figures, name), digits) for _, name, digits in _COLUMNS))
    return table


def _more(rows: Sequence[Row]) -> Table:
    """A line for each figure that only some policies have."""
    table = Table("")
    for row in rows:
        table.add_column(row.policy, justify="right")
    for name in dict.fromkeys(name for row in rows for name in row.extra):
        values = [row.extra.get(name) for row in rows]
        share = name.startswith("lost_")
        table.add_row(name.replace("_", " "), *(_number(v, 4) if share or v is None else f"{v:g}" for v in values))
    return table


def _number(value: float | None, digits: int) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _clock(since_s: int) -> str:
    return f"{(18 + since_s // 3600) % 24:02d}:{since_s % 3600 // 60:02d}"
