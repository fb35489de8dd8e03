"""The fade of one lamp: where the level is while it moves, in integers.

Promises: the level moves in a straight line from where it is to where it was told to go and stays there; a new target
in the middle of a fade starts from the level of that moment, so the lamp never jumps unless the fade is 0.
`t_ms` is the unwrapped monotonic clock of the Post and never runs backwards.
"""


class Dimmer:
    """`target_pm`: where it goes; `done_ms`: when it is there. A new dimmer is at `level_pm`, at rest."""

    def __init__(self, level_pm=0):
        self.target_pm = level_pm
        self.done_ms = 0
        self._from_pm = level_pm
        self._start_ms = 0

    def go(self, level_pm, fade_ms, t_ms):
        """Fade to `level_pm` (0..1000) within `fade_ms` from now; 0 is at once."""
        self._from_pm = self.level(t_ms)
        self._start_ms = t_ms
        self.target_pm = level_pm
        self.done_ms = t_ms + max(0, fade_ms)

    def level(self, t_ms):
        """Return the level at `t_ms`."""
        if t_ms >= self.done_ms:
            return self.target_pm
        if t_ms <= self._start_ms:
            return self._from_pm
        return ramped_pm(self._from_pm, self.target_pm, t_ms - self._start_ms, self.done_ms - self._start_ms)


def ramped_pm(from_pm, to_pm, since, ramp):
    """Return the level `since` the start of a linear `ramp` (whole numbers of one unit), rounded towards `from_pm`."""
    if since >= ramp:
        return to_pm
    if to_pm < from_pm:
        return from_pm - (from_pm - to_pm) * since // ramp
    return from_pm + (to_pm - from_pm) * since // ramp
