"""All that grows in a post and in a poll scheduler, with its limit: promise 5 of promises.py.

The limits are written here a second time, on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator

from lamplighter.gateway import hints, jobs


def of_post(post) -> Iterator[tuple[str, int, int]]:
    """(name, size, limit) of each."""
    yield "items in RAM", len(post.items._waiting), 256
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
