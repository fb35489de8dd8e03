"""`lamplighter find` asks the daemon that runs, and shows how far it is."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import click

from lamplighter.gateway.search import find_wire
from lamplighter.gateway.search.hunt import Wanted
from lamplighter.terminal import Failed

ANSWER_S = 60.0  # the daemon says something twice a second; a disk that hangs takes a while
ANSWER_MAX = 1 << 18  # 250 boards take 30 KB


def ask(folder: Path, wanted: Wanted, taken: str) -> dict[str, Any]:
    """The daemon's report. Raises Failed; `taken` says that the state folder is in use."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller, find_wire.address(folder) as name:
            caller.settimeout(ANSWER_S)
            caller.connect(name)
            caller.sendall(find_wire.ask(wanted))
            with caller.makefile("rb") as answers:
                return _answered(answers)
    except (FileNotFoundError, ConnectionRefusedError):
        raise Failed(taken, "it cannot be asked: it is starting, of an older version, or another search") from None
    except TimeoutError:
        raise Failed(f"the daemon says nothing for {ANSWER_S:.0f} s", "look into its log") from None
    except OSError as error:
        raise Failed(f"{folder / find_wire.NAME}: {error.strerror}", "run it as the user of the daemon") from None


def _answered(answers: Any) -> dict[str, Any]:
    shown = False
    try:
        while data := answers.readline(ANSWER_MAX):
            answer = json.loads(data)
            if "progress" not in answer:
                break
            if sys.stderr.isatty():
                click.echo(f"\r{_far(answer['progress'])}", nl=False, err=True)
                shown = True
        else:
            raise Failed("the daemon has ended before the search", "start it, and search again: nothing is lost")
    finally:
        if shown:
            click.echo(err=True)
    if "report" in answer:
        return answer["report"]
    raise Failed(answer["error"], answer.get("hint", ""))


def _far(progress: dict[str, Any]) -> str:
    if "waiting" in progress:
        return "another search of this line ends first"
    return f"{progress['searches']} searches, {progress['found']} boards found, {progress['adopted']} adopted   "
