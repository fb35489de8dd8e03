"""`lampsim check`: look for a broken promise until time or seeds are used up, and show the smallest way to it."""

from __future__ import annotations

import json
import multiprocessing
import shlex
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from lampsim.check.run import Case, Outcome, drawn, play
from lampsim.check.shrink import shrink
from lampsim.faults import FaultPlanError, dumps, loads

JOBS_MAX = 64
PROGRESS_S = 5.0
SEEDS_AHEAD = 2  # for each process: so that one that is done never waits, and few are played for nothing


def _seeds(context: click.Context, option: click.Parameter, text: str | None) -> list[int] | range | None:
    """A-B, one number, or several with commas between."""
    if text is None:
        return None
    try:
        if "," in text:
            return [int(part) for part in text.split(",")]
        first, _, last = text.partition("-")
        seeds = range(int(first), int(last or first) + 1)
    except ValueError:
        seeds = range(0)
    if not seeds:
        raise click.BadParameter(f"{text!r}: give A-B, such as 1-100, or numbers such as 3,8,12")
    return seeds


@click.command()
@click.option("--minutes", type=click.FloatRange(0.01, 10_000), help="Stop after so many minutes of real time.")
@click.option("--seeds", callback=_seeds, help="Play the seeds A-B, or A,B,C.")
@click.option("--seed", type=int, help="Play one seed.")
@click.option("--faults", help="With --seed: a fault plan instead of the seed's own; a file, or the JSON itself.")
@click.option("--posts", type=click.IntRange(2, 16), help="With --seed: only the first so many posts.")
@click.option("--run-minutes", type=click.FloatRange(0.1, 2000), help="With --seed: only so many virtual minutes.")
@click.option("--jobs", type=click.IntRange(1, JOBS_MAX), default=2, show_default=True, help="Processes.")
@click.option("--shrink/--no-shrink", "shrinks", default=True, help="Make a broken case smaller before showing it.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def check(minutes, seeds, seed, faults, posts, run_minutes, jobs, shrinks, as_json) -> None:
    """Play random small streets with every kind of fault until one of the five promises breaks.

    Exit code 0: all held; 1: one is broken, and the command that shows it again is printed; 2: wrong input.
    """
    begun = time.monotonic()
    if seed is not None:
        case = drawn(seed)._replace(posts=posts, minutes=run_minutes)
        if faults is not None:
            case = case._replace(faults=_read(faults))
        cases: Iterable[Case] = [case]
        jobs = 1
    elif faults is not None or posts is not None or run_minutes is not None:
        raise click.UsageError("--faults, --posts and --run-minutes belong to one --seed")
    else:
        cases = (drawn(number) for number in (seeds or range(1_000_000_000)))
        minutes = minutes if minutes is not None or seeds else 1.0
    end = begun + minutes * 60 if minutes is not None else float("inf")
    tally, bad = _search(cases, jobs, end, quiet=as_json)
    result = tally | {"seconds": round(time.monotonic() - begun, 1)}
    if bad is not None:
        result["broken"] = [_explain(*bad, shrinks)]
    click.echo(json.dumps(result) if as_json else _text(result))
    sys.exit(1 if bad is not None else 0)


def replay_command(case: Case) -> str:
    """The one command that plays a case again."""
    words = ["lampsim", "check", "--seed", str(case.seed), "--faults", " ".join(dumps(case.faults).split())]
    if case.posts is not None:
        words += ["--posts", str(case.posts)]
    if case.minutes is not None:
        words += ["--run-minutes", str(case.minutes)]
    return shlex.join(words)


def _search(cases: Iterable[Case], jobs: int, end: float, quiet: bool) -> tuple[dict, tuple[Case, Outcome] | None]:
    """Play cases until the end or the first broken promise."""
    seeds, hours, looks, told = 0, 0.0, 0, time.monotonic()
    bad = None
    for case, outcome in _played(cases, jobs, end):
        seeds, hours, looks = seeds + 1, hours + outcome.post_hours, looks + outcome.looks
        if outcome.promise:
            bad = case, outcome
            break
        if not quiet and time.monotonic() > told + PROGRESS_S:
            told = time.monotonic()
            click.echo(f"{seeds} seeds, {hours:.1f} virtual post-hours, all promises held", err=True)
    figures = {"seeds": seeds, "post_hours": round(hours, 2), "looks": looks, "broken_promises": int(bad is not None)}
    return figures, bad


def _played(cases: Iterable[Case], jobs: int, end: float) -> Iterator[tuple[Case, Outcome]]:
    if jobs == 1:
        for case in cases:
            yield case, play(case)
            if time.monotonic() >= end:
                return
        return
    waiting: list = []
    source = iter(cases)
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        while True:
            while len(waiting) < jobs * SEEDS_AHEAD and time.monotonic() < end:
                case = next(source, None)
                if case is None:
                    break
                waiting.append((case, pool.apply_async(play, (case,))))
            if not waiting:
                return
            case, result = waiting.pop(0)
            try:
                yield case, result.get(None if end == float("inf") else max(0.1, end - time.monotonic()))
            except multiprocessing.TimeoutError:
                return


def _explain(case: Case, outcome: Outcome, shrinks: bool) -> dict:
    plays = 0
    if shrinks:
        case, outcome, plays = shrink(case, outcome, play)
    return {
        "promise": outcome.promise, "text": outcome.text, "seed": case.seed, "posts": outcome.posts,
        "faults": [fault.to_json() for fault in case.faults], "shrunk_in": plays, "replay": replay_command(case),
    }  # fmt: skip


def _read(text: str) -> tuple:
    """A fault plan: JSON, or the file that holds it."""
    try:
        if not text.lstrip().startswith("["):
            text = Path(text).read_text(encoding="utf-8")
        return tuple(loads(text))
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"--faults {text[:60]}: {error}; give a file or JSON such as []") from None
    except FaultPlanError as error:
        raise click.BadParameter(f"--faults: {error}") from None


def _text(result: dict) -> str:
    lines = [
        f"{result['seeds']} seeds, {result['post_hours']} virtual post-hours, {result['looks']} looks in "
        f"{result['seconds']} s: {result['broken_promises']} broken promises"
    ]
    for broken in result.get("broken", ()):
        faults = len(broken["faults"])
        lines += [broken["text"], f"with {broken['posts']} posts and {faults} faults; again with:", broken["replay"]]
    return "\n".join(lines)
