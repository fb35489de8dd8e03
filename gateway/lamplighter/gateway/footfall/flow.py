"""How many people pass, which way and how fast: five-minute counts for each zone, from detections alone.

`Flow` takes detections and the time and returns windows to publish and crowds to light; it knows no clock, file or
broker. How it counts: flow_track.py (edges and steps), flow_estimate.py (the estimator and its assumptions),
flow_privacy.py (what is withheld), flow_crowd.py (the threshold), flow_place.py (zones).

Promises
- A detection counts once, by (post, epoch, number), by whichever way and however often it comes.
- No trace: steps live for 90 s at most, within the memory of this object; only sums over five minutes leave it, and no
  count of one to four people, nor anything from which one follows.
- Memory is bounded by posts and zones whatever comes: NUMBERS_MAX numbers and EDGES_MAX edges a post.

Times are milliseconds of UTC since 2000. A detection of the future counts as of now; one that comes late, up to LATE_MS
after its window ended, counts in the present one (an item follows its lost event within a poll or two); an older one is
not counted, and `late` says how many. A clock that steps back, or ahead by more than a window, begins a new window.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lamplighter.gateway.centre.topics import utc_text
from lamplighter.gateway.footfall import flow_place as place
from lamplighter.gateway.footfall import flow_privacy as privacy
from lamplighter.gateway.footfall.flow_crowd import LOOK_MS, Crowd, Threshold, Watch
from lamplighter.gateway.footfall.flow_estimate import Estimate, Tally
from lamplighter.gateway.footfall.flow_track import Post, link
from lamplighter.plans.site import PostSite

WINDOW_MS = 300_000  # five minutes, at whole multiples of UTC
LATE_MS = 30_000  # a poll cycle of 64 posts at 9,600 baud with retries; what comes later waited for a gateway
ARRIVE_MS = 2_000  # an announcement is repeated on a busy line before it comes through
NUMBERS_MAX = 32  # of one post: ITEMS that a STATUS of one frame may repeat

Key = tuple[int, int]  # item epoch and number: the identity of a detection at its post


class Flow:
    """The counts of one cabinet. `groups` are the zones: posts by name."""

    def __init__(
        self,
        sites: Iterable[PostSite],
        groups: Mapping[str, Iterable[str]],
        now_ms: int,
        threshold: Threshold | None = None,
        party: float = 1.0,
    ) -> None:
        """`party`: people who walk together, on average, as one passage. Raises ValueError below 1 or above 10."""
        if not 1 <= party <= 10:
            raise ValueError(f"party {party}: 1 to 10 people walk together on average")
        sites = list(sites)
        self.names = [site.id for site in sites]
        self.late = 0
        self._party = party
        self._threshold = threshold or Threshold()
        self._points = place.metres(sites)
        self._index = {name: i for i, name in enumerate(self.names)}
        self._posts = [Post(near, now_ms) for near in place.near(self._points)]
        self._numbers: list[list[Key]] = [[] for _ in self.names]
        self.regroup(groups, now_ms)

    def regroup(self, groups: Mapping[str, Iterable[str]], now_ms: int) -> None:
        """Count other zones from now on; the window begins anew."""
        self._zones = place.zones(groups, self.names, self._points)
        self._tallies = [Tally(zone) for zone in self._zones]
        self._watches = [Watch(self._threshold) for _ in self._zones]
        self._of_post: list[list[Tally]] = [[] for _ in self.names]
        for tally in self._tallies:
            for post in tally.zone.posts:
                self._of_post[post].append(tally)
        self._begin(now_ms)

    def detect(self, post: str, kind: int, t_ms: int, key: Key, now_ms: int, fast: bool = True) -> None:
        """Post `post` sees somebody of class `kind` (0 walker, 1 cyclist, 2 car) since t_ms.

        `fast`: an EVENT, which the post repeats under the same key while they stay; else the item of it. What has an
        unknown post or class is ignored.
        """
        index = self._index.get(post)
        if index is None or kind not in (0, 1, 2):
            return
        t_ms = min(t_ms, now_ms)
        if t_ms < self._from_ms - LATE_MS:
            self.late += 1
            return
        numbers = self._numbers[index]
        if key not in numbers:
            self._numbers[index] = [*numbers, key][-NUMBERS_MAX:]
            self._edge(index, kind, t_ms, fast)
        elif fast and key == numbers[-1]:
            self._posts[index].stays(t_ms)

    def tick(self, now_ms: int) -> tuple[dict[str, Any] | None, list[Crowd]]:
        """Call about once a second: a window to publish ("from", "to", "zones"), if one has ended, and the crowds."""
        if not self._look_ms - LOOK_MS <= now_ms < self._look_ms:
            crowds = self._look(now_ms)
        else:
            crowds = []
        if self._start_ms <= now_ms < self._to_ms:
            return None, crowds
        window = self._close() if self._to_ms <= now_ms < self._to_ms + WINDOW_MS else None
        self._begin(now_ms if window is None else self._to_ms)
        return window, crowds

    def _begin(self, now_ms: int) -> None:
        self._from_ms = self._start_ms = now_ms
        self._to_ms = (now_ms // WINDOW_MS + 1) * WINDOW_MS
        self._look_ms = now_ms + LOOK_MS
        for post in self._posts:
            if not post.start_ms <= now_ms or post.free_ms > now_ms + WINDOW_MS:  # the clock has stepped back
                post.edges, post.start_ms, post.free_ms = [], now_ms, now_ms
            post.begin(now_ms)
        for tally in self._tallies:
            tally.clear()

    def _edge(self, index: int, kind: int, t_ms: int, fast: bool) -> None:
        if not self._posts[index].edge(t_ms, fast, kind):
            return
        arrival = link(self._posts, index, t_ms, kind)
        for tally in self._of_post[index]:
            tally.take(arrival)

    def _look(self, now_ms: int) -> list[Crowd]:
        self._look_ms = now_ms + LOOK_MS
        asked = []
        for zone, watch in zip(self._zones, self._watches, strict=True):
            busy = sum(self._posts[i].free_ms > now_ms - ARRIVE_MS for i in zone.posts)
            for_s = watch.look(busy, len(zone.posts), now_ms)
            if for_s is not None:
                asked.append((zone, for_s))
        lit = {i for zone, watch in zip(self._zones, self._watches, strict=True) if watch.crowded for i in zone.posts}
        crowds = []
        for zone, for_s in asked:
            posts = tuple(self.names[i] for i in zone.posts if for_s or i not in lit)
            crowds.append(Crowd(zone.id, posts, self._threshold.level_pm, for_s))
        return crowds

    def _close(self) -> dict[str, Any]:
        for post in self._posts:
            post.settle(self._to_ms)
        length_ms = self._to_ms - self._from_ms
        found = [tally.estimate(self._posts, length_ms, self._party) for tally in self._tallies]
        passed = [post.passed or int(post.seen_ms > 0) for post in self._posts]
        least = [estimate.least for estimate in found]
        told = privacy.allowed([zone.posts for zone in self._zones], least, passed)
        return {
            "from": utc_text(self._from_ms // 1000),
            "to": utc_text(self._to_ms // 1000),
            "zones": [payload(*row) for row in zip(self._zones, found, told, strict=True)],
        }


def payload(zone: place.Zone, estimate: Estimate, told: bool) -> dict[str, Any]:
    """What is published of a zone in a window; every figure null where it is withheld."""
    value: dict[str, Any] = {"zone": zone.id, "posts": len(zone.posts), "withheld": not told}
    if not told:
        names = ("detections", "footfall", "directions", "speed_mps", "occupancy_percent")
        return value | dict.fromkeys(names) | dict.fromkeys(("people_per_100m", "people_per_hectare", "saturated"))
    senses = estimate.directions
    counts = [None] * len(zone.senses) if senses is None else privacy.directions(senses)
    speed, area = estimate.speed_mps, zone.axis_deg is None
    return value | {
        "detections": None if privacy.small(estimate.detections) else estimate.detections,
        "footfall": estimate.footfall,
        "directions": dict(zip(zone.senses, counts, strict=True)),
        "speed_mps": None if speed is None else round(speed, 2),
        "occupancy_percent": round(100 * estimate.occupancy, 1),
        "people_per_100m": None if area else round(estimate.per_100m, 2),
        "people_per_hectare": round(estimate.per_hectare, 1) if area else None,
        "saturated": estimate.saturated,
    }
