"""`lampsim demo`: the main job on real processes, told as a story of two minutes.

Dusk falls over a park and two streets; somebody walks and the light runs ahead; the operator publishes another plan
and every post reports it; the gateway is killed and the corridor still works; it comes back and nothing was lost.
Exit code 0 when the story held, 1 when a promise broke or something did not start, 2 for bad input.
"""

import json
import sys
import tempfile
from pathlib import Path

import click

from .broker import address
from .inventory import InventoryError, Lamp, default, load, nearest
from .outcome import Outcome
from .play import Play
from .playing import played
from .scene import Scene
from .story import CHAPTERS, Story
from .street import Options, Street
from .view import View

COUNT = 24
SECONDS_MIN = 45  # below that a chapter is shorter than a plan's way to 24 posts


@click.command()
@click.option("--seconds", default=120, show_default=True, type=click.IntRange(SECONDS_MIN, 3600), help="Length.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write what happened here.")
@click.option("--inventory", type=click.Path(path_type=Path), help="GeoJSON file with real lamps; 24 of one park.")
@click.option("--park", help="The park of the inventory to take; by default the one with the most lamps.")
@click.option("--broker", help="HOST:PORT of a running MQTT broker; by default one is embedded.")
@click.option("--baud", default="38400", show_default=True, type=click.Choice(["9600", "19200", "38400", "115200"]))
@click.option(
    "--micropython", default=6, show_default=True, type=click.IntRange(0, COUNT), help="Posts on MicroPython."
)
@click.option("--loss", default=0.0, show_default=True, type=click.FloatRange(0, 0.5), help="Share of frames lost.")
@click.option("--seed", default=1, show_default=True, help="Of sensors and line.")
@click.option("--play", is_flag=True, help="Your turn: keys pull the gateway's cable, cut a post's power, send people.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Keep all files in this folder.")
def demo(
    seconds: int,
    json_file: Path | None,
    inventory: Path | None,
    park: str | None,
    broker: str | None,
    baud: str,
    micropython: int,
    loss: float,
    seed: int,
    play: bool,
    keep: Path | None,
) -> None:
    """Watch a park and two streets at night: posts, gateway and broker, for real."""
    try:
        lamps = default() if inventory is None else nearest(load(inventory), COUNT, park)
        options = Options(int(baud), micropython, seed=seed, loss=loss, broker=address(broker))
    except (InventoryError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    if play and json_file:
        raise click.UsageError("--play counts nothing: leave out --json")
    outcome = played(run(lamps, options, seconds, keep, inventory is None, play))
    if outcome is None:
        return
    if json_file:
        json_file.write_text(json.dumps(outcome.report(), indent=1) + "\n", encoding="utf-8")
    for line in outcome.lines():
        click.echo(line)
    sys.exit(0 if outcome.held else 1)


async def run(
    lamps: list[Lamp], options: Options, seconds: int, keep: Path | None, invented: bool, play: bool = False
) -> Outcome | None:
    """Tell the story, or `play` (None); everything that was started is stopped again, whatever happens."""
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        return await _run(keep, lamps, options, seconds, invented, play)
    with tempfile.TemporaryDirectory(prefix="lamplighter-demo-") as folder:
        return await _run(Path(folder), lamps, options, seconds, invented, play)


async def _run(
    folder: Path, lamps: list[Lamp], options: Options, seconds: int, invented: bool, play: bool
) -> Outcome | None:
    place = "a park and two streets, Louvain-la-Neuve" if invented else lamps[0].place.title()
    scene = Scene(place, [], chapters=CHAPTERS)
    street = Street(folder, lamps, scene, options)
    async with View(scene):
        try:
            if play:
                return await Play(street, seconds, options.seed).run()
            return await Story(street, seconds).play()
        finally:
            await street.stop()
