"""Topic names of a gateway, and the payloads that are about the gateway itself and about one post.

`<root>/<site>/<gateway>/…`, JSON, levels in percent, times as ISO 8601 in UTC. Nothing here publishes anything.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from lamppost.light import dates, layers

DESIRED_MAX = (1 << 20) + 4096  # a plan file of 1 MiB in its envelope
REQUEST_MAX = 1 << 16  # a request that names 250 posts takes 9 KB


class Topics:
    """The names below one gateway."""

    def __init__(self, root: str, site: str, gateway: str) -> None:
        base = self._base = f"{root}/{site}/{gateway}"
        self.status = f"{base}/status"
        self.events = f"{base}/events"
        self.telemetry = f"{base}/telemetry"
        self.flow = f"{base}/flow"
        self.energy = f"{base}/energy"
        self.desired_plans = f"{base}/desired/plans"
        self.reported_plans = f"{base}/reported/plans"
        self.request = f"{base}/request"
        self.response = f"{base}/response"
        self._site, self._gateway = f"{root}/{site}", gateway

    def desired(self, what: str) -> str:
        """Retained, from the office."""
        return f"{self._base}/desired/{what}"

    def reported(self, what: str) -> str:
        """Retained, what became of it."""
        return f"{self._base}/reported/{what}"

    def state(self, post: str) -> str:
        """Retained state of one post."""
        return f"{self._base}/post/{post}/state"

    def set(self, post: str) -> str:
        """A level somebody sets, never retained."""
        return f"{self._base}/post/{post}/set"

    def presence(self, post: str) -> str:
        """Somebody is there, never retained; only where Home Assistant is on."""
        return f"{self._base}/post/{post}/presence"

    def near_to(self, other: str) -> str:
        """What our posts near another cabinet see: only we may write there, only it reads there."""
        return f"{self._site}/{self._gateway}/near/{other}"

    def near_from(self, other: str) -> str:
        """What the posts of another cabinet see near ours."""
        return f"{self._site}/{other}/near/{self._gateway}"


class Desired(NamedTuple):
    """What the office wants: a plan (any JSON object) and its hash."""

    hash: str
    plan: dict[str, Any]


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode  # json.dumps makes one for each value


def dump(value: Any) -> str:
    """Compact JSON."""
    return _encode(value)


def parse(payload: bytes, most: int) -> dict[str, Any]:
    """A JSON object of version 1. Raises ValueError with words for whoever sent it."""
    if len(payload) > most:
        raise ValueError(f"{len(payload)} bytes; at most {most} are taken")
    try:
        value = json.loads(payload, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {str(error)[:80]}") from None
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")
    if value.get("v") != 1:
        raise ValueError(f"version {str(value.get('v'))[:20]!r} is not understood; this gateway speaks version 1")
    return value


def parse_desired(payload: bytes) -> Desired:
    """A desired/plans payload; the plan itself is not yet checked. Raises ValueError."""
    value = parse(payload, DESIRED_MAX)
    name, plan = value.get("hash"), value.get("plan")
    if not isinstance(name, str) or len(name) != 16:
        raise ValueError('"hash" must be 16 hexadecimal digits')
    if not isinstance(plan, dict):
        raise ValueError('"plan" must be the plan as a JSON object')
    return Desired(name, plan)


def percent(level_pm: int) -> float:
    """Per mille as percent."""
    return level_pm / 10


def layer_name(layer: int) -> str:
    """The word for a layer's number; 0 is a post that has not decided yet."""
    return layers.NAMES[layer] if 0 < layer < len(layers.NAMES) else "none" if layer == 0 else f"layer {layer}"


def utc_text(utc_s: int) -> str | None:
    """ISO 8601 of seconds since 2000; None for unknown."""
    return dates.text(utc_s) if utc_s > 0 else None


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON")
