"""A gateway and its posts on disk, as a commissioned cabinet has them: settings, keys, configuration, plan.

Keys are fresh random bytes for each run, in files that only their owner may read.
"""

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lamppost.boards.flash import FolderFlash
from lamppost.store.journal import Journal
from lamppost.store.settings import Settings

from .inventory import Lamp

GATEWAY, SITE, BUS = "gw1", "louvain-la-neuve", "bus0"

TURN_MS = 8  # posts and gateway are processes that share a computer


@dataclass(frozen=True)
class Connection:
    """Where the gateway finds its line and its broker, and how far its clock is shifted."""

    bus_path: str
    baud: int
    broker_host: str
    broker_port: int
    time_offset_s: int = 0


class Layout:
    """The files of one cabinet below `folder`; address n belongs to the n-th lamp."""

    def __init__(self, folder: Path, lamps: Sequence[Lamp], reading_s: int = 900) -> None:
        self.folder = folder
        self.lamps = list(lamps)
        self.config = folder / "gateway.toml"
        self._keys = {lamp.id: secrets.token_bytes(32) for lamp in lamps}
        self._bus_key = secrets.token_bytes(32)
        for address, lamp in enumerate(lamps, 1):
            self._settle(lamp, address, reading_s)

    def state(self, post: str) -> Path:
        """The state folder of a post."""
        return self.folder / "posts" / post

    def write_gateway(self, connection: Connection) -> Path:
        """Write keys and configuration of the gateway; return the path of the configuration."""
        keys = {
            "bus_keys": {BUS: self._bus_key.hex()},
            "posts": {post: key.hex() for post, key in self._keys.items()},
        }
        _write_private(self.folder / "keys.json", json.dumps(keys))
        self.config.write_text(self._toml(connection), encoding="utf-8")
        return self.config

    def _settle(self, lamp: Lamp, address: int, reading_s: int) -> None:
        settings = Settings()
        settings.put("identity", lamp.id)
        settings.put("address", address)
        settings.put("post-key", self._keys[lamp.id])
        settings.put("bus-key", self._bus_key)
        settings.put("reading-s", reading_s)
        settings.put("turn-ms", TURN_MS)
        self.state(lamp.id).parent.mkdir(parents=True, exist_ok=True)
        Journal(FolderFlash(str(self.state(lamp.id)))).put("settings", settings.to_bytes())

    def _toml(self, connection: Connection) -> str:
        head = f"""# Written by lampsim: a simulated cabinet.
[gateway]
id = "{GATEWAY}"
site = "{SITE}"
state_dir = "gateway-state"
keys_file = "keys.json"
time_offset_s = {connection.time_offset_s}
status_s = 1

[mqtt]
host = "{connection.broker_host}"
port = {connection.broker_port}

[[bus]]
id = "{BUS}"
port = "{connection.bus_path}"
baud = {connection.baud}
turn_ms = {TURN_MS}
"""
        return head + "".join(_post(lamp, address) for address, lamp in enumerate(self.lamps, 1))


def _post(lamp: Lamp, address: int) -> str:
    return f"""
[[post]]
id = "{lamp.id}"
bus = "{BUS}"
address = {address}
lat = {lamp.lat}
lon = {lamp.lon}
rated_w = {lamp.rated_w}
standby_w = 0.5
"""


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
