"""`lampsim bench wifi`: from a sensor to the lamps of the neighbours by the cabinet's own broker, without a wire."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click

from .shared import JSON, Progress, Wrong

POSTS = 4
APART_S = 1.7  # the light is held for a second; then the next may come
UNIX_2000 = 946_684_800


@click.command()
@click.option("--events", type=click.IntRange(4, 10_000), default=80, show_default=True, help="Detections, in turns.")
@JSON
def wifi(events: int, as_json: bool) -> None:
    """Measure four posts without a wire: mosquitto with TLS, real posts (every second on MicroPython), a real gateway.

    A sample is the time from the line that tells a post's sensor to the line by which another post moves its lamp, so
    the pipes of this computer are in it and no radio is. It measures in real time, four seconds for each of EVENTS:
    let nothing else run.
    """
    show = Progress(2 * events)
    try:
        with tempfile.TemporaryDirectory(prefix="lampsim-wifi-") as place:
            found = asyncio.run(_measure(Path(place), events, show))
    except (OSError, TimeoutError) as error:
        raise Wrong(str(error)) from None
    finally:
        show.end()
    if as_json:
        click.echo(json.dumps(found))
        return
    for name, row in found.items():
        click.echo(f"{name:24} {row['samples']:5} samples  p50 {row['p50_ms']:5.1f} ms  p99 {row['p99_ms']:5.1f} ms")


async def _measure(folder: Path, events: int, show: Progress) -> dict[str, dict[str, float]]:
    from ..air_street import AirStreet
    from ..broker import Broker
    from ..inventory import default

    async with Broker() as centre:
        night_s = round((time.time() - UNIX_2000) // 86400 * 86400 + 86400 + 23 * 3600 - (time.time() - UNIX_2000))
        street = AirStreet(folder, default()[:POSTS], (centre.host, centre.port), night_s)
        try:
            await street.start()
            await street.start_gateway()
            await _publish(street, folder)
            with_gateway = await _walk(street, events, lambda: show("with a gateway"))
            if street.gateway is not None:
                await street.gateway.kill()
            alone = await _walk(street, events, lambda: show("by the broker alone"))
            return {"with a gateway": with_gateway, "by the broker alone": alone}
        finally:
            await street.stop()


async def _publish(street, folder: Path) -> None:
    from ..plans import evening

    plan = evening(street.lamps)
    plan["presenceProfiles"][0]["holdSeconds"] = 1
    path = folder / "plan.json"
    path.write_text(json.dumps(plan))
    words = ["plan", "publish", str(path), "--broker", "{}:{}".format(*street.centre)]
    command = [sys.executable, "-m", "lamplighter", *words, "--site", "louvain-la-neuve", "--gateway", "gw1"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    if await asyncio.wait_for(process.wait(), 120):
        raise OSError("the plan was not taken")


async def _walk(street, events: int, show: Callable[[], None]) -> dict[str, float]:
    took: list[float] = []
    names = list(street.posts)
    sources = names[1:3]  # half of the sensors: where more see somebody, the gateway raises all lamps for a crowd
    for turn in range(events):
        show()
        await asyncio.sleep(APART_S + turn % 7 / 100)
        post = sources[turn % 2]
        before, moment = len(street.moves), time.monotonic()
        street.posts[post].presence(True)
        await asyncio.sleep(0.3)
        street.posts[post].presence(False)
        first: dict[str, float] = {}
        for name, target_pm, at in street.moves[before:]:
            if name != post and target_pm > 300:
                first.setdefault(name, 1000 * (at - moment))
        took += first.values()
    took.sort()
    if not took:
        raise OSError("no lamp has moved")
    return {
        "samples": len(took), "of": events * (len(names) - 1), "p50_ms": took[len(took) // 2],
        "p99_ms": took[len(took) * 99 // 100],
    }  # fmt: skip
