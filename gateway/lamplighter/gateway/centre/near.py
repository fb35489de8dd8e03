"""What one cabinet tells the next: somebody is at a post near yours. `<root>/<site>/<gateway>/near/<other>`.

Never retained, QoS 0: who was not there to hear it has no use for it. Who may write the topic is the broker's business
(a client writes below its own name only), so the topic says who speaks; what is said is checked here.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from lamplighter.gateway.centre.topics import dump, parse

NEAR_MAX = 400  # bytes; a whole one has 170
LATE_MAX_MS = 4000  # as old as an event may be on a line (relay.AGE_MAX_MS): later it lights nobody's way
CLOCKS_MS = 2000  # two clocks set over a network differ by less
CLASSES = ("pedestrian", "cyclist", "car")
EPOCH_2000_MS = 946_684_800_000  # Unix milliseconds of 2000-01-01T00:00:00Z


class Near(NamedTuple):
    """One detection: at which post, its item's number, and how long ago it was when it was sent."""

    post: str
    item: tuple[int, int]
    user_class: int
    input: int
    age_ms: int
    sent_ms: int | None  # milliseconds of UTC since 2000; None: the sender has no clock


def payload(near: Near) -> str:
    """As it is published."""
    sent = None if near.sent_ms is None else near.sent_ms + EPOCH_2000_MS
    return dump(
        {
            "v": 1,
            "post": near.post,
            "post_epoch": near.item[0],
            "post_seq": near.item[1],
            "input": near.input,
            "class": CLASSES[near.user_class],
            "age_ms": near.age_ms,
            "unix_ms": sent,
        }
    )


def read(data: bytes) -> Near:
    """What another cabinet published. Raises ValueError with words for its owner."""
    value = parse(data, NEAR_MAX)
    post, kind, sent = value.get("post"), value.get("class"), value.get("unix_ms")
    if not isinstance(post, str) or len(post) > 32:
        raise ValueError('"post" must be the id of a post')
    if kind not in CLASSES:
        raise ValueError(f'"class" must be one of {", ".join(CLASSES)}')
    bounds = {"post_epoch": 0xFFFFFFFF, "post_seq": 0xFFFFFFFF, "input": 3, "age_ms": 65535}
    numbers = [_whole(value, name, most) for name, most in bounds.items()]
    if sent is not None:
        sent = _whole(value, "unix_ms", 1 << 53) - EPOCH_2000_MS
    epoch, seq, port, age_ms = numbers
    return Near(post, (epoch, seq), CLASSES.index(kind), port, age_ms, sent)


def age_now(near: Near, now_ms: int | None) -> int | None:
    """How long ago the detection is by our clock (UTC since 2000); None: too old, or one of the two clocks is wrong.

    Without a clock at one end the age at sending has to do: a broker keeps nothing of QoS 0 for later.
    """
    if now_ms is None or near.sent_ms is None:
        return near.age_ms if near.age_ms <= LATE_MAX_MS else None
    late_ms = now_ms - near.sent_ms
    if late_ms < -CLOCKS_MS:
        return None
    age_ms = near.age_ms + max(0, late_ms)
    return age_ms if age_ms <= LATE_MAX_MS else None


def _whole(value: dict, name: str, most: int) -> int:
    number = value.get(name)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= most:
        raise ValueError(f"{json.dumps(name)} must be a whole number from 0 to {most}")
    return number
