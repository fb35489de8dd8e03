"""`lamplighter plan example|schema`: what comes with the package to start from, and to check with other tools."""

from __future__ import annotations

from importlib import resources

import click

from lamplighter.plans.faults import did_you_mean
from lamplighter.terminal import BadInput

PACKAGE = "lamplighter.plans"


@click.command()
@click.argument("name", required=False)
def example(name: str | None) -> None:
    """Print a worked example of a plan; without NAME, list the examples."""
    files = {file.name.removesuffix(".json"): file for file in (resources.files(PACKAGE) / "examples").iterdir()}
    if name is None:
        for known in sorted(files):
            click.echo(known)
    elif name in files:
        click.echo(files[name].read_text(encoding="utf-8"), nl=False)
    else:
        raise BadInput(f"there is no example '{name}'", did_you_mean(name, sorted(files)))


@click.command()
def schema() -> None:
    """Print the JSON Schema of a plan file (draft 2020-12), for editors."""
    click.echo((resources.files(PACKAGE) / "schema.json").read_text(encoding="utf-8"), nl=False)
