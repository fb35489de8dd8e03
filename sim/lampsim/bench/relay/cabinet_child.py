"""A real daemon with 250 posts, its broker and its page of figures, fed as its lines would feed it; prints its memory.

Start it with the configuration, the number of lines and the quarters of an hour to feed.

The posts' own ends of the line are left out: they would be in this process. A day of readings, a crowd of events, a
plan in force for every post, Home Assistant and metrics on.
"""

import asyncio
import json
import os
import random
import sys
from pathlib import Path

from lamplighter import cli as _command  # noqa: F401 what the service has in its memory too
from lamplighter import plans
from lamplighter.gateway import cli as _service
from lamplighter.gateway.config import load
from lamplighter.gateway.daemon import Daemon
from lamplighter.gateway.lines import line
from lamplighter.plans.hashing import document_hash
from lamppost.wire import messages

POSTS = 250
AT_ONCE = 5  # posts, one on each line, in the 10 ms of an exchange
UTC_S = 835_000_000


def resident_kb() -> int:
    with open("/proc/self/status") as lines:
        return next(int(words.split()[1]) for words in lines if words.startswith("VmRSS"))


def places(lines: int) -> list[tuple[str, int]]:
    """The line and the address of each post."""
    return [(f"bus{index % lines}", index // lines + 1) for index in range(POSTS)]


async def feed(daemon: Daemon, where: list[tuple[str, int]], seq: int, chance: random.Random) -> None:
    """A quarter of an hour: a status and a reading of each post, and somebody at each; a round of every line at ten
    times its real speed."""
    for index, (bus, address) in enumerate(where):
        level = chance.randrange(1001)
        daemon._act(bus, line.Status(address, level, level, 1, 0, 30 * level, b"", UTC_S, 0))
        reading = 2 * seq, messages.READING, UTC_S + 900 * seq, level, 30 * level, 7000 * seq
        presence = 2 * seq + 1, messages.PRESENCE, UTC_S + 900 * seq + 1, 0, 0, 0
        daemon._act(bus, line.Heard(address, 1, 2 * seq + 1, 0, 0, 20))
        daemon._act(bus, line.Items(address, 1, [reading, presence]))
        if index % AT_ONCE == 0:
            await asyncio.sleep(0.001)


async def main(config: str, lines: int, quarters: int) -> None:
    where = places(lines)
    daemon = Daemon(load(Path(config)))
    stop = asyncio.Event()
    running = asyncio.create_task(daemon.run(stop))
    while not hasattr(daemon, "broker") or not daemon.broker.is_connected:
        await asyncio.sleep(0.05)
    start_kb, chance = resident_kb(), random.Random(1)
    plan = json.loads(Path(plans.__path__[0], "examples", "park-presence.json").read_text())
    plan["groups"] = [{"id": "paths", "posts": "all", "calendar": plan["calendars"][0]["id"]}]
    daemon.plans.desire(json.dumps({"v": 1, "hash": document_hash(plan), "plan": plan}).encode())
    for bus, address in where:
        daemon._act(bus, line.Online(address, f"post-{address}", "0.1.0", 1, 1))
    most_kb = 0
    for seq in range(1, quarters + 1):
        await feed(daemon, where, seq, chance)
        while daemon.outbox.backlog or daemon.outbox.next <= 500 * seq:  # a quarter of an hour is enough to deliver it
            await asyncio.sleep(0.01)
        most_kb = max(most_kb, resident_kb())
    while daemon.outbox.backlog or daemon.plans.sync.hash is None:
        await asyncio.sleep(0.05)
    facts = {"start_kb": start_kb, "most_kb": most_kb, "end_kb": resident_kb(), "items": daemon.outbox.next - 1}
    stop.set()
    await running
    print(json.dumps(facts), flush=True)
    os._exit(0)


if __name__ == "__main__":
    _service.start_log(False)
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
