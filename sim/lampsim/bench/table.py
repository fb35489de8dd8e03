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
    known = basis is not None and row.gateway_ms[1] > 0
    times = f"{basis.gateway_ms[1] / row.gateway_ms[1]:.1f}" if basis and known else ""
    cells = [
        row.scheme,
        *map(_ms, (*row.gateway_ms, *row.near_ms)),
        times,
        f"{row.cycle_ms:.0f}" if row.cycle_ms else "-",
    ]
    cells.append(f"{row.cycle_of_bits:.2f}" if row.cycle_of_bits else "-")
    for size in sizes:
        cells.append(_kinds(row, size))
    return [*cells, _both(row.lamp_ms) if row.lamp_ms else ""]


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


def by_turn(rows: Sequence[Row]) -> str:
    """Schemes below, turn-arounds side by side."""
    turns = list(dict.fromkeys(row.setup.turn_us for row in rows))
    first = rows[0].setup
    table = [["", *(f"{turn_us / 1000:g} ms" for turn_us in turns)]]
    for name in dict.fromkeys(row.scheme for row in rows):
        mine = [next(r for r in rows if r.scheme == name and r.setup.turn_us == turn_us) for turn_us in turns]
        table.append([f"{name}: event p50 / p99", *(_both(row.gateway_ms) for row in mine)])
        for size in sizes_of(rows):
            table.append([f"  burst of {size} p99, neighbours / scattered", *(_kinds(row, size) for row in mine)])
        table.append(["  cycle, of bits", *(f"{row.cycle_ms:.0f}, {row.cycle_of_bits:.2f}" for row in mine)])
        if any(row.lamp_ms for row in mine):
            table.append(["  edge to last lamp p50 / p99", *(_both(row.lamp_ms) for row in mine if row.lamp_ms)])
    widths = [max(len(line[i]) for line in table) for i in range(len(turns) + 1)]
    title = f"{first.posts} posts, {first.baud} baud; milliseconds, by the turn-around of the posts"
    return "\n".join(
        [title, *("  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in table)]
    )


def _both(pair: tuple[float, float]) -> str:
    return f"{_ms(pair[0])} / {_ms(pair[1])}"


def _kinds(row: Row, size: int) -> str:
    both = [row.bursts.get((size, kind)) for kind in ("neighbours", "scattered")]
    return " / ".join(_ms(pair[1]) if pair else "-" for pair in both)


def sizes_of(rows: Iterable[Row]) -> list[int]:
    """The burst sizes that any row has."""
    return sorted({size for row in rows for size, _ in row.bursts})


def _ms(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1f}" if value < 100 else f"{value:.0f}"
