"""`lamplighter backup make|restore`: a cabinet's store in one file, and back."""

from __future__ import annotations

from pathlib import Path

import click

from lamplighter.gateway.clock import true_utc_s
from lamplighter.gateway.config import Config, ConfigError, load
from lamplighter.gateway.store import backup as backups
from lamplighter.terminal import BadInput, Failed

CONFIG = click.option(
    "--config", "path", required=True, envvar="LAMPLIGHTER_CONFIG", type=click.Path(path_type=Path),
    help="The gateway's configuration.",
)  # fmt: skip


@click.group()
def backup() -> None:
    """Save a cabinet's store, and bring it back."""


@backup.command()
@CONFIG
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def make(path: Path, file: Path) -> int:
    """Write the store to FILE; the gateway may run meanwhile. Keys and certificates are not in it."""
    try:
        size = backups.make(database_of(path), file)
    except backups.BackupError as error:
        raise Failed(str(error)) from None
    click.echo(f"{file}: {size} bytes")
    return 0


@backup.command()
@CONFIG
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(path: Path, file: Path) -> int:
    """Put FILE in the place of the store, which is kept beside it. The gateway must be stopped."""
    from lamplighter.gateway.store.state_folder import StartError, lock_state

    database = database_of(path)
    try:
        with lock_state(database.parent):
            epoch = backups.restore(file, database, true_utc_s())
    except (backups.BackupError, StartError) as error:
        raise Failed(str(error)) from None
    click.echo(f"{database}: restored, epoch {epoch}; what was delivered after the backup may be delivered again")
    return 0


def database_of(path: Path) -> Path:
    try:
        config: Config = load(path)
    except ConfigError as error:
        raise BadInput("\n".join(error.lines)) from None
    return config.state_dir / "gateway.db"
