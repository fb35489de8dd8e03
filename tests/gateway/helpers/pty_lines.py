"""A cabinet whose lines are ptys with real posts, its configuration on disk, and the posts' plans already in them."""

import json
from pathlib import Path

from pty_street import PtyStreet
from several_lines import bus_key, park
from street import Lamp, post_key

from lamplighter.gateway.config import load
from lamplighter.plans.compile import compile_at
from lamplighter.plans.neighbourhood import FarSite
from lamplighter.plans.site import PostSite


class Lines:
    """`streets` by bus, `path` of the configuration, `hood`: who hears whom. Buses are named bus0, bus1 ..."""

    def __init__(
        self,
        folder: Path,
        broker: tuple[str, int],
        sites: list[PostSite],
        far: tuple[FarSite, ...] = (),
        gateway: str = "gw1",
        more_mqtt: str = "",
    ) -> None:
        self.sites, self.gateway = sites, gateway
        self.streets: dict[str, PtyStreet] = {}
        for bus in sorted({site.bus for site in sites}):
            mine = [site for site in sites if site.bus == bus]
            lamps = [Lamp(s.address, seed=number(bus), key=key_of(s), bus_key=bus_key(number(bus))) for s in mine]
            self.streets[bus] = PtyStreet(0, lamps)
        self.path = self._write(folder, broker, far, more_mqtt)
        self.hood = load(self.path).neighbourhood()
        for site in sites:
            raw = compile_at(park(), site, self.hood.table(site.id))
            self.streets[site.bus].call(lambda street, site=site, raw=raw: give_plan(lamp_in(street, site), raw))

    def alias(self, bus: str, post: str) -> int:
        return next(alias for alias, key in self.hood.aliases[bus].items() if key == post)

    def until_in_session(self) -> None:
        """Raises AssertionError with the end of the daemon's log, where it starts by start_gateway."""
        for street in self.streets.values():
            try:
                street.wait_for(lambda street: all(lamp.post.line._link.session for lamp in street.lamps))
            except AssertionError as err:
                raise AssertionError(
                    f"no session; the daemon says: {(self.path.parent / 'gateway.log').read_text()[-2000:]}"
                ) from err

    def close(self) -> None:
        for street in self.streets.values():
            street.close()

    def _write(self, folder: Path, broker: tuple[str, int], far: tuple[FarSite, ...], more_mqtt: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        keys = {
            "bus_keys": {bus: bus_key(number(bus)).hex() for bus in self.streets},
            "posts": {site.id: key_of(site).hex() for site in self.sites},
        }
        (folder / "keys.json").write_text(json.dumps(keys))
        (folder / "keys.json").chmod(0o600)
        text = f'[gateway]\nid = "{self.gateway}"\nsite = "lln"\nstate_dir = "state"\n'
        text += 'keys_file = "keys.json"\nstatus_s = 1\n'
        text += f'[mqtt]\nhost = "{broker[0]}"\nport = {broker[1]}\n{more_mqtt}'
        for bus, street in self.streets.items():
            text += f'[[bus]]\nid = "{bus}"\nport = "{street.port}"\nbaud = 115200\nreply_ms = 200\n'
        for site in self.sites:
            text += f'[[post]]\nid = "{site.id}"\nbus = "{site.bus}"\naddress = {site.address}\n{place(site)}'
        for one in far:
            text += f'[[far]]\nid = "{one.id}"\ngateway = "{one.gateway}"\n{place(one)}'
        path = folder / "gateway.toml"
        path.write_text(text)
        return path


def place(site: PostSite | FarSite) -> str:
    return f"lat = {site.lat_ud / 1e6}\nlon = {site.lon_ud / 1e6}\n"


def number(bus: str) -> int:
    return int(bus.removeprefix("bus"))


def key_of(site: PostSite) -> bytes:
    return post_key(site.address + 20 * number(site.bus))


def lamp_in(street: PtyStreet, site: PostSite) -> Lamp:
    return next(lamp for lamp in street.lamps if lamp.address == site.address)


def give_plan(lamp: Lamp, raw: bytes) -> None:
    lamp.flash["plan"] = raw
    lamp.start()


def listen(street: PtyStreet, address: int, source: int) -> list[int]:
    """A list that gets the moments at which a post hears events of `source`."""
    moments: list[int] = []

    def tap(street: PtyStreet) -> None:
        line = street.lamps[address - 1].post.line
        then = line._event_heard

        def heard(message, t_ms: int) -> None:
            if message.src == source:
                moments.append(street.now_ms())
            then(message, t_ms)

        line._event_heard = heard

    street.call(tap)
    return moments
