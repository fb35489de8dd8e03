"""`lampsim run`: a town in virtual time, the real posts and gateways in it, as many hours as one likes.

Prints what happened, how fast it was simulated, and the hash of the whole log: the same seed gives the same hash.
With --real-time the same scenario runs on ptys instead, as long as it takes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import click
from click.core import ParameterSource

from .run_town import HOW, Place, Wrong, apply, faults_in, of_scenario, peak_mb, place

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
CYCLE_S = 3600  # a post that has nothing to tell is polled once an hour; the daemon polls several times a second
FAULTY_CYCLE_S = 30  # where posts may fall silent and come back, the gateway has to notice
HOURS, SEED = 24.0, 1
SECONDS = 60
REAL_TIMES_OWN = {"seconds": "--seconds", "from_h": "--from", "broker": "--broker"}
NOT_IN_REAL_TIME = {
    "hours": "--hours", "fault_file": "--faults", "bit_error": "--bit-error", "cycle_s": "--cycle", "save": "--save",
    "jobs": "--jobs",
}  # fmt: skip
SCENARIOS_OWN = ("posts", "plan_file", "people", "traffic")  # what a scenario brings with it
ALONE = {"scenario": "--scenario", "fault_file": "--faults"}  # may touch any cabinet
JOBS_MAX = 64  # processes; more than any computer this was tried on has cores


@click.command()
@click.option("--posts", type=click.IntRange(1, 200_000), default=100, show_default=True, help="Size of the town.")
@click.option("--hours", type=click.FloatRange(0, 24 * 366, min_open=True),
              help=f"How long.  [default: {HOURS:g}, or all of the scenario]")  # fmt: skip
@click.option("--seed", type=int,
              help=f"The same seed gives the same log_sha256.  [default: {SEED}, or the scenario's]")  # fmt: skip
@click.option("--scenario", help="A scenario file or the name of a packaged one, in place of --posts.")
@click.option("--plan", "plan_file", type=_FILE, help="A plan file in place of the built-in one.")
@click.option("--people", type=click.FloatRange(0, 100), default=1.0, show_default=True, help="How many, as a share.")
@click.option("--traffic", metavar="SOURCE", help=f"Whom sensors counted, in place of the built-in people: {HOW}.")
@click.option("--faults", "fault_file", type=_FILE, help="A fault plan (JSON), as `lampsim check` prints it.")
@click.option("--baud", type=click.IntRange(300, 1_000_000), default=19200, show_default=True)
@click.option("--loss", type=click.FloatRange(0, 0.5), default=0.0, help="Share of frames that a hearer misses.")
@click.option("--bit-error", type=click.FloatRange(0, 0.01), default=0.0, help="Chance of a bit to be read wrong.")
@click.option("--cycle", "cycle_s", type=click.IntRange(0, 86400),
              help="Seconds between two polls of a post that has nothing to tell; 0: as often as the line allows.  "
              f"[default: {CYCLE_S}, with faults or a scenario {FAULTY_CYCLE_S}]")  # fmt: skip
@click.option("--jobs", type=click.IntRange(0, JOBS_MAX), default=1, show_default=True,
              help="Processes that share the town's cabinets; 0: one for each core. The hash is the same.")  # fmt: skip
@click.option("--save", type=click.Path(dir_okay=False, path_type=Path), help="Keep the recording (.npz).")
@click.option("--real-time", is_flag=True,
              help="The scenario's first line as processes on ptys, against a real gateway and broker.")  # fmt: skip
@click.option("--seconds", type=click.IntRange(1, 86400),
              help=f"With --real-time: how long, once every post has its plan.  [default: {SECONDS}]")  # fmt: skip
@click.option("--from", "from_h", type=click.FloatRange(0, 24 * 366),
              help="With --real-time: hour to begin at.  [default: when somebody passes in the dark]")  # fmt: skip
@click.option("--broker", help="With --real-time: HOST:PORT of a running MQTT broker; by default one is embedded.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def run(
    context: click.Context, posts: int, hours: float | None, seed: int | None, scenario: str | None,
    plan_file: Path | None, people: float, traffic: str | None, fault_file: Path | None, baud: int, loss: float,
    bit_error: float, cycle_s: int | None, jobs: int, save: Path | None, real_time: bool, seconds: int | None,
    from_h: float | None, broker: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Run a town in virtual time: every post is the real one, and so is every gateway's poll scheduler."""
    given = {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if scenario is not None and (own := given.intersection(SCENARIOS_OWN)):
        names = ", ".join(sorted("--" + name.removesuffix("_file") for name in own))
        raise Wrong(f"a scenario brings its own {names}; change it in a copy of its file")
    _fit(given, real_time)
    if real_time:
        _in_real_time(scenario or "", seed, seconds or SECONDS, from_h, broker, baud if "baud" in given else None,
                      loss if "loss" in given else None, as_json)  # fmt: skip
        return
    if save is not None and not save.parent.is_dir():
        raise Wrong(f"{save}: there is no such directory")
    jobs = jobs or min(JOBS_MAX, os.cpu_count() or 1)
    if jobs > 1 and (alone := [option for name, option in ALONE.items() if name in given]):
        raise Wrong(f"{', '.join(alone)}: in one process only; leave out --jobs")
    begin_s, begin_cpu_s = time.perf_counter(), time.process_time()
    bar = _Progress()
    line = {"baud": baud, "loss": loss, "bit_error": bit_error}
    if scenario is not None:  # it has a line of its own; what is given goes over it
        line = {name: value for name, value in line.items() if name in given}
    options = {"cycle_s": cycle_s, "progress": bar} | line
    faults = faults_in(fault_file)
    if cycle_s is None:
        options["cycle_s"] = cycle_s = FAULTY_CYCLE_S if faults or scenario is not None else CYCLE_S
    if scenario is not None:
        world, hours = of_scenario(scenario, hours, seed, options)
        apply(world, faults, fault_file)
        ran = _ran(world, hours, begin_s)
    else:
        hours, seed = hours or HOURS, SEED if seed is None else seed
        ran = _town(place(posts, hours, seed, people, plan_file, traffic), hours, seed, options, jobs, begin_s,
                    faults, fault_file)  # fmt: skip
    bar.end()
    recording, wall_s = ran.recording, time.perf_counter() - begin_s
    result = {
        "posts": len(recording.ids),
        "hours": hours,
        "seed": ran.seed,
        "jobs": ran.jobs,
        "log_sha256": recording.log_sha256,
        "wall_s": round(wall_s, 2),
        "cpu_s": round(time.process_time() - begin_cpu_s + ran.others_cpu_s, 2),
        "build_s": round(ran.built_s, 2),
        "times_real": round(hours * 3600 / wall_s),
        "events_per_s": round(recording.counters["events"] / (wall_s - ran.built_s)),
        "peak_rss_mb": peak_mb() + ran.others_mb,
        "cycle_s": cycle_s,
        "latency_ms_p50": recording.latency_ms(50),
        "latency_ms_p99": recording.latency_ms(99),
        "energy_kwh": round(sum(recording.energy_mwh.tolist()) / 1e6, 3),
        **recording.light_shares(),
        "faults": len(recording.faults),
        **recording.counters,
    }
    if save is not None:
        try:
            recording.save(save)
        except OSError as error:
            raise Wrong(f"{save}: {error.strerror}") from None
    _show(result, as_json)


class _Ran(NamedTuple):
    """What came of a run: `others_*` is what processes beside this one took."""

    recording: Any
    seed: object
    jobs: int
    built_s: float
    others_cpu_s: float = 0.0
    others_mb: int = 0


def _town(
    there: Place, hours: float, seed: int, options: dict, jobs: int, begin_s: float, faults: list,
    fault_file: Path | None,
) -> _Ran:  # fmt: skip
    from .virtual import shares
    from .virtual.world import Options, World

    if not faults:
        built_s = time.perf_counter() - begin_s
        ran = shares.run(there.town, there.plan, there.traffic, seed, Options(**options), hours, jobs)
        return _Ran(ran.recording, seed, ran.jobs, built_s, ran.cpu_s, ran.peak_mb)
    world = World(there.town, there.plan, there.traffic, (), seed, options=Options(**options))
    apply(world, faults, fault_file)
    return _ran(world, hours, begin_s)


def _ran(world: Any, hours: float, begin_s: float) -> _Ran:
    built_s = time.perf_counter() - begin_s
    return _Ran(world.run(hours), world.seed, 1, built_s)


def _fit(given: set[str], real_time: bool) -> None:
    """Raises Wrong for options that do nothing here."""
    wrong = NOT_IN_REAL_TIME if real_time else REAL_TIMES_OWN
    if real_time and "scenario" not in given:
        raise Wrong("--real-time runs a scenario; give one with --scenario")
    if names := ", ".join(option for name, option in wrong.items() if name in given):
        raise Wrong(f"{names}: only in virtual time" if real_time else f"{names}: only with --real-time")


def _in_real_time(
    name: str, seed: int | None, seconds: int, from_h: float | None, broker: str | None, baud: int | None,
    loss: float | None, as_json: bool,
) -> None:  # fmt: skip
    from . import real_time
    from .broker import address
    from .playing import played
    from .scenario import ScenarioError, load
    from .street import Options

    try:
        scenario = load(name, seed)
        there = address(broker)
    except (ScenarioError, ValueError) as error:
        raise Wrong(str(error)) from None
    if from_h is not None and from_h >= scenario.hours:
        raise Wrong(f"--from {from_h:g}: the scenario {scenario.name!r} lasts {scenario.hours:g} hours")
    line = scenario.line
    options = Options(
        line.baud if baud is None else baud, seed=scenario.seed, loss=line.loss if loss is None else loss,
        broker=there,
    )  # fmt: skip
    part = real_time.Part.of(scenario, from_h)
    click.echo(part.note, err=as_json)
    outcome = played(real_time.play(part, seconds, options))
    if as_json:
        click.echo(json.dumps(real_time.report(part, outcome)))
    else:
        click.echo("\n".join(real_time.lines(outcome)))
    sys.exit(0 if outcome.held else 1)


def _show(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(result))
        return
    width = max(map(len, result))
    for name, value in result.items():
        click.echo(f"{name:<{width}}  {value:,}" if isinstance(value, int) else f"{name:<{width}}  {value}")


class _Progress:
    """A line on the terminal while the run lasts; nothing where stderr is none."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._begin_s = time.perf_counter()

    def __call__(self, share: float) -> None:
        if self._shown:
            left_s = (time.perf_counter() - self._begin_s) * (1 - share) / max(share, 1e-9)
            with suppress(OSError):
                print(f"\r{share:4.0%}  {left_s:4.0f} s left ", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._shown:
            print("\r" + " " * 24 + "\r", end="", file=sys.stderr, flush=True)
