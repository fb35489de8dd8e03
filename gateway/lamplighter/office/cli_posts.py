"""`lamplighter posts`: every post of a gateway, as the gateway knows it now."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from lamplighter.office.client import connect
from lamplighter.office.output import cell, table
from lamplighter.office.target import Target, with_target
from lamplighter.terminal import print_json

HEADS = ["post", "online", "level %", "target %", "why", "power W", "plan", "faults", "seen (UTC)"]
KEYS = ["post", "online", "level_percent", "target_percent", "why", "power_w", "plan", "faults", "utc"]


@click.command()
@with_target
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(1, 3600), default=15.0, show_default=True, help="Seconds to wait."
)
@click.option("--json", "as_json", is_flag=True, help="Print the gateway's status and its posts as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the posts as CSV.")
def posts(target: Target, timeout_s: float, as_json: bool, as_csv: bool) -> None:
    """List the posts of a gateway: level, reason, power, faults."""
    answer = asyncio.run(snapshot(target, timeout_s))
    states = {name: state for name, state in (answer.get("posts") or {}).items() if isinstance(state, dict)}
    if as_json:
        print_json({"status": answer.get("status"), "posts": states})
        return
    rows = [[name if key == "post" else state.get(key) for key in KEYS] for name, state in sorted(states.items())]
    if as_csv:
        print_csv(rows)
        return
    table(HEADS, rows, right=("level %", "target %", "power W"))
    click.echo(status_line(target, answer.get("status")))


async def snapshot(target: Target, timeout_s: float) -> dict[str, Any]:
    async with connect(target) as office:
        return await office.ask("snapshot", timeout_s)


def print_csv(rows: list[list[Any]]) -> None:
    import csv
    import sys

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(KEYS)
    writer.writerows([cell(item) for item in row] for row in rows)


def status_line(target: Target, status: Any) -> str:
    """`gateway gw1: 24 of 24 posts online, 0 readings waiting, version 0.1.0`"""
    known = status if isinstance(status, dict) else {}
    online, every = cell(known.get("posts_online")) or "?", cell(known.get("posts")) or "?"
    waiting, version = cell(known.get("backlog")) or "?", cell(known.get("version")) or "?"
    return f"gateway {target.gateway}: {online} of {every} posts online, {waiting} readings waiting, version {version}"
