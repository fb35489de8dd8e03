"""A street without a wire that really runs: a cabinet's own mosquitto, posts and gateway as processes, TLS, identities.

Everything that `lamplighter provision air` makes is used as it comes, but that the broker listens on loopback only.
"""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from lamplighter.provision import air_files

from .broker import free_port
from .compile_edge import compile_edge
from .inventory import Lamp
from .layout import BUS, GATEWAY, Connection, Layout
from .posts import Event, Post, Site, micropython
from .posts import Lamp as LampMove
from .processes import Child

HOST = "127.0.0.1"
UP_S = 10.0


class AirLayout(Layout):
    """A cabinet whose one line is the broker at `port`."""

    port = 0

    def _toml(self, connection: Connection) -> str:
        wire = f'port = "{connection.bus_path}"\nbaud = {connection.baud}\n'
        air = (
            f'mqtt = "mqtts://{HOST}:{self.port}"\nusername = "{GATEWAY}"\n'
            'password_file = "air/gateway/air.password"\ntls_ca = "air/gateway/air-ca.pem"\n'
        )
        return super()._toml(connection).replace(wire, air)


class AirStreet:
    """`centre`: (host, port) of a broker for the centre. Every second post runs on MicroPython where there is one.

    `moves` are (post, target_pm, monotonic seconds) of every lamp, `said` the lines of the posts' logs.
    """

    def __init__(self, folder: Path, lamps: Sequence[Lamp], centre: tuple[str, int], time_offset_s: int) -> None:
        self.lamps, self.centre, self.port = list(lamps), centre, free_port()
        self.layout = AirLayout(folder, lamps, 1)
        self.layout.port = self.port
        self.folder = folder
        self.moves: list[tuple[str, int, float]] = []
        self.posts: dict[str, Post] = {}
        self.broker: Child | None = None
        self.gateway: Child | None = None
        config = self.layout.write_gateway(Connection("-", 19_200, *centre, time_offset_s))
        self.air = air_files.read(config)
        air_files.make(folder / "air", self.air, HOST, self.port, str(folder / "air" / "broker"))
        self.config = config

    @property
    def topic(self) -> str:
        """What the topics of the line begin with."""
        return f"{air_files.ROOT}/{GATEWAY}/{BUS}"

    def user(self, post: str) -> tuple[str, str]:
        """The name and password of a post, or of the gateway (its id), at the broker."""
        if post == GATEWAY:
            return GATEWAY, (self.folder / "air/gateway/air.password").read_text().strip()
        wifi = json.loads((self.folder / "air/posts" / post / "wifi.json").read_text())["wifi"]
        return wifi["user"], wifi["secret"]

    async def start(self) -> None:
        """Broker and posts."""
        await self.start_broker()
        mpy = await asyncio.to_thread(compile_edge) if micropython() else None
        for number, lamp in enumerate(self.lamps):
            wifi = self.folder / "air" / "posts" / lamp.id / "wifi.json"
            site = Site(lamp.id, "", self.layout.state(lamp.id), mpy=mpy if number % 2 else None, air=wifi)
            self.posts[lamp.id] = Post(site, self._event, log_path=self.folder / f"{lamp.id}.log")
            await self.posts[lamp.id].start()

    async def start_broker(self) -> None:
        """The cabinet's mosquitto; returns when it listens."""
        made = self.folder / "air" / "broker" / "mosquitto.conf"
        text = made.read_text().replace(f"listener {self.port}", f"listener {self.port} {HOST}")
        config = self.folder / "mosquitto.conf"
        config.write_text(text + ("user root\n" if os.geteuid() == 0 else ""))
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if program is None:
            raise FileNotFoundError("mosquitto is missing: sudo apt-get install -y mosquitto")
        self.broker = Child("mosquitto", [program, "-c", str(config)], log_path=self.folder / "mosquitto.log")
        await self.broker.start()
        end = time.monotonic() + UP_S
        while time.monotonic() < end and self.broker.running:
            with contextlib.suppress(OSError):
                socket.create_connection((HOST, self.port), 1).close()
                return
            await asyncio.sleep(0.02)
        raise OSError(f"mosquitto did not start: {(self.folder / 'mosquitto.log').read_text()[-500:]}")

    async def start_gateway(self) -> None:
        command = [sys.executable, "-m", "lamplighter", "gateway", "--config", str(self.config)]
        self.gateway = Child("gateway", command, log_path=self.folder / "gateway.log")
        await self.gateway.start()

    async def stop(self) -> None:
        for child in (self.gateway, *self.posts.values(), self.broker):
            if child is not None:
                await child.stop()

    def target_pm(self, post: str) -> int:
        return self.posts[post].lamp.target_pm

    def _event(self, post: Post, event: Event) -> None:
        if isinstance(event, LampMove):
            self.moves.append((post.name, event.target_pm, time.monotonic()))
