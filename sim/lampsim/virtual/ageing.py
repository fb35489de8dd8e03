"""How much light the lamps of a World have left, and how much of what was planned they still give.

Constant light output (lamppost.light.output) is planned with the drive of its first step: with `0:800,100000:1000` a
new lamp is driven with 80 %, and that is the light of its place. A lamp of 100,000 hours that is driven with all it has
and has 80 % of its light left gives the same. Without a table the planned light is that of a new lamp in full.

- An age is hours at full output: dimmed hours count by their level. What a post counts for its table is every hour that
  its lamp is lit, and begins with what the options say.
- `left`: the share of its first light that a lamp would give if driven as at first. `kept`: the share of the planned
  light that its full level gives, as its post drives it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lamppost.light.output import drive_pm, read_table

from ..town.luminaire import LuminaireModel, vary

if TYPE_CHECKING:
    from .options import Options
    from .post import VirtualPost


class Light(NamedTuple):
    """Of one lamp: `full_h` hours at full output in its life; `left` and `kept` as above."""

    full_h: float
    left: float
    kept: float


class Ageing:
    """The ages of a town's lamps when the run begins; nothing is worked out before somebody asks."""

    def __init__(self, town: Any, start_utc_s: int, chance: int, options: Options) -> None:
        self._lamps, self._chance, self._options = town.lamps, chance, options
        self._start_utc_s = start_utc_s
        self._table = read_table(options.clo)
        self.planned_pm = drive_pm(self._table, 0)  # the drive of a new lamp

    def age_h(self, i: int) -> float:
        """At full output, when the run begins."""
        age_h = self._options.age_h
        return self._lamps[i].age.hours(self._start_utc_s) if age_h is None else age_h

    def light(self, i: int, burnt_h: float, post: VirtualPost) -> Light:
        """Of lamp `i`, after `burnt_h` hours at full output in this run."""
        full_h = self.age_h(i) + burnt_h
        left = vary(LuminaireModel(), self._chance, self._lamps[i].id).light_left(full_h)
        drive = drive_pm(self._table, post.lit_s // 3600) if post.post is None else post.post.meter.scale_pm
        return Light(full_h, left, left * drive / self.planned_pm)


def counted_s(options: Options, age_h: float) -> int:
    """What a post says its lamp has burnt when the run begins: nothing where it has no use for it."""
    if options.counted_h is not None:
        return round(3600 * options.counted_h)
    return round(3600 * age_h) if options.clo else 0
