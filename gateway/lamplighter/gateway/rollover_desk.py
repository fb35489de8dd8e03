"""The rollovers of one daemon: takes the wish that `lamplighter rollover` left in the state folder, and does the rest.

What is decided stands in rolling.py. The wish is a file for the owner only, which is removed once it is in the keyring;
one that a power cut left is read again, and asks for nothing that is under way.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lamplighter.gateway import line
from lamplighter.gateway.keyring import Keyring, load_keyring, save_keyring
from lamplighter.gateway.keys import KEY, read_private
from lamplighter.gateway.poll import Poller
from lamplighter.gateway.rolling import Rolling, standing

if TYPE_CHECKING:
    from lamplighter.gateway.daemon import Daemon

WISH = "rollover.json"  # in the state folder: {"bus_keys": {LINE: HEX or ""}, "posts": {POST: HEX or ""}}

log = logging.getLogger("lamplighter.keys")


class RolloverDesk:
    """The Rolling of one Daemon."""

    def __init__(self, daemon: Daemon) -> None:
        config = daemon.config
        self._daemon = daemon
        self._folder = config.state_dir
        self._refused = ""
        places = {site.id: (site.bus, site.address) for site in config.sites}
        self.rolling = Rolling(load_keyring(self._folder), config.keys.buses, config.keys.posts, places, self)

    def equip(self, bus: str, poller: Poller) -> Poller:
        """A Poller that begins knows what is under way."""
        addresses = {site.id: site.address for site in self._daemon.config.on_bus(bus)}
        for event in standing(self.rolling.ring, bus, self.rolling.buses[bus], addresses):
            poller.rekey(event, 0)
        return poller

    def tick(self, now_ms: int) -> None:
        """Each second."""
        wish = self._folder / WISH
        if wish.exists():
            self._take(wish)
        self.rolling.tick(now_ms)

    def _take(self, wish: Path) -> None:
        try:
            buses, posts = read_wish(wish)
            faults = self.rolling.roll(buses, posts)
        except ValueError as error:
            faults = [f"{WISH}: {error}"]
        except OSError as error:
            if str(error) != self._refused:
                self._refused = str(error)
                log.error("a rollover waits: the keys cannot be kept: %s", error)
            return
        self._refused = ""
        for fault in faults:
            log.warning("no rollover: %s", fault)
        wish.unlink(missing_ok=True)

    # --- rolling.Deeds

    def save(self, ring: Keyring) -> None:
        save_keyring(self._folder, ring)

    def tell(self, bus: str, event: tuple) -> None:
        self._daemon.buses[bus].handle(event)

    def ask(self, post: str, procedure: line.Procedure, expires_ms: int, then: Callable[[line.Result], None]) -> None:
        self._daemon.ask(post, procedure, expires_ms, then, background=True)

    def draw(self, count: int) -> bytes:
        return secrets.token_bytes(count)

    def note(self, text: str) -> None:
        log.info("%s", text)


def read_wish(path: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The keys that are wanted for lines and for posts, empty where the gateway is to draw one. Raises ValueError."""
    raw = read_private(path)
    parts = []
    for part in ("bus_keys", "posts"):
        table = raw.get(part, {})
        if not isinstance(table, dict) or not all(
            isinstance(k, str) and (not k or KEY.fullmatch(k)) for k in table.values()
        ):
            raise ValueError(f'"{part}" holds 64 hexadecimal digits a name, or nothing for a key that is drawn')
        parts.append({name: bytes.fromhex(key) for name, key in table.items()})
    return parts[0], parts[1]


def leave_wish(folder: Path, buses: dict[str, bytes], posts: dict[str, bytes]) -> None:
    """Leave it for the daemon, whole or not at all. Raises OSError, FileExistsError where one waits already."""
    new = folder / (WISH + ".new")
    new.unlink(missing_ok=True)
    tables = {"bus_keys": buses, "posts": posts}
    text = json.dumps({part: {name: key.hex() for name, key in table.items()} for part, table in tables.items()})
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(new, folder / WISH)  # never over one that waits
    finally:
        new.unlink()
