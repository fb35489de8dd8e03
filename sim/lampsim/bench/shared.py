"""What the commands of `lampsim bench` have in common: numbers with commas, errors in one line, progress, output."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

SEE_AT_ONCE = "Posts that see somebody at once."
PLOT = click.option(
    "--plot", type=click.Path(dir_okay=False, path_type=Path), help="Save a picture (.png, .svg, .pdf)."
)
SEED = click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same figures.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class Wrong(click.ClickException):
    """Input that cannot be used: one line, exit code 2."""

    exit_code = 2


class Numbers(click.ParamType):
    """Numbers with commas between them, each within bounds."""

    name = "numbers"

    def __init__(self, low: float, high: float, whole: bool = True):
        self.low, self.high, self.whole = low, high, whole

    def convert(self, value, param, ctx) -> tuple:
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple((int if self.whole else float)(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r}: give numbers such as 8,32", param, ctx)
        for number in numbers:
            if not self.low <= number <= self.high:
                self.fail(f"{number:g} is not from {self.low:g} to {self.high:g}", param, ctx)
        return numbers


class Progress:
    """A line on the terminal while something long runs; nothing where stderr is none."""

    def __init__(self, steps: int) -> None:
        self._shown = sys.stderr.isatty()
        self._steps, self._step = steps, 0

    def __call__(self, what: str) -> None:
        self._step += 1
        if self._shown:
            with suppress(OSError):
                print(f"\r{self._step}/{self._steps}  {what:<60}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._shown:
            with suppress(OSError):
                print("\r" + " " * 72 + "\r", end="", file=sys.stderr, flush=True)


def tell(rows: Sequence, seed: int, plot: Path | None, as_json: bool) -> None:
    """Print what was measured, and save the picture where one is wanted."""
    from .table import text

    if plot is not None:
        draw(rows, plot)
    click.echo(json.dumps({"seed": seed, "rows": [row.to_json() for row in rows]}) if as_json else text(rows))


def draw(rows: Sequence, path: Path) -> None:
    """Save the picture; raises Wrong where that is not possible."""
    from .plot import PlotError, save

    try:
        save(rows, path)
    except PlotError as error:
        raise Wrong(str(error)) from None
