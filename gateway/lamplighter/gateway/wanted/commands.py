"""Requests from the office: checked, aimed at posts, turned into procedures, and their answers put together.

A request has a transaction, an expiry and never acts twice (see ledger.py). Every field is bounded; what is wrong is
said in one line, and then nothing is done.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from lamplighter.gateway.centre.topics import REQUEST_MAX, layer_name, parse, percent, utc_text
from lamplighter.gateway.lines import procedures
from lamplighter.gateway.lines.line import Procedure, Result
from lamplighter.gateway.wanted import desired
from lamplighter.gateway.wanted.orders import Order
from lamppost.light import dates
from lamppost.light.layers import EMERGENCY, ENERGY, OPERATOR
from lamppost.light.program import CAP, RAISE, SET
from lamppost.limits import OVERRIDE_MAX_S, REASON_MAX
from lamppost.wire import messages

COMMANDS = ("snapshot", "override", "emergency", "clear", "why", "identify", "cap", "scene", "resend")
TRANSACTION = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
EXPIRES_MAX_S = 86400  # a command that may wait longer is a plan
REPLY_TO_MAX = 256
IDENTIFY_S = 30
WIRE_REASON_MAX = dict(messages.FIELDS[messages.COMMAND])["reason"][1]  # bytes; what is longer is cut for the wire
UTC = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,6})?)?(?:Z|\+00:00)")
POWER_MAX_W = 2_500_000  # 250 stadium masts of 10 kW
RANGES_MAX = 256  # of one request; a centre that misses more asks again
SPAN_MAX = 10_000  # ids of one request: some hours of a busy cabinet, 2 MB
EPOCH = re.compile(r"[0-9a-f]{8}")
Scenes = Mapping[str, tuple[desired.Rule, ...]]
OPS = ("set", "raise", "cap", "scale")
LEVELS = {  # commands that are a level: its layer and what that does
    "override": (OPERATOR, SET),
    "scene": (OPERATOR, SET),
    "emergency": (EMERGENCY, RAISE),
    "cap": (ENERGY, CAP),  # a post never goes below its plan's safe floor, whatever it is asked
}
LAYERS = {"override": OPERATOR, "energy cap": ENERGY, "emergency": EMERGENCY}  # that `clear` may end


class RequestError(ValueError):
    """The request is refused; `transaction` and `reply_to` say whom to tell, if they could be read."""

    def __init__(self, text: str, transaction: str | None = None, reply_to: str | None = None) -> None:
        super().__init__(text)
        self.transaction = transaction
        self.reply_to = reply_to


@dataclass(frozen=True, slots=True)
class Request:
    """A request that may be acted on; times in seconds of UTC since 2000."""

    transaction: str
    expires_s: int
    command: str
    posts: tuple[str, ...]
    reply_to: str | None = None
    level_pm: int = 0
    for_s: int = 0
    reason: str = ""
    at_s: int = 0
    epoch: str = ""
    ranges: tuple[tuple[int, int], ...] = ()
    layer: int = OPERATOR  # what `clear` ends
    limit_mw: int | None = None  # of a cap: for all its posts together; the level follows from it
    levels: tuple[int, ...] = ()  # of a scene, one for each of `posts`

    def order(self, post: str, now_s: int) -> Order | None:
        """The level it is for one post, if it is one. `now_s` is the street's time."""
        layer_op = LEVELS.get(self.command)
        if layer_op is None:
            return None
        level_pm = self.levels[self.posts.index(post)] if self.command == "scene" else self.level_pm
        return Order(*layer_op, level_pm, now_s + self.for_s, self.reason, self._number(post))

    def procedure(self, post: str) -> Procedure:
        """What to ask of one post that is no order."""
        if self.command == "clear":
            return procedures.command(self._number(post), messages.CLEAR, self.layer)
        if self.command == "identify":
            return procedures.command(self._number(post), messages.IDENTIFY, for_s=self.for_s)
        return procedures.why(self.at_s)

    def _number(self, post: str) -> int:
        return int.from_bytes(sha256(f"{self.transaction}/{post}".encode()).digest()[:4], "big")


def read(
    payload: bytes, posts: list[str], groups: dict[str, set[str]], now_s: int, scenes: Scenes | None = None
) -> Request:
    """Check a request against the posts, groups and scenes there are. Raises RequestError."""
    try:
        value = parse(payload, REQUEST_MAX)
    except ValueError as error:
        raise RequestError(str(error)) from None
    transaction = value.get("transaction")
    if not isinstance(transaction, str) or not TRANSACTION.fullmatch(transaction):
        raise RequestError('"transaction" must be 1 to 64 of letters, digits and _ . : -')
    reply_to = value.get("reply_to")
    if reply_to is not None and not _is_topic(reply_to):
        raise RequestError('"reply_to" must be a topic without wildcards', transaction)
    try:
        request = _request(value, transaction, reply_to, posts, groups, now_s)
        return _scene(value, request, groups, scenes or {}) if request.command == "scene" else request
    except ValueError as error:
        raise RequestError(str(error), transaction, reply_to) from None


def answer(result: Result) -> dict[str, Any]:
    """One post's part of a response."""
    value = result.value
    if result.error or value is None:
        return {"ok": False, "error": result.error or "no answer"}
    if isinstance(value, procedures.Outcome):
        return {"ok": True} if value.ok else {"ok": False, "error": value.text or "refused"}
    return {
        "ok": True,
        "utc": utc_text(value.utc_s),
        "level_percent": percent(value.level_pm),
        "layer": layer_name(value.layer),
        "chain": [_reason(*row) for row in value.chain],
    }


def response(transaction: str | None, posts: dict[str, dict[str, Any]], error: str = "") -> dict[str, Any]:
    """The whole response; it is ok when every post is."""
    ok = not error and all(post["ok"] for post in posts.values())
    value: dict[str, Any] = {"v": 1, "transaction": transaction, "ok": ok}
    if error:
        value["error"] = error
    return value | {"posts": posts}


def utc_seconds(text: Any, name: str) -> int:
    """Seconds since 2000 of an ISO 8601 time in UTC. Raises ValueError that names the field."""
    found = UTC.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise ValueError(f'"{name}" must be a time in UTC such as 2026-06-21T20:05:00Z')
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        number = dates.day_of(year, month, day)
    except ValueError:
        number = -1
    if number < 0 or dates.civil(number) != (year, month, day) or hour > 23 or minute > 59 or second > 59:
        raise ValueError(f'"{name}": {text[:40]} is no moment since 2000')
    return number * 86400 + hour * 3600 + minute * 60 + second


def _request(
    value: dict[str, Any],
    transaction: str,
    reply_to: str | None,
    posts: list[str],
    groups: dict[str, set[str]],
    now_s: int,
) -> Request:
    command = value.get("command")
    if command not in COMMANDS:
        raise ValueError(f'"command" {str(command)[:40]!r} is not known; known are {", ".join(COMMANDS)}')
    expires_s = utc_seconds(value.get("expires"), "expires")
    if expires_s <= now_s:
        raise ValueError(f"expired at {utc_text(expires_s)}, it is {utc_text(now_s)} here; ask again")
    if expires_s > now_s + EXPIRES_MAX_S:
        raise ValueError(f'"expires" is more than {EXPIRES_MAX_S // 3600} h ahead; what may wait so long is a plan')
    if command == "resend":
        return Request(transaction, expires_s, command, (), reply_to, **_resend(value))
    if command == "scene" and not any(value.get(name) for name in ("posts", "groups", "all")):
        value = value | {"all": True}
    fields: dict[str, Any] = {"posts": _posts(value, command, posts, groups)}
    if command == "override":
        fields |= _override(value)
    elif command == "emergency":
        fields |= _override({"level_percent": 100} | value)
    elif command == "cap":
        fields |= _cap(value)
    elif command == "clear":
        fields["layer"] = _layer(value.get("layer", "override"))
    elif command == "identify":
        fields["for_s"] = _integer(value.get("for_s", IDENTIFY_S), "for_s", 1, 3600)
    elif command == "why" and value.get("at") is not None:
        fields["at_s"] = utc_seconds(value["at"], "at")
    return Request(transaction, expires_s, command, reply_to=reply_to, **fields)


def _cap(value: dict[str, Any]) -> dict[str, Any]:
    """A demand-response cap: a level, or a power limit in watts for all the posts together."""
    if ("level_percent" in value) is ("power_w" in value):
        raise ValueError('a cap is "level_percent", or "power_w" for all these posts together; give one of them')
    if "level_percent" in value:
        return _override(value)
    power = value["power_w"]
    if not isinstance(power, (int, float)) or isinstance(power, bool) or not 0 <= power <= POWER_MAX_W:
        raise ValueError(f'"power_w" {str(power)[:20]!r} must be a number from 0 to {POWER_MAX_W}')
    return _override(value | {"level_percent": 100}) | {"limit_mw": round(power * 1000)}


def _layer(name: Any) -> int:
    if not isinstance(name, str) or name not in LAYERS:
        raise ValueError(f'"layer" {str(name)[:20]!r} must be one of {", ".join(LAYERS)}')
    return LAYERS[name]


def _override(value: dict[str, Any]) -> dict[str, Any]:
    level = value.get("level_percent")
    if not isinstance(level, (int, float)) or isinstance(level, bool) or not 0 <= level <= 100:
        raise ValueError(f'"level_percent" {str(level)[:20]!r} must be a number from 0 to 100')
    reason = value.get("reason", "")
    if not isinstance(reason, str) or len(reason) > REASON_MAX or not reason.isprintable():
        raise ValueError(f'"reason" must be printable text of at most {REASON_MAX} characters')
    reason = reason.encode()[:WIRE_REASON_MAX].decode(errors="ignore")
    for_s = _integer(value.get("for_s"), "for_s", 1, OVERRIDE_MAX_S)
    return {"level_pm": round(level * 10), "for_s": for_s, "reason": reason}


def _scene(value: dict[str, Any], request: Request, groups: dict[str, set[str]], scenes: Scenes) -> Request:
    """The posts of the request that the scene names, each with its level."""
    name = value.get("scene")
    if not isinstance(name, str) or name not in scenes:
        raise ValueError(f"there is no scene {str(name)[:40]!r} at this gateway")
    levels = desired.levels(scenes[name], groups, list(request.posts))
    if not levels:
        raise ValueError(f"the scene {name} names none of these posts")
    for_s = _integer(value.get("for_s"), "for_s", 1, OVERRIDE_MAX_S)
    reason = f"scene {name}"[:REASON_MAX]
    return replace(request, posts=tuple(levels), levels=tuple(levels.values()), for_s=for_s, reason=reason)


def _resend(value: dict[str, Any]) -> dict[str, Any]:
    epoch, ranges = value.get("epoch"), value.get("ranges")
    if not isinstance(epoch, str) or not EPOCH.fullmatch(epoch):
        raise ValueError('"epoch" must be that of the items, 8 hexadecimal digits')
    if not isinstance(ranges, list) or not 0 < len(ranges) <= RANGES_MAX or not all(_is_range(row) for row in ranges):
        raise ValueError(f'"ranges" must be 1 to {RANGES_MAX} of [first, last]')
    if sum(last - first + 1 for first, last in ranges) > SPAN_MAX:
        raise ValueError(f'"ranges" name more than {SPAN_MAX} items; ask in parts')
    return {"epoch": epoch, "ranges": tuple((first, last) for first, last in ranges)}


def _is_range(row: Any) -> bool:
    good = isinstance(row, list) and len(row) == 2 and all(type(seq) is int for seq in row)
    return good and 0 < row[0] <= row[1] < 1 << 53


def _posts(value: dict[str, Any], command: str, posts: list[str], groups: dict[str, set[str]]) -> tuple[str, ...]:
    """The posts that are meant, in the gateway's order."""
    names, wanted_groups = _names(value, "posts"), _names(value, "groups")
    if value.get("all") is True or (command == "snapshot" and not names and not wanted_groups):
        return tuple(posts)
    if not names and not wanted_groups:
        raise ValueError('say which posts: "posts": ["p01"], "groups": ["park"] or "all": true')
    _known(names, posts, "post")
    _known(wanted_groups, groups, "group")
    wanted = set(names).union(*(groups[group] for group in wanted_groups))
    if not wanted:
        raise ValueError(f"no post of this gateway is in {', '.join(wanted_groups)}")
    return tuple(post for post in posts if post in wanted)


def _known(names: list[str], known: Any, what: str) -> None:
    missing = [name for name in names if name not in known]
    if missing:
        raise ValueError(f"there is no {what} {missing[0][:40]!r} at this gateway")


def _names(value: dict[str, Any], key: str) -> list[str]:
    names = value.get(key, [])
    if not isinstance(names, list) or len(names) > 1000 or not all(isinstance(name, str) for name in names):
        raise ValueError(f'"{key}" must be a list of names')
    return names


def _integer(value: Any, name: str, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f'"{name}" {str(value)[:20]!r} must be a whole number from {least} to {most}')
    return value


def _is_topic(topic: Any) -> bool:
    good = isinstance(topic, str) and 0 < len(topic) <= REPLY_TO_MAX and topic.isprintable()
    return good and not set(topic) & {"+", "#"} and not topic.startswith("$")


def _reason(layer: int, op: int, level_pm: int, won: int, until_s: int, text: str) -> dict[str, Any]:
    name = OPS[op] if 0 <= op < len(OPS) else str(op)
    level = percent(level_pm)
    until = utc_text(until_s)
    return {
        "layer": layer_name(layer),
        "op": name,
        "level_percent": level,
        "won": bool(won),
        "until": until,
        "text": text,
    }
