"""A town cabinet by cabinet, in one process or several: cabinets share nothing but the people who walk by.

What it promises
- Hash, counters and recording are those of one process, whatever the number of processes: each cabinet has a log of its
  own (log.py), each sensor draws its own chance, and the recordings are put together in the order of time.
- A process holds the posts of one cabinet at a time. That also makes it faster: those of one fit into the cache of a
  core, and each event of a large town would find its post in none (in one loop, 60 posts took 26 us an event,
  1,000 took 37).
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import pool
from ..run_town import peak_mb
from . import log
from .build import owners
from .options import START_UTC_S, Options
from .world import World

if TYPE_CHECKING:
    from ..recording import Recording


class Job(NamedTuple):
    """One cabinet of a town through `hours`."""

    town: Any
    document: Any
    traffic: Any
    seed: object
    start_utc_s: int
    options: Options
    hours: float


class Ran(NamedTuple):
    """What came of it; `cpu_s` and `peak_mb` are the sums over the processes that were made for it, `jobs` of them; 1:
    none was."""

    recording: Recording
    cpu_s: float = 0.0
    peak_mb: int = 0
    jobs: int = 1


class _Part(NamedTuple):
    """What a process says of a cabinet, and of itself by then."""

    recording: Recording
    digests: dict[str, str]
    process: int
    cpu_s: float
    peak_mb: int


def cabinets(town: Any) -> list[str]:
    """The cabinets of a town, the biggest first: what is left for the end is small."""
    posts: dict[str, int] = {}
    owner = owners(town)
    for lamp in town.lamps:
        posts[owner[lamp.bus]] = posts.get(owner[lamp.bus], 0) + 1
    return sorted(posts, key=lambda name: (-posts[name], name))


def run(
    town: Any, document: Any, traffic: Any, seed: object, options: Options, hours: float, jobs: int,
    start_utc_s: int = START_UTC_S,
) -> Ran:  # fmt: skip
    """Run a town without faults in up to `jobs` processes; `options.progress` hears the share of all that is done."""
    tell = options.progress or (lambda share: None)
    parts = [
        Job(
            town,
            document,
            traffic,
            seed,
            start_utc_s,
            replace(options, progress=None, cabinets=frozenset({one})),
            hours,
        )
        for one in cabinets(town)
    ]
    jobs = min(jobs, len(parts))
    if jobs == 1:
        found = pool.alone(_work, parts, lambda number, share: tell(share))
    else:
        found = pool.each(_work, parts, jobs, lambda number, share: tell(share))
    recording = joined([one.recording for one in found], [one.digests for one in found])
    tell(1.0)
    if jobs == 1:
        return Ran(recording)
    last = {one.process: one for one in sorted(found, key=lambda one: one.cpu_s)}
    return Ran(recording, sum(one.cpu_s for one in last.values()), sum(one.peak_mb for one in last.values()), jobs)


def joined(recordings: list[Recording], digests: list[dict[str, str]]) -> Recording:
    """One recording of those of several shares of a town, and the hash over all their logs."""
    from ..recording import join

    every: dict[str, str] = {}
    for some in digests:
        every |= some  # what is of no cabinet is the same in all
    return replace(join(recordings), log_sha256=log.whole(every))


def _work(job: Job, progress: pool.Progress) -> _Part:
    options = replace(job.options, progress=progress)
    world = World(job.town, job.document, job.traffic, (), job.seed, job.start_utc_s, options)
    recording = world.run(job.hours)
    return _Part(recording, world.log.digests(), os.getpid(), time.process_time(), peak_mb())
