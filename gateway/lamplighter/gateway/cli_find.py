"""`lamplighter find`: find the boards of a line that nobody serves, and give each the place it belongs to.

For new lines, added posts, replaced boards and boards with a wrong address. It takes the line to itself, so the daemon
must be stopped; presence goes on meanwhile. Each board that took its place is kept in the keyring of the state folder,
which the daemon reads; one that a power cut left out is found again.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from lamplighter.gateway import line
from lamplighter.gateway.bus import Bus, PortError
from lamplighter.gateway.clock import true_utc_ms, true_utc_s, uncertainty_ms
from lamplighter.gateway.config import Config, ConfigError, load
from lamplighter.gateway.daemon import StartError, lock_state
from lamplighter.gateway.database import Database
from lamplighter.gateway.finding import ADOPTED, UNPLACED, Finder, Report
from lamplighter.gateway.keyring import Keyring, load_keyring, load_manifest, save_keyring
from lamplighter.gateway.ledger import Ledger
from lamplighter.gateway.outbox import Outbox
from lamplighter.gateway.poll import Poller
from lamplighter.gateway.rolling import standing
from lamplighter.terminal import BadInput, Failed, print_json

GREET_S = 6.0  # five greetings of 64 posts, each in vain
SEARCH_S = 900.0  # 190 boards at 9,600 baud with a tenth of the frames lost take half of that
SERVED_S = 30.0  # until the boards that were adopted have a session


@click.command()
@click.option("--config", "path", required=True, envvar="LAMPLIGHTER_CONFIG", type=click.Path(path_type=Path))
@click.option("--manifest", type=click.Path(path_type=Path), help="Keys of the delivered boards, by identity.")
@click.option("--bus", "bus_id", help="The line; needed where there are several.")
@click.option("--replace", multiple=True, metavar="POST=IDENTITY", help="Put this board in the place of that post.")
@click.option("--fill", is_flag=True, help="Give boards without a place the configured posts that lack one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def find(
    path: Path, manifest: Path | None, bus_id: str | None, replace: tuple[str, ...], fill: bool, as_json: bool
) -> int:
    """Find boards on a line that nobody serves, and put each in its place."""
    try:
        config = load(path, all_keys=False)
        boards = dict(load_manifest(manifest)) if manifest else {}
    except ConfigError as error:
        raise BadInput(error.lines[0], f"lamplighter gateway --check-config --config {path} shows all") from None
    except ValueError as error:
        raise BadInput(f"{manifest}: {error}") from None
    bus = _the_bus(config, bus_id)
    places = Places(config, bus, boards, _replacements(config, replace), fill)
    try:
        lock = lock_state(config.state_dir)
        with lock:
            report, silent = asyncio.run(_search(config, bus, places))
    except (StartError, PortError) as error:
        raise Failed(str(error), "stop the daemon while you search") from None
    return _show(report, silent, places, as_json)


class Places:
    """Which board belongs where, and what is known of their keys."""

    def __init__(self, config: Config, bus: str, boards: Mapping[str, bytes], replace: dict[str, str], fill: bool):
        self.ring: Keyring = load_keyring(config.state_dir)
        self.keys = dict(boards)
        self.names = {site.address: site.id for site in config.on_bus(bus)}
        self._folder = config.state_dir
        self._addresses = {post: address for address, post in self.names.items()}
        self._replace = {identity: post for post, identity in replace.items()}
        for post in self._addresses:
            identity = self.ring.posts[post][0] if post in self.ring.posts else post
            if post in config.keys.posts and identity not in self.keys:
                self.keys[identity] = config.keys.posts[post]
        gone = set(replace)
        self._at = {identity: post for identity, post in self.ring.places.items() if post not in gone}
        self._free = [post for post in self._addresses if fill and post not in config.keys.posts and post not in gone]

    def place(self, identity: str) -> int | None:
        """The address a board belongs to on this line, None where it has none."""
        post = self._replace.get(identity) or self._at.get(identity)
        if post is None and identity in self._addresses and identity not in self.ring.posts:
            post = identity
        if post is None and self._free:
            post = self._free.pop(0)
        if post is not None:
            self._at[identity] = post
        return None if post is None else self._addresses.get(post)

    def adopt(self, address: int, identity: str) -> bytes:
        """Keep that this board stands there; return its key."""
        key = self.keys[identity]
        self.ring.adopt(self.names[address], identity, key)
        save_keyring(self._folder, self.ring)
        return key


async def _search(config: Config, bus_id: str, places: Places) -> tuple[Report, list[str]]:
    """Serve the line, search it, serve what was found; return the report and the posts that nobody hears."""
    settings = next(bus for bus in config.buses if bus.id == bus_id)
    database = Database(config.state_dir / "gateway.db", lambda text: click.echo(text, err=True))
    Outbox(database, config.outbox_mb << 20)  # makes its tables; items wait in their posts for the daemon
    ledger = Ledger(database)
    database.start()
    found: asyncio.Future[Report] = asyncio.get_running_loop().create_future()
    online: set[int] = set()

    def act(_: str, action: tuple) -> None:
        if isinstance(action, line.Online):
            online.add(action.address)
        elif isinstance(action, line.Offline):
            online.discard(action.address)
        elif isinstance(action, line.Result) and not found.done():
            found.set_result(action.value)

    keys = {site.address: config.keys.posts[site.id] for site in config.on_bus(bus_id) if site.id in config.keys.posts}
    first = ledger.counter(bus_id, true_utc_s())
    bus_key = config.keys.buses[bus_id]
    poller = Poller(
        keys, bus_key, settings.baud, secrets.token_bytes, first, lambda n: ledger.reserve(bus_id, n),
        reply_ms=settings.reply_ms or 0,
    )  # fmt: skip
    addresses = {post: address for address, post in places.names.items()}
    for event in standing(places.ring, bus_id, bus_key, addresses):
        poller.rekey(event, 0)
    bus = Bus(settings, poller, act)

    def adopted(address: int, identity: str) -> None:
        key = places.adopt(address, identity)
        asyncio.get_running_loop().call_soon(lambda: bus.handle(line.Adopt(address, key)))

    running: asyncio.Task | None = None
    try:
        await bus.open()
        running = asyncio.create_task(bus.run())
        utc_ms = true_utc_ms()
        if utc_ms is not None:
            bus.handle(line.Clock(utc_ms + config.time_offset_s * 1000, uncertainty_ms()))
        await _until(lambda: set(keys) <= online, GREET_S)
        finder = Finder(places.keys, bus_key, secrets.token_bytes, places.place, adopted)
        bus.handle(line.Search("find", finder.run()))
        report = await asyncio.wait_for(found, SEARCH_S)
        new = {post.address for post in report.posts if post.result == ADOPTED}
        await _until(lambda: new <= online, SERVED_S)
        return report, [post for address, post in places.names.items() if address not in online]
    except TimeoutError:
        raise PortError(f"the search of {bus_id} did not end in {SEARCH_S:.0f} s: is somebody jamming it?") from None
    finally:
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        bus.close()
        await asyncio.to_thread(database.close)


async def _until(done: Any, seconds: float) -> None:
    end = asyncio.get_running_loop().time() + seconds
    while not done() and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(0.05)


def _show(report: Report, silent: list[str], places: Places, as_json: bool) -> int:
    rows = [
        {"identity": post.identity, "post": places.names.get(post.address), "was": post.was, "address": post.address,
         "result": post.result}
        for post in report.posts
    ]  # fmt: skip
    if as_json:
        print_json({"complete": report.complete, "searches": report.searches, "boards": rows, "silent": silent})
        return 0 if report.complete else 1
    for row in rows:
        click.echo(f"{row['identity']}\t{row['result']}\t{row['post'] or '-'}\taddress {row['address'] or '-'}")
    click.echo(f"{len(rows)} boards in {report.searches} searches" + ("" if report.complete else "; NOT COMPLETE"))
    strangers = [row["identity"] for row in rows if row["result"] == UNPLACED]
    if silent:
        click.echo(f"no answer from {', '.join(silent)}")
    if len(strangers) == 1 and len(silent) == 1:
        click.echo(f"does {strangers[0]} stand in for {silent[0]}? then add  --replace {silent[0]}={strangers[0]}")
    return 0 if report.complete else 1


def _the_bus(config: Config, bus_id: str | None) -> str:
    names = [bus.id for bus in config.buses if bus.mqtt is None]  # without a wire, the broker knows who is who
    if bus_id is None and len(names) == 1:
        return names[0]
    if bus_id not in names:
        raise BadInput(f"which line? there are {', '.join(names)}", "choose one with --bus")
    return bus_id


def _replacements(config: Config, words: tuple[str, ...]) -> dict[str, str]:
    posts = {site.id for site in config.sites}
    found = {}
    for word in words:
        post, _, identity = word.partition("=")
        if post not in posts or not identity:
            raise BadInput(f"--replace {word}: there is no post {post!r}", "write --replace POST=IDENTITY")
        found[post] = identity
    return found
