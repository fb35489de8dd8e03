"""`lampsim bench agree`, `faults`, `repower`: ptys against the model, spoilt lines, a cabinet that is repowered."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import click

from .shared import JSON, SEED, Numbers, Progress, Wrong

POSTS_MIN, POSTS_MAX = 2, 64  # on a line: DESIGN.md, "The bus"
MILLION = 1_000_000
PRIORITY = 10  # of 1 to 99: above everything that has not asked for any
AGREE_US = 600  # issue C: the pty line agrees with the in-memory one within 0.6 ms an exchange


@click.command()
@click.option("--baud", type=Numbers(1200, 1_000_000), default="9600,19200,115200", show_default=True)
@click.option("--count", type=click.IntRange(10, 100_000), default=200, show_default=True, help="Exchanges.")
@click.option("--nodes", type=click.IntRange(2, 65), default=25, show_default=True, help="Devices on the line.")
@click.option("--first", is_flag=True, help="Run before all other work of the machine (root): it may be busy then.")
@JSON
def agree(baud: tuple[int, ...], count: int, nodes: int, first: bool, as_json: bool) -> None:
    """Compare the line on real ptys with the one in memory, by the time of an exchange; exit code 1 above 0.6 ms.

    The median counts. This one measures in real time: a machine that does other work is measured too, without --first.
    """
    from ..agreement import compare

    if first:
        _come_first()
    show, rows = Progress(len(baud)), []
    for speed in baud:
        show(f"{speed} baud, {count} exchanges")
        try:
            rows.append(asyncio.run(compare(speed, count, nodes)))
        except (OSError, TimeoutError) as error:
            raise Wrong(f"{speed} baud: {error}; are there ptys, and is the machine not busy?") from None
    show.end()
    for row in rows:
        row["agrees"] = abs(row["p50_us"]) <= AGREE_US
    if as_json:
        click.echo(json.dumps({"limit_us": AGREE_US, "rows": rows}))
    else:
        click.echo("  baud  model ms   by so much longer on ptys, ms: p50    p99    max")
        for row in rows:
            late = "".join(f"{row[name] / 1000:7.2f}" for name in ("p50_us", "p99_us", "max_us"))
            click.echo(
                f"{row['baud']:>6}  {row['model_us'] / 1000:8.2f}  {'':33}{late}{'' if row['agrees'] else '  too long'}"
            )
    sys.exit(0 if all(row["agrees"] for row in rows) else 1)


def _come_first() -> None:
    """Real-time priority for this process and those it starts. Raises Wrong."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    except (AttributeError, OSError):
        raise Wrong("--first needs Linux and root (or CAP_SYS_NICE)") from None


@click.command()
@click.option("--posts", type=click.IntRange(2, 250), default=250, show_default=True, help="Posts of the cabinet.")
@click.option("--lines", type=click.IntRange(1, 8), default=8, show_default=True, help="Lines they are on.")
@click.option("--baud", type=Numbers(1200, 1_000_000), default="19200", show_default=True)
@click.option("--turn", type=click.FloatRange(0.1, 50), default=2.0, show_default=True, help="Turn-around in ms.")
@SEED
@JSON
def repower(posts: int, lines: int, baud: tuple[int, ...], turn: float, seed: int, as_json: bool) -> None:
    """Cut the power of a whole cabinet: how soon all are on plan and reporting again, how busy the lines are."""
    from .repower import measure

    if not lines * POSTS_MIN <= posts <= lines * POSTS_MAX:
        raise Wrong(f"{posts} posts on {lines} lines: give {POSTS_MIN} to {POSTS_MAX} for each line")
    show, results = Progress(len(baud) * 6), []
    for speed in baud:
        for gateway_too in (False, True):
            try:
                results.append(measure(posts, lines, speed, round(turn * 1000), seed, gateway_too, show))
            except TimeoutError as error:
                raise Wrong(f"{speed} baud: {error}") from None
    show.end()
    if as_json:
        click.echo(json.dumps({"seed": seed, "rows": [result.to_json() for result in results]}))
        return
    click.echo("  baud  posts  lines  gateway     timed s  on plan s  reporting s  peak load  darker looks")
    for r in results:
        gateway = "repowered" if r.gateway_too else "stays on"
        click.echo(
            f"{r.baud:>6}{r.posts:>7}{r.lines:>7}  {gateway:<10}{r.timed_s:>9.1f}{r.lit_s:>11.1f}"
            f"{r.reporting_s:>13.1f}{r.peak_load:>11.0%}{r.darker:>8} of {r.looks}"
        )


@click.command()
@click.option("--frames", type=click.IntRange(100, 10_000_000), default=5000, show_default=True,
              help="Frames for each kind of fault; --full: 1,000,000.")  # fmt: skip
@click.option("--kinds", help="Only these, with commas between them.")
@click.option("--full", is_flag=True, help="A million frames for each kind: an hour on one core.")
@SEED
@JSON
def faults(frames: int, kinds: str | None, full: bool, seed: int, as_json: bool) -> None:
    """Real posts and poll scheduler on spoilt lines: wrong frames taken, commands applied twice, lock-ups.

    Exit code 1 where there is one.
    """
    from .faults import STEPS, Trial
    from .spoilt import KINDS

    names = kinds.split(",") if kinds else list(KINDS)
    for name in names:
        if name not in KINDS:
            raise Wrong(f"{name!r} is no kind of fault; take {', '.join(KINDS)}")
    show = Progress(len(names) * STEPS)
    results = [Trial(name, seed).run(MILLION if full else frames, show) for name in names]
    show.end()
    if as_json:
        click.echo(json.dumps({"seed": seed, "rows": [result.to_json() for result in results]}))
    else:
        click.echo(
            "kind         frames    taken  refused  wrong  commands   done  twice  silent s  recovered s  locked"
        )
        for r in results:
            click.echo(
                f"{r.kind:<9}{r.frames:>10}{r.taken:>9}{r.refused:>9}{r.wrong:>7}{r.commands:>10}{r.done:>7}{r.twice:>7}"
                f"{r.longest_silence_s:>10.1f}{r.recovered_s:>13.1f}{r.locked:>8}"
            )
    sys.exit(0 if all(result.held for result in results) else 1)


@click.command()
@click.option("--posts", type=click.IntRange(POSTS_MIN, POSTS_MAX), default=32, show_default=True, help="On the line.")
@click.option("--baud", type=Numbers(1200, 1_000_000), default="19200,115200", show_default=True)
@click.option("--loss", type=Numbers(0, 0.5, whole=False), default="0,0.05", show_default=True, help="Of each hearer.")
@click.option("--size", type=click.IntRange(10_000, 500_000), default=160_000, show_default=True, help="Of the image.")
@SEED
@JSON
def firmware(posts: int, baud: tuple[int, ...], loss: tuple[float, ...], size: int, seed: int, as_json: bool) -> None:
    """Bring an image to all posts of a line at once: how long it takes, and what presence waits meanwhile."""
    from .firmware import build, measure

    image, rows = build(size), []
    show = Progress(len(baud) * len(loss))
    for speed in baud:
        for share in loss:
            show(f"{speed} baud, {share:.0%} lost")
            try:
                rows.append(measure(posts, speed, share, image, seed))
            except TimeoutError as error:
                raise Wrong(f"{speed} baud, {share:.0%} lost: {error}") from None
    show.end()
    if as_json:
        click.echo(json.dumps({"seed": seed, "rows": [row._asdict() for row in rows]}))
        return
    click.echo(
        "  baud  lost  bytes   sent s  running s  in turn s  blocks     of   event ms p50/p99/most: before, during"
    )
    for r in rows:
        before, during = ("/".join(f"{ms:.0f}" for ms in waits[1:]) for waits in (r.event_ms_before, r.event_ms_during))
        click.echo(
            f"{r.baud:>6}{r.loss:>6.0%}{r.size:>7}{r.sent_s:>9.0f}{r.running_s:>11.0f}{r.in_turn_s:>11.0f}"
            f"{r.blocks:>8}{r.needed:>7}   {before}, {during}"
        )
