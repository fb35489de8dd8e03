"""`lamplighter rollover`: new keys for lines and posts, while the daemon runs; it does the work and says in its log how
far it is.

Keys are drawn by the daemon, or read from a file like keys_file; none is ever printed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lamplighter.gateway.config import Config, ConfigError, load
from lamplighter.gateway.rollover.keyring import Keyring, load_keyring
from lamplighter.gateway.rollover.rollover_wish import leave_wish, read_wish
from lamplighter.gateway.store.state_folder import StartError, lock_state
from lamplighter.terminal import BadInput, Failed, print_json


@click.command()
@click.option("--config", "path", required=True, envvar="LAMPLIGHTER_CONFIG", type=click.Path(path_type=Path))
@click.option("--bus", "buses", multiple=True, metavar="LINE", help="A new bus key for this line.")
@click.option("--post", "posts", multiple=True, metavar="POST", help="A new key for this post.")
@click.option("--all", "everything", is_flag=True, help="New keys for all lines and all posts.")
@click.option("--keys", type=click.Path(path_type=Path), help="Take the keys from this file, which is like keys_file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rollover(
    path: Path, buses: tuple[str, ...], posts: tuple[str, ...], everything: bool, keys: Path | None, as_json: bool
) -> int:
    """Ask for new keys, or without a name show what is under way."""
    try:
        config = load(path)
    except ConfigError as error:
        raise BadInput(error.lines[0], f"lamplighter gateway --check-config --config {path} shows all") from None
    if buses or posts or everything or keys:
        _leave(config, *_wanted(config, buses, posts, everything, keys))
    rows = under_way(load_keyring(config.state_dir))
    if as_json:
        print_json({"running": _running(config), "rollover": rows})
        return 0
    for row in rows:
        click.echo(f"{row['of']}\t{row['stage']}")
    if not rows and not (buses or posts or everything or keys):
        click.echo("no key is being rolled over")
    return 0


def under_way(ring: Keyring) -> list[dict[str, Any]]:
    """Whose keys are being rolled over, and how far each is."""
    stages = {
        "giving": ring.next_buses,
        "forgetting": ring.last_buses,
        "waiting": ring.wanted,
        "changing": ring.next_posts,
    }
    return [{"of": name, "stage": stage} for stage, names in stages.items() for name in names]


def _wanted(
    config: Config, buses: tuple[str, ...], posts: tuple[str, ...], everything: bool, keys: Path | None
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    lines, sites = [bus.id for bus in config.buses], [site.id for site in config.sites]
    try:
        given_buses, given_posts = read_wish(keys) if keys else ({}, {})
    except ValueError as error:
        raise BadInput(f"{keys}: {error}") from None
    if keys and not (buses or posts or everything):
        buses, posts = tuple(given_buses), tuple(given_posts)
    elif everything:
        buses, posts = tuple(lines), tuple(sites)
    for name in (*buses, *posts):
        if name not in (lines if name in buses else sites):
            raise BadInput(f"there is no line or post {name!r}", f"there are {', '.join([*lines, *sites])[:200]}")
    return {bus: given_buses.get(bus, b"") for bus in buses}, {post: given_posts.get(post, b"") for post in posts}


def _leave(config: Config, buses: dict[str, bytes], posts: dict[str, bytes]) -> None:
    try:
        leave_wish(config.state_dir, buses, posts)
    except FileExistsError:
        raise Failed("another rollover waits for the daemon", "start it, or look into its log") from None
    except OSError as error:
        raise Failed(f"{config.state_dir}: {error.strerror}", "run it as the user of the daemon") from None
    many = f"{len(buses)} lines and {len(posts)} posts"
    click.echo(f"asked for new keys of {many}", err=True)
    if not _running(config):
        click.echo("the daemon does not run; it begins with it when it starts", err=True)


def _running(config: Config) -> bool:
    try:
        lock_state(config.state_dir).close()
    except StartError:
        return True
    return False
