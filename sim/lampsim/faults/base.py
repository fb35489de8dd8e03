"""What a fault is: a frozen record of when, how long and where, which can begin and end in a Stage.

Promises: a fault is JSON both ways and nothing else decides what it does, so a fault plan replays; what it draws at
random comes from `random.Random` seeded by its own fields. Names are registered, so that other issues add theirs:

    @fault("torn-flash")
    @dataclass(frozen=True)
    class TornFlash(Fault): ...

`draw` makes a random fault of a class for a Shape; `begin` and `end` change the Stage, which is the world they play in.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

FAULTS_MAX = 1000  # in one plan: more is a mistake in a file
JSON_MAX = 1 << 20  # bytes of a fault plan's file


class FaultPlanError(ValueError):
    """A fault plan cannot be read; the text says what is wrong and what to do."""


class Stage(Protocol):
    """What a fault may do to a world; `lampsim.check.world.stage.StreetStage` is one. Times are the world's own."""

    loop: Any  # .now_us, .at(t_us, callback)

    def note(self, *words: str) -> None: ...
    def utc_ms(self) -> int: ...
    def impair(self, line: str, loss: float, bit_error: float) -> None: ...
    def part(self, line: str, posts: Iterable[str], cut: bool) -> None: ...
    def inject(self, line: str, data: bytes) -> None: ...
    def babble(self, post: str, data: bytes) -> None: ...
    def forge(self, post: str, ahead: int, user_class: int) -> None: ...
    def overheard(self, line: str) -> list[bytes]: ...
    def power(self, post: str, on: bool) -> None: ...
    def power_torn(self, post: str, draw: random.Random) -> None: ...
    def cut_flash(self, post: str, kind: str, after: int, again: int, draw: random.Random) -> None: ...
    def refuse_flash(self, post: str, refuses: bool) -> None: ...
    def age_flash(self, post: str) -> None: ...
    def send_firmware(self, post: str, kind: str, cuts: int, for_s: float, draw: random.Random) -> None: ...
    def cast(self, kind: str, draw: random.Random) -> None: ...
    def take_back(self) -> None: ...
    def say_block(self, line: str, kind: str, draw: random.Random) -> None: ...
    def drift(self, post: str, ppm: int) -> None: ...
    def set_clock(self, post: str, ahead_s: int) -> None: ...
    def set_gateway_clock(self, ahead_s: int) -> None: ...
    def set_sensor(self, post: str, mode: str) -> None: ...
    def set_lamp(self, post: str, works: bool) -> None: ...
    def spoil(self, post: str, part: str, kind: str) -> None: ...
    def set_temperature(self, post: str, temperature_dc: int) -> None: ...
    def set_gateway(self, on: bool) -> None: ...
    def set_broker(self, on: bool) -> None: ...
    def set_line_broker(self, line: str, on: bool) -> None: ...
    def set_disk(self, kind: str) -> None: ...
    def damage_store(self, kind: str, draw: random.Random) -> None: ...
    def replay_requests(self) -> None: ...
    def send_plan(self, post: str, raw: bytes) -> None: ...
    def roll(self, line: str, bus: bool, posts: Iterable[str]) -> None: ...
    def stolen(self, line: str) -> None: ...
    def unplace(self, post: str) -> None: ...


class Shape(NamedTuple):
    """The world a fault is drawn for: `lines` maps a line to its posts, `air` are those that are no wire; seconds of
    virtual time."""

    lines: dict[str, tuple[str, ...]]
    duration_s: float
    air: tuple[str, ...] = ()

    def post(self, draw: random.Random) -> str:
        return draw.choice([post for posts in self.lines.values() for post in posts])

    def line(self, draw: random.Random) -> str:
        return draw.choice(sorted(self.lines))


@dataclass(frozen=True)
class Fault:
    """`at_s`: virtual seconds after the start; `for_s`: how long; 0 where it is over at once."""

    at_s: float
    for_s: float = 0.0

    name: ClassVar[str] = ""

    @classmethod
    def draw(cls, draw: random.Random, shape: Shape, at_s: float, for_s: float) -> Fault:
        """A random fault of this class."""
        return cls(at_s, for_s)

    def begin(self, stage: Stage) -> None:
        raise NotImplementedError

    def end(self, stage: Stage) -> None:
        """Undo it; the default is for faults that are over at once."""

    def random(self) -> random.Random:
        """The same numbers whenever the same fault plays."""
        return random.Random(json.dumps(self.to_json(), sort_keys=True))

    def apply(self, stage: Stage) -> None:
        """Begin now, at `at_s`, and end `for_s` later."""
        stage.note("fault", self.name, "begins")
        self.begin(stage)
        if self.for_s > 0:
            stage.loop.at(stage.loop.now_us + round(self.for_s * 1e6), lambda: self._over(stage))

    def keep_on(self, stage: Stage, do: Callable[[], object], wait_us: Callable[[], int]) -> None:
        """`do` it now and again until `for_s` is over; after each time `wait_us` says how long to the next."""
        until_us = stage.loop.now_us + round(self.for_s * 1e6)

        def again() -> None:
            if stage.loop.now_us < until_us:
                do()
                stage.loop.at(stage.loop.now_us + wait_us(), again)

        again()

    def to_json(self) -> dict[str, Any]:
        return {"fault": self.name} | asdict(self)

    def posts(self) -> tuple[str, ...]:
        """The posts it names, so that a smaller world can do without it."""
        post = getattr(self, "post", None)
        return (post,) if post else tuple(getattr(self, "some", ()))

    def shorter(self) -> Fault | None:
        """The same fault for half the time; None where that makes no sense."""
        return replace(self, for_s=round(self.for_s / 2, 3)) if self.for_s >= 2 else None

    def _over(self, stage: Stage) -> None:
        stage.note("fault", self.name, "ends")
        self.end(stage)


REGISTRY: dict[str, type[Fault]] = {}
_Class = TypeVar("_Class", bound=type[Fault])


def fault(name: str):
    """Register a Fault class under `name`."""

    def add(cls: _Class) -> _Class:
        if name in REGISTRY:
            raise ValueError(f"there is a fault {name!r} already")
        cls.name = name
        REGISTRY[name] = cls
        return cls

    return add


def from_json(value: Any) -> Fault:
    """One fault of a plan. Raises FaultPlanError."""
    if not isinstance(value, dict) or not isinstance(value.get("fault"), str):
        raise FaultPlanError(f'a fault is an object with "fault": its name; there are {", ".join(sorted(REGISTRY))}')
    cls = REGISTRY.get(value["fault"])
    if cls is None:
        raise FaultPlanError(_unknown("fault", value["fault"], REGISTRY))
    known = {field.name for field in fields(cls)}
    given: dict[str, Any] = {
        key: tuple(item) if isinstance(item, list) else item for key, item in value.items() if key != "fault"
    }
    for key in given:
        if key not in known:
            raise FaultPlanError(f"{cls.name}: " + _unknown("field", key, known))
    try:
        made = cls(**given)
    except TypeError as error:
        raise FaultPlanError(f"{cls.name}: {error}; its fields are {', '.join(sorted(known))}") from None
    times = (made.at_s, made.for_s)
    if not all(isinstance(t, (int, float)) and not isinstance(t, bool) and 0 <= t < 1e9 for t in times):
        raise FaultPlanError(f"{cls.name}: at_s and for_s are seconds from 0")
    return made


def dumps(faults: Iterable[Fault]) -> str:
    """A fault plan as JSON, one fault a line."""
    return "[\n" + ",\n".join("  " + json.dumps(one.to_json()) for one in faults) + "\n]\n"


def loads(text: str) -> list[Fault]:
    """Read a fault plan. Raises FaultPlanError."""
    if len(text) > JSON_MAX:
        raise FaultPlanError(f"a fault plan has at most {JSON_MAX} bytes")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FaultPlanError(f"not JSON: {error}") from None
    if not isinstance(value, list) or len(value) > FAULTS_MAX:
        raise FaultPlanError(f"a fault plan is a list of at most {FAULTS_MAX} faults")
    return [from_json(one) for one in value]


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), 1)
    hint = f"did you mean {near[0]!r}?" if near else f"use {', '.join(sorted(known))}"
    return f"unknown {what} {name[:40]!r}; {hint}"
