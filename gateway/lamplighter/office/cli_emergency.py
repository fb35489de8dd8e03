"""`lamplighter emergency`: full light on posts, above all else but the protection of a driver, for a limited time."""

from __future__ import annotations

import asyncio

import click

from lamplighter.office.cli_override import addressees, ask, show, wanted
from lamplighter.office.target import Target, with_target
from lamplighter.terminal import BadInput


@click.command()
@click.argument("posts", nargs=-1, metavar="[POST]...")
@with_target
@click.option("--group", "groups", multiple=True, metavar="ID", help="All posts of a group; may be repeated.")
@click.option("--all", "everyone", is_flag=True, help="All posts of the gateway.")
@click.option("--for", "duration", metavar="TIME", help="How long: 45s, 10m, 1h30m; at most 7d.")
@click.option("--reason", default="", metavar="TEXT", help="Why; `lamplighter why` shows it.")
@click.option("--clear", is_flag=True, help="End the emergency of these posts now.")
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(1, 3600), default=15.0, show_default=True, help="Seconds to wait."
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def emergency(
    posts: tuple[str, ...],
    target: Target,
    groups: tuple[str, ...],
    everyone: bool,
    duration: str | None,
    reason: str,
    clear: bool,
    timeout_s: float,
    as_json: bool,
) -> int:
    """Full light on posts for a limited time (--for 30m), whatever plan and overrides say; or its end (--clear)."""
    whom = addressees(posts, groups, everyone or (clear and not posts and not groups))
    if clear:
        if duration:
            raise BadInput("--clear with --for", "clear ends an emergency; leave --for out")
        fields = whom | {"layer": "emergency"}
    else:
        if duration is None:
            raise BadInput("an emergency needs --for", "for example --for 30m; it must expire")
        fields = whom | wanted("100", duration, reason)
    answer = asyncio.run(ask(target, "clear" if clear else "emergency", timeout_s, fields))
    return show(answer, "emergency is over" if clear else f"full light for {duration}", as_json)
