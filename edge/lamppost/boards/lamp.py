"""A lamp on a board: follows a fade in small steps, drives its output, its relay, and shows a person which post it is.

An output has `follow(level_pm, target_pm, left_ms)`: the level of now, where it goes and in how long, called at each
step while the lamp moves and once when it rests. A `switch(on)` drives a pin. The lamp begins full.
"""

from lamppost.light.dimmer import Dimmer
from lamppost.limits import LEVEL_MAX

STEP_MS = 20  # 50 steps a second: no eye sees them
_BLINK_MS = 500


class Voltage:
    """PWM and 0-10 V outputs: a duty that is a straight line of the level; `off_pm` of full scale when it is 0.

    `set_duty(0..65535)`. A 0-10 V driver (IEC 60929 annex E) has its minimum at 1 V: low_pm 100, high_pm 1000.
    """

    def __init__(self, set_duty, off_pm: int, low_pm: int, high_pm: int, inverted):
        self._set = set_duty
        self._off_pm = off_pm
        self._low_pm = low_pm
        self._span_pm = high_pm - low_pm
        self._inverted = inverted
        self._duty = None

    def follow(self, level_pm: int, target_pm: int, left_ms: int) -> None:
        if level_pm > 0:
            duty = (self._low_pm * LEVEL_MAX + self._span_pm * level_pm) * 65535 // (LEVEL_MAX * LEVEL_MAX)
        else:
            duty = self._off_pm * 65535 // LEVEL_MAX
        if self._inverted:
            duty = 65535 - duty
        if duty != self._duty:
            self._duty = duty
            self._set(duty)


class Lamp:
    """One lamp. `output` as above; `relay` and `lantern` are switch(on) or None.

    The relay closes before the output rises and opens `off_after_s` after the lamp has come to rest at nothing.
    """

    def __init__(self, output, relay=None, off_after_s: int = 0, lantern=None):
        self._output = output
        self._relay = relay
        self._off_after_ms = off_after_s * 1000
        self._lantern = lantern
        self._dimmer = Dimmer(LEVEL_MAX)
        self._closed = False
        self._dark_ms = None
        self._identify = False
        self._shown = None
        self._show(LEVEL_MAX, 0)

    @property
    def closed(self) -> "bool | None":
        """Whether the relay is closed; None where there is none."""
        return self._closed if self._relay else None

    def go(self, level_pm: int, fade_ms: int, t_ms: int) -> None:
        """Begin to fade to a level, 0..1000, from where the lamp is."""
        self._dimmer.go(level_pm, fade_ms, t_ms)
        self._shown = None
        self.step(t_ms)

    def identify(self, on) -> None:
        """Blink, or end it."""
        self._identify = bool(on)
        if self._lantern:
            self._lantern(self._identify)
        self._shown = None

    def step(self, t_ms: int) -> None:
        """Bring the outputs to what they should be at t_ms."""
        level_pm = self._dimmer.level(t_ms)
        if self._identify:
            self._blink(level_pm, t_ms)
        elif level_pm != self._shown:
            self._show(level_pm, max(0, self._dimmer.done_ms - t_ms))
        self._open_when_dark(t_ms)

    def _blink(self, level_pm: int, t_ms: int) -> None:
        on = t_ms // _BLINK_MS & 1
        if self._lantern:
            self._lantern(on)
        else:  # upwards where there is room: a person who is found is not left in the dark
            level_pm = level_pm if on else LEVEL_MAX if level_pm < 600 else 500
        self._show(level_pm, 0)

    def _show(self, level_pm: int, left_ms: int) -> None:
        target_pm = self._dimmer.target_pm if left_ms else level_pm
        if level_pm > 0 or target_pm > 0:
            self._dark_ms = None
            if self._relay and not self._closed:
                self._relay(1)
            self._closed = True
        self._output.follow(level_pm, target_pm, left_ms)
        self._shown = level_pm

    def _open_when_dark(self, t_ms: int) -> None:
        if not self._relay or not self._closed or self._identify or self._shown or self._dimmer.target_pm:
            return
        if self._dark_ms is None:
            self._dark_ms = t_ms
        if t_ms - self._dark_ms >= self._off_after_ms:
            self._relay(0)
            self._closed = False
            self._dark_ms = None
