"""`lampsim night`: the benchmark as a command. numpy and matplotlib are imported only when it runs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from .data import Lamps, Users
    from .runs import Row

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--lamps", "lamps_file", type=_FILE, required=True, help="CSV file: lamp,street,x_m,y_m.")
@click.option("--users", "user_files", type=_FILE, required=True, multiple=True,
              help="A night of users, CSV or SUMO FCD, .gz or plain; repeat for several nights.")  # fmt: skip
@click.option("--policy", "policies", multiple=True, help="Only this policy (CONV, PART, ... CEILING); repeatable.")
@click.option("--bench", is_flag=True, help="Add the real rule engine without bus: BENCH.")
@click.option("--real", is_flag=True, help="Add the real posts on simulated lines: REAL, with latencies.")
@click.option("--baud", type=click.IntRange(300, 1_000_000), default=19200, show_default=True)
@click.option("--loss", type=click.FloatRange(0, 0.5), default=0.0, show_default=True, help="Share of frames lost.")
@click.option("--no-relay", is_flag=True, help="A post hears its own line only.")
@click.option("--from", "begin_h", type=click.FloatRange(0, 12), default=0.0, help="Hours after 18:00.")
@click.option("--hours", type=click.FloatRange(0, 12, min_open=True), default=12.0, help="How long.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--steps", is_flag=True, help="What each step of the presence logic gained, on the bench.")
@click.option("--why", is_flag=True, help="What each missing hundredth of utility is due to.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw energy against utility.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def night(
    lamps_file: Path, user_files: tuple[Path, ...], policies: tuple[str, ...], bench: bool, real: bool, baud: int,
    loss: float, no_relay: bool, begin_h: float, hours: float, seed: int, steps: bool, why: bool,
    plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """The same people in the same streets: how much light and how much energy, by policy.

    Ideal policies see everybody and switch at once; CEILING is AHEAD10 with a sensor on each lamp (12 m, 95 % a
    second); BENCH is the rule engine of the posts, and REAL the whole posts on their bus, with the same sensors.
    """
    try:
        from . import data, runs
    except ImportError as error:
        raise click.ClickException(f"{error}; install the reports: pip install 'lamplighter[report]'") from error
    names = tuple(policy.upper() for policy in policies)
    try:
        wanted = runs.Wanted(names, bench or why, real, baud, loss, seed, steps, why, no_relay)
        lamps = data.load_lamps(lamps_file)
        rows = [
            row for file in user_files for row in _night(lamps, data.load_users(file), file, begin_h, hours, wanted)
        ]
    except (data.DataError, runs.RunError) as error:
        raise click.BadParameter(str(error)) from error
    if plot is not None:
        from .plot import draw

        draw(rows, plot)
    if as_json:
        click.echo(json.dumps([row.as_json() for row in rows], indent=1))
    else:
        from .table import show

        show(rows)


def _night(lamps: "Lamps", users: "Users", file: Path, begin_h: float, hours: float, wanted) -> "list[Row]":
    from . import runs

    begin_s = round(begin_h * 3600)
    end_s = min(users.seconds, begin_s + round(hours * 3600))
    part = users.between(begin_s, end_s)
    return list(runs.rows(lamps, part, file.name.split(".")[0], begin_s, wanted))
