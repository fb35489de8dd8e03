"""`lampsim scenario`: the worked examples, whether a file is good, and its town as a picture."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import click

from .scenario import Scenario, ScenarioError, load, packaged
from .scenario_tables import EPOCH
from .traffic.model import busy_seconds

COLOURS = {"street": "#8a8f9c", "park": "#4f7d4a", "square": "#a8864f"}


@click.group()
def scenario() -> None:
    """Worked examples of nights, and your own: a TOML file with town, plan, people and what goes wrong."""


@scenario.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """Name the packaged scenarios."""
    rows = [(name, load(name)) for name in packaged()]
    if as_json:
        click.echo(json.dumps([{"scenario": name, "name": one.name, "about": one.about} for name, one in rows]))
        return
    width = max(len(name) for name, _ in rows)
    for name, one in rows:
        click.echo(f"{name:{width}}  {one.about}")
    click.echo(f"\nCopy one to begin with: {next(iter(packaged().values())).parent}", err=True)


@scenario.command()
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(file: str, as_json: bool) -> None:
    """Read FILE (or a packaged name) whole; say what it holds, or every fault."""
    facts = _facts(_load(file))
    if as_json:
        click.echo(json.dumps(facts))
        return
    for name, value in facts.items():
        click.echo(f"{name.replace('_', ' '):14} {value if not isinstance(value, list) else ', '.join(value)}")


@scenario.command()
@click.argument("file")
@click.option("--out", type=click.Path(path_type=Path), help="The picture; else FILE's name with .png, here.")
@click.option("--at", "at_s", type=click.IntRange(0), help="Also draw who is there at this second; else the busiest.")
def show(file: str, out: Path | None, at_s: int | None) -> None:
    """Draw the town of FILE (or of a packaged scenario) as a PNG: lamps by line, streets, people."""
    one = _load(file)
    target = out or Path(Path(file).stem + ".png")
    try:
        draw(one, target, at_s)
    except ImportError:
        raise click.ClickException("pictures need matplotlib; pip install 'lamplighter[report]'") from None
    except OSError as error:
        raise click.ClickException(f"{target}: {error.strerror}; give another file with --out") from None
    click.echo(target)


def _load(file: str) -> Scenario:
    try:
        return load(file)
    except ScenarioError as error:
        for fault in error.faults:
            click.echo(fault, err=True)
        raise SystemExit(2) from None


def _facts(one: Scenario) -> dict[str, Any]:
    town = one.town
    seconds = {t_s: len(one.traffic.users(t_s)) for t_s in busy_seconds(one.traffic)}
    start = EPOCH + datetime.timedelta(seconds=one.start_utc_s)
    return {
        "name": one.name,
        "start": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "hours": one.hours,
        "posts": len(town.lamps),
        "lines": len(town.buses),
        "gateways": len({bus.gateway for bus in town.buses}),
        "feeders": len(town.feeders),
        "rated_w": round(sum(lamp.rated_w for lamp in town.lamps)),
        "plan": one.plan.id,
        "people": list(one.traffic.kinds),
        "busy_seconds": len(seconds),
        "user_seconds": sum(seconds.values()),
        "most_at_once": max(seconds.values(), default=0),
        "goes_wrong": [fault.name for fault in one.faults],
    }


def draw(one: Scenario, path: Path, at_s: int | None = None) -> None:
    """The town from above. Raises OSError, and ImportError without matplotlib."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 9), dpi=120, facecolor="white", layout="constrained")
    axes = figure.add_subplot(aspect="equal")
    for street in one.town.streets:
        axes.plot(*zip(*street.points, strict=True), color=COLOURS[street.kind], alpha=0.45, linewidth=4, zorder=1)
    lines = {bus.id: number for number, bus in enumerate(one.town.buses)}
    lamps = one.town.lamps
    axes.scatter(
        [p.x_m for p in lamps], [p.y_m for p in lamps], c=[lines.get(p.bus, 0) % 20 for p in lamps],
        cmap="tab20", s=22, edgecolors="black", linewidths=0.4, zorder=3,
    )  # fmt: skip
    second = at_s if at_s is not None else _busiest(one)
    _people(axes, one, second)
    when = EPOCH + datetime.timedelta(seconds=one.start_utc_s + (second or 0))
    axes.set_title(f"{one.name}: {len(lamps)} posts on {len(lines)} lines (colours), {when:%Y-%m-%d %H:%M} UTC")
    axes.set_xlabel("metres east")
    axes.set_ylabel("metres north")
    figure.savefig(path, format="png", metadata={"Software": None})


def _people(axes: Any, one: Scenario, second: int | None) -> None:
    marks = {"pedestrian": ("o", "#d1495b"), "cyclist": ("^", "#2e86ab"), "car": ("s", "#1b1b3a")}
    users = one.traffic.users(second) if second is not None else []
    for kind, (marker, colour) in marks.items():
        some = [user for user in users if user.kind == kind]
        if some:
            label = f"{len(some)} {kind}{'s' if len(some) > 1 else ''}"
            axes.scatter(
                [u.x_m for u in some], [u.y_m for u in some], marker=marker, c=colour, s=12, zorder=4, label=label
            )
    if users:
        axes.legend(loc="upper right")


def _busiest(one: Scenario) -> int | None:
    """The second with the most people, of every thirtieth."""
    some = [(len(one.traffic.users(t_s)), -t_s) for t_s in range(0, one.traffic.duration_s, 30)]
    most, second = max(some, default=(0, 0))
    return -second if most else None
