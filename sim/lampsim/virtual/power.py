"""What the luminaires of a town draw, and what their meters tell the posts, where a World asks for it.

Options.power: "estimate": as the posts themselves estimate it (lamppost.meter); "driver": as LED drivers draw it
(town.luminaire), which the posts do not know; "metered": the same, and every post has a power meter.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..town.chance import seed_of, uniform
from ..town.luminaire import LuminaireModel, vary

if TYPE_CHECKING:
    from .post import VirtualPost
    from .world import World

MODES = ("estimate", "driver", "metered")
EVERY_US = 50_000_000  # a meter tells at least so often; after a minute a post takes its value for old
AFTER_US = 1_000  # the light has changed, and the meter looks


class Drivers:
    """One model for each lamp of a town, each a little different. Levels in per mille, milliwatts, milliseconds."""

    def __init__(self, rated_mw: list[int], standby_mw: list[int], names: list[str], seed: object) -> None:
        chance = seed_of("drivers", seed)
        plain = LuminaireModel()
        self.models = [
            vary(replace(plain, rated_w=rated / 1000, standby_w=standby / 1000), chance, name)
            for rated, standby, name in zip(rated_mw, standby_mw, names, strict=True)
        ]
        self._known: list[dict[int, int]] = [{} for _ in names]

    def power_mw(self, i: int, level_pm: int) -> int:
        known = self._known[i]
        if level_pm not in known:
            known[level_pm] = round(1000 * self.models[i].power_w(level_pm))
        return known[level_pm]

    def used_uj(self, i: int, from_pm: int, end_pm: int, fade_ms: int, then_ms: int) -> int:
        """Microjoules of a fade, by Simpson's rule, and of what follows it at its last level."""
        fade = 0
        if fade_ms:
            middle_mw = self.power_mw(i, (from_pm + end_pm) // 2)
            fade = (self.power_mw(i, from_pm) + 4 * middle_mw + self.power_mw(i, end_pm)) * fade_ms // 6
        return fade + self.power_mw(i, end_pm) * then_ms


class Meters:
    """A power meter in every post of `world`: it tells when the light has changed, and once in EVERY_US."""

    def __init__(self, world: World, drivers: Drivers) -> None:
        self._world, self._loop, self._models = world, world.loop, drivers.models
        world.on_lamp.append(self._changed)
        for post in world.posts.values():
            phase_us = int(EVERY_US * uniform(seed_of("meter", world.seed, post.name)))
            self._loop.after(phase_us, lambda post=post: self._again(post))

    def _changed(self, post: VirtualPost, from_pm: int, target_pm: int, fade_ms: int) -> None:
        self._loop.after(AFTER_US, lambda: self._tell(post))
        if fade_ms:
            self._loop.after(fade_ms * 1000 + AFTER_US, lambda: self._tell(post))

    def _again(self, post: VirtualPost) -> None:
        self._tell(post)
        self._loop.after(EVERY_US, lambda: self._again(post))

    def _tell(self, post: VirtualPost) -> None:
        post.give(("power", self._models[post.index].metered_mw(self._world.shown_pm(post.name))))
