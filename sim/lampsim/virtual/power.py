"""What the luminaires of a town draw, and what their meters tell the posts, where a World asks for it.

Options.power: "estimate": as the posts themselves estimate it (lamppost.meter); "driver": as LED drivers draw it
(town.luminaire), which the posts do not know; "metered": the same, and every post has a power meter; "thermal": the
same, and every driver warms up and its post is told how warm it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..town.chance import seed_of, uniform
from ..town.luminaire import LuminaireModel, vary

if TYPE_CHECKING:
    from .loop import Handle
    from .post import VirtualPost
    from .world import World

MODES = ("estimate", "driver", "metered", "thermal")
EVERY_US = 50_000_000  # a meter tells at least so often; after a minute a post takes its value for old
AFTER_US = 1_000  # the light has changed, and the meter looks
STEP_C = 1.0  # a post is told when its driver's temperature has moved so far


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


class Heat:
    """How warm the drivers of `world` are, in air of `air_c` degrees. Each post is told every STEP_C on the way to the
    temperature at which its level settles. A fade counts as its end: it lasts seconds, the housing takes 40 minutes."""

    def __init__(self, world: World, drivers: Drivers, air_c: float) -> None:
        self._loop, self._models, self._air_c = world.loop, drivers.models, air_c
        count = len(drivers.models)
        self._level_pm, self._then_c, self._then_us = [0] * count, [air_c] * count, [world.loop.now_us] * count
        self._next: dict[int, Handle] = {}
        world.on_lamp.append(self._changed)

    def temperature_c(self, i: int) -> float:
        """Of driver `i`, now."""
        for_s = (self._loop.now_us - self._then_us[i]) / 1e6
        return self._models[i].temperature_c(self._then_c[i], self._level_pm[i], self._air_c, for_s)

    def _changed(self, post: VirtualPost, from_pm: int, target_pm: int, fade_ms: int) -> None:
        i = post.index
        self._then_c[i], self._then_us[i], self._level_pm[i] = self.temperature_c(i), self._loop.now_us, target_pm
        self._loop.cancel(self._next.pop(i, None))
        self._next[i] = self._loop.after(AFTER_US, lambda: self._tell(post))

    def _tell(self, post: VirtualPost) -> None:
        i, level_pm = post.index, self._level_pm[post.index]
        now_c, model = self.temperature_c(i), self._models[i]
        rises = model.settled_c(level_pm, self._air_c) > now_c
        wait_s = model.reaches_in_s(now_c, now_c + (STEP_C if rises else -STEP_C), level_pm, self._air_c)
        self._next.pop(i, None)
        if wait_s is not None:
            self._next[i] = self._loop.after(round(wait_s * 1e6) + 1, lambda: self._tell(post))
        post.give(("temp", round(10 * now_c)))  # last: the light may change at once


def fitted(world: World) -> tuple[Drivers | None, Heat | None]:
    """The drivers of a world's lamps as its options ask, with what tells the posts of them."""
    mode = world.options.power
    if mode == "estimate":
        return None, None
    lamps = [site.luminaire for site in world.town.sites]
    names = [site.id for site in world.town.sites]
    drivers = Drivers([one.rated_mw for one in lamps], [one.standby_mw for one in lamps], names, world.seed)
    if mode in ("metered", "thermal"):
        Meters(world, drivers)
    return drivers, Heat(world, drivers, world.options.air_c) if mode == "thermal" else None
