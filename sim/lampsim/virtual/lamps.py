"""What every lamp of a World shows, draws and has used.

A lamp is known by its last change alone: when, from where, to where, how slowly. Light and energy at any later moment
are closed formulas of that, so that a lamp which nobody touches costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lamplighter.plans.site import Luminaire

from .ageing import Ageing, Light
from .loop import Loop
from .post import VirtualPost
from .power import Drivers


class Lamps:
    """The lamps of a town by their place in it; `posts` are those that are simulated here. Levels in per mille."""

    def __init__(
        self, loop: Loop, luminaires: Sequence[Luminaire], posts: Mapping[int, VirtualPost], drivers: Drivers | None,
        ageing: Ageing,
    ) -> None:  # fmt: skip
        self._loop, self._luminaires, self._posts, self._drivers = loop, luminaires, posts, drivers
        self._ageing = ageing
        self._burnt = [0] * len(luminaires)  # per mille milliseconds up to the last change
        self._shown: list[tuple[int, int, int, int]] = [(0, 0, 0, 0)] * len(luminaires)  # t_ms, from, target, fade
        self._energy = [0] * len(luminaires)  # microjoules up to the last change

    def go(self, i: int, target_pm: int, fade_ms: int) -> int:
        """Lamp `i` sets out for a level; return the one it comes from."""
        now_ms = self._loop.now_us // 1000
        from_pm = self._level_pm(i, now_ms)
        self._energy[i] += self._used_uj(i, now_ms, True)  # also where the power has just gone
        self._burnt[i] += self._given(i, now_ms)
        self._shown[i] = (now_ms, from_pm if fade_ms else target_pm, target_pm, fade_ms)
        return from_pm

    def level_pm(self, i: int) -> int:
        """The light of a lamp now."""
        return self._level_pm(i, self._loop.now_us // 1000)

    def power_mw(self, i: int) -> int:
        """What a luminaire draws now."""
        if not self._posts[i].powered:
            return 0
        level_pm, luminaire = self.level_pm(i), self._luminaires[i]
        if self._drivers is not None:
            return self._drivers.power_mw(i, level_pm)
        lit = luminaire.rated_mw * (30_000 + 970 * level_pm) // 1_000_000 if level_pm else 0
        return luminaire.standby_mw + lit

    def energy_mwh(self, i: int) -> int:
        """What it has used so far; 0 for one that is simulated elsewhere."""
        if i not in self._posts:
            return 0
        used_uj = self._used_uj(i, self._loop.now_us // 1000, self._posts[i].powered)
        return (self._energy[i] + used_uj) // 3_600_000

    def burnt_h(self, i: int) -> float:
        """Hours at full output since the run began, dimmed hours by their level."""
        return (self._burnt[i] + self._given(i, self._loop.now_us // 1000)) / 3.6e9

    def light(self, i: int) -> Light:
        """How old a lamp is, and what light it gives for that; all 0 for one that is simulated elsewhere."""
        return self._ageing.light(i, self.burnt_h(i), self._posts[i]) if i in self._posts else Light(0.0, 0.0, 0.0)

    def _level_pm(self, i: int, t_ms: int) -> int:
        start_ms, from_pm, target_pm, fade_ms = self._shown[i]
        gone_ms = t_ms - start_ms
        if gone_ms >= fade_ms:
            return target_pm
        way = target_pm - from_pm
        return from_pm + (way * gone_ms // fade_ms if way > 0 else -(-way * gone_ms // fade_ms))

    def _given(self, i: int, t_ms: int) -> int:
        """Light since the last change, per mille times milliseconds."""
        start_ms, from_pm, target_pm, fade_ms = self._shown[i]
        span_ms = t_ms - start_ms
        if span_ms >= fade_ms:
            return (from_pm + target_pm) * fade_ms // 2 + target_pm * (span_ms - fade_ms)
        return (from_pm + self._level_pm(i, t_ms)) * span_ms // 2

    def _used_uj(self, i: int, t_ms: int, powered: bool) -> int:
        """Microjoules since the last change: standby, and 3 % and 97 % of rated by level while lit (lamppost.meter)."""
        start_ms, from_pm, target_pm, fade_ms = self._shown[i]
        span_ms = t_ms - start_ms
        faded_ms = min(span_ms, fade_ms)
        end_pm = self._level_pm(i, t_ms)
        post = self._posts[i]
        dead_ms = max(0, min(span_ms, post.on_us // 1000 - start_ms)) if powered else span_ms
        if self._drivers is not None:
            used = self._drivers.used_uj(i, from_pm, end_pm, faded_ms, span_ms - faded_ms)
            return used - self._drivers.power_mw(i, 0) * dead_ms
        luminaire = self._luminaires[i]
        level_ms = (from_pm + end_pm) * faded_ms // 2 + target_pm * (span_ms - faded_ms)
        lit_ms = span_ms if target_pm else faded_ms
        lit = luminaire.rated_mw * (30 * lit_ms + 970 * level_ms // 1000) // 1000
        return luminaire.standby_mw * (span_ms - dead_ms) + lit
