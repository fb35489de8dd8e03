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
    """One table for each night."""
    console = console or Console()
    for night in dict.fromkeys(row.night for row in rows):
        console.print(_table([row for row in rows if row.night == night]))


def _table(rows: Sequence[Row]) -> Table:
    first = rows[0]
    title = f"{first.night}: {first.users} users, {_clock(first.begin_s)} to {_clock(first.begin_s + first.seconds)}"
    table = Table(title=title)
    table.add_column("policy")
    extras = list(dict.fromkeys(name for row in rows for name in row.extra))
    for heading in [column[0] for column in _COLUMNS] + [name.replace("_", " ") for name in extras]:
        table.add_column(heading, justify="right")
    for row in rows:
        values = [_number(getattr(row.figures, name), digits) for _, name, digits in _COLUMNS]
        table.add_row(
            row.policy,
            *values,
            *(_number(row.extra.get(name), 4 if name.startswith("lost_") else 2) for name in extras),
        )
    return table


def _number(value: float | None, digits: int) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _clock(since_s: int) -> str:
    return f"{(18 + since_s // 3600) % 24:02d}:{since_s % 3600 // 60:02d}"
