"""`lamplighter why POST`: the whole chain of reasons for a post's level, now or at another time.

The post itself answers, through its gateway. The chain has a line for each layer that asked for something, lowest
first: what it asked, until when, and whether it decided the level.
"""

from __future__ import annotations

import asyncio
from typing import Any

import click

from lamplighter.office import durations
from lamplighter.office.client import connect, utc_text
from lamplighter.office.output import cell, table
from lamplighter.office.target import Target, with_target
from lamplighter.terminal import BadInput, Failed, print_json
from lamppost.light import dates, layers

OPS = {0: "set", 1: "raise", 2: "cap", 3: "scale"}


@click.command()
@click.argument("post")
@with_target
@click.option(
    "--at", "at", metavar="TIME", help="Another moment: 2026-06-21T22:00Z; without Z, local time of this computer."
)
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(1, 3600), default=15.0, show_default=True, help="Seconds to wait."
)
@click.option("--json", "as_json", is_flag=True, help="Print the post's answer as JSON.")
def why(post: str, target: Target, at: str | None, timeout_s: float, as_json: bool) -> None:
    """Ask a post why it has its level, now or at another time."""
    try:
        moment = utc_text(durations.moment(at)) if at else None
    except ValueError as fault:
        raise BadInput(f"--at {fault}") from None
    answer = asyncio.run(ask(target, post, moment, timeout_s))
    posts = answer.get("posts") or {}
    said = posts.get(post) if isinstance(posts, dict) else None
    if not isinstance(said, dict) or not said.get("ok"):
        reason = cell(said.get("error") if isinstance(said, dict) else answer.get("error")) or "no answer"
        raise Failed(f"{post} cannot say why: {reason}", "`lamplighter posts` lists the posts that are there")
    if as_json:
        print_json(said)
    else:
        show(post, moment, said)


async def ask(target: Target, post: str, moment: str | None, timeout_s: float) -> dict[str, Any]:
    async with connect(target) as office:
        return await office.ask("why", timeout_s, posts=[post], at=moment)


def show(post: str, moment: str | None, said: dict[str, Any]) -> None:
    level = said.get("level_percent")
    click.echo(f"{post} at {moment or said.get('utc') or 'this moment'}: {cell(level) or '?'} %")
    chain = said.get("chain")
    rows = [row(step) for step in chain] if isinstance(chain, list) else []
    table(["layer", "asks", "%", "decides", "until (UTC)", "because"], rows, right=("%",))


def row(step: Any) -> list[Any]:
    """A step of the chain, as an object or as the array that the post sends."""
    if isinstance(step, list) and len(step) >= 6:
        layer, op, level_pm, won, until, text = step[:6]
        until = dates.text(until) if isinstance(until, int) and until > 0 else None
        level = level_pm / 10 if isinstance(level_pm, int) else None
        return [layer_name(layer), OPS.get(op, op), level, "yes" if won else "", until, text]
    if not isinstance(step, dict):
        return ["?", "", None, "", None, step]
    layer, op = step.get("layer"), step.get("op")
    op = OPS.get(op, op) if isinstance(op, int) else op
    text = step.get("text") or step.get("reason")
    return [layer_name(layer), op, step.get("level_percent"), "yes" if step.get("won") else "", step.get("until"), text]


def layer_name(layer: Any) -> Any:
    """The word for a layer's number, or what came instead of a number."""
    return layers.NAMES[layer] if isinstance(layer, int) and 0 < layer < len(layers.NAMES) else layer
