"""`lamplighter plan preview`: the nights of a plan at a place, as a table with a picture, as CSV or as JSON."""

from __future__ import annotations

import csv
import datetime
import sys

import click

from lamplighter.office.cli_plan_check import load_or_fail, show_faults
from lamplighter.office.output import table
from lamplighter.plans.document import Document, PlanFileError
from lamplighter.plans.preview import NIGHTS_MAX, NOON_S, Change, percent, plan_at, post_of_group, preview
from lamplighter.plans.site import POST_ID
from lamplighter.plans.times import YEARS
from lamplighter.terminal import EXIT_USAGE, BadInput, print_json
from lamppost.light import dates

CELLS = 72  # a column for each 20 minutes from noon to noon: fits a terminal of 80
BARS = " ▁▂▃▄▅▆▇█"


@click.command("preview")
@click.argument("plan_file", metavar="PLAN.json")
@click.option("--lat", type=click.FloatRange(-90, 90), required=True, help="Latitude in degrees, north positive.")
@click.option("--lon", type=click.FloatRange(-180, 180), required=True, help="Longitude in degrees, east positive.")
@click.option("--from", "first", metavar="DATE", help="The first night's day, such as 2026-06-20.  [default: today]")
@click.option("--nights", type=click.IntRange(1, NIGHTS_MAX), default=1, show_default=True, help="How many nights.")
@click.option("--group", metavar="ID", help="For posts of this group.  [default: the first of the plan]")
@click.option("--post", metavar="ID", help="For this post.")
@click.option("--csv", "as_csv", is_flag=True, help="Every change as CSV: utc,level_percent,reason.")
@click.option("--json", "as_json", is_flag=True, help="Every change as JSON.")
def preview_command(
    plan_file: str,
    lat: float,
    lon: float,
    first: str | None,
    nights: int,
    group: str | None,
    post: str | None,
    as_csv: bool,
    as_json: bool,
) -> int:
    """Show the nights of a plan at a place; a night runs from local noon to local noon."""
    if group and post:
        raise BadInput("--group and --post", "give one of them")
    if post and not POST_ID.fullmatch(post):
        raise BadInput(f"--post '{post}' is no post id", "ids have 1 to 32 of a-z, 0-9 and -")
    day = parse_day(first)
    document = load_or_fail(plan_file)
    place = (round(lat * 1e6), round(lon * 1e6))
    try:
        post = post or post_of_group(document, group or default_group(document))
        shown = preview(document, *place, day, nights, post)
    except PlanFileError as error:
        show_faults(error)
        return EXIT_USAGE
    flat = [change for night in shown for change in night]
    if as_csv:
        print_csv(flat)
    elif as_json:
        print_json([{"utc": dates.text(c.utc_s), "level_percent": c.level_pm / 10, "reason": c.reason} for c in flat])
    else:
        print_nights(document, place, post, day, shown)
    return 0


def parse_day(text: str | None) -> datetime.date:
    try:
        day = datetime.date.fromisoformat(text) if text else datetime.date.today()
    except ValueError:
        raise BadInput(f"--from '{text}' is no date", "write 2026-06-20") from None
    if not YEARS[0] <= day.year < YEARS[1]:
        raise BadInput(f"--from '{text}' is out of reach", f"a plan knows the years {YEARS[0]} to {YEARS[1]}")
    return day


def default_group(document: Document) -> str:
    """The first group; which one that is, and the others, go to stderr."""
    names = [group.id for group in document.groups]
    if len(names) > 1:
        click.echo(f"showing group {names[0]}; --group shows another: {', '.join(names[1:])}", err=True)
    return names[0]


def print_csv(found: list[Change]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["utc", "level_percent", "reason"])
    writer.writerows([dates.text(change.utc_s), percent(change.level_pm), change.reason] for change in found)


def print_nights(
    document: Document, place: tuple[int, int], post: str, first: datetime.date, shown: list[list[Change]]
) -> None:
    """For each night a heading, the levels as bars from noon to noon, and the changes."""
    plan = plan_at(document, *place, post)
    level_pm = 0
    for number, night in enumerate(shown):
        day = first + datetime.timedelta(days=number)
        start_s = plan.tz.utc_s((day - datetime.date(2000, 1, 1)).days * 86400 + NOON_S)
        click.echo(f"\nNight of {day:%A} {day}")
        click.echo(bars(night, start_s, level_pm))
        click.echo("".join(f"{hour % 24:02d}".ljust(CELLS // 8) for hour in range(12, 36, 3)))
        rows = []
        for change in night:
            local = dates.text(change.utc_s + plan.tz.offset_s(change.utc_s))[11:16]
            rows.append([local, dates.text(change.utc_s), percent(change.level_pm), change.reason])
            level_pm = change.level_pm
        if rows:
            table(["local", "utc", "%", "reason"], rows, right=("%",))
        else:
            click.echo(f"no change: {percent(level_pm)} % all the time\n")


def bars(night: list[Change], start_s: int, level_pm: int) -> str:
    """A character for each 1/CELLS of a day: the highest level in it."""
    step = 86400 // CELLS
    out, pending = [], list(night)
    for index in range(CELLS):
        end_s = start_s + (index + 1) * step
        highest = level_pm
        while pending and pending[0].utc_s < end_s:
            if pending[0].utc_s == end_s - step:
                highest = 0
            level_pm = pending.pop(0).level_pm
            highest = max(highest, level_pm)
        out.append(BARS[(highest * (len(BARS) - 1) + 999) // 1000])
    return "".join(out)
