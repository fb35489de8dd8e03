"""The rollovers of one daemon: takes the wish that `lamplighter rollover` left in the state folder, and does the rest.

What is decided stands in rolling.py. The wish (rollover_wish.py) is removed once it is in the keyring; one that a power
cut left is read again, and asks for nothing that is under way.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.poll import Poller
from lamplighter.gateway.rollover.keyring import Keyring, load_keyring, save_keyring
from lamplighter.gateway.rollover.rolling import Rolling, standing
from lamplighter.gateway.rollover.rollover_wish import WISH, read_wish

if TYPE_CHECKING:
    from lamplighter.gateway.daemon import Daemon

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
