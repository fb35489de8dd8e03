"""Real posts and the real poll scheduler on a spoilt line: is anything taken that was not said, or done twice?

What is counted
- wrong: a message that a link took though nobody said it, or took a second time. HELLO may come twice (rule S-5).
- twice: a command that acted more than once on its post.
- locked: posts that do not answer a command within RECOVER_S of the line's being as it should again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.procedures import Outcome, command
from lamppost.wire import messages
from lamppost.wire.frame import Decoder, Frame

from ..virtual.world import Options, World
from .spoilt import SpoiltWire
from .watch import EVENING_UTC_S, plan, street

POSTS = 4
BAUD = 115_200
CYCLE_S = 0
REMEMBERED = 20_000  # frames; what is taken later than that was not fresh
RECOVER_S = 60
SENSE_US = 700_000  # between two people
COMMAND_US = 200_000
COMMAND_MS = 20_000  # a command that finds no way to its post for so long is given up
LEVEL = 1  # a COMMAND's kind
OPERATOR = 6
STEPS = 100


@dataclass
class Result:
    """One kind of fault; the longest time in which no post's status came is in seconds, as is the recovery."""

    kind: str
    frames: int = 0
    taken: int = 0
    refused: int = 0
    wrong: int = 0
    commands: int = 0
    done: int = 0
    twice: int = 0
    longest_silence_s: float = 0.0
    recovered_s: float = 0.0
    locked: int = 0

    @property
    def held(self) -> bool:
        return not (self.wrong or self.twice or self.locked)

    def to_json(self) -> dict:
        values = asdict(self) | {"held": self.held}
        return {name: round(v, 2) if isinstance(v, float) else v for name, v in values.items()}


class _World(World):
    """A World whose line is spoilt."""

    def __init__(self, kind: str, seed: object, said: Callable[[str, bytes], None]):
        self._kind, self._said = kind, said
        super().__init__(street(POSTS), plan(), None, (), seed, EVENING_UTC_S, Options(BAUD, CYCLE_S, exact=True))

    def new_wire(self, name: str) -> SpoiltWire:
        self.spoilt = SpoiltWire(self.loop, self.options.baud, f"{self.seed} {name}", self._kind, self._said)
        return self.spoilt


class Trial:
    """One kind of fault on one line, from one seed."""

    def __init__(self, kind: str, seed: int):
        self.result = Result(kind)
        self._said: OrderedDict[tuple, set[str]] = OrderedDict()
        self._decoder = Decoder()
        self._acted: set[tuple[str, str]] = set()
        self._status_us = 0
        self._transaction = 0
        self._answered: set[str] = set()
        self.world = world = _World(kind, seed, self._note)
        self._wire = world.spoilt
        self._gateway = next(iter(world.gateways.values()))
        take = self._gateway.take

        def taken(port, action: tuple) -> None:
            if isinstance(action, line.Status):
                gap_s = (world.loop.now_us - self._status_us) / 1_000_000
                self.result.longest_silence_s = max(self.result.longest_silence_s, gap_s)
                self._status_us = world.loop.now_us
            take(port, action)

        self._gateway.take = taken  # type: ignore[method-assign]
        self._run_s(0.3)
        for post in world.posts.values():
            self._follow(post.name, post.post.line._link)  # pyright: ignore[reportOptionalMemberAccess]
            self._count_commands(post)
        self._follow("gateway", next(iter(self._gateway.ports.values())).poller._link)
        for i, name in enumerate(world.posts):
            world.loop.after(SENSE_US * i // POSTS, lambda name=name: self._sense(name))
            world.loop.after(COMMAND_US * i // POSTS, lambda name=name: self._command(name))

    def run(self, frames: int, told: Callable[[str], None]) -> Result:
        """Go on until so many frames have been said; then see who answers on a line without faults."""
        result = self.result
        for step in range(STEPS):
            self._wire.part(step / STEPS)
            while result.frames < frames * (step + 1) // STEPS:
                self._run_s(1)
            told(f"{result.kind}: {result.frames} frames")
        self._wire.calm()
        self._answered = set()
        begin_us = self.world.loop.now_us
        while len(self._answered) < POSTS and self.world.loop.now_us < begin_us + RECOVER_S * 1_000_000:
            self._run_s(0.1)
        result.recovered_s = (self.world.loop.now_us - begin_us) / 1_000_000
        result.locked = POSTS - len(self._answered)
        return result

    def _run_s(self, seconds: float) -> None:
        self.world.loop.run_until(self.world.loop.now_us + round(seconds * 1_000_000))

    # --- what was said, and what is taken

    def _note(self, node: str, data: bytes) -> None:
        if node.startswith("?"):
            return
        for frame in self._decoder.feed(data):
            self.result.frames += 1
            self._said[_key(frame)] = set()
            if len(self._said) > REMEMBERED:
                self._said.popitem(last=False)

    def _follow(self, name: str, link) -> None:
        """Compare what a link takes with what was said."""
        receive = link.receive

        def received(frame: Frame):
            try:
                message = receive(frame)
            except Exception:
                self.result.refused += 1
                raise
            if message is not None:
                self._took(name, frame)
            return message

        link.receive = received

    def _took(self, name: str, frame: Frame) -> None:
        self.result.taken += 1
        by = self._said.get(_key(frame))
        if by is None or (name in by and frame.type != messages.HELLO):
            self.result.wrong += 1
        else:
            by.add(name)

    # --- what is done

    def _sense(self, name: str) -> None:
        post = self.world.posts[name]
        post.sense(True, 0)
        self.world.loop.after(SENSE_US // 3, lambda: post.sense(False, 0))
        self.world.loop.after(SENSE_US, lambda: self._sense(name))

    def _command(self, name: str) -> None:
        self._transaction += 1
        self.result.commands += 1
        number = self._transaction

        def answered(result: line.Result) -> None:
            if isinstance(result.value, Outcome) and result.value.ok:
                self.result.done += 1
                self._answered.add(name)
            self.world.loop.after(COMMAND_US, lambda: self._command(name))

        level_pm = 300 + number % 500
        asked = command(number, LEVEL, OPERATOR, 0, level_pm, 0, 60, str(number))
        self._gateway.ask(name, asked, COMMAND_MS, answered)

    def _count_commands(self, post) -> None:
        command = post.post.command

        def counted(layer, op, level_pm, for_s, reason, t_ms) -> None:
            key = (post.name, reason)
            self.result.twice += key in self._acted
            self._acted.add(key)
            command(layer, op, level_pm, for_s, reason, t_ms)

        post.post.command = counted


def _key(frame: Frame) -> tuple:
    """The seal covers everything else of a frame."""
    return frame.dst, frame.src, frame.type, frame.payload, frame.seal
