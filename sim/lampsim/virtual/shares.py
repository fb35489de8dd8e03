"""A town in several processes: each runs some of the cabinets, which share nothing but the people who walk by.

What it promises
- Hash, counters and recording are those of one process, whatever the number of processes: each cabinet has a log of its
  own (log.py), each sensor draws its own chance, and the recordings are put together in the order of time.
- Each process holds the posts of its cabinets only.
"""

from __future__ import annotations

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
    """Some cabinets of a town through `hours`."""

    town: Any
    document: Any
    traffic: Any
    seed: object
    start_utc_s: int
    options: Options
    hours: float


class Ran(NamedTuple):
    """What came of it; `cpu_s` and `peak_mb` are the sums over the `jobs` processes."""

    recording: Recording
    cpu_s: float
    peak_mb: int
    jobs: int = 1


def shared_out(town: Any, jobs: int) -> list[frozenset[str]]:
    """The cabinets of each of at most `jobs` processes, about as many posts each; the biggest cabinets go first."""
    posts: dict[str, int] = {}
    owner = owners(town)
    for lamp in town.lamps:
        posts[owner[lamp.bus]] = posts.get(owner[lamp.bus], 0) + 1
    shares: list[set[str]] = [set() for _ in range(min(jobs, len(posts)))]
    loads = [0] * len(shares)
    for cabinet in sorted(posts, key=lambda name: (-posts[name], name)):
        least = loads.index(min(loads))
        shares[least].add(cabinet)
        loads[least] += posts[cabinet]
    return [frozenset(share) for share in shares]


def run(
    town: Any, document: Any, traffic: Any, seed: object, options: Options, hours: float, jobs: int,
    start_utc_s: int = START_UTC_S,
) -> Ran:  # fmt: skip
    """Run a town without faults in up to `jobs` processes; `options.progress` hears the share of all that is done."""
    tell = options.progress or (lambda share: None)
    shares = shared_out(town, jobs)
    parts = [
        Job(town, document, traffic, seed, start_utc_s, replace(options, progress=None, cabinets=share), hours)
        for share in shares
    ]
    found = pool.each(_work, parts, len(parts), lambda number, share: tell(share))
    recording = joined([one.recording for one, _ in found], [digests for _, digests in found])
    tell(1.0)
    return Ran(recording, sum(one.cpu_s for one, _ in found), sum(one.peak_mb for one, _ in found), len(parts))


def joined(recordings: list[Recording], digests: list[dict[str, str]]) -> Recording:
    """One recording of those of several shares of a town, and the hash over all their logs."""
    from ..recording import join

    every: dict[str, str] = {}
    for some in digests:
        every |= some  # what is of no cabinet is the same in all
    return replace(join(recordings), log_sha256=log.whole(every))


def _work(job: Job, progress: pool.Progress) -> tuple[Ran, dict[str, str]]:
    begin_s = time.process_time()
    options = replace(job.options, progress=progress)
    world = World(job.town, job.document, job.traffic, (), job.seed, job.start_utc_s, options)
    recording = world.run(job.hours)
    return Ran(recording, time.process_time() - begin_s, peak_mb()), world.log.digests()
