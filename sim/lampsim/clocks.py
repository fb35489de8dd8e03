"""`lampsim clocks`: how far the clocks of posts are from the gateway's, measured on real processes and ptys.

Each post is asked for its milliseconds over its service port; its clock is taken to have been read in the middle
between question and answer, so a figure is right within half of that time, which is printed beside it.
"""

import asyncio
import json
import re
import tempfile
import time
from pathlib import Path

import click

from .inventory import default, nearest
from .scene import PostView, Scene
from .street import Options, Street

EPOCH_2000_MS = 946_684_800_000
ONLINE_S = 60.0
EVERY_S = 0.25
CLOCK = re.compile(r"clock (\d+) ms")


@click.command()
@click.option("--posts", default=8, show_default=True, type=click.IntRange(1, 24))
@click.option("--baud", default="115200", show_default=True, type=click.Choice(["9600", "19200", "38400", "115200"]))
@click.option("--seconds", default=20, show_default=True, type=click.IntRange(1, 3600), help="How long to measure.")
@click.option("--micropython", default=2, show_default=True, type=click.IntRange(0, 24), help="Posts on MicroPython.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def clocks(posts: int, baud: str, seconds: int, micropython: int, as_json: bool) -> None:
    """Measure how far the clocks of real posts are from the gateway's."""
    with tempfile.TemporaryDirectory(prefix="lamplighter-clocks-") as folder:
        found = asyncio.run(measure(Path(folder), posts, Options(int(baud), micropython), seconds))
    if as_json:
        click.echo(json.dumps(found))
        return
    click.echo(f"{posts} posts at {baud} baud, {found['samples']} samples: clocks off by p50 {found['p50_ms']} ms,")
    click.echo(f"worst {found['worst_ms']} ms; each within {found['unsure_ms']} ms, which asking may take (worst)")


async def measure(folder: Path, count: int, options: Options, seconds: float) -> dict:
    """Start a street, wait until every post knows the time, and ask them in turn for so long."""
    lamps = nearest(default(), count)
    scene = Scene("clocks", [PostView(lamp.id, 0.0, 0.0) for lamp in lamps])
    street = Street(folder, lamps, scene, options)
    street.attach()
    try:
        await street.start()
        await street.start_gateway(0)
        async with asyncio.timeout(ONLINE_S):
            for lamp in lamps:
                while await _off_ms(street, lamp.id) is None:
                    await asyncio.sleep(EVERY_S)
        samples = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            samples += [sample for lamp in lamps if (sample := await _off_ms(street, lamp.id))]
            await asyncio.sleep(EVERY_S)
    finally:
        await street.stop()
    off = sorted(abs(sample[0]) for sample in samples)
    return {
        "posts": count,
        "baud": options.baud,
        "samples": len(off),
        "p50_ms": round(off[len(off) // 2], 1),
        "worst_ms": round(off[-1], 1),
        "unsure_ms": round(max(sample[1] for sample in samples), 1),
    }


async def _off_ms(street: Street, post: str) -> tuple[float, float] | None:
    """(by how much the post's clock is ahead, half the time it took to ask), None while it knows no time."""
    before = time.time_ns()
    answer = await street.service[post].ask("status")
    after = time.time_ns()
    found = CLOCK.search("\n".join(answer))
    if found is None:
        return None
    middle_ms = (before + after) / 2e6 - EPOCH_2000_MS
    return int(found[1]) - middle_ms, (after - before) / 2e6
