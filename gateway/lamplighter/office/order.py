"""Light that operators order for a limited time: whose, for how long and why, asked of the gateway and shown."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import click

from lamplighter.office import durations
from lamplighter.office.client import connect
from lamplighter.office.output import cell
from lamplighter.office.target import Target, with_target
from lamplighter.terminal import EXIT_REFUSED, BadInput, Failed, print_json
from lamppost import limits


def with_posts(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command that has --clear the options of with_target, and POSTs, --group and --all: as fields of a
    request, in the argument `whom`. Exactly one of the three is given; none is all posts where something ends."""

    @functools.wraps(command)
    def wrapped(posts: tuple[str, ...], groups: tuple[str, ...], everyone: bool, clear: bool, **more: Any) -> Any:
        whom = addressees(posts, groups, everyone or (clear and not posts and not groups))
        return command(whom=whom, clear=clear, **more)

    wrapped = click.option("--all", "everyone", is_flag=True, help="All posts of the gateway.")(wrapped)
    wrapped = click.option(
        "--group", "groups", multiple=True, metavar="ID", help="All posts of a group of the plan; may be repeated."
    )(wrapped)
    return click.argument("posts", nargs=-1, metavar="[POST]...")(with_target(wrapped))


def with_term(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a click command the options for how long and why, or --clear to end `what` now, and how it answers."""
    options = [
        click.option("--for", "duration", metavar="TIME", help="How long: 45s, 10m, 1h30m; at most 7d."),
        click.option("--reason", default="", metavar="TEXT", help="Why; `lamplighter why` shows it."),
        click.option("--clear", is_flag=True, help=f"End the {what} of these posts now."),
        click.option(
            "--timeout", "timeout_s", type=click.FloatRange(1, 3600), default=15.0, show_default=True,
            help="Seconds to wait.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON."),
    ]  # fmt: skip

    def give(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return give


def addressees(posts: tuple[str, ...], groups: tuple[str, ...], everyone: bool) -> dict[str, Any]:
    """Exactly one of posts, groups and all."""
    given = [bool(posts), bool(groups), everyone]
    if sum(given) != 1:
        raise BadInput("say which posts, in one way", "name POSTs, or give --group ID, or --all")
    if posts:
        return {"posts": list(dict.fromkeys(posts))}
    return {"groups": list(dict.fromkeys(groups))} if groups else {"all": True}


def term(duration: str, reason: str) -> dict[str, Any]:
    """Seconds and reason of an order, checked."""
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
    return {"for_s": for_s, "reason": reason}


def ask(target: Target, command: str, timeout_s: float, fields: dict[str, Any]) -> dict[str, Any]:
    """The gateway's answer to a command."""

    async def asked() -> dict[str, Any]:
        async with connect(target) as office:
            return await office.ask(command, timeout_s, **fields)

    return asyncio.run(asked())


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
