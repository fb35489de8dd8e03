"""The chapters of the demo, what is shown in each, and what is held against the system at the end."""

import asyncio
import time
from collections import Counter

from .nightfall import Nightfall
from .outcome import HEAP_KB, WORDS, Outcome, waves_report
from .plans import evening, late
from .street import Street

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
FOLLOWED_S = 15.0  # a cyclist passes three posts in that time


class Story:
    """Plays the chapters on a Street within about `seconds`."""

    def __init__(self, street: Street, seconds: int) -> None:
        self.street, self.scene, self.seconds = street, street.scene, seconds
        self.outcome = Outcome()
        self.night = Nightfall(street)
        self._chapter_begun = 0.0

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
        clocks = [asyncio.create_task(self.night.daylight()), asyncio.create_task(self._progress())]
        try:
            for chapter in (
                self._daylight, self._dusk, self._walker, self._another_plan, self._killed, self._back, self._count,
            ):  # fmt: skip
                await chapter()
        finally:
            for clock in clocks:
                clock.cancel()
        self.outcome.seconds = time.monotonic() - begun
        return self.outcome

    # --- chapters

    async def _daylight(self) -> None:
        await self.night.begin(self._length_s(0))
        await self._publish("evening.json", evening(self.street.lamps))
        await self._until(0)

    async def _dusk(self) -> None:
        self._chapter(1)
        self.scene.tell("light", "sunset: every lamp begins to glow")
        await self._until(1)

    async def _walker(self) -> None:
        self._chapter(2)
        self.night.send("jogger", "pedestrian", self.night.way(), 2.8)
        await self._until(2)

    async def _another_plan(self) -> None:
        self._chapter(3)
        await self._publish("late-evening.json", late(self.street.lamps))
        await self._until(3)

    async def _killed(self) -> None:
        self._chapter(4)
        await self.street.kill_gateway()
        self.scene.tell("gateway", "kill -9 on the gateway")
        self.night.send("cyclist", "cyclist", self.night.way(back=True), 5.5)
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

    async def _reconcile(self) -> None:
        """Ask the posts what they have made up to this moment, and wait until the centre has all of that.

        Posts go on making readings meanwhile; those are not counted, however slowly this machine brings them.
        """
        observer = self.street.observer
        assert observer
        made = await self.street.made()
        end = time.monotonic() + RECONCILE_S
        while True:
            missing = {
                post: observer.items.missing(post, state["item-epoch"], state["numbers"])
                for post, state in made.items()
            }
            self.outcome.lost = sum(len(numbers) for numbers in missing.values())
            self.scene.broker.lost = self.outcome.lost if time.monotonic() > end else 0
            if not self.outcome.lost or time.monotonic() > end:
                break
            await asyncio.sleep(0.3)
        self.outcome.made = sum(len(state["numbers"]) for state in made.values())
        self.outcome.received = self.outcome.made - self.outcome.lost
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
        outcome.doubled, outcome.redelivered = items.doubled, items.redelivered
        outcome.kinds = dict(items.kinds)
        if items.doubled:
            outcome.faults.append(f"{items.doubled} items came under two ids")
        for waves in (street.waves, street.alone):
            waves.close(street.now_ms)
        outcome.with_gateway, outcome.without_gateway = (waves_report(waves) for waves in (street.waves, street.alone))
        for name, waves in (("with", outcome.with_gateway), ("without", outcome.without_gateway)):
            if not waves["followed"]:
                outcome.faults.append(f"no light followed anybody {name} the gateway")
        outcome.bus = {"baud": bus.baud, "frames": bus.frames, "collisions": bus.collisions, "lost": bus.lost}

    async def _publish(self, name: str, plan: dict) -> None:
        found = await self.night.publish(name, plan)
        self.outcome.plans.append({key: found[key] for key in ("name", "hash", "posts", "applied")})
        if found["code"] or found["applied"] != len(self.street.lamps):
            said = found["said"][-200:]
            self.outcome.faults.append(
                f"plan {plan['plan']}: applied by {found['applied']} posts; the command said: {said}"
            )

    def _chapter(self, number: int) -> None:
        self._chapter_begun = time.monotonic()
        self.scene.chapter, self.scene.story = number, STORIES[number].format(place=self.night.place)

    def _length_s(self, number: int) -> float:
        return SHARES[number] * self._left_s

    async def _until(self, number: int) -> None:
        """Sleep to the planned end of a chapter, and to half its length where those before took longer."""
        end = self._begun + sum(SHARES[: number + 1]) * self._left_s
        end = max(end, self._chapter_begun + self._length_s(number) / 2)
        await asyncio.sleep(max(0.0, end - time.monotonic()))

    async def _progress(self) -> None:
        """The progress bar of the picture."""
        while True:
            self.scene.progress = min(1.0, (time.monotonic() - self._begun) / self._left_s)
            await asyncio.sleep(0.2)
