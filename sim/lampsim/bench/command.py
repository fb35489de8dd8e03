"""`lampsim bench`: the figures of the bus, models and real code, each by one command."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

BURSTS_FULL = (1, 2, 4, 8, 16)
BESIDE = ("polling", "design", "slots")  # models that the real code is shown with
SEE_AT_ONCE = "Posts that see somebody at once."


class Wrong(click.ClickException):
    """Input that cannot be used: one line, exit code 2."""

    exit_code = 2


class Numbers(click.ParamType):
    """Numbers with commas between them, each within bounds."""

    name = "numbers"

    def __init__(self, low: float, high: float, whole: bool = True):
        self.low, self.high, self.whole = low, high, whole

    def convert(self, value, param, ctx) -> tuple:
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple((int if self.whole else float)(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r}: give numbers such as 8,32", param, ctx)
        for number in numbers:
            if not self.low <= number <= self.high:
                self.fail(f"{number:g} is not from {self.low:g} to {self.high:g}", param, ctx)
        return numbers


class Progress:
    """A line on the terminal while something long runs; nothing where stderr is none."""

    def __init__(self, steps: int) -> None:
        self._shown = sys.stderr.isatty()
        self._steps, self._step = steps, 0

    def __call__(self, what: str) -> None:
        self._step += 1
        if self._shown:
            with suppress(OSError):
                print(f"\r{self._step}/{self._steps}  {what:<60}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._shown:
            with suppress(OSError):
                print("\r" + " " * 72 + "\r", end="", file=sys.stderr, flush=True)


@click.group()
def bench() -> None:
    """Benchmarks of the bus: access schemes as models on a byte-true line, and the real code beside them."""


@bench.command()
@click.option("--posts", type=Numbers(1, 64), default="32", show_default=True, help="Posts on the line; 8,32,64: each.")
@click.option("--baud", type=Numbers(1200, 1_000_000), default="9600,19200,115200", show_default=True)
@click.option("--turn", type=Numbers(0.1, 50, whole=False), default="2", show_default=True,
              help="Turn-around of the posts in ms.")  # fmt: skip
@click.option("--schemes", help="Only these, with commas between them.")
@click.option("--bursts", type=Numbers(1, 64), default="8", show_default=True, help=SEE_AT_ONCE)
@click.option("--events", type=click.IntRange(10, 1_000_000), default=1000, show_default=True)
@click.option("--rate", type=click.FloatRange(0.001, 20), default=0.5, show_default=True,
              help="Events a second on a line.")  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--full", is_flag=True, help="8, 32, 64 posts; 0.3, 2, 10 ms; bursts of 1 to 16; 3,000 events.")
@click.option("--frames", type=click.Choice(["short", "design"]), default="short", show_default=True,
              help="design: as in DESIGN.md's table, to compare with it.")  # fmt: skip
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Save a picture (.png, .svg, .pdf).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bus(
    posts: tuple[int, ...], baud: tuple[int, ...], turn: tuple[float, ...], schemes: str | None,
    bursts: tuple[int, ...], events: int, rate: float, seed: int, full: bool, frames: str, plot: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Compare access schemes: events to the gateway and to neighbours, bursts, the cycle of reports."""
    from .measure import SCHEMES, Load, measure
    from .setup import DESIGN, SHORT, Setup

    names = schemes.split(",") if schemes else list(SCHEMES)
    for name in names:
        if name not in SCHEMES:
            raise Wrong(f"{name!r} is no scheme; take {', '.join(SCHEMES)}")
    count = 100
    if full:
        posts, turn, bursts, events, count = (8, 32, 64), (0.3, 2.0, 10.0), BURSTS_FULL, max(events, 3000), 300
    load = Load(events, rate, count, bursts)
    lengths, slot_bytes = (DESIGN, 3.0) if frames == "design" else (SHORT, 1.0)
    setups = [Setup(p, b, round(t * 1000), lengths, slot_bytes) for t in turn for p in posts for b in baud]
    show = Progress(len(setups) * len(names))
    rows = []
    for setup in setups:
        for name in names:
            show(f"{name}, {setup.posts} posts, {setup.baud} baud, {setup.turn_us / 1000:g} ms")
            rows.append(measure(name, setup, load, seed))
    show.end()
    tell(rows, seed, plot, as_json)


@bench.command()
@click.option("--posts", type=Numbers(2, 64), default="32", show_default=True, help="Posts on the line; 8,32,64: each.")
@click.option("--baud", type=Numbers(1200, 1_000_000), default="19200", show_default=True)
@click.option("--turn", type=click.FloatRange(0.1, 50), default=2.0, show_default=True,
              help="Turn-around of the posts in ms.")  # fmt: skip
@click.option("--bursts", type=Numbers(1, 64), default="8", show_default=True, help=SEE_AT_ONCE)
@click.option("--events", type=click.IntRange(10, 100_000), default=200, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--exact", is_flag=True, help="Every post decodes every byte, also of frames for others; slower.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Save a picture (.png, .svg, .pdf).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def real(
    posts: tuple[int, ...], baud: tuple[int, ...], turn: float, bursts: tuple[int, ...], events: int, seed: int,
    exact: bool, plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Measure the real posts and poll scheduler on a byte-true line in virtual time, beside polling and models."""
    from . import real as real_code
    from .measure import Load, measure
    from .setup import Setup

    setups = [Setup(p, b, round(turn * 1000)) for p in posts for b in baud]
    show = Progress(len(setups) * (3 + 2 * len(bursts) + len(BESIDE)))
    rows = []
    for setup in setups:
        for name in BESIDE:
            show(f"{name}, {setup.posts} posts, {setup.baud} baud")
            rows.append(measure(name, setup, Load(burst_sizes=bursts), seed))
        load = real_code.Load(events, burst_sizes=bursts)
        try:
            rows.append(real_code.measure(setup, load, seed, exact, show))
        except TimeoutError as error:
            raise Wrong(f"{setup.posts} posts, {setup.baud} baud: {error}") from None
    show.end()
    tell(rows, seed, plot, as_json)


def tell(rows: Sequence, seed: int, plot: Path | None, as_json: bool) -> None:
    """Print what was measured, and save the picture where one is wanted."""
    from .table import text

    if plot is not None:
        draw(rows, plot)
    click.echo(json.dumps({"seed": seed, "rows": [row.to_json() for row in rows]}) if as_json else text(rows))


def draw(rows: Sequence, path: Path) -> None:
    """Save the picture; raises Wrong where that is not possible."""
    from .plot import PlotError, save

    try:
        save(rows, path)
    except PlotError as error:
        raise Wrong(str(error)) from None
