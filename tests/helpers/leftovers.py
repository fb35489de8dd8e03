"""Processes that a test module leaves behind. One that goes on finds its way into another test: a gateway whose line is
gone opens that name again, which by then is another's."""

import ctypes
import os
import sys
import time
from pathlib import Path

GRACE_S = 5.0  # from the signal to the end of a process
HELPERS = ("resource_tracker", "forkserver")  # Python's own, one for each process that uses multiprocessing
_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """From now on whoever loses its parent below us becomes our child, where Linux can do that."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def running() -> dict[int, str]:
    """Our children that run: their command lines by process id. Empty where /proc does not say."""
    found = {}
    for task in Path("/proc/self/task").glob("*/children"):
        for pid in _text(task).split():
            command = _text(Path("/proc") / pid / "cmdline").replace("\0", " ").strip()
            if command and not any(name in command for name in HELPERS):  # one that has ended has none
                found[int(pid)] = command
    return found


def end_of(before: dict[int, str]) -> list[str]:
    """The command lines of children that were not there before and have not ended within GRACE_S; they are killed."""
    end = time.monotonic() + GRACE_S
    while (left := {pid: line for pid, line in running().items() if pid not in before}) and time.monotonic() < end:
        time.sleep(0.05)
    for pid in left:
        os.kill(pid, 9)
    return list(left.values())


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
