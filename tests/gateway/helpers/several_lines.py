"""One cabinet with several lines in virtual time: Pollers, real Posts with compiled plans, and the Relay between them.

A street runs east; each line has the next stretch of it, numbered from 1 and with a bus key of its own.
"""

import json
import math
from importlib.resources import files

from street import Lamp, Street, post_key

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.poll import Poller
from lamplighter.gateway.lines.relay import Relay
from lamplighter.plans.compile import compile_at
from lamplighter.plans.document import load
from lamplighter.plans.neighbourhood import neighbourhood
from lamplighter.plans.site import PostSite
from lamppost.wire import messages
from lamppost.wire.frame import Decoder

EAST_UD = 1e6 / (111_194.93 * math.cos(math.radians(50.6693)))


def bus_key(bus: int) -> bytes:
    return bytes([0x40 + bus]) * 32


def sites_of(lines: int, posts: int, spacing_m: float = 30.0) -> list[PostSite]:
    return [
        PostSite(f"l{bus}p{i + 1:02}", i + 1, f"bus{bus}", 50_669_300, 4_615_000 + east)
        for bus in range(lines)
        for i in range(posts)
        for east in [round((bus * posts + i) * spacing_m * EAST_UD)]
    ]


def park():
    value = json.loads(files("lamplighter.plans").joinpath("examples/park-presence.json").read_text())
    value["groups"] = [{"id": "all", "posts": "all", "calendar": value["calendars"][0]["id"]}]
    value.pop("eventScenes", None)
    return load(json.dumps(value), "park")


class OneLine(Street):
    """A Street whose keys are its own and whose Poller speaks for others at `aliases`."""

    def __init__(self, bus: int, lamps: list[Lamp], aliases, **more):
        self.bus_key, self.aliases = bus_key(bus), aliases
        super().__init__(lamps=lamps, seed=bus, **more)

    def make_poller(self, keys, counter, acks=None):
        return Poller(
            keys, self.bus_key, self.baud, self.random.randbytes, counter, self.reserved.append, acks,
            aliases=self.aliases,
        )  # fmt: skip


class Cabinet:
    """`lines` by bus name; `relay` between them. `said` holds (line, time, source post, Say) of what was passed on."""

    def __init__(self, lines: int, posts: int, baud: int = 115200, spacing_m: float = 30.0, **more):
        self.sites = sites_of(lines, posts, spacing_m)
        self.hood = neighbourhood(self.sites)
        self.relay = Relay(self.hood.routes, self.hood.wanted)
        self.names = {(site.bus, site.address): site.id for site in self.sites}
        self.passed = []
        self.lines = {}
        document = park()
        for bus in range(lines):
            mine = [site for site in self.sites if site.bus == f"bus{bus}"]
            lamps = []
            for site in mine:
                lamp = Lamp(site.address, seed=bus, key=post_key(site.address), bus_key=bus_key(bus), baud=baud)
                lamp.flash["plan"] = compile_at(document, site, self.hood.table(site.id))
                lamp.start()
                lamps.append(lamp)
            self.lines[f"bus{bus}"] = OneLine(bus, lamps, self.hood.aliases[f"bus{bus}"], baud=baud, **more)
        self._seen = dict.fromkeys(self.lines, 0)
        self.now = 0

    def lamp(self, post: str) -> Lamp:
        site = next(site for site in self.sites if site.id == post)
        return self.lines[site.bus].lamp(site.address)

    def sense(self, post: str, user_class: int = 0) -> None:
        site = next(site for site in self.sites if site.id == post)
        self.lines[site.bus].sense(site.address, user_class)

    def run(self, until_ms: int) -> None:
        """Let time pass on all lines together, a millisecond at a time."""
        while self.now < until_ms:
            self.now += 1
            for bus, street in self.lines.items():
                street.run(self.now)
                self._pass_on(bus, street)

    def until_online(self) -> None:
        while not all(len(street.online()) == len(street.lamps) for street in self.lines.values()):
            self.run(self.now + 100)
            assert self.now < 60_000
        self.run(self.now + 2000)

    def events(self, bus: str, since: int = 0) -> list[tuple[int, int, list]]:
        """(ms at its end, source address, values) of the EVENT frames that were sent on a line."""
        found = []
        for at, _, data in self.lines[bus].frames[since:]:
            frame = Decoder().feed(data)[0]
            if frame.type == messages.EVENT:
                found.append((at - (-len(data) * 10_000 // self.lines[bus].baud), frame.src, frame.values()))
        return found

    def _pass_on(self, bus: str, street: OneLine) -> None:
        fresh, self._seen[bus] = street.said[self._seen[bus] :], len(street.said)
        for at, action in fresh:
            if isinstance(action, line.Heard):
                post, item = self.names[bus, action.address], (action.epoch, action.seq)
                told = self.relay.event(post, item, action.user_class, action.input, action.age_ms, at)
                for other, say in told.lines:
                    self.passed.append((other, at, post, say))
                    self.lines[other].give(say)
