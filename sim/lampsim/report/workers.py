"""Many simulations at once, one a core: each is a process of its own, and tells how far it is.

The result does not depend on how many there are: every simulation has its own seed and shares nothing.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for
from multiprocessing import get_context
from typing import Any, NamedTuple

from lamplighter.plans.document import Document

from ..town.model import Town
from ..traffic.model import Traffic
from .simulate import Result, Window, run

WORKERS_MAX = 16  # each holds a town and a night of levels, 0.2 GB for 1,000 lamps
ALONE_BELOW = 40  # lamps times simulations: less is done before a process has started
LOOK_S = 0.2

Report = Callable[[str, float], None]


class Task(NamedTuple):
    """One policy through one night. `name` is what progress calls it."""

    name: str
    town: Town
    document: Document
    traffic: Traffic
    window: Window
    seed: str


def run_all(tasks: Sequence[Task], report: Report) -> list[Result]:
    """The results in the order of the tasks; `report` hears what is being done and the share of all that is done."""
    cores = min(len(tasks), os.cpu_count() or 1)
    if cores < 2 or sum(len(task.town.lamps) for task in tasks) < ALONE_BELOW:
        return [_alone(task, i, len(tasks), report) for i, task in enumerate(tasks)]
    context = get_context("spawn")  # a forked child would share the parent's threads and random state
    told = context.SimpleQueue()
    with ProcessPoolExecutor(min(cores, WORKERS_MAX), context, _begin, (told,)) as pool:
        futures = [pool.submit(_work, i, task) for i, task in enumerate(tasks)]
        try:
            _watch(tasks, futures, told, report)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]


def _alone(task: Task, number: int, count: int, report: Report) -> Result:
    report(task.name, number / count)
    return _run(task, lambda share: report(task.name, (number + share) / count))


def _watch(tasks: Sequence[Task], futures: list[Future], told: Any, report: Report) -> None:
    shares = [0.0] * len(tasks)
    left = set(futures)
    while left:
        done, left = wait_for(left, LOOK_S)
        for future in done:
            future.result()  # a simulation that failed ends them all
        while not told.empty():
            number, shares[number] = told.get()
            report(tasks[number].name, sum(shares) / len(shares))


_told: Any = None


def _begin(told: Any) -> None:
    global _told
    _told = told


def _work(number: int, task: Task) -> Result:
    return _run(task, lambda share: _told.put((number, share)))


def _run(task: Task, progress: Callable[[float], None]) -> Result:
    return run(task.town, task.document, task.traffic, task.window, task.seed, progress)
