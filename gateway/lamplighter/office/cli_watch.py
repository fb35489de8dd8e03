"""`lamplighter watch`: what happens at a gateway, a line for each change, until Ctrl-C."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import click

from lamplighter.office.client import Message, connect
from lamplighter.office.output import cell
from lamplighter.office.target import Target, with_target
from lamplighter.terminal import print_json

TOPICS = ("status", "post/+/state", "events", "telemetry", "flow", "reported/plans", "response")
CHANGES = ("online", "level_percent", "target_percent", "why", "plan", "faults")


@click.command()
@with_target
@click.option("--seconds", type=click.FloatRange(0.1), metavar="N", help="Stop after N seconds; else Ctrl-C stops.")
@click.option("--json", "as_json", is_flag=True, help="Print each message as a line of JSON: topic and body.")
def watch(target: Target, seconds: float | None, as_json: bool) -> None:
    """Print what happens at a gateway as it happens."""
    try:
        asyncio.run(follow(target, seconds, as_json))
    except KeyboardInterrupt:  # the ordinary end
        return


async def follow(target: Target, seconds: float | None, as_json: bool) -> None:
    seen: dict[str, list[Any]] = {}
    try:
        async with asyncio.timeout(seconds), connect(target) as office:
            await office.listen(*TOPICS)
            async for message in office.messages():
                if as_json:
                    print_json({"topic": message[0], "body": message[1]})
                    continue
                for line in lines(message, seen):
                    click.echo(f"{time.strftime('%H:%M:%S')}  {line}")
    except TimeoutError:
        return


def lines(message: Message, seen: dict[str, list[Any]]) -> Iterator[str]:
    """What a person wants to know of a message; `seen` holds the last state of each post, so repeats are silent."""
    topic, body = message
    if topic == "status":
        yield f"gateway  {'online' if body.get('online') else 'OFFLINE'}" + counts(body)
    elif topic.startswith("post/"):
        name = topic.split("/")[1]
        state = [body.get(key) for key in CHANGES]
        if seen.get(name) != state:
            seen[name] = state
            yield post_line(name, body)
    elif topic == "reported/plans":
        posts = [post for post in (body.get("posts") or {}).values() if isinstance(post, dict)]
        applied = sum(post.get("result") == "applied" for post in posts)
        verdict = "" if body.get("accepted") else f" refused: {cell(body.get('error'))}"
        yield f"plan     {cell(body.get('desired'))}: applied by {applied} of {len(posts)} posts{verdict}"
    elif topic == "response":
        yield f"answer   {cell(body.get('transaction'))}: {'ok' if body.get('ok') else cell(body.get('error'))}"
    else:
        for item in body.get("items") or []:
            if isinstance(item, dict):
                yield item_line(item)


def counts(body: dict[str, Any]) -> str:
    if "posts" not in body:
        return ""
    return f", {cell(body.get('posts_online'))} of {cell(body.get('posts'))} posts, {cell(body.get('backlog'))} waiting"


def post_line(name: str, body: dict[str, Any]) -> str:
    if not body.get("online"):
        return f"{name:<8} not heard"
    faults = f"  FAULTS {cell(body['faults'])}" if body.get("faults") else ""
    return f"{name:<8} {cell(body.get('level_percent')):>5} %  {cell(body.get('why'))}{faults}"


def item_line(item: dict[str, Any]) -> str:
    rest = {k: v for k, v in item.items() if k not in ("seq", "post", "post_epoch", "post_seq", "kind", "utc")}
    words = " ".join(f"{cell(key)}={cell(value)}" for key, value in rest.items())
    return f"{cell(item.get('post')):<8} {cell(item.get('kind'))} {words}".rstrip()
