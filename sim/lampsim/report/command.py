"""`lampsim report`: a planner's lamps in, a page about lighting policies out. No code, no network, nothing opened.

Exit code 0 when the page is written, 2 for input that cannot be used (one line says what to do), 1 where the folder
cannot be written.
"""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

NIGHTS_MAX = 31  # a month; a town of 1,000 lamps takes minutes for each night
LAMPS_MAX = 5000  # levels of a night are 90 MB for each 1,000 lamps and policy


@click.command()
@click.argument("lamps", required=False, type=click.Path(path_type=Path))
@click.option("--park", help="Only the lamps of this park or street.")
@click.option("--most", default=1000, show_default=True, type=click.IntRange(1, LAMPS_MAX), help="Lamps at most.")
@click.option("--place", help="LAT,LON of a file that has metres only.")
@click.option("--time-zone", help="Such as Europe/Brussels; by default that of the nearest city of the tz database.")
@click.option("--people", type=click.FloatRange(0, 5000), help="Walkers an hour.  [default: 40 for each 100 lamps]")
@click.option("--cyclists", type=click.FloatRange(0, 5000), help="Cyclists an hour.  [default: 8 for each 100 lamps]")
@click.option("--cars", type=click.FloatRange(0, 5000), help="Cars an hour.  [default: 40 for each 100 street lamps]")
@click.option(
    "--traffic",
    type=click.Path(path_type=Path),
    help="Recorded users instead, on the lamps' map in metres: CSV or SUMO FCD.",
)
@click.option("--traffic-start", default="18:00", show_default=True, help="Local time of the recording's second 0.")
@click.option("--date", default="2026-09-22", show_default=True, help="The first night begins on this day.")
@click.option("--nights", default=1, show_default=True, type=click.IntRange(1, NIGHTS_MAX), help="How many nights.")
@click.option("--policies", help="Of full, part-night, presence; the first is the baseline.  [default: all three]")
@click.option("--plan", "plans", multiple=True, type=click.Path(path_type=Path), help="A plan file as a policy.")
@click.option("--street-lux", type=click.FloatRange(0.1, 200), help="Maintained illuminance assumed.  [default: 7.5]")
@click.option("--park-lux", type=click.FloatRange(0.1, 200), help="The same in parks.  [default: 5]")
@click.option("--street-area", type=click.FloatRange(1, 5000), help="m2 a street lamp lights; else spacing x 10 m.")
@click.option("--park-area", type=click.FloatRange(1, 5000), help="m2 a park lamp lights; else spacing x 5 m.")
@click.option("--meter-error", default=1.0, show_default=True, type=click.FloatRange(0, 20), help="Of a meter, in %.")
@click.option("--clo", default="", metavar="TABLE", help="Constant light output of the posts: 0:850,50000:1000.")
@click.option("--seed", default=1, show_default=True, help="Of people, sensors and line.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for the report.")
def report(lamps: Path | None, out: Path, **options) -> None:
    """Compare lighting policies for the lamps of a file: energy, light for people, EN 13201-5, verified savings.

    LAMPS is a GeoJSON file of points, a CSV file, or a SUMO network; without it the built-in example park.
    """
    from lamplighter.plans.document import PlanFileError

    from ..town.model import TownError
    from ..traffic.model import TrafficError
    from .policies import PolicyError
    from .wishes import Wishes

    try:
        from .build import build
        from .words import light_sentence, saving_sentence, sentence
        from .write import write
    except ImportError as fault:
        _stop(f"{fault.name} is missing; install it with: pip install 'lamplighter[report]'", 1)

    try:
        wishes = Wishes.of(lamps, options)
        with _Progress() as progress:
            study, error = build(wishes, progress.show)
    except PlanFileError as fault:
        _stop(str(fault).splitlines()[0], 2)
    except (TownError, TrafficError, PolicyError, ValueError) as fault:
        _stop(str(fault).splitlines()[0], 2)
    try:
        with _Progress() as progress:
            page, saved = write(study, out, _made(), error, lambda what: progress.show(what, 0.0))
    except OSError as fault:
        _stop(f"{out}: {fault.strerror or fault}; choose another folder with --out", 1)
    for policy in study.policies:
        click.echo(f"{policy.title}: {sentence(policy)}")
    for saving in saved:
        click.echo(f"saved: {saving_sentence(saving, study)}")
    click.echo(f"light: {light_sentence(study)}")
    click.echo(f"report: {page}")


class _Progress:
    """One moving line on a terminal; on a pipe a line a step, so that a log stays short."""

    def __init__(self) -> None:
        self._moving = sys.stderr.isatty()
        self._told: set[str] = set()
        self._width = 0

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._moving and self._width:
            click.echo("\r" + " " * self._width + "\r", err=True, nl=False)

    @property
    def show(self) -> Callable[[str, float], None]:
        return self._show_moving if self._moving else self._show_once

    def _show_moving(self, step: str, share: float) -> None:
        bar = "█" * round(20 * share) + "░" * (20 - round(20 * share))
        line = f"{bar} {share:4.0%}  {step}" if share else f"{step} …"
        click.echo("\r" + line.ljust(self._width), err=True, nl=False)
        self._width = max(self._width, len(line))

    def _show_once(self, step: str, share: float) -> None:
        if step not in self._told:
            self._told.add(step)
            click.echo(f"lampsim: {step}", err=True)


def _made() -> str:
    """The command as it was typed, with file names only: a page that travels names no folder of its maker."""
    words = [Path(word).name if "/" in word else word for word in sys.argv[1:]]
    return "lampsim " + shlex.join(words)


def _stop(text: str, code: int) -> NoReturn:
    click.echo(f"lampsim: {text}", err=True)
    sys.exit(code)
