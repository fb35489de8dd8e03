"""`lampsim flow`: how far the gateway's counts of people can be trusted, by density, as a table, JSON or a plot."""

from __future__ import annotations

import json as json_
from pathlib import Path

import click

from .people import DETECTION_PER_S

SINGLE = (60, 120, 240, 480, 960)  # people an hour on a path
FESTIVAL = (50, 200, 800)  # people on a square within an hour
TICKS = (1, 2, 5, 10, 20)  # people per 100 m
COLUMNS = (
    ("per window", "per_window", "{:.1f}"),
    ("/100 m", "per_100m", "{:.2f}"),
    ("seen %", "occupancy_percent", "{:.0f}"),
    ("withheld", "withheld", "{}"),
    ("edges only %", "edges_bias", "{:+.0f}"),
    ("footfall bias %", "footfall_bias", "{:+.0f}"),
    ("error %", "footfall_error", "{:.0f}"),
    ("direction pts", "share_error", "{:.0f}"),
    ("speed bias %", "speed_bias", "{:+.0f}"),
    ("density bias %", "density_bias", "{:+.0f}"),
)


@click.command()
@click.option("--hours", default=2.0, show_default=True, type=click.FloatRange(0.5, 24))
@click.option("--seed", default=1, show_default=True)
@click.option("--detection", default=DETECTION_PER_S, show_default=True, type=click.FloatRange(0.01, 1))
@click.option(
    "--lost",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0, 0.9),
    help="Share of events (with --real: of frames) lost.",
)
@click.option("--real", is_flag=True, help="Real posts, line and Poller in virtual time; corridors only.")
@click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
@click.option("--plot", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write a PNG.")
def flow(hours: float, seed: int, detection: float, lost: float, real: bool, as_json: bool, plot: Path | None) -> None:
    """Compare the gateway's footfall, direction, speed and density with the simulated truth.

    Walkers one way, evenly apart, both ways, in groups (counted as one each, and with the size of parties configured),
    and a festival on a square.
    """
    from . import flow_truth as truth

    found = []
    for street in streets(hours, seed):
        if real and street.name.startswith("festival"):
            continue  # the lines of a square carry every event at once: of what the gateway counts they change nothing
        events = [] if real else truth.sensed(street, seed, detection)
        runs = [(street.name, 1.0)]
        if street.per_party > 1:
            runs.append((f"{street.name}, party {street.per_party:.1f}", street.per_party))
        for name, party in runs:
            if real:
                windows = truth.count_real(street, seed, lost, party, detection)
            else:
                windows = truth.count(street, events, lost, seed, party)
            found.append(truth.errors(name, truth.compare(street, windows)))
            if not as_json:
                _show(found[-1], len(found) == 1)
    if as_json:
        click.echo(json_.dumps({"seed": seed, "hours": hours, "rows": [row._asdict() for row in found]}, indent=1))
    if plot:
        draw(found, plot)
        click.echo(f"wrote {plot}", err=True)


def streets(hours: float, seed: int):
    """What is compared, each made when it is its turn."""
    from . import flow_truth as truth

    for rate in SINGLE:
        yield truth.walkers(f"one way {rate}/h", rate, seed, hours)
    for rate in SINGLE[1:4]:
        yield truth.walkers(f"evenly {rate}/h", rate, seed, hours, regular=True)
    for rate in SINGLE:
        yield truth.walkers(f"two-way {rate}/h", rate, seed, hours, eastward=0.7)
    for rate in SINGLE[1:4]:
        yield truth.walkers(f"groups {rate}/h", rate, seed, hours, eastward=0.7, party=truth.parties)
    for count in FESTIVAL:
        yield truth.festival(f"festival {count}", count, seed, hours)


def draw(rows, path: Path) -> None:
    """Four small plots of error over density, one line a kind of street."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), layout="constrained")
    kinds: dict[str, list] = {}
    for row in rows:
        kind = row.street.rstrip("/h0123456789") if "party" not in row.street else "groups, with party"
        kinds.setdefault(kind, []).append(row)
    panels = ("footfall_bias", "share_error", "speed_bias", "density_bias")
    words = ("footfall, bias %", "direction, error in points", "speed, bias %", "density, bias %")
    for axes, name, title in zip(figure.subplots(2, 2).flat, panels, words, strict=True):
        for kind, group in kinds.items():
            points = sorted((row.per_100m, getattr(row, name)) for row in group if getattr(row, name) is not None)
            if points:
                axes.plot(*zip(*points, strict=True), marker="o", label=kind)
        axes.axhline(0, color="grey", linewidth=0.8)
        axes.set(title=title, xscale="log", xlabel="people per 100 m (true)")
        axes.set_xticks(TICKS, [str(tick) for tick in TICKS], minor=False)
        axes.set_xticks([], minor=True)
        axes.grid(alpha=0.3)
    figure.axes[0].legend(fontsize="small")
    figure.savefig(path, format="png", dpi=110)


def _show(row, first: bool) -> None:
    if first:
        click.echo(f"{'':22}" + "".join(f"{title:>16}" for title, _, _ in COLUMNS))
    cells = ((getattr(row, name), form) for _, name, form in COLUMNS)
    click.echo(f"{row.street:22}" + "".join(f"{'-' if v is None else form.format(v):>16}" for v, form in cells))
