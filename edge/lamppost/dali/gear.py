"""The gear of one lamp on its DALI line: follows fades as a lamp's output, and says what the gear knows as events.

- A fade of up to 90 s is the gear's own (fade time, then one direct arc power command); a longer one goes step by step.
- The level is said again each REFRESH_MS: a gear that was without mains comes back at its power-on level.
- The gear is told once to be full when the line is dead and at the power-on level when it gets power, so that a dead
  board darkens nothing.
- Status, power, voltage, power factor and temperature are asked for every minute.
"""

from lamppost.dali import commands, levels, memory
from lamppost.limits import LEVEL_MAX

REFRESH_MS = 10000
ASK_MS = 60000  # the meter takes a value of a minute as the present one
_ASK_AGAIN_MS = 5000  # when a new level came between
_FIRST_ASK_MS = 2000  # a gear is deaf for 0.6 s after it got its mains
_AWAKE_MS = 700  # a gear takes no command in its first 600 ms and then goes to its power-on level by itself
_STEP_CODE = 1  # 0.7 s: smooth from one arc power level to the next of a long fade
_TOLD = (("voltage_dv", "voltage", 100), ("factor_percent", "factor", 10), ("temperature_c", "temp", 10))
_LUMINAIRE = ("gtin", "serial", "rated_w", "luminaire")


class Gear:
    """`address` is an address byte (commands.short, or BROADCAST); `linear`: the gear has the linear dimming curve.

    `status` is the last QUERY STATUS or None, `luminaire` what memory bank 1 says.
    """

    def __init__(self, master, address: int, linear=False, power_on_pm: int = LEVEL_MAX):
        self.status = None
        self.luminaire = None
        self._master = master
        self._address = address
        self._linear = linear
        self._power_on_arc = levels.arc_of(power_on_pm, linear)
        self._arc = None
        self._target_pm = None
        self._code = None
        self._refresh_ms = 0
        self._awake_ms = None
        self._ask_ms = _FIRST_ASK_MS
        self._now_ms = 0
        self._secured = False
        self._events = []

    # --- as the output of a lamp

    def follow(self, level_pm: int, target_pm: int, left_ms: int) -> None:
        """The lamp is at `level_pm` and goes to `target_pm` within `left_ms`."""
        if 0 < left_ms <= levels.FADE_MAX_MS:
            if target_pm != self._target_pm:
                self._go(levels.arc_of(target_pm, self._linear), levels.fade_code(left_ms))
            self._target_pm = target_pm
            return
        if left_ms <= 0 and level_pm == self._target_pm:
            return  # the gear's own fade has brought it there
        self._target_pm = None if left_ms > 0 else level_pm
        arc = levels.arc_of(level_pm, self._linear)
        if arc != self._arc:
            self._go(arc, _STEP_CODE if left_ms > 0 else 0)

    def powered(self, t_ms: int) -> None:
        """The relay has just given the gear its mains: it is told its level as soon as it can hear."""
        self._awake_ms = t_ms + _AWAKE_MS

    def _go(self, arc: int, code: int) -> None:
        self._arc = arc
        frames = [commands.level(self._address, arc)]
        if code != self._code:
            self._code = code
            set_time = commands.command(self._address, commands.SET_FADE_TIME)
            frames = [commands.special(commands.DTR0, code), set_time] + frames
        self._master.urge(frames)

    # --- as a source of events

    def look(self, t_ms: int) -> list:
        """Move the line on; return events for the Post."""
        self._now_ms = t_ms
        self._master.look(t_ms)
        awake = self._awake_ms is not None and t_ms >= self._awake_ms and self._master.idle
        if awake or t_ms >= self._refresh_ms:
            self._refresh_ms = t_ms + REFRESH_MS
            if awake:
                self._awake_ms = None
            if self._arc is not None and self._master.idle:
                self._master.urge([commands.level(self._address, self._arc)])
        if t_ms >= self._ask_ms:
            self._ask_ms = t_ms + ASK_MS
            self._master.start(self._ask(), self._told)
        if not self._events:
            return []
        events, self._events = self._events, []
        return events

    def _ask(self):
        address = self._address
        status = yield commands.command(address, commands.QUERY_STATUS)
        if status is None or status < 0:
            return None, None, None
        if not self._secured:
            yield from self._secure()
            self.luminaire = yield from memory.read(address, memory.LUMINAIRE, _LUMINAIRE)
            self._secured = True
        power = yield from memory.read(address, memory.ENERGY, ("power_mw",))
        gear = yield from memory.read(address, memory.GEAR, ("voltage_dv", "factor_percent", "temperature_c"))
        return status, power, gear

    def _secure(self):
        """Light at mains return and without a line; written into the gear's flash only where it is not so."""
        for query, setting, arc in (
            (commands.QUERY_SYSTEM_FAILURE_LEVEL, commands.SET_SYSTEM_FAILURE_LEVEL, levels.ARC_MAX),
            (commands.QUERY_POWER_ON_LEVEL, commands.SET_POWER_ON_LEVEL, self._power_on_arc),
        ):
            found = yield commands.command(self._address, query)
            if found is not None and 0 <= found != arc:
                yield commands.special(commands.DTR0, arc)
                yield commands.command(self._address, setting)
        self._code = None  # DTR0 was used: the fade time is set anew with the next fade

    def _told(self, found) -> None:
        if found is None:  # a new level came first
            self._ask_ms = self._now_ms + _ASK_AGAIN_MS
            return
        self.status, power, gear = found
        if self.status is None:
            return
        if self.status & commands.POWER_CYCLE_SEEN:
            self._code = None  # its fade time is flash, yet another gear may hang here now
        if power and power["power_mw"] is not None:
            self._events.append(("power", power["power_mw"]))
        self._events.append(("gear", bool(self.status & (commands.GEAR_FAILURE | commands.LAMP_FAILURE))))
        if not gear:
            return
        for name, event, scale in _TOLD:
            if gear[name] is not None:
                self._events.append((event, gear[name] * scale))
