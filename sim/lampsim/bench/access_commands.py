"""`lampsim bench bus`, `real`, `turn`: who may speak when, and what that costs."""

from __future__ import annotations

import json
from pathlib import Path

import click

from .shared import JSON, PLOT, SEE_AT_ONCE, SEED, Numbers, Progress, Wrong, tell

BURSTS_FULL = (1, 2, 4, 8, 16)
BESIDE = ("polling", "design", "slots")  # models that the real code is shown with


@click.command()
@click.option("--posts", type=Numbers(1, 64), default="32", show_default=True, help="Posts on the line; 8,32,64: each.")
@click.option("--baud", type=Numbers(1200, 1_000_000), default="9600,19200,115200", show_default=True)
@click.option("--turn", type=Numbers(0.1, 50, whole=False), default="2", show_default=True,
              help="Turn-around of the posts in ms.")  # fmt: skip
@click.option("--schemes", help="Only these, with commas between them.")
@click.option("--bursts", type=Numbers(1, 64), default="8", show_default=True, help=SEE_AT_ONCE)
@click.option("--events", type=click.IntRange(10, 1_000_000), default=1000, show_default=True)
@click.option("--rate", type=click.FloatRange(0.001, 20), default=0.5, show_default=True,
              help="Events a second on a line.")  # fmt: skip
@SEED
@click.option("--full", is_flag=True, help="8, 32, 64 posts; 0.3, 2, 10 ms; bursts of 1 to 16; 3,000 events.")
@click.option("--frames", type=click.Choice(["short", "design"]), default="short", show_default=True,
              help="design: as in DESIGN.md's table, to compare with it.")  # fmt: skip
@PLOT
@JSON
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


@click.command()
@click.option("--posts", type=Numbers(2, 64), default="32", show_default=True, help="Posts on the line; 8,32,64: each.")
@click.option("--baud", type=Numbers(1200, 1_000_000), default="19200", show_default=True)
@click.option("--turn", type=click.FloatRange(0.1, 50), default=2.0, show_default=True,
              help="Turn-around of the posts in ms.")  # fmt: skip
@click.option("--bursts", type=Numbers(1, 64), default="8", show_default=True, help=SEE_AT_ONCE)
@click.option("--events", type=click.IntRange(10, 100_000), default=200, show_default=True)
@SEED
@click.option("--exact", is_flag=True, help="Every post decodes every byte, also of frames for others; slower.")
@PLOT
@JSON
def real(
    posts: tuple[int, ...], baud: tuple[int, ...], turn: float, bursts: tuple[int, ...], events: int, seed: int,
    exact: bool, plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Measure the real posts and poll scheduler on a byte-true line in virtual time, beside polling and models."""
    from . import real as real_code
    from .measure import Load, measure
    from .setup import Setup

    setups = [Setup(p, b, round(turn * 1000)) for p in posts for b in baud]
    show = Progress(len(setups) * (4 + 4 * len(bursts) + len(BESIDE)))
    rows = []
    for setup in setups:
        for name in BESIDE:
            show(f"{name}, {setup.posts} posts, {setup.baud} baud")
            rows.append(measure(name, setup, Load(burst_sizes=bursts), seed))
        load = real_code.Load(events, walkers=max(2, events // 7), burst_count=max(2, events // 10), burst_sizes=bursts)
        try:
            rows += real_code.measure_both(setup, load, seed, exact, show)
        except TimeoutError as error:
            raise Wrong(f"{setup.posts} posts, {setup.baud} baud: {error}") from None
    show.end()
    tell(rows, seed, plot, as_json)


@click.command()
@click.option("--posts", type=click.IntRange(2, 64), default=32, show_default=True, help="Posts on the line.")
@click.option("--baud", type=click.IntRange(1200, 1_000_000), default=19200, show_default=True)
@click.option("--turn", "turns", type=Numbers(0.1, 50, whole=False), default="0.3,2,10", show_default=True,
              help="Turn-arounds in ms.")  # fmt: skip
@click.option("--events", type=click.IntRange(10, 100_000), default=100, show_default=True)
@SEED
@click.option("--models", is_flag=True, help="Only the models, not the real code.")
@JSON
def turn(posts: int, baud: int, turns: tuple[float, ...], events: int, seed: int, models: bool, as_json: bool) -> None:
    """Show what the turn-around of the posts is worth: models and the real code, side by side."""
    from . import real as real_code
    from .measure import Load, measure
    from .setup import Setup
    from .table import by_turn

    show = Progress(len(turns) * (len(BESIDE) + (0 if models else 5)))
    rows = []
    for turn_ms in turns:
        setup = Setup(posts, baud, round(turn_ms * 1000))
        for name in BESIDE:
            show(f"{name}, {turn_ms:g} ms")
            rows.append(measure(name, setup, Load(), seed))
        if not models:
            load = real_code.Load(events, walkers=max(2, events // 10), burst_count=max(2, events // 10))
            try:
                rows.append(real_code.measure(setup, load, seed, told=show))
            except TimeoutError as error:
                raise Wrong(f"turn-around {turn_ms:g} ms: {error}") from None
    show.end()
    click.echo(json.dumps({"seed": seed, "rows": [row.to_json() for row in rows]}) if as_json else by_turn(rows))
