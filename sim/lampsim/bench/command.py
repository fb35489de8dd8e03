"""`lampsim bench`: the figures of the bus, models and real code, each by one command."""

from __future__ import annotations

import click

from .access_commands import bus, real, turn
from .line_commands import agree, faults, repower


@click.group()
def bench() -> None:
    """Benchmarks of the bus: access schemes as models on a byte-true line, and the real code beside them."""


for command in (agree, bus, faults, real, repower, turn):
    bench.add_command(command)
