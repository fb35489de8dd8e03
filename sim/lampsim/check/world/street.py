"""A small street for the checker, byte-true: every byte passes a real line model, real decoders and real posts.

The big engine (`lampsim.virtual`) takes short cuts that thousands of posts need; here nothing is cut short, because
what is being looked for hides in the short cuts. Virtual time is microseconds; a Spec (worlds.py) and a fault plan
decide everything. A Witness sees every event of every post before and after it was handled.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lampsim.check.gateway.cabinet import Cabinet
from lampsim.check.world.air import Air
from lampsim.check.world.bus import GATEWAY, STRANGER, Bus
from lampsim.check.world.loop import Loop
from lampsim.check.world.post import StreetPost
from lampsim.check.world.stage import StreetStage
from lampsim.check.worlds import Spec, key_of

if TYPE_CHECKING:
    from lampsim.check.witness.promises import Witness
    from lampsim.faults.base import Fault

SAMPLE_US = 5_000_000  # how often the witness looks when nothing happens: well inside any hold
LUX_US = 60_000_000


class Street:
    """The world of one check. `run` plays it to its end; the Witness raises Broken where a promise is."""

    def __init__(self, spec: Spec, faults: Iterable[Fault], witness: Witness) -> None:
        self.spec, self.witness, self.loop = spec, witness, Loop()
        self.faults = list(faults)
        self.there: dict[tuple[str, int], int] = {}  # how many are at a sensor, by post and class of user
        self.buses: dict[str, Bus | Air] = {}
        self.posts: dict[str, StreetPost] = {}
        for bus, names in spec.lines.items():
            self.buses[bus] = Air(self, bus, names) if bus in spec.air else Bus(self, bus, spec.baud, names)
            for address, name in enumerate(names, 1):
                drift = self.random_of("drift", name).randrange(-60, 61)
                self.posts[name] = StreetPost(self, name, self.buses[bus], address, drift)
        self.cabinet = Cabinet(self)
        self.stage = StreetStage(self)
        witness.begin(self)

    def run(self) -> None:
        """The whole of it: `spec.duration_s` with people and faults, then `spec.quiet_s` in which all must be well."""
        for post in self.posts.values():
            delay = self.random_of("start", post.name).randrange(2_000_000)
            self.loop.at(delay, post.start)
        self.cabinet.start()
        for moment_s, name, active, user_class in self.spec.detections:
            self.loop.at(round(moment_s * 1e6), lambda n=name, a=active, u=user_class: self.sense(n, a, u))
        for request in self.spec.requests:
            self.loop.at(round(request.at_s * 1e6), lambda r=request: self.cabinet.requests.request(r))
        for moment_s, plan in self.spec.plans:
            self.loop.at(round(moment_s * 1e6), lambda p=plan: self.cabinet.plans.desire(p))
        for fault in self.faults:
            self.loop.at(round(fault.at_s * 1e6), lambda f=fault: f.apply(self.stage))
        self._sample()
        self.cabinet.centre.look()
        self._daylight()
        self.loop.run_until(round(self.spec.duration_s * 1e6))
        self.cabinet.casts.quiet()
        self.loop.run_until(round((self.spec.duration_s + self.spec.quiet_s) * 1e6))
        self.cabinet.casts.settle()
        self.witness.end()

    def close(self) -> None:
        """Leave nothing behind on this machine."""
        self.cabinet.casts.remove()
        if self.cabinet.disk is not None:
            self.cabinet.disk.remove()

    # --- the world

    def utc_ms(self) -> int:
        """The true time, milliseconds since 2000."""
        return self.spec.start_utc_s * 1000 + self.loop.now_us // 1000

    def heard(self, bus: str, node: str, data: bytes) -> None:
        if node == GATEWAY:
            self.cabinet.received(bus, data)
        elif node != STRANGER:
            self.posts[node].hear(data)

    def sense(self, name: str, active: int, user_class: int) -> None:
        """Somebody comes or goes. A sensor has an input for each class, and says only that somebody is there."""
        there = self.there.get((name, user_class), 0)
        self.there[name, user_class] = there + (1 if active else -1)
        if there == (0 if active else 1) and not self.posts[name].sensor:
            self.posts[name].handle(("presence", user_class, active, user_class))

    def lux(self) -> int:
        return self.spec.lux(self.utc_ms() // 1000)

    def random_of(self, *name: object) -> random.Random:
        return random.Random(self.seed_of(*name))

    def seed_of(self, *name: object) -> str:
        return f"{self.spec.seed}/{name}"  # random.Random hashes a string with SHA-512: the same on every machine

    def settings_of(self, name: str, address: int) -> dict[str, Any]:
        keys = {"post-key": key_of(self.spec.seed, name), "bus-key": key_of(self.spec.seed, self.spec.bus_of(name))}
        return {"identity": name, "address": address, "reading-s": self.spec.reading_s} | keys

    # --- by the clock

    def _sample(self) -> None:
        for post in self.posts.values():
            self.witness.look(post)
        self.loop.at(self.loop.now_us + SAMPLE_US, self._sample)

    def _daylight(self) -> None:
        for post in self.posts.values():
            if "photocell" in post.instruments.has:
                post.handle(("lux", post.instruments.lux()))
        self.loop.at(self.loop.now_us + LUX_US, self._daylight)
