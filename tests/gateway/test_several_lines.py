"""The daemon as a process with three lines on ptys and real posts on each: light crosses from line to line."""

import json
import statistics

import pytest
from cabinet import start_gateway, stop
from pty_street import PtyStreet
from several_lines import bus_key, park, sites_of
from street import Lamp, post_key

from lamplighter.gateway.config import load
from lamplighter.plans.compile import compile_at

LINES, POSTS = 3, 4


class Lines:
    """A cabinet's ptys, its configuration and its daemon; posts have their plans already."""

    def __init__(self, folder, broker):
        self.sites = sites_of(LINES, POSTS)
        self.streets = {}
        for bus in range(LINES):
            mine = [site for site in self.sites if site.bus == f"bus{bus}"]
            lamps = [Lamp(s.address, seed=bus, key=key_of(s), bus_key=bus_key(bus)) for s in mine]
            self.streets[f"bus{bus}"] = PtyStreet(0, lamps)
        self.path = self._write(folder, broker)
        hood = load(self.path).neighbourhood()
        self.hood = hood
        for site in self.sites:
            street = self.streets[site.bus]
            raw = compile_at(park(), site, hood.table(site.id))
            street.call(lambda street, site=site, raw=raw: give_plan(street.lamps[site.address - 1], raw))

    def alias(self, bus: str, post: str) -> int:
        return next(alias for alias, key in self.hood.aliases[bus].items() if key == post)

    def close(self) -> None:
        for street in self.streets.values():
            street.close()

    def _write(self, folder, broker):
        keys = {
            "bus_keys": {f"bus{bus}": bus_key(bus).hex() for bus in range(LINES)},
            "posts": {site.id: key_of(site).hex() for site in self.sites},
        }
        (folder / "keys.json").write_text(json.dumps(keys))
        (folder / "keys.json").chmod(0o600)
        text = '[gateway]\nid = "gw1"\nsite = "lln"\nstate_dir = "state"\nkeys_file = "keys.json"\nstatus_s = 1\n'
        text += f'[mqtt]\nhost = "{broker[0]}"\nport = {broker[1]}\n'
        for bus, street in self.streets.items():
            text += f'[[bus]]\nid = "{bus}"\nport = "{street.port}"\nbaud = 115200\nreply_ms = 200\n'
        for site in self.sites:
            place = f"lat = {site.lat_ud / 1e6}\nlon = {site.lon_ud / 1e6}\n"
            text += f'[[post]]\nid = "{site.id}"\nbus = "{site.bus}"\naddress = {site.address}\n{place}'
        path = folder / "gateway.toml"
        path.write_text(text)
        return path


def key_of(site) -> bytes:
    return post_key(site.address + 20 * int(site.bus[3:]))


def give_plan(lamp: Lamp, raw: bytes) -> None:
    lamp.flash["plan"] = raw
    lamp.start()


@pytest.fixture
def lines(tmp_path):
    lines = Lines(tmp_path, ("127.0.0.1", 9))  # nobody listens there: light needs no broker
    daemon = start_gateway(lines.path)
    yield lines
    stop(daemon)
    lines.close()


def hears(street, site, user_class: int = 0) -> bool:
    """Whether the presence of somebody elsewhere has reached the post."""
    return knows(street.lamps[site.address - 1], user_class)


def knows(lamp: Lamp, user_class: int) -> bool:
    return any(entry[1] == user_class for entry in lamp.post.presence._seen)


@pytest.mark.system
def test_light_crosses_lines_on_real_ports(lines) -> None:
    for street in lines.streets.values():
        street.wait_for(lambda street: all(lamp.post.line._link.session for lamp in street.lamps))
    last, first = lines.sites[POSTS - 1], lines.sites[POSTS]  # 30 m apart, on two lines
    far = lines.sites[2 * POSTS]  # the first of the third line: 150 m from `last`, and 30 m from the second's end
    lines.streets["bus0"].sense(last.address, 1)
    lines.streets["bus1"].wait_for(lambda street: hears(street, first, 1))
    lines.streets["bus2"].sense(far.address, 2)
    lines.streets["bus1"].wait_for(lambda street: hears(street, lines.sites[2 * POSTS - 1], 2))
    assert not lines.streets["bus2"].call(lambda street: any(knows(lamp, 1) for lamp in street.lamps[1:]))


@pytest.mark.system
def test_how_long_it_takes_on_real_ports(lines) -> None:
    """From the sensor's edge on one line to a post of the other, and one of the same; a busy machine adds its share."""
    for street in lines.streets.values():
        street.wait_for(lambda street: all(lamp.post.line._link.session for lamp in street.lamps))
    west, east = lines.streets["bus0"], lines.streets["bus1"]
    here, there = [], []
    for address in (POSTS, POSTS - 1):
        for user_class in range(3):
            heard = [listen(west, POSTS - 3, address), listen(east, 1, lines.alias("bus1", f"l0p{address:02}"))]
            mark = west.now_ms()
            west.sense(address, user_class)
            here.append(west.wait_for(lambda street, heard=heard[0]: next(iter(heard), 0)) - mark)
            there.append(east.wait_for(lambda street, heard=heard[1]: next(iter(heard), 0)) - mark)
    added = statistics.median(there) - statistics.median(here)
    assert -50 < added < 150, (here, there)


def listen(street: PtyStreet, address: int, source: int) -> list[int]:
    """A list that gets the moments at which a post hears events of `source`."""
    moments: list[int] = []

    def tap(street) -> None:
        line = street.lamps[address - 1].post.line
        then = line._event_heard

        def heard(message, t_ms: int) -> None:
            if message.src == source:
                moments.append(street.now_ms())
            then(message, t_ms)

        line._event_heard = heard

    street.call(tap)
    return moments
