"""`lamplighter find`: find the boards of a line that nobody serves, and give each the place it belongs to.

For new lines, added posts, replaced boards and boards with a wrong address. Where the daemon runs it searches, beside
its polls, and no post goes without light or service; where it does not, this command takes the lines to itself. Each
board that took its place is kept in the keyring of the state folder; one that a power cut left out is found again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lamplighter.gateway.config import Config, ConfigError, load
from lamplighter.gateway.rollover.keyring import load_manifest
from lamplighter.gateway.search.find_ask import ask
from lamplighter.gateway.search.finding import UNPLACED
from lamplighter.gateway.search.hunt import IDENTITY_MAX, Wanted
from lamplighter.gateway.store.state_folder import StartError, lock_state
from lamplighter.terminal import BadInput, print_json


@click.command()
@click.option("--config", "path", required=True, envvar="LAMPLIGHTER_CONFIG", type=click.Path(path_type=Path))
@click.option("--manifest", type=click.Path(path_type=Path), help="Keys of the delivered boards, by identity.")
@click.option("--bus", "bus_id", help="The line; needed where there are several.")
@click.option("--replace", multiple=True, metavar="POST=IDENTITY", help="Put this board in the place of that post.")
@click.option("--fill", is_flag=True, help="Give boards without a place the configured posts that have no key yet.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def find(
    path: Path, manifest: Path | None, bus_id: str | None, replace: tuple[str, ...], fill: bool, as_json: bool
) -> int:
    """Find boards on a line that nobody serves, and put each in its place; the daemon may run."""
    try:
        config = load(path, all_keys=False)
        boards = dict(load_manifest(manifest)) if manifest else {}
    except ConfigError as error:
        raise BadInput(error.lines[0], f"lamplighter gateway --check-config --config {path} shows all") from None
    except ValueError as error:
        raise BadInput(f"{manifest}: {error}") from None
    wanted = Wanted(_the_bus(config, bus_id), boards, _replacements(config, replace), fill)
    try:
        lock = lock_state(config.state_dir)
    except StartError as error:
        report = ask(config.state_dir, wanted, str(error))
    else:
        from lamplighter.gateway.search.find_alone import search

        with lock:
            report = search(config, wanted)
    return _show(report, as_json)


def _show(report: dict[str, Any], as_json: bool) -> int:
    rows, silent, complete = report["boards"], report["silent"], report["complete"]
    if as_json:
        print_json(report)
        return 0 if complete else 1
    for row in rows:
        click.echo(f"{row['identity']}\t{row['result']}\t{row['post'] or '-'}\taddress {row['address'] or '-'}")
    click.echo(f"{len(rows)} boards in {report['searches']} searches" + ("" if complete else "; NOT COMPLETE"))
    strangers = [row["identity"] for row in rows if row["result"] == UNPLACED]
    if silent:
        click.echo(f"no answer from {', '.join(silent)}")
    if len(strangers) == 1 and len(silent) == 1:
        click.echo(f"does {strangers[0]} stand in for {silent[0]}? then add  --replace {silent[0]}={strangers[0]}")
    elif strangers and silent:
        click.echo(f"say which board is which post:  --replace {silent[0]}={strangers[0]}  and so on")
    return 0 if complete else 1


def _the_bus(config: Config, bus_id: str | None) -> str:
    names = [bus.id for bus in config.buses if bus.mqtt is None]  # without a wire, the broker knows who is who
    if bus_id is None and len(names) == 1:
        return names[0]
    if bus_id not in names:
        raise BadInput(f"which line? there are {', '.join(names)}", "choose one with --bus")
    return bus_id


def _replacements(config: Config, words: tuple[str, ...]) -> dict[str, str]:
    """The post of each board that is to stand in for another, by the board's identity."""
    posts = {site.id for site in config.sites}
    found: dict[str, str] = {}
    for word in words:
        post, _, identity = word.partition("=")
        if post not in posts or not 0 < len(identity) <= IDENTITY_MAX:
            raise BadInput(f"--replace {word}: there is no post {post!r}", "write --replace POST=IDENTITY")
        if identity in found or post in found.values():
            raise BadInput(f"--replace {word}: that post or board is named twice", "one board stands in for one post")
        found[identity] = post
    return found
