"""Promise 5: all that grows in a post and in a poll scheduler stays within its limit, and nobody wakes without end.

The limits are written here a second time, on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lamplighter.gateway.lines import hints, jobs
from lampsim.check.broken import Breaks, Broken
from lampsim.check.witness.life import Life

if TYPE_CHECKING:
    from lampsim.check.world.post import StreetPost
    from lampsim.check.world.street import Street

WRITES_A_START = 8  # a post writes its flash so often at a start,
WRITES_AN_HOUR = 10  # and of its own accord so often an hour: 90,000 a year of the ten million that it has
ITEMS_A_WRITE = 128  # and for items, which a contact that bounces makes until it counts as stuck
ASKED_FOR = ("settings", "plan", "slot", "intake")  # records that are written when somebody wants them to be
WAKES_MAX = 400  # a second and post, but for bytes that come: where two speak at once each comes by itself


class Bounded:
    """The posts and poll schedulers of a street. Raises through `broken`."""

    def __init__(self, street: Street, broken: Breaks) -> None:
        self._street, self._broken = street, broken

    def woken(self, one: StreetPost, life: Life) -> None:
        """By something else than bytes."""
        second = self._street.loop.now_us // 1_000_000
        if second != life.second:
            life.second, life.wakes = second, 0
        life.wakes += 1
        if life.wakes > WAKES_MAX:
            raise self._broken(5, one, f"it was woken {life.wakes} times in a second")

    def look(self, one: StreetPost) -> None:
        """Hold what a post and the gateway have against the limits."""
        post = one.post
        assert post is not None
        own = sum(count for name, count in one.flash.written.items() if name not in ASKED_FOR)
        most = WRITES_A_START * one.starts + WRITES_AN_HOUR * (self._street.loop.now_us / 3.6e9 + 1)
        most += one.made / ITEMS_A_WRITE
        if own > most:
            raise self._broken(5, one, f"its flash is written {own} times ({one.flash.written}), at most {most:.0f}")
        for name, size, most in of_post(post):
            if size > most:
                raise self._broken(5, one, f"{name}: {size}, at most {most}")
        for bus, poller in self._street.cabinet.pollers.items():
            peers = len(self._street.spec.lines[bus])
            for name, size, most in of_poller(poller, peers):
                if size > most:
                    raise Broken(5, f"line {bus}", self._street.loop.now_us, f"{name}: {size}, at most {most}")


def of_post(post) -> Iterator[tuple[str, int, int]]:
    """(name, size, limit) of each."""
    yield "items in RAM", len(post.items._waiting), 256
    yield "items of another epoch", len(post.items._later or ()), 256
    yield "items", len(post.items), 256 + 16 * 128
    yield "log lines", len(post.log_lines), 64
    yield "commands", len(post.arbiter.commands._given), 5
    yield "detections", len(post.presence._seen), 3 * 25
    yield "sensors with somebody", len(post._present), 4
    yield "sensors with nobody any more", len(post._gone), 4
    yield "typed bytes", len(post._console._line) if post._console else 0, 161
    if post.line is not None:
        yield "events waiting", len(post.line.out), 8
        yield "a frame's bytes", len(post.line._decoder._piece), 210
        yield "event counters", len(post.line._link.heard), 1000
        yield "those of another bus key", len(post.line._link.two.heard) if post.line._link.two else 0, 1001
        answers = post.line._answers
        yield "results remembered", len(answers._results), 16
        yield "bytes of a plan on its way", len(answers._blob[2]) if answers._blob else 0, 4096
        held = answers._blocks._held if answers._blocks else {}
        yield "blocks of an image", len(held), 32
        yield "bytes of them", sum(map(len, held.values())), 4096


def blocks_of(post) -> tuple:
    """What a post has collected of a segment, and what it waits for."""
    blocks = post.line._answers._blocks if post.line is not None else None
    return (
        ()
        if blocks is None or not blocks._name
        else (blocks._name, blocks._segment, blocks._missing, tuple(blocks._held.items()))
    )


def of_poller(poller, peers: int) -> Iterator[tuple[str, int, int]]:
    """(name, size, limit) of each, on a line with so many `peers`."""
    yield "requests", len(poller._jobs._jobs), jobs.JOBS_MAX
    yield "hints", len(poller._hints), 2 * hints.HINTS_MAX
    yield "a frame's bytes", len(poller._decoder._piece), 210
    for name, most in (("_sessions", 1), ("_hellos", 1), ("_numbers", 1), ("_told", 1), ("_heard", 4)):  # an input each
        yield name, len(getattr(poller._link, name)), most * peers
