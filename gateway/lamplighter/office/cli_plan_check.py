"""`lamplighter plan check`: every fault of a plan file, with its line; needs no network."""

from __future__ import annotations

from typing import Any

import click

from lamplighter.plans.document import Document, PlanFileError, load_file
from lamplighter.terminal import EXIT_USAGE, print_json, printable


@click.command()
@click.argument("plan_file", metavar="PLAN.json")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def check(plan_file: str, as_json: bool) -> int:
    """Say what is wrong with a plan file, line by line; exit code 2 when something is."""
    try:
        document = load_file(plan_file)
    except PlanFileError as error:
        if as_json:
            faults = [{"line": fault.line, "text": fault.text} for fault in error.faults]
            print_json({"ok": False, "file": plan_file, "faults": faults})
        show_faults(error)
        return EXIT_USAGE
    if as_json:
        print_json({"ok": True, "file": plan_file, "faults": [], "plan": document.id, "hash": document.hash})
    else:
        click.echo(summary(document))
    return 0


def load_or_fail(plan_file: str) -> Document:
    """The plan; its faults go to stderr and the command ends with exit code 2."""
    try:
        return load_file(plan_file)
    except PlanFileError as error:
        show_faults(error)
        raise click.exceptions.Exit(EXIT_USAGE) from None


def show_faults(error: PlanFileError) -> None:
    for line in error.lines():
        click.echo(printable(line), err=True)


def summary(document: Document) -> str:
    """One line: name, hash, and how many of everything."""
    counts: list[tuple[Any, str]] = [
        (document.programs, "control program"),
        (document.profiles, "presence profile"),
        (document.calendars, "calendar"),
        (document.groups, "group"),
        (document.scenes, "event scene"),
    ]
    words = [f"{len(things)} {name}{'' if len(things) == 1 else 's'}" for things, name in counts if things]
    return f"{document.name}: plan {document.id} is good, hash {document.hash}: {', '.join(words)}"
