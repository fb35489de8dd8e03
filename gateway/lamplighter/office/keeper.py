"""What is desired of every gateway, told again until the gateway reports it. For a broker that retains nothing.

A single mosquitto retains what is desired, and this is not needed. The nodes of a cluster would each retain their own,
possibly old, version; so there nothing is retained, and the centre is the one that remembers. Pure: it is told what
was published, and says what to publish again.

Rules kept here
- The newest published version is the one. A gateway that reports another, or none, is told with its next sign of life.
- A version that it refuses is not told again: who published it has seen the reason.
- Telling the same again changes nothing at a gateway, so it is better told once too often.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

AGAIN_MS = 30_000  # a plan of 250 posts is reported within a second; a minute's status is enough to tell again
DESIRED_MAX = (1 << 20) + 4096  # bytes: what a gateway takes
KEPT_MAX = 10_000  # payloads: four kinds for more gateways than a region has

Key = tuple[str, str]  # gateway, what


class Keeper:
    """`kept`: the payloads by gateway and kind, as they were before a restart."""

    def __init__(self, kept: Iterable[tuple[Key, bytes]] = ()) -> None:
        self._kept: dict[Key, bytes] = dict(kept)
        self._settled: set[Key] = set()
        self._told_ms: dict[Key, int] = {}

    def is_new(self, gateway: str, what: str, payload: bytes) -> bool:
        """Whether this, which was published, is to be stored; then call `desired`. What is kept already is not,
        nor what no gateway would take, nor one more than KEPT_MAX."""
        key = gateway, what
        full = key not in self._kept and len(self._kept) >= KEPT_MAX
        known = self._kept.get(key) == payload
        return not known and not full and len(payload) <= DESIRED_MAX and name_of(payload) is not None

    def desired(self, gateway: str, what: str, payload: bytes) -> None:
        """This was published, is new, and is stored."""
        key = gateway, what
        self._kept[key] = payload
        self._settled.discard(key)
        self._told_ms.pop(key, None)

    def reported(self, gateway: str, what: str, report: dict[str, Any]) -> None:
        """What a gateway says it has."""
        key = gateway, what
        if key not in self._kept:
            return
        name = name_of(self._kept[key])
        refused = report.get("accepted") is False and report.get("desired", name) == name
        if refused or name in (report.get("desired"), report.get("hash")):
            self._settled.add(key)
        else:
            self._settled.discard(key)

    def status(self, gateway: str, status: dict[str, Any], now_ms: int) -> list[tuple[str, bytes]]:
        """A sign of life; (what, payload) to publish for this gateway now."""
        if status.get("online") is not True:
            return []
        due = []
        for key, payload in self._kept.items():
            told_ms = self._told_ms.get(key)
            waits = told_ms is not None and now_ms - told_ms < AGAIN_MS
            if key[0] == gateway and key not in self._settled and not waits:
                self._told_ms[key] = now_ms
                due.append((key[1], payload))
        return due


def name_of(payload: bytes) -> str | None:
    """The hash that a desired payload carries; None for what no gateway would take."""
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    name = value.get("hash") if isinstance(value, dict) else None
    return name if isinstance(name, str) and name else None
