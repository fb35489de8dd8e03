"""Promise 3, of what a post is told: a command acts once in its life, in time, and as it was given (promise 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamppost import limits
from lampsim.check.broken import Breaks
from lampsim.check.witness.life import Life
from lampsim.check.witness.reference import Command

if TYPE_CHECKING:
    from lampsim.check.world.post import StreetPost
    from lampsim.check.world.street import Street

ASKED_S = 31  # so long a gateway tries to reach a post


class Commanded:
    """The commands of a street. Raises through `broken`."""

    def __init__(self, street: Street, broken: Breaks) -> None:
        self._street, self._broken = street, broken
        self._ends: dict[tuple[str, str], int] = {}  # until when a post may be told a command: it expires, or is over

    def watch(self, one: StreetPost, life: Life) -> None:
        """From now on, of a post that has just started."""
        post = one.post
        assert post is not None
        commands = post.arbiter.commands
        give, clear = commands.give, commands.clear

        def given(layer, op, level_pm, text, utc_s, t_ms, for_s=0, until_s=0, from_s=0):
            give(layer, op, level_pm, text, utc_s, t_ms, for_s, until_s, from_s)
            if text in life.acted:
                raise self._broken(3, one, f"command {text} acts a second time")
            asked = self._street.cabinet.requests.asked.get(text)
            if asked is None or (asked.layer, asked.op, asked.level_pm) != (layer, op, level_pm):
                raise self._broken(4, one, f"command {text} ({layer}, {op}, {level_pm}) was never given")
            now_s = self._street.utc_ms() // 1000
            last_s = self._ends.get((one.name, text), self._street.cabinet.requests.published[text][2])
            late_s = now_s - last_s  # who has taken it and started anew may be told again until it is over
            self._ends.setdefault((one.name, text), now_s + for_s)
            if late_s > ASKED_S and not self._street.cabinet.clock_was_wrong:
                raise self._broken(3, one, f"command {text} acts {late_s} s after it has expired")
            if not 0 < for_s <= limits.OVERRIDE_MAX_S:
                raise self._broken(5, one, f"command {text} lasts {for_s} s")
            life.acted.add(text)
            life.commands[layer] = Command(layer, op, level_pm, t_ms + for_s * 1000)

        def cleared(layer):
            life.commands.pop(layer, None)
            return clear(layer)

        commands.give, commands.clear = given, cleared  # type: ignore[method-assign]
