"""What a run is judged by: every reading made against every reading received, and how fast the light followed.

Pure counting: items and lamp moves come in with their times, figures come out.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

FOLLOW_MS = 2_000  # a neighbour that has not risen by then did not follow this detection


class Items:
    """Items as the centre got them. One stable id twice is a redelivery; one item under two ids is a double."""

    def __init__(self) -> None:
        self.redelivered = 0
        self._ids: set[tuple[str, str, int]] = set()
        self._copies: dict[tuple[str, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
        self.kinds: dict[str, int] = defaultdict(int)

    def received(self, gateway: str, epoch: str, item: Mapping) -> bool:
        """Take one item of a batch; return whether its stable id (gateway, epoch, seq) is new."""
        stable = (gateway, epoch, int(item["seq"]))
        if stable in self._ids:
            self.redelivered += 1
            return False
        self._ids.add(stable)
        self._copies[item["post"], int(item["post_epoch"])][int(item["post_seq"])] += 1
        self.kinds[item["kind"]] += 1
        return True

    def missing(self, post: str, epoch: int, made: Iterable[int]) -> set[int]:
        """Numbers in `made` that never came from this post in this epoch."""
        return set(made) - set(self._copies.get((post, epoch), {}))

    @property
    def count(self) -> int:
        """Different items received."""
        return sum(len(numbers) for numbers in self._copies.values())

    @property
    def doubled(self) -> int:
        """Copies under a second stable id, which an upsert by that id would keep."""
        return len(self._ids) - self.count


@dataclass
class _Pending:
    at_ms: float
    neighbours: dict[str, int]  # post -> the level it has to exceed


class Waves:
    """Latency from a sensor's edge to each neighbour's lamp beginning to rise."""

    def __init__(self, near: Mapping[str, Iterable[str]]) -> None:
        """`near`: the posts that should follow a detection at a post."""
        self._near = {post: tuple(others) for post, others in near.items()}
        self._target = dict.fromkeys(self._near, 0)
        self._pending: dict[str, _Pending] = {}
        self.latencies_ms: list[float] = []
        self.waves = 0
        self.unfollowed = 0

    def edge(self, post: str, at_ms: float, full_pm: int = 1000) -> None:
        """The sensor of `post` saw somebody. Neighbours already at `full_pm` have nothing to do."""
        self._settle(at_ms)
        low = {near: self._target[near] for near in self._near[post] if self._target[near] < full_pm}
        waited_for = {name for pending in self._pending.values() for name in pending.neighbours}
        low = {name: level for name, level in low.items() if name not in waited_for}
        if low:
            self.waves += 1
            self._pending[post] = _Pending(at_ms, low)

    def lamp(self, post: str, target_pm: int, at_ms: float) -> None:
        """The lamp of `post` begins to move to `target_pm`."""
        self._target[post] = target_pm
        for pending in self._pending.values():
            if post in pending.neighbours and target_pm > pending.neighbours[post]:
                del pending.neighbours[post]
                self.latencies_ms.append(at_ms - pending.at_ms)

    def close(self, at_ms: float) -> None:
        """The run is over: who has not followed by now, has not."""
        self._settle(at_ms + FOLLOW_MS)

    def _settle(self, now_ms: float) -> None:
        for post in [post for post, pending in self._pending.items() if now_ms - pending.at_ms >= FOLLOW_MS]:
            self.unfollowed += len(self._pending.pop(post).neighbours)

    def percentile_ms(self, share: float) -> float | None:
        """The nearest-rank percentile, None without a wave."""
        if not self.latencies_ms:
            return None
        ordered = sorted(self.latencies_ms)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
