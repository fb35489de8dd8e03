"""Many simulations at once, each in a process of its own that tells how far it is.

The result does not depend on how many processes there are: a job shares nothing with another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for
from multiprocessing import get_context
from typing import Any, TypeVar

J = TypeVar("J")
R = TypeVar("R")
Progress = Callable[[float], None]  # told the share of one job that is done
Tell = Callable[[int, float], None]  # told which job has got on, and the share of all that is done

LOOK_S = 0.2


def each(work: Callable[[J, Progress], R], jobs: Sequence[J], processes: int, tell: Tell) -> list[R]:
    """`work(job, progress)` for each job, the results in the order of the jobs. The first that fails ends them all,
    and is raised here. `work` is a function of a module, as pickle wants it."""
    context = get_context("spawn")  # a forked child would share the parent's threads and random state
    told = context.SimpleQueue()
    with ProcessPoolExecutor(processes, context, _begin, (told,)) as pool:
        futures = [pool.submit(_work, work, number, job) for number, job in enumerate(jobs)]
        try:
            _watch(futures, told, tell)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]


def alone(work: Callable[[J, Progress], R], jobs: Sequence[J], tell: Tell) -> list[R]:
    """The same in this process, one after the other."""
    results = []
    for number, job in enumerate(jobs):
        tell(number, number / len(jobs))
        results.append(work(job, lambda share, number=number: tell(number, (number + share) / len(jobs))))
    return results


def _watch(futures: list[Future], told: Any, tell: Tell) -> None:
    shares = [0.0] * len(futures)
    left = set(futures)
    while left:
        done, left = wait_for(left, LOOK_S)
        for future in done:
            future.result()  # raises what the job raised
        while not told.empty():
            number, shares[number] = told.get()
            tell(number, sum(shares) / len(shares))


_told: Any = None  # in a process of the pool: where it tells


def _begin(told: Any) -> None:
    global _told
    _told = told


def _work(work: Callable[[J, Progress], R], number: int, job: J) -> R:
    return work(job, lambda share: _told.put((number, share)))
