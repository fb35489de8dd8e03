"""The simulations of a report: each policy through each night, one a core where that is worth it."""

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from lamplighter.plans.document import Document

from .. import pool
from ..town.model import Town
from ..traffic.model import Traffic
from .simulate import Result, Window, run

WORKERS_MAX = 16  # each holds a town and a night of levels, 0.2 GB for 1,000 lamps
ALONE_BELOW = 40  # lamps times simulations: less is done before a process has started

Report = Callable[[str, float], None]


class Task(NamedTuple):
    """One policy through one night. `name` is what progress calls it."""

    name: str
    town: Town
    document: Document
    traffic: Traffic
    window: Window
    seed: str
    clo: str = ""


def run_all(tasks: Sequence[Task], report: Report) -> list[Result]:
    """The results in the order of the tasks; `report` hears what is being done and the share of all that is done."""

    def tell(number: int, share: float) -> None:
        report(tasks[number].name, share)

    cores = min(len(tasks), os.cpu_count() or 1)
    if cores < 2 or sum(len(task.town.lamps) for task in tasks) < ALONE_BELOW:
        return pool.alone(_run, tasks, tell)
    return pool.each(_run, tasks, min(cores, WORKERS_MAX), tell)


def _run(task: Task, progress: pool.Progress) -> Result:
    return run(task.town, task.document, task.traffic, task.window, task.seed, progress, task.clo)
