"""The small commands of `lampsim`: a line to plug things into by hand, and a look at an inventory."""

import asyncio
import contextlib
import signal

import click

from .inventory import Flat, InventoryError, default, load, nearest
from .line import Line
from .pty_line import PtyLine, run


@click.command()
@click.argument("nodes", nargs=-1, default=("gw", "p01", "p02"))
@click.option("--baud", default=19_200, show_default=True, type=click.IntRange(300, 1_000_000))
@click.option("--seed", default=0, show_default=True)
@click.option("--loss", default=0.0, help="Chance that a node misses a frame.", type=click.FloatRange(0, 0.99))
@click.option("--bit-error", default=0.0, help="Chance that a node reads a bit wrong.", type=click.FloatRange(0, 0.5))
def line(nodes: tuple[str, ...], baud: int, seed: int, loss: float, bit_error: float) -> None:
    """Open a serial device for each of NODES on one simulated RS-485 line, until Ctrl-C.

    Everyone hears everyone but themselves; who speaks at the same time is garbled.
    """
    if len(set(nodes)) != len(nodes):
        raise click.UsageError("two nodes have the same name; name each once")
    with contextlib.suppress(KeyboardInterrupt):
        run(_line(Line(baud, nodes, seed, loss, bit_error)))


async def _line(model: Line) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with PtyLine(model) as ptys:
        for name, path in ptys.paths.items():
            click.echo(f"{name}\t{path}")
        click.echo(f"{model.baud} baud; Ctrl-C ends it", err=True)
        await stop.wait()
    c = model.counters
    click.echo(f"{c.bytes} bytes, {c.frames} frames, {c.collisions} collisions, {c.lost_frames} missed", err=True)


@click.command()
@click.argument("inventory", required=False, type=click.Path())
@click.option("--park", help="The park or street to take; else the park with the most lamps.")
@click.option("--count", type=click.IntRange(1, 250), help="Only the COUNT lamps nearest to its middle.")
def lamps(inventory: str | None, park: str | None, count: int | None) -> None:
    """List the lamps of INVENTORY (GeoJSON points), or of the generated town.

    Columns: id, place, watts, metres east and north of their middle.
    """
    try:
        found = load(inventory) if inventory else default()
        if count or park:
            found = nearest(found, count or len(found), park)
    except InventoryError as error:
        raise click.ClickException(str(error)) from None
    flat = Flat.around(found)
    for lamp in found:
        x_m, y_m = flat.xy_m(lamp.lat, lamp.lon)
        click.echo(f"{lamp.id}\t{lamp.place}\t{lamp.rated_w:.0f}\t{x_m:.1f}\t{y_m:.1f}")
