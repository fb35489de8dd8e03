"""The live picture of a demo: the map in the middle, the story above it, counters beside it, what happened below.

From 100 x 30 characters on everything is there; a narrower window loses the counters, a lower one lines of events. When
stdout is no terminal, or the window is too small for a map, the same story is told in plain lines.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import IO, cast

from rich import box
from rich.console import Console, Group, RenderableType
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .patient import PatientFile
from .picture import CPYTHON, DEAD, MICROPYTHON, PEOPLE, Picture
from .scene import Scene

FRAMES_PER_S = 6  # enough for a walker; 4 % of a core
WIDTH_MIN, HEIGHT_MIN = 60, 18  # below that a map of 24 posts cannot be read
SIDE_WIDTH = 31
SUMMARY_S = 10.0  # how often plain lines give the counters
COLOURS = {
    "walk": "bright_cyan",
    "light": "yellow",
    "plan": "bright_green",
    "gateway": "bright_magenta",
    "fault": "bright_red",
    "post": "bright_blue",
    "ok": "green",
}


def render(scene: Scene, picture: Picture, width: int, height: int) -> RenderableType:
    """The whole picture for a window of that size."""
    lines = max(2, min(7, height - 25))
    root = Layout()
    root.split_column(
        Layout(_story(scene, width), size=4, name="story"),
        Layout(name="body"),
        Layout(_events(scene, lines), size=lines + 2, name="events"),
    )
    map_panel = Panel(
        picture,
        title=Text(scene.place, "bold bright_white"),
        title_align="left",
        subtitle=_legend(scene),
        **_FRAME,
    )
    if width < 90:
        root["body"].update(map_panel)
    else:
        root["body"].split_row(Layout(map_panel, name="map"), Layout(_side(scene), size=SIDE_WIDTH, name="side"))
    return root


_FRAME = {"box": box.ROUNDED, "border_style": "grey37", "padding": (0, 0)}


def _story(scene: Scene, width: int) -> Panel:
    dots = Text()
    for i in range(len(scene.chapters)):
        dots.append("● " if i <= scene.chapter else "○ ", "yellow" if i <= scene.chapter else "grey50")
    first = Table.grid(expand=True)
    first.add_column(no_wrap=True, overflow="ellipsis")
    first.add_column(justify="right", no_wrap=True)
    first.add_row(Text(scene.title, "bold bright_white"), dots)
    second = Table.grid(expand=True)
    second.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    second.add_column(justify="right", no_wrap=True)
    second.add_row(Text(scene.story, "grey82"), _bar(scene.progress, 14, "yellow"))
    title = Text("Lamplighter", "bold yellow")
    clock = Text(scene.clock, "bold bright_white") if scene.clock else None
    return Panel(
        Group(first, second), title=title, title_align="left", subtitle=clock, subtitle_align="right", **_FRAME
    )


def _legend(scene: Scene) -> Text:
    legend = Text(f" {CPYTHON} post", "grey70")
    if any(post.micropython for post in scene.posts):
        legend.append(f"  {MICROPYTHON} MicroPython")
    if not all(post.alive for post in scene.posts):
        legend.append(f"  {DEAD} no power", "bright_red")
    for kind in sorted({person.kind for person in scene.people}, reverse=True):
        glyph, colour = PEOPLE.get(kind, PEOPLE["pedestrian"])
        legend.append(f"  {glyph} {kind}", f"rgb({colour[0]},{colour[1]},{colour[2]})")
    legend.append("  20: % light ")
    return legend


def _events(scene: Scene, lines: int) -> Panel:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True, style="grey58")
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for event in list(scene.events)[-lines:]:
        table.add_row(event.clock, Text(event.text, COLOURS.get(event.kind, "white")))
    return Panel(table, title=Text("What happened", "bold bright_white"), title_align="left", **_FRAME)


# --- the counters


def _side(scene: Scene) -> Panel:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True, style="grey66", overflow="ellipsis", ratio=1)
    table.add_column(no_wrap=True, justify="right")
    for name, value in _counters(scene):
        heading = not name.startswith(" ")
        table.add_row(Text(name, "bold bright_white" if heading else ""), value)
    note = [Text(scene.note, "yellow")] if scene.note else []
    return Panel(Group(table, *note), **_FRAME)


def _counters(scene: Scene) -> list[tuple[str, RenderableType]]:
    """Rows of the side panel, in the order of what a visitor asks first; an indented name belongs to the one above."""
    alive = [post for post in scene.posts if post.alive]
    bus, gateway, broker, plan = scene.bus, scene.gateway, scene.broker, scene.plan
    count = len(scene.posts)
    return [
        ("Posts", f"{len(alive)} of {count}"),
        (" on MicroPython", str(sum(post.micropython for post in alive))),
        ("Light", _share(_mean_percent(scene), "yellow")),
        (" wave p50 / p99", "-" if scene.wave_ms is None else f"{scene.wave_ms[0]} / {scene.wave_ms[1]} ms"),
        ("Plan", Text(plan.name or "none yet", "green" if plan.name else "")),
        (
            f" applied {plan.hash[:4]}",
            Text.assemble(_bar(plan.applied / max(1, count), 6, "green"), f" {plan.applied}/{count}"),
        ),
        (f"Bus {bus.baud:,} baud", _share(bus.load_percent, "cyan")),
        (" frames", f"{bus.frames:,}"),
        (" collisions", f"{bus.collisions:,}"),
        (" lost / resent", f"{bus.lost:,} / {gateway.retries:,}"),
        ("Gateway", _up(gateway.polls, "running", "UNPLUGGED" if gateway.up else "KILLED")),
        (" posts online", f"{gateway.posts_online}"),
        (" backlog", _warn(gateway.backlog)),
        (f"Broker {broker.name}", _up(broker.up, "running", "DOWN")),
        (" readings", f"{broker.received:,}"),
        (" lost / doubled", _warn(broker.lost + broker.doubled, f"{broker.lost} / {broker.doubled}")),
    ]


def _mean_percent(scene: Scene) -> float:
    """Light given now, in percent of all posts at full."""
    return sum(post.level_pm for post in scene.posts if post.alive) / max(1, len(scene.posts)) / 10


def _up(up: bool, yes: str, no: str) -> Text:
    return Text(f"▲ {yes}", "green") if up else Text(f"▼ {no}", "bold bright_red")


def _warn(count: int, text: str | None = None) -> Text:
    return Text(text or f"{count:,}", "bold bright_yellow" if count else "")


def _share(percent: float, colour: str) -> Text:
    return Text.assemble(_bar(percent / 100, 6, colour), f" {percent:3.0f} %")


def _bar(share: float, width: int, colour: str) -> Text:
    full = round(width * max(0.0, min(1.0, share)))
    return Text.assemble(("━" * full, colour), ("━" * (width - full), "grey23"))


# --- on a terminal, or as lines


class View:
    """Shows a scene until it is left: `async with View(scene): ...`. The scene may be changed at any time."""

    def __init__(self, scene: Scene, console: Console | None = None, plain: bool | None = None) -> None:
        """`plain` True or False forces lines or the picture; None decides by the terminal."""
        self.scene = scene
        self._console = console or Console(highlight=False)
        width, height = self._console.size
        small = width < WIDTH_MIN or height < HEIGHT_MIN
        self.plain = (not self._console.is_terminal or small) if plain is None else plain
        self._picture = Picture(scene)
        self._log = PlainLog(scene, self._say)

    async def __aenter__(self) -> "View":
        self._task = asyncio.create_task(self._tell() if self.plain else self._show())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        if self.plain:
            self._log.update(0.0)

    def frame(self) -> RenderableType:
        return render(self.scene, self._picture, *self._console.size)

    async def _show(self) -> None:
        terminal = PatientFile(self._console.file)
        self._console.file = cast(IO[str], terminal)  # all of it that a Console uses
        try:
            with Live(self.frame(), console=self._console, screen=True, auto_refresh=False) as live:
                while True:
                    if terminal.idle:  # a terminal that is slow or stopped misses frames; nothing waits for it
                        live.update(self.frame(), refresh=True)
                    await asyncio.sleep(1 / FRAMES_PER_S)
        finally:
            self._console.file = terminal.behind
            terminal.close()

    async def _tell(self) -> None:
        while True:
            self._log.update(asyncio.get_running_loop().time())
            await asyncio.sleep(0.2)

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, soft_wrap=True)


class PlainLog:
    """Tells a scene in lines: each chapter, each event once, and the counters every SUMMARY_S."""

    def __init__(self, scene: Scene, say: Callable[[str], None]) -> None:
        self._scene, self._say = scene, say
        self._chapter, self._told, self._next_summary_s = -1, 0, 0.0

    def update(self, now_s: float) -> None:
        scene = self._scene
        if scene.chapters and scene.chapter != self._chapter:
            self._chapter = scene.chapter
            self._say(f"== {scene.chapter + 1}/{len(scene.chapters)} {scene.title}: {scene.story}")
        new = min(scene.told - self._told, len(scene.events))
        for event in list(scene.events)[len(scene.events) - new :]:
            self._say(f"{event.clock}  {event.text}")
        self._told = scene.told
        if now_s >= self._next_summary_s + SUMMARY_S or not self._next_summary_s:
            if self._next_summary_s:
                self._say(summary(scene))
            self._next_summary_s = now_s


def summary(scene: Scene) -> str:
    """The counters in one line."""
    alive = [post for post in scene.posts if post.alive]
    gateway = "up" if scene.gateway.polls else "down"
    return (
        f"-- posts {len(alive)}/{len(scene.posts)}, light {_mean_percent(scene):.0f} %, "
        f"bus {scene.bus.load_percent:.0f} %, {scene.bus.frames} frames, {scene.bus.collisions} collisions, "
        f"gateway {gateway}, backlog {scene.gateway.backlog}, plan applied {scene.plan.applied}/{len(scene.posts)}, "
        f"readings {scene.broker.received}, lost {scene.broker.lost}"
    )
