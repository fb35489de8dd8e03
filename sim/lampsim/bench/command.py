"""`lampsim bench`: the figures of the bus, models and real code, and of the relay behind it, each by one command."""

from __future__ import annotations

import click

from .access_commands import bus, real, turn
from .line_commands import agree, faults, firmware, repower
from .relay_command import relay
from .wifi import wifi


@click.group()
def bench() -> None:
    """Benchmarks: the bus as models on a byte-true line, the real code beside them, and the relay to the centre."""


for command in (agree, bus, faults, firmware, real, relay, repower, turn, wifi):
    bench.add_command(command)
