"""What a World remembers of a run: changes of lamps, detections, latencies; and the recording and counts made of it."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from lamppost.light.layers import PRESENCE
from lamppost.wire import messages

from .post import VirtualPost

if TYPE_CHECKING:  # numpy is imported only when a recording is made
    from ..recording import Recording
    from .world import World

ACT_WITHIN_US = 2_000_000  # a lamp that acts later than that acts on something else


class Seen:
    """Columns of numbers, as the recording has them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._changes = {name: array("q") for name in ("t_ms", "post", "from_pm", "target_pm", "fade_ms", "layer")}
        self._detections = {name: array("q") for name in ("t_ms", "post", "class")}
        self._latencies = array("d")

    def detection(self, i: int, user_class: int) -> None:
        """The sensor of post `i` has begun to see somebody."""
        for name, value in zip(self._detections, (self._now_ms, i, user_class), strict=True):
            self._detections[name].append(value)

    def change(self, post: VirtualPost, from_pm: int, target_pm: int, fade_ms: int, layer: int) -> None:
        """A lamp has set out for another level."""
        changes = self._changes
        for name, value in zip(changes, (self._now_ms, post.index, from_pm, target_pm, fade_ms, layer), strict=True):
            changes[name].append(value)
        if layer == PRESENCE and target_pm > from_pm:
            self._latency(post)

    def counters(self) -> dict[str, int]:
        """What happened so far."""
        world = self._world
        ports = [port for gateway in world.gateways.values() for port in gateway.ports.values()]
        wires = [wire.counters for wire in world.wires.values()]
        return {
            "events": world.events,
            "frames": world.frames,
            "collisions": sum(wire.collisions for wire in wires),
            "lost_frames": sum(wire.lost_frames for wire in wires),
            "bit_errors": sum(wire.bit_errors for wire in wires),
            "retries": sum(port.poller.counters.retries for port in ports),
            "errors": sum(port.poller.counters.errors for port in ports),
            "relayed": sum(port.poller.mouth.said for port in ports),
            "detections": len(self._detections["t_ms"]),
            "level_changes": len(self._changes["t_ms"]),
            "items": sum(world.centre.kinds.values()),
            "readings": world.centre.kinds[messages.READING],
            "repeated": world.centre.repeated,
            "doubled": world.centre.doubled,
            "gaps": sum(len(gap) for gap in world.centre.gaps().values()),
            "online": sum(len(gateway.online) for gateway in world.gateways.values()),
            "plans_applied": sum(one.post is not None and one.post.plan is not None for one in world.posts.values()),
        }

    def recording(self) -> Recording:
        """Everything up to now."""
        from ..recording import Recording

        world, lamps = self._world, self._world.town.lamps
        light = [world.lamps.light(i) for i in range(len(lamps))]
        return Recording(
            [lamp.id for lamp in lamps],
            [lamp.street for lamp in lamps],
            [lamp.x_m for lamp in lamps],  # type: ignore[arg-type]
            [lamp.y_m for lamp in lamps],  # type: ignore[arg-type]
            [lamp.rated_w for lamp in lamps],  # type: ignore[arg-type]
            world.start_utc_s,
            self._now_ms,
            str(world.seed),
            world.log_sha256,
            **{f"change_{name}": values for name, values in self._changes.items()},  # type: ignore[arg-type]
            **{f"seen_{name}": values for name, values in self._detections.items()},  # type: ignore[arg-type]
            latencies_ms=self._latencies,  # type: ignore[arg-type]
            energy_mwh=[world.lamps.energy_mwh(i) for i in range(len(lamps))],  # type: ignore[arg-type]
            full_h=[one.full_h for one in light],  # type: ignore[arg-type]
            light_left=[one.left for one in light],  # type: ignore[arg-type]
            light_kept=[one.kept for one in light],  # type: ignore[arg-type]
            planned_pm=world.ageing.planned_pm,
            counters=self.counters(),
            faults=list(world.faults),
        ).in_order()

    @property
    def _now_ms(self) -> int:
        return self._world.loop.now_us // 1000

    def _latency(self, post: VirtualPost) -> None:
        """From the edge at the sensor whose event this post acts on."""
        speaker = post.wire.speaker
        sender = self._world.posts.get(speaker) or self._said_for(speaker)
        if sender is None:
            return
        gone_us = self._world.loop.now_us - sender.edge_us
        if sender.edge_us >= 0 and gone_us <= ACT_WITHIN_US:
            self._latencies.append(gone_us / 1000)

    def _said_for(self, speaker: str) -> VirtualPost | None:
        """The post whose event a gateway has just said again."""
        gateway, _, bus = speaker.partition("/")
        gateways = self._world.gateways
        port = gateways[gateway].ports.get(bus) if gateway in gateways else None
        source = port.said_for if port is not None else None
        return self._world.posts.get(source.rpartition("/")[2]) if source is not None else None
