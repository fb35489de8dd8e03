"""The chapters of the demo, what is shown in each, and what is held against the system at the end."""

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field

from lamppost.light import dates, sun

from .inventory import Flat, Lamp, routes
from .people import Person, way_past
from .plans import evening, late
from .scene import PostView, Way
from .street import Street, StreetError

CHAPTERS = (
    "Daylight",
    "Dusk",
    "A walker, and light ahead",
    "The operator changes the night",
    "The gateway is killed",
    "It comes back",
    "Nothing was lost",
)
STORIES = (
    "24 posts wake, a cabinet finds them, the operator gives them their evening.",
    "The sun sets at {place}: every post worked that out for itself.",
    "A sensor sees a jogger; every post hears it and decides for itself. The light runs ahead.",
    "`lamplighter plan publish`: less light where nobody is. Every post verifies and reports it.",
    "kill -9. Nobody polls any more, and the light still runs ahead of a cyclist.",
    "The same files, the same keys: posts hand over what they kept.",
    "Every reading made is counted against every reading received.",
)
SHARES = (0.20, 0.10, 0.18, 0.20, 0.16, 0.16)  # of the time; what is left is for the count
RECONCILE_S = 30.0  # the last readings need one round of polls and a commit
PUBLISH_S = 120.0
FOLLOWED_S = 15.0  # a cyclist passes three posts in that time
HEAP_KB, WORDS = 192, 2  # posts.HEAP; a 64-bit interpreter gets twice the bytes for the same number of words
J2000_UNIX_S = 946_684_800


@dataclass
class Outcome:
    """What happened, and whether the promises held."""

    seconds: float = 0.0
    interpreters: dict[str, int] = field(default_factory=dict)
    plans: list[dict] = field(default_factory=list)
    with_gateway: dict = field(default_factory=dict)
    without_gateway: dict = field(default_factory=dict)
    made: int = 0
    received: int = 0
    lost: int = 0
    doubled: int = 0
    redelivered: int = 0
    dropped: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    bus: dict = field(default_factory=dict)
    heap_free_percent: list[int] = field(default_factory=list)  # of each MicroPython post, at the end
    faults: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        return not self.faults

    def report(self) -> dict:
        """For --json."""
        return {
            "held": self.held,
            "faults": self.faults,
            "seconds": round(self.seconds, 1),
            "posts": sum(self.interpreters.values()),
            "interpreters": self.interpreters,
            "plans": self.plans,
            "waves": {"with_gateway": self.with_gateway, "without_gateway": self.without_gateway},
            "items": {
                "made": self.made,
                "received": self.received,
                "lost": self.lost,
                "duplicated": self.doubled,
                "redelivered": self.redelivered,
                "dropped_at_posts": self.dropped,
                "kinds": self.kinds,
            },
            "bus": self.bus,
            "heap_free_percent": self.heap_free_percent,
        }

    def lines(self) -> list[str]:
        """For a person."""
        used = ", ".join(f"{count} on {name}" for name, count in sorted(self.interpreters.items()))
        lines = [f"posts      {sum(self.interpreters.values())}: {used}"]
        lines += [
            f"plan       {plan['hash']}: applied by {plan['applied']} of {plan['posts']} posts" for plan in self.plans
        ]
        for name, waves in (("gateway up", self.with_gateway), ("gateway dead", self.without_gateway)):
            lines.append(
                f"light      {waves['followed']} neighbours followed, {name}: "
                f"p50 {waves['p50_ms']} ms, p99 {waves['p99_ms']} ms; {waves['unfollowed']} did not"
            )
        lines.append(
            f"readings   {self.made} made, {self.received} received, {self.lost} lost, {self.doubled} duplicated, "
            f"{self.redelivered} redelivered under the same id"
        )
        if self.heap_free_percent:
            least = min(self.heap_free_percent)
            lines.append(f"heap       at least {least} % of {HEAP_KB} KB free on the posts that run MicroPython")
        lines += [f"BROKEN     {fault}" for fault in self.faults]
        return [*lines, "the story held" if self.held else "the story did not hold"]


class Story:
    """Plays the chapters on a Street within about `seconds`."""

    def __init__(self, street: Street, seconds: int) -> None:
        self.street, self.scene, self.seconds = street, street.scene, seconds
        self.outcome = Outcome()
        self._chapter_begun = 0.0
        self._sunset_mono: float | None = None
        self._sunset_utc_s = 0
        self._set_the_scene(street.lamps)

    async def play(self) -> Outcome:
        """Every chapter in turn. Raises what `Street.start` raises."""
        begun = time.monotonic()
        self._chapter(0)
        self.scene.tell("post", f"starting broker, line and {len(self.street.lamps)} posts")
        await self.street.start()
        counts = Counter(post.interpreter for post in self.street.posts.values())
        self.outcome.interpreters = dict(counts)
        self.scene.tell("post", ", ".join(f"{n} posts on {name}" for name, n in sorted(counts.items())))
        self._begun, self._left_s = time.monotonic(), self.seconds - (time.monotonic() - begun)
        clock = asyncio.create_task(self._clock())
        try:
            for chapter in (
                self._daylight, self._dusk, self._walker, self._another_plan, self._killed, self._back, self._count,
            ):  # fmt: skip
                await chapter()
        finally:
            clock.cancel()
        self.outcome.seconds = time.monotonic() - begun
        return self.outcome

    # --- chapters

    async def _daylight(self) -> None:
        dusk_in_s = self._length_s(0)
        self._sunset_mono = time.monotonic() + dusk_in_s
        await self.street.start_gateway(self._offset_s(dusk_in_s))
        await self._publish("evening.json", evening(self.street.lamps))
        await self._until(0)

    async def _dusk(self) -> None:
        self._chapter(1)
        self.scene.tell("light", "sunset: every lamp begins to glow")
        await self._until(1)

    async def _walker(self) -> None:
        self._chapter(2)
        self._send("jogger", "pedestrian", self._way(False), 2.8)
        await self._until(2)

    async def _another_plan(self) -> None:
        self._chapter(3)
        await self._publish("late-evening.json", late(self.street.lamps))
        await self._until(3)

    async def _killed(self) -> None:
        self._chapter(4)
        await self.street.kill_gateway()
        self.scene.tell("gateway", "kill -9 on the gateway")
        self._send("cyclist", "cyclist", self._way(True), 5.5)
        await self._until(4)
        await self._followed()

    async def _back(self) -> None:
        self._chapter(5)
        await self.street.restart_gateway()
        self.scene.tell("gateway", "the gateway starts again with what is on its disk")
        await self._until(5)

    async def _count(self) -> None:
        self._chapter(6)
        self.street.people.clear()
        await self._reconcile()
        self._figures()
        if self.outcome.held:
            self.scene.tell("ok", f"{self.outcome.made} made, {self.outcome.received} received, none lost or doubled")
        for fault in self.outcome.faults:
            self.scene.tell("fault", fault)
        await asyncio.sleep(max(2.0, self._begun + self._left_s - time.monotonic()))

    async def _followed(self) -> None:
        """Until the light has followed somebody without the gateway, which is what the chapter is about."""
        end = time.monotonic() + FOLLOWED_S
        while not self.street.alone.latencies_ms and time.monotonic() < end:
            await asyncio.sleep(0.1)

    # --- what they use

    def _set_the_scene(self, lamps: list[Lamp]) -> None:
        places = self.street.places
        self.scene.posts = [PostView(lamp.id, *places[lamp.id]) for lamp in lamps]
        self.scene.ways = [Way(kind, points) for kind, points in routes(lamps, Flat.around(lamps))]
        xs, ys = zip(*places.values(), strict=True)
        self.scene.gateway.at = (min(xs), max(ys) + 20)
        self.street.attach()

    def _way(self, back: bool) -> tuple[tuple[float, float], ...]:
        points = list(self.scene.ways[0].points)
        return way_past(points[::-1] if back else points, 12.0, 12.0)

    def _send(self, name: str, kind: str, way: tuple, speed_mps: float) -> None:
        self.street.people.append(Person(name, kind, way, self.street.now_ms, speed_mps))
        self.scene.tell("walk", f"a {name} sets out")

    def _offset_s(self, dusk_in_s: float) -> int:
        """How far the cabinet's clock must be shifted for today's sunset at the first lamp to come in `dusk_in_s`."""
        lamp = self.street.lamps[0]
        utc_s = time.time() - J2000_UNIX_S
        sunset = sun.times(int(utc_s) // 86400, round(lamp.lat * 1e6), round(lamp.lon * 1e6))[2]
        if sunset is None:
            raise StreetError("the sun does not set here today: take an inventory farther from the pole")
        self._sunset_utc_s = sunset
        return round(sunset - utc_s - dusk_in_s)

    async def _publish(self, name: str, plan: dict) -> None:
        path = self.street.layout.folder / name
        path.write_text(json.dumps(plan, indent=1), encoding="utf-8")
        self.scene.plan.name = plan["plan"]
        self.scene.tell("plan", f"$ lamplighter plan publish {name}")
        code, said = await self.street.publish(path, PUBLISH_S)
        reported = self.street.observer.reported if self.street.observer else {}
        posts = reported.get("posts", {})
        applied = sum(post.get("result") == "applied" for post in posts.values())
        self.outcome.plans.append(
            {"name": plan["plan"], "hash": reported.get("desired"), "posts": len(posts), "applied": applied}
        )
        if code or applied != len(self.street.lamps):
            self.outcome.faults.append(
                f"plan {plan['plan']}: applied by {applied} posts; the command said: {said[-200:]}"
            )
        self.scene.tell("plan", f"{applied} of {len(self.street.lamps)} posts report plan {reported.get('desired')}")

    async def _reconcile(self) -> None:
        """Wait until posts hold nothing back and the centre has all of it, then count."""
        end = time.monotonic() + RECONCILE_S
        observer = self.street.observer
        assert observer
        while True:
            made = await self.street.made()
            missing = {
                post: observer.items.missing(post, state["item-epoch"], range(1, state["next-item"]))
                for post, state in made.items()
            }
            self.outcome.lost = sum(len(numbers) for numbers in missing.values())
            self.scene.broker.lost = self.outcome.lost if time.monotonic() > end else 0
            if not self.outcome.lost or time.monotonic() > end:
                break
            await asyncio.sleep(0.3)
        self.outcome.made = sum(state["next-item"] - 1 for state in made.values())
        heaps = [state["heap-free"] for state in made.values() if "heap-free" in state]
        self.outcome.heap_free_percent = [free * 100 // (HEAP_KB * 1024 * WORDS) for free in heaps]
        self.outcome.dropped = sum(state["dropped-items"] for state in made.values())
        if self.outcome.lost:
            worst = max(missing, key=lambda post: len(missing[post]))
            self.outcome.faults.append(f"{self.outcome.lost} items lost, most at {worst}: {sorted(missing[worst])[:5]}")

    def _figures(self) -> None:
        street, outcome = self.street, self.outcome
        assert street.observer
        items, bus = street.observer.items, self.scene.bus
        outcome.received, outcome.doubled, outcome.redelivered = items.count, items.doubled, items.redelivered
        outcome.kinds = dict(items.kinds)
        if items.doubled:
            outcome.faults.append(f"{items.doubled} items came under two ids")
        for waves in (street.waves, street.alone):
            waves.close(street.now_ms)
        outcome.with_gateway, outcome.without_gateway = (_waves(waves) for waves in (street.waves, street.alone))
        for name, waves in (("with", outcome.with_gateway), ("without", outcome.without_gateway)):
            if not waves["followed"]:
                outcome.faults.append(f"no light followed anybody {name} the gateway")
        outcome.bus = {"baud": bus.baud, "frames": bus.frames, "collisions": bus.collisions, "lost": bus.lost}

    def _chapter(self, number: int) -> None:
        self._chapter_begun = time.monotonic()
        lamp = self.street.lamps[0]
        place = f"{abs(lamp.lat):.2f} {'NS'[lamp.lat < 0]}, {abs(lamp.lon):.2f} {'EW'[lamp.lon < 0]}"
        self.scene.chapter, self.scene.story = number, STORIES[number].format(place=place)

    def _length_s(self, number: int) -> float:
        return SHARES[number] * self._left_s

    async def _until(self, number: int) -> None:
        """Sleep to the planned end of a chapter, and to half its length where those before took longer."""
        end = self._begun + sum(SHARES[: number + 1]) * self._left_s
        end = max(end, self._chapter_begun + self._length_s(number) / 2)
        await asyncio.sleep(max(0.0, end - time.monotonic()))

    async def _clock(self) -> None:
        """The clock, the daylight and the progress bar of the picture."""
        while True:
            now = time.monotonic()
            self.scene.progress = min(1.0, (now - self._begun) / self._left_s)
            if self._sunset_mono is not None:
                since_s = now - self._sunset_mono
                self.scene.clock = dates.text(round(self._sunset_utc_s + since_s))[11:19] + " UTC"
                self.scene.ambient = max(0.06, min(1.0, 0.5 - since_s / 20))
            else:
                self.scene.ambient = 1.0
            await asyncio.sleep(0.2)


def _waves(waves) -> dict:
    p50, p99 = waves.percentile_ms(0.5), waves.percentile_ms(0.99)
    return {
        "waves": waves.waves,
        "followed": len(waves.latencies_ms),
        "unfollowed": waves.unfollowed,
        "p50_ms": None if p50 is None else round(p50, 1),
        "p99_ms": None if p99 is None else round(p99, 1),
    }
