"""What people and the gateway ask of a lamp: one command a layer, each of which expires.

Promises: a command without an end, or with one more than a week away, is refused; a command ends at the earlier of its
UTC (if it was given one and the time is known) and its monotonic deadline, so no clock step makes it immortal. One
given for a duration ends by the monotonic clock alone: "for 10 minutes" is 10 minutes whatever happens to the clock.
A newer command replaces an older one of its layer. The technician's also ends 15 minutes after the last key.
"""

from lamppost.light.layers import CROWD, EMERGENCY, ENERGY, NAMES, OPERATOR, TECHNICIAN
from lamppost.light.program import CAP, RAISE, SET
from lamppost.limits import LEVEL_MAX, OVERRIDE_MAX_S, REASON_MAX, TECHNICIAN_IDLE_S

_OPS = {
    CROWD: (RAISE,),
    ENERGY: (CAP,),
    OPERATOR: (SET, RAISE, CAP),
    TECHNICIAN: (SET, RAISE, CAP),
    EMERGENCY: (RAISE,),
}
_WORDS = ("set", "raise", "cap")


class CommandError(ValueError):
    """The command is refused and nothing has changed; the text says why and what would be right."""


class Commands:
    """The commands in force and to come. `version` changes whenever one is given, cleared or prolonged."""

    def __init__(self):
        self.version = 0
        self._given = []  # in the order of the layers

    def give(self, layer, op, level_pm, text, utc_s, t_ms, for_s=0, until_s=0, from_s=0):
        """Take a command of `layer` (4..8) from now, or from `from_s`, for `for_s` or until `until_s` (UTC).

        `utc_s` is now, or None. Raises CommandError if it has no end, an impossible one, or an op its layer lacks.
        """
        if layer not in _OPS:
            raise CommandError("no commands for layer %s; give one of 4..8" % layer)
        if op not in _OPS[layer]:
            raise CommandError("%s can only %s" % (NAMES[layer], ", ".join([_WORDS[o] for o in _OPS[layer]])))
        if not 0 <= level_pm <= LEVEL_MAX:
            raise CommandError("level %d is not in 0..1000" % level_pm)
        from_s, until_s, until_ms = _times(utc_s, t_ms, for_s, until_s, from_s)
        command = _Command(layer, op, level_pm, text[:REASON_MAX], from_s, until_s, t_ms, until_ms)
        self._given = [c for c in self._given if c.layer != layer] + [command]
        self._given.sort(key=_layer_of)
        self.version += 1

    def clear(self, layer):
        """End the command of `layer`; return whether there was one."""
        kept = [c for c in self._given if c.layer != layer]
        found = len(kept) != len(self._given)
        if found:
            self._given = kept
            self.version += 1
        return found

    def touch(self, t_ms):
        """Say that the technician pressed a key: their command gets another 15 minutes, within its own end."""
        for c in self._given:
            if c.layer == TECHNICIAN and t_ms < c.end_ms():
                c.key_ms = t_ms
                self.version += 1

    def drop_ended(self, utc_s, t_ms):
        for c in self._given:
            if c.ended(utc_s, t_ms):
                self._given = [c for c in self._given if not c.ended(utc_s, t_ms)]
                return

    def asks(self, plan, utc_s, t_ms):
        """Return the asks of the commands in force. An energy cap never goes below the plan's safe floor, and without a
        plan, whose floor is unknown, it lowers nothing."""
        asks = []
        for c in self._given:
            if c.in_force(utc_s, t_ms):
                level = c.level_pm
                if c.layer == ENERGY:
                    level = max(level, LEVEL_MAX if plan is None else plan.floor_pm)
                asks.append((c.layer, c.op, level, LEVEL_MAX, c.end_s(utc_s, t_ms), c.text))
        return asks

    def deadline(self, utc_s, t_ms, last_ms):
        """Return the `t_ms` at which the next command begins or ends, at most `last_ms`."""
        for c in self._given:
            last_ms = min(last_ms, c.end_ms())
            if utc_s is not None:
                for moment in (c.from_s, c.until_s):
                    if moment > utc_s:
                        last_ms = min(last_ms, t_ms + (moment - utc_s) * 1000)
        return last_ms


class _Command:
    """One command; `from_s` and `until_s` are 0 where it has none."""

    def __init__(self, layer, op, level_pm, text, from_s, until_s, from_ms, until_ms):
        self.layer = layer
        self.op = op
        self.level_pm = level_pm
        self.text = text
        self.from_s = from_s
        self.until_s = until_s
        self.from_ms = self.key_ms = from_ms
        self.until_ms = until_ms

    def end_ms(self):
        if self.layer == TECHNICIAN:
            return min(self.until_ms, self.key_ms + TECHNICIAN_IDLE_S * 1000)
        return self.until_ms

    def ended(self, utc_s, t_ms):
        return t_ms >= self.end_ms() or (self.until_s > 0 and utc_s is not None and utc_s >= self.until_s)

    def in_force(self, utc_s, t_ms):
        """Whether it counts; one that begins at a UTC waits while the time is unknown."""
        begun = t_ms >= self.from_ms and (self.from_s == 0 or (utc_s is not None and utc_s >= self.from_s))
        return begun and not self.ended(utc_s, t_ms)

    def end_s(self, utc_s, t_ms):
        """Return the UTC at which it will end, 0 if the time is unknown and it has none."""
        if utc_s is None:
            return self.until_s
        by_ticks = utc_s + (self.end_ms() - t_ms) // 1000
        return min(self.until_s, by_ticks) if self.until_s else by_ticks


def _layer_of(command):
    return command.layer


def _times(utc_s, t_ms, for_s, until_s, from_s):
    """Return (from_s, until_s, until_ms), or raise CommandError."""
    if (for_s <= 0) == (until_s <= 0):
        raise CommandError("a command must expire: give either for_s or until_s")
    if from_s > 0 and utc_s is not None and from_s > utc_s + OVERRIDE_MAX_S:
        raise CommandError("it begins more than 7 days ahead; give it later")
    if from_s > 0 and until_s <= 0:
        until_s = from_s + for_s
    if until_s <= 0:
        if for_s > OVERRIDE_MAX_S:
            raise CommandError("%d s is more than 7 days; give for_s 1..%d" % (for_s, OVERRIDE_MAX_S))
        return 0, 0, t_ms + for_s * 1000
    left_s = OVERRIDE_MAX_S if utc_s is None else until_s - utc_s
    if left_s <= 0 or until_s <= from_s:
        raise CommandError("it has already ended; give a later until_s")
    if left_s > OVERRIDE_MAX_S:
        raise CommandError("it ends more than 7 days ahead; give an earlier until_s")
    return max(0, from_s), until_s, t_ms + left_s * 1000
