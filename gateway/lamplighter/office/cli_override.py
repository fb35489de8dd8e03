"""`lamplighter override`: a level on posts for a limited time, and its end. None is without an end."""

from __future__ import annotations

from typing import Any

import click

from lamplighter.office.order import ask, show, term, with_posts, with_term
from lamplighter.office.target import Target
from lamplighter.terminal import BadInput


@click.command()
@with_posts
@click.option("--level", metavar="PERCENT", help="Percent of full light, 0 to 100.")
@with_term("override")
def override(
    whom: dict[str, Any],
    target: Target,
    level: str | None,
    duration: str | None,
    reason: str,
    clear: bool,
    timeout_s: float,
    as_json: bool,
) -> int:
    """Set a level on posts for a limited time (--level 40 --for 10m), or end that (--clear)."""
    if clear:
        if level or duration:
            raise BadInput("--clear with --level or --for", "clear ends an override; leave them out")
        return show(ask(target, "clear", timeout_s, whom), "cleared", as_json)
    if level is None or duration is None:
        raise BadInput("an override needs --level and --for", "for example --level 40 --for 10m; it must expire")
    fields = whom | term(duration, reason) | {"level_percent": percent(level)}
    return show(ask(target, "override", timeout_s, fields), f"{level} % for {duration}", as_json)


def percent(text: str) -> int | float:
    """A level in percent, with at most one decimal."""
    try:
        value = round(float(text.removesuffix("%")), 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise BadInput(f"--level '{text}' is no level", "write percent of full light, 0 to 100")
    return int(value) if value.is_integer() else value
