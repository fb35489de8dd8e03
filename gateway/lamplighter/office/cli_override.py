"""`lamplighter override`: a level on posts for a limited time, and its end. None is without an end."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from lamplighter.office import durations
from lamplighter.office.client import connect
from lamplighter.office.output import cell
from lamplighter.office.target import Target, with_target
from lamplighter.terminal import EXIT_REFUSED, BadInput, Failed, print_json
from lamppost import limits


@click.command()
@click.argument("posts", nargs=-1, metavar="[POST]...")
@with_target
@click.option(
    "--group", "groups", multiple=True, metavar="ID", help="All posts of a group of the plan; may be repeated."
)
@click.option("--all", "everyone", is_flag=True, help="All posts of the gateway.")
@click.option("--level", metavar="PERCENT", help="Percent of full light, 0 to 100.")
@click.option("--for", "duration", metavar="TIME", help="How long: 45s, 10m, 1h30m; at most 7d.")
@click.option("--reason", default="", metavar="TEXT", help="Why; `lamplighter why` shows it.")
@click.option("--clear", is_flag=True, help="End the override of these posts now.")
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(1, 3600), default=15.0, show_default=True, help="Seconds to wait."
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def override(
    posts: tuple[str, ...],
    target: Target,
    groups: tuple[str, ...],
    everyone: bool,
    level: str | None,
    duration: str | None,
    reason: str,
    clear: bool,
    timeout_s: float,
    as_json: bool,
) -> int:
    """Set a level on posts for a limited time (--level 40 --for 10m), or end that (--clear)."""
    whom = addressees(posts, groups, everyone or (clear and not posts and not groups))
    if clear:
        if level or duration:
            raise BadInput("--clear with --level or --for", "clear ends an override; leave them out")
        fields = whom
    else:
        fields = whom | wanted(level, duration, reason)
    answer = asyncio.run(ask(target, "clear" if clear else "override", timeout_s, fields))
    return show(answer, "cleared" if clear else f"{level} % for {duration}", as_json)


async def ask(target: Target, command: str, timeout_s: float, fields: dict[str, Any]) -> dict[str, Any]:
    async with connect(target) as office:
        return await office.ask(command, timeout_s, **fields)


def addressees(posts: tuple[str, ...], groups: tuple[str, ...], everyone: bool) -> dict[str, Any]:
    """Exactly one of posts, groups and all."""
    given = [bool(posts), bool(groups), everyone]
    if sum(given) != 1:
        raise BadInput("say which posts, in one way", "name POSTs, or give --group ID, or --all")
    if posts:
        return {"posts": list(dict.fromkeys(posts))}
    return {"groups": list(dict.fromkeys(groups))} if groups else {"all": True}


def wanted(level: str | None, duration: str | None, reason: str) -> dict[str, Any]:
    """Level, seconds and reason of an override, checked."""
    if level is None or duration is None:
        raise BadInput("an override needs --level and --for", "for example --level 40 --for 10m; it must expire")
    try:
        for_s = durations.seconds(duration)
    except ValueError as fault:
        raise BadInput(f"--for {fault}") from None
    if not 1 <= for_s <= limits.OVERRIDE_MAX_S:
        raise BadInput(f"--for {duration} is outside 1s..7d", "a longer change belongs in the plan")
    if len(reason) > limits.REASON_MAX:
        raise BadInput(
            f"--reason has {len(reason)} characters", f"at most {limits.REASON_MAX}; it travels to each post"
        )
    return {"level_percent": percent(level), "for_s": for_s, "reason": reason}


def percent(text: str) -> int | float:
    """A level in percent, with at most one decimal."""
    try:
        value = round(float(text.removesuffix("%")), 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise BadInput(f"--level '{text}' is no level", "write percent of full light, 0 to 100")
    return int(value) if value.is_integer() else value


def show(answer: dict[str, Any], done: str, as_json: bool) -> int:
    """One line for each post. Returns 0 when all did it, else 1."""
    posts = {name: post for name, post in (answer.get("posts") or {}).items() if isinstance(post, dict)}
    ok = bool(answer.get("ok")) and all(post.get("ok") for post in posts.values())
    if as_json:
        print_json({"ok": ok, "error": answer.get("error"), "posts": posts})
        return 0 if ok else EXIT_REFUSED
    for name, post in sorted(posts.items()):
        said = done if post.get("ok") else f"no: {cell(post.get('error') or post.get('reason') or 'without a reason')}"
        click.echo(f"{cell(name)}: {said}")
    if not ok:
        yes = sum(bool(post.get("ok")) for post in posts.values())
        text = cell(answer.get("error")) or f"done by {yes} of {len(posts)} posts"
        raise Failed(text, "`lamplighter posts` shows what each post does now")
    if not posts:
        click.echo("no post was concerned")
    return 0
