"""`lamplighter plan publish`: a plan becomes the gateway's desired plan, and every post says what it made of it.

The plan is checked here first; a plan with faults never leaves the desk. The broker keeps it (retained), so a gateway
that is away takes it when it returns, and publishing the same plan twice changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import click

from lamplighter.office.cli_plan_check import load_or_fail
from lamplighter.office.client import Office, connect, offline
from lamplighter.office.output import Progress, table
from lamplighter.office.target import Target, with_target
from lamplighter.plans.document import Document
from lamplighter.terminal import EXIT_REFUSED, Failed, print_json

FINAL = ("applied", "refused")
TIMEOUT_S = 180.0  # 250 posts on four lines at 19,200 baud take two minutes


@click.command()
@click.argument("plan_file", metavar="PLAN.json")
@with_target
@click.option(
    "--wait/--no-wait", default=True, help="Wait until every post has applied or refused it.  [default: wait]"
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0.1, 86400),
    default=TIMEOUT_S,
    show_default=True,
    help="Seconds to wait.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def publish(plan_file: str, target: Target, wait: bool, timeout_s: float, as_json: bool) -> int:
    """Give a plan to a gateway and wait until each of its posts has applied or refused it."""
    document = load_or_fail(plan_file)
    if not wait:
        asyncio.run(send(document, target))
        done = f"the broker has plan {document.id}, hash {document.hash}, for gateway {target.gateway}"
        print_json({"ok": True, "hash": document.hash, "posts": {}}) if as_json else click.echo(done)
        return 0
    with Progress() as progress:
        report, complete = asyncio.run(send_and_wait(document, target, timeout_s, progress.say))
    return show(document, target, report, complete, as_json, timeout_s)


async def send(document: Document, target: Target) -> None:
    async with connect(target) as office:
        await desire(office, document)


async def desire(office: Office, document: Document) -> None:
    await office.desire("plans", {"v": 1, "hash": document.hash, "plan": document.source})


async def send_and_wait(
    document: Document, target: Target, timeout_s: float, say: Callable[[str], None]
) -> tuple[dict[str, Any], bool]:
    """Publish; return the last report about this plan and whether every post had its final word in it."""
    report: dict[str, Any] = {}
    async with connect(target) as office:
        await office.listen("reported/plans", "status")
        await desire(office, document)
        try:
            async with asyncio.timeout(timeout_s):
                async for topic, body in office.messages():
                    if topic == "status" and body.get("online") is False:
                        raise waiting_for(target)
                    if topic == "reported/plans" and body.get("desired") == document.hash:
                        report = body
                        say(f"waiting for posts {len(final_posts(report))}/{len(posts_of(report))}")
                        if is_final(report):
                            return report, True
        except TimeoutError:
            pass
    return report, False


def is_final(report: dict[str, Any]) -> bool:
    """Every post has applied or refused it, or the gateway has refused the whole plan."""
    if report.get("accepted") is False:
        return True
    return bool(report.get("accepted")) and len(final_posts(report)) == len(posts_of(report))


def posts_of(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    posts = report.get("posts")
    return {k: v for k, v in posts.items() if isinstance(v, dict)} if isinstance(posts, dict) else {}


def final_posts(report: dict[str, Any]) -> list[str]:
    return [name for name, post in posts_of(report).items() if post.get("result") in FINAL]


def waiting_for(target: Target) -> Failed:
    failed = offline(target)
    failed.hint = "the broker keeps the plan (at a cluster: lamplighter keep); the gateway takes it when it returns"
    return failed


def show(
    document: Document, target: Target, report: dict[str, Any], complete: bool, as_json: bool, timeout_s: float
) -> int:
    """Print each post's outcome. Returns 0 when all have applied the plan; raises Failed with the reason when not."""
    posts = posts_of(report)
    applied = sum(post.get("result") == "applied" for post in posts.values())
    ok = complete and report.get("accepted") is True and applied == len(posts)
    if as_json:
        error = report.get("error")
        print_json({"ok": ok, "complete": complete, "hash": document.hash, "error": error, "posts": posts})
    elif posts:
        rows = [
            [name, post.get("result"), post.get("applied"), post.get("reason")] for name, post in sorted(posts.items())
        ]
        table(["post", "result", "runs plan", "reason"], rows)
    if ok:
        if not as_json:
            click.echo(f"plan {document.id}, hash {document.hash}: applied by {applied} of {len(posts)} posts")
        return 0
    if not report:
        text = f"gateway {target.gateway} said nothing about the plan within {timeout_s:g} s"
        raise Failed(text, f"check --root, --site and --gateway: {target.topic()}")
    if report.get("accepted") is False:
        raise Failed(
            f"gateway {target.gateway} refused the plan: {report.get('error')}", "its posts keep the plan they had"
        )
    silent = len(posts) - len(final_posts(report))
    text = f"applied by {applied} of {len(posts)} posts"
    if silent:
        text += f"; {silent} gave no final answer within {timeout_s:g} s"
    click.echo(f"lamplighter: {text}", err=True)
    click.echo("hint: the gateway goes on trying; see `lamplighter posts`", err=True)
    return EXIT_REFUSED
