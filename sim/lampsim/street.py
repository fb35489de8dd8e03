"""A street that really runs: broker, line, gateway and posts as processes, people and sensors, and the centre's view.

Everything is started and stopped here; what happens is written into a Scene for whoever looks, and counted.
"""

import asyncio
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamppost.light.dimmer import Dimmer

from .broker import Broker
from .compile_edge import compile_edge
from .inventory import Flat, Lamp
from .layout import Connection, Layout
from .line_process import LineProcess
from .observer import Observer
from .people import Edge, Person, Sensors
from .plans import FULL_REACH_M
from .posts import Event, Identify, Log, Post, Site, micropython, why_no_micropython
from .posts import Lamp as LampMove
from .processes import Child
from .scene import PersonView, PostView, Scene
from .service_port import ServicePort
from .tally import Waves

STEP_S = 0.05  # people move and sensors look this often
GATEWAY_NODE = "gateway"
READY_S = 60.0  # 24 interpreters starting on two busy cores take 5 s


class StreetError(Exception):
    """Something of the simulation does not start; the text is one line."""


@dataclass(frozen=True)
class Options:
    """How a street is run. `broker` is (host, port) of a running one, None for the embedded one."""

    baud: int = 38_400
    micropython: int = 6
    reading_s: int = 5
    seed: int = 1
    loss: float = 0.0
    broker: tuple[str, int] | None = None


@dataclass
class _Light:
    view: PostView
    dimmer: Dimmer = field(default_factory=Dimmer)


class Street:
    """Lamps of an inventory, alive. Call `start`, then `light_up` for the gateway, at last `stop`."""

    def __init__(self, folder: Path, lamps: Sequence[Lamp], scene: Scene, options: Options) -> None:
        self.scene, self.options = scene, options
        self.lamps = list(lamps)
        self.layout = Layout(folder, lamps, options.reading_s)
        flat = Flat.around(lamps)
        self.places = {lamp.id: flat.xy_m(lamp.lat, lamp.lon) for lamp in lamps}
        self.people: list[Person] = []
        self.posts: dict[str, Post] = {}
        self.service: dict[str, ServicePort] = {}
        self.line = LineProcess(
            "line", [GATEWAY_NODE, *self.places], options.baud, options.seed, options.loss, on_report=self._bus_report
        )
        self.gateway: Child | None = None
        self.observer: Observer | None = None
        self.waves = Waves(_near(self.places))
        self.alone = Waves(_near(self.places))  # while the gateway is dead
        self._broker: Broker | None = None
        self._sensors = Sensors(self.places, options.seed)
        self._lights: dict[str, _Light] = {}
        self._walk: asyncio.Task[None] | None = None

    @property
    def now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def attach(self) -> None:
        """Take the posts of the scene, which must be those of the lamps."""
        self._lights = {view.id: _Light(view) for view in self.scene.posts}

    async def start(self) -> None:
        """Broker, line and posts; returns when every post is ready. Raises StreetError."""
        host, port = await self._start_broker()
        self.observer = Observer(host, port, self._item)
        await self.observer.start()
        await self.line.start()
        mpy = await asyncio.to_thread(compile_edge) if self._micropython_count() else None
        for number, lamp in enumerate(self.lamps):
            await self._start_post(lamp, mpy if number % 4 == 0 and self._has_room(number) else None)
        await self._all_ready()
        self._connection = Connection(self.line.paths[GATEWAY_NODE], self.options.baud, host, port)
        self._walk = asyncio.create_task(self._life())

    async def start_gateway(self, time_offset_s: int) -> None:
        """Start the cabinet daemon with its clock shifted by `time_offset_s`."""
        c = self._connection
        config = self.layout.write_gateway(Connection(c.bus_path, c.baud, c.broker_host, c.broker_port, time_offset_s))
        command = [sys.executable, "-m", "lamplighter", "gateway", "--config", str(config)]
        self.gateway = Child("gateway", command, log_path=self.layout.folder / "gateway.log")
        await self.gateway.start()
        self.scene.gateway.up = True

    def unplug_gateway(self) -> None:
        """Pull its cable out of the line; the process goes on."""
        self.line.unplug(GATEWAY_NODE)
        self.scene.gateway.plugged = False

    def plug_gateway(self) -> None:
        """Put the cable back."""
        self.line.plug(GATEWAY_NODE)
        self.scene.gateway.plugged = True

    async def power_off(self, post: str) -> None:
        """Cut the power of a post."""
        await self.posts[post].kill()
        self.line.unplug(post)
        self._lights[post].dimmer.go(0, 0, self.now_ms)

    async def power_on(self, post: str) -> None:
        """Give it its power back."""
        self.line.plug(post)
        await self.posts[post].start()

    async def kill_gateway(self) -> None:
        """kill -9."""
        if self.gateway:
            await self.gateway.kill()
        self.line.unplug(GATEWAY_NODE)
        self.scene.gateway.up = False

    async def restart_gateway(self) -> None:
        """Start it again with what it left on its disk."""
        self.plug_gateway()
        if self.gateway:
            await self.gateway.start()
        self.scene.gateway.up = True

    async def publish(self, plan: Path, timeout_s: float) -> tuple[int, str]:
        """The operator's own command, in a process of its own: (exit code, what it printed)."""
        assert self.observer
        command = [sys.executable, "-m", "lamplighter", "plan", "publish", str(plan), "--json"]
        command += ["--broker", f"{self._connection.broker_host}:{self._connection.broker_port}"]
        command += ["--site", "louvain-la-neuve", "--gateway", "gw1", "--timeout", f"{timeout_s:.0f}"]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await process.communicate()
        return process.returncode or 0, (out or err).decode("utf-8", "replace").strip()

    async def stop(self) -> None:
        """End everything that was started here."""
        if self._walk:
            self._walk.cancel()
            await asyncio.gather(self._walk, return_exceptions=True)
        users = [child for child in (self.gateway, *self.posts.values()) if child]
        await asyncio.gather(*(child.stop() for child in users), return_exceptions=True)
        await self.line.stop()  # last: who outlives its port opens that name again, which may be another's pty by now
        if self.observer:
            await self.observer.stop()
        if self._broker:
            await self._broker.stop()
        for port in self.service.values():
            port.close()

    async def made(self) -> dict[str, dict[str, Any]]:
        """What each post says: item-epoch, next-item, waiting-items, dropped-items, and heap-free where it is known;
        and the `numbers` that its items have, if it has been started once."""
        keys = ("item-epoch", "next-item", "waiting-items", "dropped-items", "heap-free")
        answers = await asyncio.gather(*(port.info() for port in self.service.values()))
        made: dict[str, dict[str, Any]] = {}
        for post, answer in zip(self.service, answers, strict=True):
            made[post] = {key: int(answer[key]) for key in keys if answer[key] != "unknown"}
            first, last = map(int, answer["skipped-items"].split())
            made[post]["numbers"] = [*range(1, first or 1), *range(last or 1, made[post]["next-item"])]
        return made

    # --- starting

    def _micropython_count(self) -> int:
        if micropython() is None:
            self.scene.note = why_no_micropython()
            return 0
        return min(self.options.micropython, len(self.lamps))

    def _has_room(self, number: int) -> bool:
        return number // 4 < self._micropython_count()

    async def _start_broker(self) -> tuple[str, int]:
        if self.options.broker:
            self.scene.broker.name = f"{self.options.broker[0]}:{self.options.broker[1]}"
            return self.options.broker
        self._broker = Broker()
        await self._broker.start()
        return self._broker.host, self._broker.port

    async def _start_post(self, lamp: Lamp, mpy: Path | None) -> None:
        port = ServicePort()
        self.service[lamp.id] = port
        site = Site(lamp.id, self.line.paths[lamp.id], self.layout.state(lamp.id), self.options.baud, port.path, mpy)
        post = Post(site, self._heard)
        self.posts[lamp.id] = post
        self._lights[lamp.id].view.micropython = post.interpreter == "micropython"
        await post.start()

    async def _all_ready(self) -> None:
        end = time.monotonic() + READY_S
        while not all(post.ready for post in self.posts.values()):
            ended = [post for post in self.posts.values() if not post.running]
            if ended:
                last = (list(ended[0].errors) or ["it said nothing"])[-1]
                raise StreetError(f"post {ended[0].name} ended at its start: {last}")
            if time.monotonic() > end:
                raise StreetError(f"the posts were not ready within {READY_S:.0f} s: is the machine overloaded?")
            await asyncio.sleep(0.05)

    # --- what happens

    def _heard(self, post: Post, event: Event) -> None:
        now_ms = self.now_ms
        light = self._lights[post.name]
        if isinstance(event, LampMove):
            light.dimmer.go(event.target_pm, event.fade_ms, now_ms)
            for waves in (self.waves, self.alone):
                waves.lamp(post.name, event.target_pm, now_ms)
        elif isinstance(event, Identify):
            light.view.identify = event.on
        elif isinstance(event, Log) and "Traceback" in event.text:
            self.scene.tell("fault", f"{post.name}: {event.text}")

    def _item(self, item: dict) -> None:
        assert self.observer
        self.scene.broker.received = self.observer.items.count
        self.scene.broker.doubled = self.observer.items.doubled

    def _bus_report(self, counters: dict) -> None:
        bus = self.scene.bus
        bus.baud, bus.load_percent = self.options.baud, counters["load_percent"]
        bus.frames, bus.collisions, bus.lost = counters["frames"], counters["collisions"], counters["lost_frames"]

    async def _life(self) -> None:
        """People walk, sensors see them, lamps fade: ten and more times a second, until stopped."""
        while True:
            now_ms = self.now_ms
            for _, edge in self._sensors.look(self.people, now_ms):
                self._edge(edge)
            self._show(now_ms)
            await asyncio.sleep(STEP_S)

    def _edge(self, edge: Edge) -> None:
        post = self.posts[edge.post]
        self._lights[edge.post].view.sees = edge.active
        if post.running and post.send(edge.line) and edge.active:
            (self.waves if self.scene.gateway.polls else self.alone).edge(edge.post, self.now_ms)
            self.scene.tell("walk", f"{edge.post} sees a {('walker', 'cyclist', 'car')[edge.user_class]}")

    def _show(self, now_ms: int) -> None:
        scene = self.scene
        for light in self._lights.values():
            light.view.level_pm = light.dimmer.level(now_ms)
            light.view.alive = self.posts[light.view.id].running
        there = [(person, person.at(now_ms)) for person in self.people]
        scene.people = [PersonView(at[0], at[1], person.kind) for person, at in there if at]
        if self.observer:
            status = self.observer.status
            scene.broker.up = self.observer.connected
            scene.gateway.posts_online = int(status.get("posts_online", 0)) if scene.gateway.polls else 0
            scene.gateway.backlog = int(status.get("backlog", 0))
            scene.gateway.retries = sum(bus.get("retries", 0) for bus in status.get("bus", ()))
            posts = self.observer.reported.get("posts", {})
            scene.plan.hash = str(self.observer.reported.get("desired") or "")
            scene.plan.applied = sum(post.get("result") == "applied" for post in posts.values())
        both = self.waves.latencies_ms + self.alone.latencies_ms
        if both:
            ordered = sorted(both)
            scene.wave_ms = round(ordered[len(both) // 2]), round(ordered[min(len(both) - 1, len(both) * 99 // 100)])


def _near(places: dict[str, tuple[float, float]]) -> dict[str, list[str]]:
    """For each post the others that a walker at it should light fully."""
    return {
        post: [other for other, there in places.items() if other != post and math.dist(at, there) <= FULL_REACH_M - 1]
        for post, at in places.items()
    }
