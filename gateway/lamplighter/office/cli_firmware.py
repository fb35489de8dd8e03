"""`lamplighter firmware send|show|stop`: a signed image for all posts of a gateway that have its kind of board.

The broker keeps it (retained), and the gateway keeps it on its disk, so a post that is away or put in later gets it
too. Each post judges it by the site's key; one of a line tries it first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import click

from lamplighter.firmware_image import Image, payload
from lamplighter.office.client import Office, connect
from lamplighter.office.output import Progress, table
from lamplighter.office.target import Target, with_target
from lamplighter.terminal import EXIT_REFUSED, BadInput, Failed, print_json

THERE = ("installed", "trial")
FINAL = (*THERE, "refused", "other board")
TIMEOUT_S = 3600.0  # the largest image at 19,200 baud takes some twenty minutes, and boards start one after the other
SHOW_S = 10.0

Report = dict[str, Any]


@click.group()
def firmware() -> None:
    """Give posts new firmware, and see how far it is."""


@firmware.command()
@click.argument("image_file", metavar="IMAGE", type=click.Path(dir_okay=False, path_type=Path))
@with_target
@click.option(
    "--wait/--no-wait", default=True, help="Wait until every post runs it or has refused it.  [default: wait]"
)
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(0.1, 86400), default=TIMEOUT_S, show_default=True,
    help="Seconds to wait.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def send(image_file: Path, target: Target, wait: bool, timeout_s: float, as_json: bool) -> int:
    """Bring a signed IMAGE to all posts of a gateway that have its kind of board."""
    try:
        image = Image.read(image_file.read_bytes())
    except OSError as error:
        raise BadInput(f"cannot read {image_file}: {error.strerror}") from None
    except ValueError as error:
        raise BadInput(f"{image_file}: {error}") from None
    if damage := image.damage():
        raise BadInput(f"{image_file} is damaged: {damage}", "copy it again, or sign it anew with lamplighter sign")
    with Progress() as progress:
        report = asyncio.run(_send(payload(image.board, image), target, wait, timeout_s, progress.say))
    if not wait:
        name = f"version {image.version} ({image.label}) for {image.board}"
        print_json({"ok": True, "posts": {}}) if as_json else click.echo(f"the broker has {name}")
        return 0
    return _show(report, target, as_json, f"within {timeout_s:g} s")


@firmware.command()
@with_target
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(target: Target, as_json: bool) -> int:
    """Show how far each post is with the firmware that is wanted."""
    return _show(asyncio.run(_last(target)), target, as_json, "", ask=True)


@firmware.command()
@click.option("--board", required=True, help="The kind of board, such as rp2.")
@with_target
def stop(board: str, target: Target) -> int:
    """Want no firmware any more for a kind of board; posts that run it keep it."""
    report = asyncio.run(_send(payload(board, None), target, True, SHOW_S, lambda text: None, final=_taken))
    if not report:
        raise Failed(f"gateway {target.gateway} said nothing within {SHOW_S:g} s", "it takes it when it returns")
    click.echo(f"no firmware is wanted for {board}")
    return 0


async def _send(
    body: dict[str, Any], target: Target, wait: bool, timeout_s: float, say: Callable[[str], None],
    final: Callable[[Report], bool] | None = None,
) -> Report:  # fmt: skip
    """Publish, and wait for the last report about it; empty where none came."""
    async with connect(target) as office:
        if wait:
            await office.listen("reported/firmware")
        await office.desire("firmware", body)
        report: Report = {}
        if not wait:
            return report
        try:
            async with asyncio.timeout(timeout_s):
                async for said in _reports(office):
                    if said.get("accepted") is False:
                        return said
                    if said.get("hash") == body["hash"]:
                        report = said
                        say(_progress(report))
                        if (final or _is_final)(report):
                            break
        except TimeoutError:
            pass
        return report


async def _last(target: Target) -> Report:
    async with connect(target) as office:
        await office.listen("reported/firmware")
        try:
            async with asyncio.timeout(SHOW_S):
                async for said in _reports(office):
                    return said
        except TimeoutError:
            pass
    return {}


async def _reports(office: Office) -> AsyncIterator[Report]:
    async for topic, body in office.messages():
        if topic == "reported/firmware":
            yield body


def _posts(report: Report) -> dict[str, dict[str, Any]]:
    posts = report.get("posts")
    return {k: v for k, v in posts.items() if isinstance(v, dict)} if isinstance(posts, dict) else {}


def _is_final(report: Report) -> bool:
    return all(post.get("state") in FINAL for post in _posts(report).values())


def _taken(report: Report) -> bool:
    return True


def _progress(report: Report) -> str:
    posts = _posts(report).values()
    percents = [post.get("percent") for post in posts if post.get("state") != "other board"]
    numbers = [percent for percent in percents if isinstance(percent, int)]
    done = sum(post.get("state") in FINAL for post in posts)
    return f"{sum(numbers) // max(1, len(numbers))} % sent, {done} of {len(posts)} posts are through"


def _show(report: Report, target: Target, as_json: bool, within: str, ask: bool = False) -> int:
    """Print each post's state. Returns 0 when all that the image is for run it, or where only asked."""
    posts = _posts(report)
    mine = [post.get("state") for post in posts.values() if post.get("state") != "other board"]
    ok = bool(report) and report.get("accepted") is not False and all(state in THERE for state in mine)
    if as_json:
        print_json({"ok": ok, **report})
    elif posts:
        heads = ["post", "board", "state", "percent", "reason"]
        table(heads, [[name, *(post.get(head) for head in heads[1:])] for name, post in sorted(posts.items())])
    if not report:
        raise Failed(
            f"gateway {target.gateway} said nothing about firmware {within}".rstrip(),
            f"check --root, --site and --gateway: {target.topic()}",
        )
    if report.get("accepted") is False:
        raise Failed(f"gateway {target.gateway} refused it: {report.get('error')}", "its posts keep what they run")
    if ok or ask:
        return 0
    there = sum(state in THERE for state in mine)
    click.echo(f"lamplighter: {there} of {len(mine)} posts run it {within}", err=True)
    click.echo("hint: the gateway goes on trying; see `lamplighter firmware show`", err=True)
    return EXIT_REFUSED
