"""The last known state of every post, and which of it the centre has not been told.

A state is told when it changes in something a person would notice, at most once a second a post, and again after
REFRESH_MS so that power stays roughly right. Pure: times are milliseconds of a monotonic clock and seconds of UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lamplighter.gateway.centre.topics import layer_name, percent, utc_text
from lamplighter.gateway.lines.line import Online, Status
from lamplighter.plans.site import PostSite
from lamppost.wire import faults

TELL_EVERY_MS = 1000  # a fade changes the level with every poll; 250 posts may make 250 messages a second
REFRESH_MS = 900_000  # power and time of a lamp at rest


@dataclass(slots=True)
class State:
    """What is known of one post."""

    site: PostSite
    online: bool = False
    status: Status | None = None
    identity: str = ""
    firmware: str = ""
    boots: int = 0
    utc_s: int = 0  # when it was last heard
    told: tuple | None = None
    told_ms: int = -REFRESH_MS

    def payload(self) -> dict[str, Any]:
        """The retained state, as published."""
        value: dict[str, Any] = {"v": 1, "post": self.site.id, "online": self.online}
        value |= {"address": self.site.address, "bus": self.site.bus, "firmware": self.firmware or None}
        return value | self._measured() | {"utc": utc_text(self.utc_s)}

    def _measured(self) -> dict[str, Any]:
        status = self.status
        if status is None:
            empty = dict.fromkeys(("level_percent", "target_percent", "why", "power_w", "plan"))
            return empty | {"faults": []}
        return {
            "level_percent": percent(status.level_pm),
            "target_percent": percent(status.target_pm),
            "why": layer_name(status.layer),
            "power_w": status.power_mw / 1000,
            "plan": status.plan.hex() or None,
            "faults": faults.names(status.faults),
        }

    def noticeable(self) -> tuple:
        """What must be told when it changes; power follows the level, so it is not part of it."""
        status = self.status
        if status is None:
            return self.online, self.firmware
        return self.online, self.firmware, status.level_pm, status.target_pm, status.layer, status.plan, status.faults


class Fleet:
    """All posts of a cabinet."""

    def __init__(self, sites: list[PostSite]) -> None:
        self.states = {site.id: State(site) for site in sites}

    def online(self, post: str, online: Online, utc_s: int) -> bool:
        """A session was opened; return whether the post was away before."""
        state = self.states[post]
        back = not state.online
        state.online, state.utc_s = True, utc_s
        state.identity, state.firmware, state.boots = online.identity, online.firmware, online.boots
        return back

    def offline(self, post: str) -> bool:
        """It does not answer; return whether that is new."""
        state = self.states[post]
        was, state.online = state.online, False
        return was

    def status(self, post: str, status: Status, utc_s: int) -> None:
        state = self.states[post]
        state.online, state.status, state.utc_s = True, status, utc_s

    def count_online(self) -> int:
        return sum(state.online for state in self.states.values())

    def online_posts(self) -> set[str]:
        """The posts that answer now."""
        return {post for post, state in self.states.items() if state.online}

    def to_tell(self, t_ms: int) -> list[State]:
        """The states to publish now; they count as told."""
        due = [state for state in self.states.values() if self._due(state, t_ms)]
        for state in due:
            state.told, state.told_ms = state.noticeable(), t_ms
        return due

    def _due(self, state: State, t_ms: int) -> bool:
        age_ms = t_ms - state.told_ms
        if state.told == state.noticeable():
            return age_ms >= REFRESH_MS and state.online
        return age_ms >= TELL_EVERY_MS
