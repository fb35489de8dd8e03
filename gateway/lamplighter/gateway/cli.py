"""`lamplighter gateway`: run the cabinet daemon, or only check its configuration.

Exit codes: 0 stopped by a signal, 1 cannot run (port, state folder), 2 the configuration is wrong.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

import click

from lamplighter.gateway.config import Config, ConfigError, load
from lamplighter.terminal import EXIT_REFUSED, EXIT_USAGE, printable

PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


@click.command()
@click.option(
    "--config",
    "path",
    required=True,
    envvar="LAMPLIGHTER_CONFIG",
    type=click.Path(path_type=Path),
    help="The configuration, a TOML file.",
)
@click.option("--check-config", is_flag=True, help="Check the configuration and do nothing else.")
@click.option("--verbose", is_flag=True, help="Say more on stderr.")
def gateway(path: Path, check_config: bool, verbose: bool) -> int:
    """Run the cabinet daemon."""
    try:
        config = load(path, all_keys=False)
    except ConfigError as error:
        return complain(error.lines, EXIT_USAGE)
    if check_config:
        click.echo(f"{path}: good; {summary(config)}")
        return 0
    start_log(verbose)
    return run(config)


def summary(config: Config) -> str:
    """How many of everything; what crosses from line to line only where something does."""
    words = f"{len(config.buses)} lines, {len(config.posts)} posts"
    boardless = config.boardless()
    if boardless:
        words += f"; {len(boardless)} without a board yet (lamplighter find --fill): {', '.join(boardless)}"
    hood = config.neighbourhood()
    crossing = sum(post in hood.routes or post in hood.wanted for post in hood.near)
    if crossing:
        words += f"; the events of {crossing} also go to other lines or cabinets"
    if config.far:
        words += f"; {len(config.far)} posts of other cabinets"
    if hood.left_out:
        words += f"; {len(hood.left_out)} neighbours are too many for a line's aliases (see lamplighter neighbours)"
    return words


def run(config: Config) -> int:
    """The daemon, from start to exit code."""
    from lamplighter.gateway.store.state_folder import StartError

    try:
        asyncio.run(_serve(config))
    except StartError as error:
        return complain(str(error).splitlines(), EXIT_REFUSED)
    return 0


async def _serve(config: Config) -> None:
    from lamplighter.gateway.daemon import Daemon

    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await Daemon(config).run(stop)


def complain(lines: list[str], code: int) -> int:
    for text in lines:
        click.echo(f"lamplighter: {printable(text)}", err=True)
    return code


def start_log(verbose: bool) -> None:
    """One line a message on stderr; under systemd with the priority in front instead of the time."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine("JOURNAL_STREAM" in os.environ))
    logging.basicConfig(level=logging.INFO if not verbose else logging.DEBUG, handlers=[handler], force=True)
    for noisy in ("serialx", "mqtt", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING if noisy != "mqtt" else logging.CRITICAL)


class OneLine(logging.Formatter):
    """A record as one printable line, whatever a peer put into it."""

    def __init__(self, priority: bool) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s" if not priority else "%(message)s")
        self._priority = priority

    def format(self, record: logging.LogRecord) -> str:
        text = printable(super().format(record).replace("\n", " | "))
        return f"<{PRIORITIES.get(record.levelno, 6)}>{text}" if self._priority else text
