"""From what a post noted to what the centre gets: an item of a STATUS, or an event heard, as a JSON body.

The body has no seq of its own; the outbox gives it one. An item whose kind is not known here (a newer post) is carried
as it is: nothing is lost because a gateway is old.
"""

from __future__ import annotations

from typing import Any

from lamplighter.gateway.centre.topics import dump, percent, utc_text
from lamplighter.gateway.lines.line import Heard, Items
from lamplighter.gateway.store.outbox import EVENTS, TELEMETRY, Entry
from lamppost.wire import faults, messages

CLASSES = ("pedestrian", "cyclist", "car")


def from_items(post: str, items: Items, utc_s: int) -> list[Entry]:
    """The entries of a STATUS. `utc_s` stands in where the post did not know the time."""
    return [_entry(post, items.epoch, item, utc_s) for item in items.items]


def from_heard(post: str, heard: Heard, utc_s: int) -> Entry:
    """The entry of an event on the fast path, heard at utc_s."""
    values = _presence(heard.input, heard.user_class)
    body = _body(post, heard.epoch, heard.seq, "presence", utc_s - heard.age_ms // 1000, values)
    return Entry(EVENTS, post, heard.epoch, heard.seq, body, fast=True)


def _entry(post: str, epoch: int, item: tuple[int, int, int, int, int, int], utc_s: int) -> Entry:
    seq, kind, at, a, b, c = item
    name, values = _values(kind, a, b, c)
    if not at:
        values["utc_by"] = "gateway"
    body = _body(post, epoch, seq, name, at or utc_s, values)
    stream = TELEMETRY if kind == messages.READING else EVENTS
    return Entry(stream, post, epoch, seq, body, told=kind != messages.PRESENCE)


def _values(kind: int, a: int, b: int, c: int) -> tuple[str, dict[str, Any]]:
    if kind == messages.READING:
        return "reading", {"level_percent": percent(a), "power_w": b / 1000, "energy_wh": c / 1000}
    if kind == messages.PRESENCE:
        return "presence", _presence(a, b)
    if kind == messages.FAULT:
        return "fault", {"fault": a, "name": faults.name(a), "on": bool(b), "value": c}
    if kind == messages.BOOT:
        return "boot", {"boots": a}
    if kind == messages.PLAN:
        return "plan", {"applied": bool(a)}
    return f"kind-{kind}", {"a": a, "b": b, "c": c}


def _presence(source: int, user_class: int) -> dict[str, Any]:
    return {"input": source, "class": CLASSES[user_class] if 0 <= user_class < len(CLASSES) else str(user_class)}


def _body(post: str, epoch: int, seq: int, kind: str, utc_s: int, values: dict[str, Any]) -> str:
    return dump({"post": post, "post_epoch": epoch, "post_seq": seq, "kind": kind, "utc": utc_text(utc_s)} | values)
