"""A lamp on a board: follows a fade in small steps, drives its output, its relay, and shows a person which post it is.

An output has `follow(level_pm, target_pm, left_ms)`: the level of now, where it goes and in how long, called at each
step while the lamp moves and once when it rests; and, where it wants it, `powered(t_ms)`: the relay has just closed. A
`switch(on)` drives a pin. The lamp begins at its power-on level.
"""

from math import log

from lamppost.light.dimmer import Dimmer
from lamppost.limits import LEVEL_MAX

STEP_MS = 20  # 50 steps a second: no eye sees them
_BLINK_MS = 500


def duty_of(level_pm: int, off_pm: int, low_pm: int, high_pm: int, inverted, logarithmic=False) -> int:
    """The duty, 0..65535, of a level, 0..1000. `logarithmic`: the driver has the dimming curve of IEC 62386-102, three
    decades of light between low and high."""
    if level_pm > 0:
        if logarithmic:
            level_pm = int(0.5 + LEVEL_MAX / 3 * log(level_pm) / log(10))
        duty = (low_pm * LEVEL_MAX + (high_pm - low_pm) * level_pm) * 65535 // (LEVEL_MAX * LEVEL_MAX)
    else:
        duty = off_pm * 65535 // LEVEL_MAX
    return 65535 - duty if inverted else duty


class Voltage:
    """PWM and 0-10 V outputs: a duty that is a line of the level, or of its logarithm; `off_pm` when it is 0.

    `set_duty(0..65535)`. A 0-10 V driver (IEC 60929 annex E) has its minimum at 1 V: low_pm 100, high_pm 1000.
    """

    def __init__(self, set_duty, off_pm: int, low_pm: int, high_pm: int, inverted, logarithmic=False):
        self._set = set_duty
        self._shape = (off_pm, low_pm, high_pm, inverted, logarithmic)
        self._duty = None

    def follow(self, level_pm: int, target_pm: int, left_ms: int) -> None:
        duty = duty_of(level_pm, *self._shape)
        if duty != self._duty:
            self._duty = duty
            self._set(duty)


class Lamp:
    """One lamp. `output` as above; `relay` and `lantern` are switch(on) or None.

    The relay closes before the output rises and opens `off_after_s` after the lamp has come to rest at nothing. Open,
    it stays so for `min_off_s`: what limits the inrush of a driver must cool, or its next start trips the breaker.
    """

    def __init__(self, output, relay=None, off_after_s=0, lantern=None, min_off_s=0, power_on_pm: int = LEVEL_MAX):
        self._output = output
        self._relay = relay
        self._off_after_ms = off_after_s * 1000
        self._min_off_ms = min_off_s * 1000
        self._lantern = lantern
        self._dimmer = Dimmer(power_on_pm)
        self._closed = False
        self._opened_ms = None
        self._late = False  # it is to close, and has not been open for long enough
        self._dark_ms = None
        self._identify = False
        self._shown = None
        self._show(power_on_pm, 0, 0)

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
        if self._late:
            self._close(t_ms)
        if self._identify:
            self._blink(level_pm, t_ms)
        elif level_pm != self._shown:
            self._show(level_pm, max(0, self._dimmer.done_ms - t_ms), t_ms)
        self._open_when_dark(t_ms)

    def _blink(self, level_pm: int, t_ms: int) -> None:
        on = t_ms // _BLINK_MS & 1
        if self._lantern:
            self._lantern(on)
        else:  # upwards where there is room: a person who is found is not left in the dark
            level_pm = level_pm if on else LEVEL_MAX if level_pm < 600 else 500
        self._show(level_pm, 0, t_ms)

    def _show(self, level_pm: int, left_ms: int, t_ms: int) -> None:
        target_pm = self._dimmer.target_pm if left_ms else level_pm
        if level_pm > 0 or target_pm > 0:
            self._dark_ms = None
            if not self._closed:
                self._close(t_ms)
        else:
            self._late = False
        self._output.follow(level_pm, target_pm, left_ms)
        self._shown = level_pm

    def _close(self, t_ms: int) -> None:
        self._late = self._opened_ms is not None and t_ms - self._opened_ms < self._min_off_ms
        if self._late:
            return
        if self._relay:
            self._relay(1)
            if self._opened_ms is not None and hasattr(self._output, "powered"):
                self._output.powered(t_ms)
        self._closed = True

    def _open_when_dark(self, t_ms: int) -> None:
        if not self._relay or not self._closed or self._identify or self._shown or self._dimmer.target_pm:
            return
        if self._dark_ms is None:
            self._dark_ms = t_ms
        if t_ms - self._dark_ms >= self._off_after_ms:
            self._relay(0)
            self._closed = False
            self._opened_ms = t_ms
            self._dark_ms = None
