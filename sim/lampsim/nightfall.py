"""An evening on a Street: its places on the picture, a sunset in a few seconds, people, plans that are published."""

import asyncio
import json
import time

from lamppost.light import dates, sun

from .inventory import Flat, routes
from .people import Person, way_past
from .scene import PostView, Way
from .street import Street, StreetError

PUBLISH_S = 120.0
J2000_UNIX_S = 946_684_800


class Nightfall:
    """What a story and a free play have in common. Takes the street's scene and fills it."""

    def __init__(self, street: Street) -> None:
        self.street, self.scene = street, street.scene
        self._sunset_mono: float | None = None
        self._sunset_utc_s = 0
        places = street.places
        self.scene.posts = [PostView(lamp.id, *places[lamp.id]) for lamp in street.lamps]
        self.scene.ways = [Way(kind, points) for kind, points in routes(street.lamps, Flat.around(street.lamps))]
        xs, ys = zip(*places.values(), strict=True)
        self.scene.gateway.at = (min(xs), max(ys) + 20)
        street.attach()

    @property
    def place(self) -> str:
        """Where the first lamp stands, for a person."""
        lamp = self.street.lamps[0]
        return f"{abs(lamp.lat):.2f} {'NS'[lamp.lat < 0]}, {abs(lamp.lon):.2f} {'EW'[lamp.lon < 0]}"

    async def begin(self, dusk_in_s: float) -> None:
        """Start the gateway, its clock shifted so that today's sunset at the first lamp comes in `dusk_in_s`."""
        self._sunset_mono = time.monotonic() + dusk_in_s
        await self.street.start_gateway(self._offset_s(dusk_in_s))

    def send(self, name: str, kind: str, way: tuple, speed_mps: float = 0.0) -> None:
        """Somebody sets out along `way`, at the kind's usual speed where none is given."""
        self.street.people.append(Person(name, kind, way, self.street.now_ms, speed_mps))
        self.scene.tell("walk", f"a {name} sets out")

    def way(self, number: int = 0, back: bool = False) -> tuple[tuple[float, float], ...]:
        """One of the scene's ways, past its lamps and out of their sight at both ends."""
        points = list(self.scene.ways[number % len(self.scene.ways)].points)
        return way_past(points[::-1] if back else points, 12.0, 12.0)

    async def publish(self, name: str, plan: dict) -> dict:
        """The operator publishes: {"name", "hash", "posts", "applied", "code", "said"}."""
        path = self.street.layout.folder / name
        path.write_text(json.dumps(plan, indent=1), encoding="utf-8")
        self.scene.plan.name = plan["plan"]
        self.scene.tell("plan", f"$ lamplighter plan publish {name}")
        code, said = await self.street.publish(path, PUBLISH_S)
        reported = self.street.observer.reported if self.street.observer else {}
        posts = reported.get("posts", {})
        applied = sum(post.get("result") == "applied" for post in posts.values())
        self.scene.tell("plan", f"{applied} of {len(self.street.lamps)} posts report plan {reported.get('desired')}")
        found = {"name": plan["plan"], "hash": reported.get("desired"), "posts": len(posts), "applied": applied}
        return {**found, "code": code, "said": said}

    async def daylight(self) -> None:
        """The clock and the daylight of the picture, until cancelled."""
        while True:
            if self._sunset_mono is None:
                self.scene.ambient = 1.0
            else:
                since_s = time.monotonic() - self._sunset_mono
                self.scene.clock = dates.text(round(self._sunset_utc_s + since_s))[11:19] + " UTC"
                self.scene.ambient = max(0.06, min(1.0, 0.5 - since_s / 20))
            await asyncio.sleep(0.2)

    def _offset_s(self, dusk_in_s: float) -> int:
        lamp = self.street.lamps[0]
        utc_s = time.time() - J2000_UNIX_S
        sunset = sun.times(int(utc_s) // 86400, round(lamp.lat * 1e6), round(lamp.lon * 1e6))[2]
        if sunset is None:
            raise StreetError("the sun does not set here today: take an inventory farther from the pole")
        self._sunset_utc_s = sunset
        return round(sunset - utc_s - dusk_in_s)
