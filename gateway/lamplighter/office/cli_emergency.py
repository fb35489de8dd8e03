"""`lamplighter emergency`: full light on posts, above all else but the protection of a driver, for a limited time."""

from __future__ import annotations

from typing import Any

import click

from lamplighter.office.order import ask, show, term, with_posts, with_term
from lamplighter.office.target import Target
from lamplighter.terminal import BadInput


@click.command()
@with_posts
@with_term("emergency")
def emergency(
    whom: dict[str, Any],
    target: Target,
    duration: str | None,
    reason: str,
    clear: bool,
    timeout_s: float,
    as_json: bool,
) -> int:
    """Full light on posts for a limited time (--for 30m), whatever plan and overrides say; or its end (--clear)."""
    if clear:
        if duration:
            raise BadInput("--clear with --for", "clear ends an emergency; leave --for out")
        return show(ask(target, "clear", timeout_s, whom | {"layer": "emergency"}), "emergency is over", as_json)
    if duration is None:
        raise BadInput("an emergency needs --for", "for example --for 30m; it must expire")
    fields = whom | term(duration, reason) | {"level_percent": 100}
    return show(ask(target, "emergency", timeout_s, fields), f"full light for {duration}", as_json)
