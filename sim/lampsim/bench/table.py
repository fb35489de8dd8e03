"""Rows of the benchmark as text for a terminal, and as the table of PROTOCOL.md."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from .measure import BASIS, Row

HEAD = ("scheme", "event p50", "p99", "neighbour p50", "p99", "x polling", "cycle", "of bits")


def header(sizes: Iterable[int]) -> list[str]:
    """The names of the columns; milliseconds, p99 for bursts of so many neighbours / scattered, p50 / p99 for lamps."""
    return [*HEAD, *(f"burst {size}" for size in sizes), "last lamp"]


def cells(row: Row, basis: Row | None, sizes: Iterable[int]) -> list[str]:
    """`basis`: the row whose p99 the others are compared with."""
    times = f"{basis.gateway_ms[1] / row.gateway_ms[1]:.1f}" if basis and row.gateway_ms[1] else ""
    cells = [row.scheme, *map(_ms, (*row.gateway_ms, *row.near_ms)), times, f"{row.cycle_ms:.0f}"]
    cells.append(f"{row.cycle_of_bits:.2f}")
    for size in sizes:
        both = [row.bursts.get((size, kind)) for kind in ("neighbours", "scattered")]
        cells.append(" / ".join(_ms(pair[1]) if pair else "-" for pair in both))
    return [*cells, _ms(row.lamp_ms[0]) + " / " + _ms(row.lamp_ms[1]) if row.lamp_ms else ""]


def text(rows: Sequence[Row]) -> str:
    """One block for each line, schemes below each other."""
    sizes = sizes_of(rows)
    blocks = []
    for setup in dict.fromkeys(row.setup for row in rows):
        mine = [row for row in rows if row.setup == setup]
        basis = next((row for row in mine if row.scheme == BASIS), None)
        table = [header(sizes), *(cells(row, basis, sizes) for row in mine)]
        if not any(row.lamp_ms for row in mine):
            table = [line[:-1] for line in table]
        widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
        title = f"{setup.posts} posts, {setup.baud} baud, turn-around {setup.turn_us / 1000:g} ms; milliseconds"
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in table]
        blocks.append("\n".join([title, *lines]))
    return "\n\n".join(blocks)


def sizes_of(rows: Iterable[Row]) -> list[int]:
    """The burst sizes that any row has."""
    return sorted({size for row in rows for size, _ in row.bursts})


def _ms(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1f}" if value < 100 else f"{value:.0f}"
