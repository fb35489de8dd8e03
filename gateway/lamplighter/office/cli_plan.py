"""`lamplighter plan check|preview|publish`."""

from __future__ import annotations

import click

from lamplighter.cli import LazyGroup

COMMANDS = {
    "check": ("lamplighter.office.cli_plan_check:check", "Say what is wrong with a plan file, line by line."),
    "preview": ("lamplighter.office.cli_plan_preview:preview_command", "Show the nights of a plan at a place."),
    "publish": ("lamplighter.office.cli_plan_publish:publish", "Give a plan to a gateway and wait for its posts."),
    "example": ("lamplighter.office.cli_plan_example:example", "Print a worked example to start from."),
    "schema": ("lamplighter.office.cli_plan_example:schema", "Print the JSON Schema of a plan file."),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def plan() -> None:
    """Check, preview and publish a lighting plan."""
