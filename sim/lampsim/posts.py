"""Simulated posts: the real `lamppost` program, one process each, on CPython or on MicroPython.

The field channel of the host board is the post's stdin and stdout: sensors go in, the lamp comes out.
"""

import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .processes import Child

HEAP = "192wK"  # what a Pico W leaves to the program; `w` scales for 64-bit words
CLASSES = {"pedestrian": 0, "cyclist": 1, "car": 2}


@dataclass(frozen=True)
class Lamp:
    """The post wants its lamp at `target_pm`, reached in `fade_ms`."""

    target_pm: int
    fade_ms: int


@dataclass(frozen=True)
class Identify:
    """The post blinks for the technician, or has stopped to."""

    on: bool


@dataclass(frozen=True)
class Ready:
    """The post has loaded its state and listens."""


@dataclass(frozen=True)
class Log:
    text: str


Event = Lamp | Identify | Ready | Log


def parse(line: str) -> Event:
    """One line of the field channel. What is not understood is a Log: a traceback must be seen, not lost."""
    words = line.split()
    match words:
        case ["lamp", target, fade] if target.isdigit() and fade.isdigit():
            return Lamp(int(target), int(fade))
        case ["identify", ("0" | "1") as on]:
            return Identify(on == "1")
        case ["ready"]:
            return Ready()
        case ["log", *_]:
            return Log(line.split(None, 1)[1] if len(words) > 1 else "")
    return Log(line)


def micropython() -> str | None:
    """The MicroPython interpreter beside our own or on PATH; None where it has no wheel (64-bit ARM Linux)."""
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return shutil.which("micropython", path=beside)


def why_no_micropython() -> str:
    """One line for people, where `micropython()` is None."""
    return f"no micropython interpreter for {platform.system()} {platform.machine()}: these posts run on CPython"


@dataclass(frozen=True)
class Site:
    """How one post is started. `mpy` is the folder of compile_edge, or None to run it on CPython."""

    id: str
    bus: str
    state: Path
    baud: int = 19_200
    service: str | None = None
    mpy: Path | None = None
    more: tuple[str, ...] = field(default=())
    air: Path | None = None  # the file of a line without a wire, in the place of `bus`

    def command(self) -> list[str]:
        way = ["--air", str(self.air)] if self.air else ["--bus", self.bus, "--baud", str(self.baud)]
        arguments = [*way, "--state", str(self.state), *self.more]
        if self.service:
            arguments += ["--service", self.service]
        interpreter = micropython() if self.mpy else None
        if interpreter is None:
            return [sys.executable, "-m", "lamppost", *arguments]
        return [interpreter, "-X", f"heapsize={HEAP}", "-m", "lamppost", *arguments]

    def env(self) -> dict[str, str]:
        return {"MICROPYPATH": f"{self.mpy}:.frozen"} if self.mpy else {}


class Post(Child):
    """One post as a process. `on_event(post, event)` gets what it says; the last lamp action is kept in `lamp`."""

    def __init__(
        self, site: Site, on_event: Callable[["Post", Event], None] = lambda post, event: None, **kwargs
    ) -> None:
        super().__init__(site.id, site.command(), env=site.env(), on_line=self._hear, **kwargs)
        self.site, self.lamp, self.ready = site, Lamp(0, 0), False
        self._on_event = on_event

    @property
    def interpreter(self) -> str:
        return "micropython" if self.site.mpy and micropython() else "cpython"

    async def start(self) -> None:
        self.ready = False
        self.site.state.mkdir(parents=True, exist_ok=True)
        await super().start()

    def presence(self, active: bool, user_class: int = 0, sensor: int = 0) -> bool:
        """Tell its sensor `sensor` that someone came (or, `active` False, that nobody is there any more)."""
        return self.send(f"presence {sensor} {int(active)} {user_class}")

    async def stop(self, farewell: str | None = "quit", grace_s: float = 2.0) -> int | None:
        return await super().stop(farewell, grace_s)

    def _hear(self, line: str) -> None:
        event = parse(line)
        if isinstance(event, Lamp):
            self.lamp = event
        elif isinstance(event, Ready):
            self.ready = True
        self._on_event(self, event)
