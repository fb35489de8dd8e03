"""`lampsim bench relay`: the gateway's way from a port to the centre, beside other relays."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .shared import JSON, PLOT, SEED, Wrong

if TYPE_CHECKING:
    from .relay.show import Figures

PARTS = ("relays", "memory", "appends", "fleet")


@click.command()
@click.option("--peer", "peers", multiple=True, type=click.Choice(["thingsboard", "node-red"]),
              help="Install this relay and measure it too; again for both.")  # fmt: skip
@click.option("--peers", "peers_folder", type=click.Path(file_okay=False, path_type=Path),
              help="Where peers are installed, once.  [default: lampsim/peers in the user's cache]")  # fmt: skip
@click.option("--fleet", "sessions", type=click.IntRange(1, 10_000), default=1800, show_default=True,
              help="Gateway sessions on one mosquitto, 250 posts each.")  # fmt: skip
@click.option("--autosave", type=click.IntRange(1, 86_400), default=1800, show_default=True,
              help="Seconds between two saves of the fleet's mosquitto: see deploy/mosquitto/tuning.conf.")  # fmt: skip
@click.option("--only", multiple=True, type=click.Choice(PARTS), help="Only this part; again for more.")
@click.option("--quick", is_flag=True, help="Few lines, a short outage, two rates: a test and no measurement.")
@click.option("--folder", type=click.Path(file_okay=False, exists=True, path_type=Path),
              help="Stores are put here, on the disk to be measured.  [default: the temporary folder]")  # fmt: skip
@SEED
@PLOT
@JSON
def relay(
    peers: tuple[str, ...], peers_folder: Path | None, sessions: int, autosave: int, only: tuple[str, ...], quick: bool,
    folder: Path | None, seed: int, plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Measure what the gateway relays from a pty to the centre, and the same of a small sketch and of peers.

    All are measured in one run on the same pty and mosquitto with lines of 200 bytes: rate, delay at 30 lines a second,
    memory, and what is lost and repeated when the broker is away for 30 s and the relay is killed in the middle. Then
    the memory of a whole daemon with 250 posts, durable appends, and a fleet of gateways on one mosquitto.

    It measures in real time: let nothing else run. A full run with both peers takes a quarter of an hour.
    """
    from .plot import PlotError
    from .relay import show
    from .relay.stage import StageError

    try:
        with tempfile.TemporaryDirectory(prefix="lampsim-relay-", dir=folder) as place:
            run = _Run(Path(place), peers, peers_folder, sessions, autosave, quick, seed)
            figures = asyncio.run(run.all(only or PARTS))
    except (StageError, OSError) as error:
        raise Wrong(str(error)) from None
    if plot is not None:
        try:
            show.save(figures, plot)
        except PlotError as error:
            raise Wrong(str(error)) from None
    click.echo(json.dumps(figures.to_json()) if as_json else show.text(figures))


class _Run:
    def __init__(
        self, folder: Path, peers: tuple[str, ...], peers_folder: Path | None, sessions: int, autosave_s: int,
        quick: bool, seed: int,
    ) -> None:  # fmt: skip
        self._folder, self._peers, self._peers_folder = folder, dict.fromkeys(peers), peers_folder
        self._sessions, self._autosave_s, self._quick, self._seed = sessions, autosave_s, quick, seed

    async def all(self, parts: tuple[str, ...]) -> Figures:
        from .relay.show import Figures

        figures = Figures(_machine())
        for part in PARTS:
            if part in parts:
                await getattr(self, f"_{part}")(figures)
        _say("")
        return figures

    async def _relays(self, figures: Figures) -> None:
        from .relay import measure, relays
        from .relay.peers import default_folder, install
        from .relay.stage import Mosquitto, Port

        root = self._peers_folder or default_folder()
        makers = {"thingsboard": relays.thingsboard, "node-red": relays.node_red}
        todo, versions = [relays.OURS, relays.SKETCH], {}
        for name in self._peers:
            _say(f"{name}: installing into {root}, if it is not there")
            versions[name] = install(name, root)
            todo.append(makers[name](root.resolve()))
        load = measure.QUICK if self._quick else measure.Load()
        broker, port = Mosquitto(self._folder / "mosquitto"), Port()
        await broker.start()
        try:
            for one in todo:
                row = await measure.measure(one, load, self._folder / one.name, port, broker, _say)
                row.version = versions.get(one.name, "")
                figures.rows.append(row)
        finally:
            port.close()
            await broker.stop()

    async def _memory(self, figures: Figures) -> None:
        from .relay import cabinet
        from .relay.stage import Mosquitto

        _say("the whole daemon: memory with 250 posts")
        broker = Mosquitto(self._folder / "mosquitto-memory")
        await broker.start()
        try:
            quarters = 4 if self._quick else cabinet.DAY
            figures.cabinet = await cabinet.measure(self._folder / "cabinet", broker.host, broker.port, quarters)
        finally:
            await broker.stop()

    async def _appends(self, figures: Figures) -> None:
        from .relay import appends

        _say("durable appends, beside bare SQLite")
        figures.appends = await asyncio.to_thread(appends.measure, self._folder / "appends", 0.1 if self._quick else 3)

    async def _fleet(self, figures: Figures) -> None:
        from .relay import fleet
        from .relay.stage import Mosquitto

        broker = Mosquitto(self._folder / "mosquitto-fleet", self._autosave_s)
        seconds, most = (1, 2) if self._quick else (10, fleet.FACTOR_MAX)
        figures.fleet = await fleet.measure(broker, self._sessions, seconds, self._seed, _say, most)


def _say(what: str) -> None:
    """What is going on, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r{what[:100]:<100}" + ("" if what else "\r"), end="", file=sys.stderr, flush=True)


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()} {platform.release()}, Python " \
           f"{platform.python_version()}"  # fmt: skip
