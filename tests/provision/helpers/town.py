"""A provisioned site in a temporary folder, and a real mosquitto that runs with its broker files."""

import asyncio
import contextlib
import datetime
import shutil
import socket
import ssl
from pathlib import Path

import aiomqtt
from brokers import free_port
from listening import listening

from lamplighter.provision import cabinet, site
from lamplighter.provision.authority import Authority

NOW = datetime.datetime.now(datetime.UTC)
MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin") or "mosquitto"


def gateway_toml(name: str, port: int = 8883, host: str = "127.0.0.1", site_id: str = "lln") -> str:
    return (
        f'[gateway]\nid = "{name}"\nsite = "{site_id}"\nstate_dir = "state"\nkeys_file = "keys.json"\n'
        f'[mqtt]\nhost = "{host}"\nport = {port}\ntls_ca = "ca.pem"\ntls_cert = "mqtt.pem"\ntls_key = "mqtt.key"\n'
        '[[bus]]\nid = "bus0"\nport = "/dev/ttyNONE"\n'
        '[[post]]\nid = "p01"\nbus = "bus0"\naddress = 1\nlat = 50.6\nlon = 4.6\n'
        '[[post]]\nid = "p02"\nbus = "bus0"\naddress = 2\nlat = 50.6\nlon = 4.61\n'
    )


def read(folder: Path, name: str, **more) -> cabinet.Cabinet:
    path = folder / f"{name}.toml"
    path.write_text(gateway_toml(name, **more))
    return cabinet.read(path)


class Town:
    """Gateways gw1 and gw2, and whoever else the site has; `start` runs its broker."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.place = folder / "site"
        self.broker = self.place / "broker"
        cabinets = [read(folder, name, port=self.port) for name in ("gw1", "gw2")]
        site.make(self.place, cabinets, ["localhost"], self.port, str(self.broker), NOW)
        self.state = folder / "mosquitto"
        self.state.mkdir()
        self.log = folder / "mosquitto.log"
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """With the files as made, on loopback only, and as this user."""
        text = (self.broker / "mosquitto.conf").read_text()
        text = text.replace(f"listener {self.port}", f"listener {self.port} 127.0.0.1")
        text = text.replace("/var/lib/mosquitto/", f"{self.state}/") + "user root\n"
        config = self.state / "test.conf"
        config.write_text(text)
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(MOSQUITTO, "-c", str(config), stdout=log, stderr=log)
        async with asyncio.timeout(10):
            while not self._listens():
                assert self.process.returncode is None, self.log.read_text()
                await asyncio.sleep(0.01)

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    def folder(self, name: str) -> Path:
        return self.place / ("gateways" if name.startswith("gw") else "clients") / name

    def tls(self, name: str) -> ssl.SSLContext:
        return context(self.place / "authority" / "ca.pem", self.folder(name))

    def client(self, name: str, **more) -> aiomqtt.Client:
        more.setdefault("tls_context", self.tls(name))
        return aiomqtt.Client("127.0.0.1", self.port, timeout=20, **more)

    def authority(self) -> Authority:
        return Authority.read(self.place / "authority")

    @contextlib.asynccontextmanager
    async def hearing(self, name: str, *topics: str):
        """What this client hears, as a list of (topic, payload) that grows."""
        async with self.client(name) as client, listening(client, topics, 1) as got:
            yield got

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


def context(authority: Path, folder: Path) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=authority)
    made.load_cert_chain(folder / "mqtt.pem", folder / "mqtt.key")
    return made


async def until(condition, timeout_s: float = 30.0):
    async with asyncio.timeout(timeout_s):
        while not (value := condition()):
            await asyncio.sleep(0.01)
        return value
